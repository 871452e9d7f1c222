"""The random clusters and the naive evaluator of the policy tests serve here too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "policy"))
