"""`python -m minik8s` is the `minik8s` command."""

from minik8s.cli import main

raise SystemExit(main())
