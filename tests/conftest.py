"""The fixtures of `minik8s.testing`, also where the package is not installed as a plugin."""

from __future__ import annotations

pytest_plugins = ["minik8s.testing"]
