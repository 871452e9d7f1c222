"""This computer's screen."""

from __future__ import annotations

import sys


def write(stream: int, text: str) -> None:
    """Print a piece of output (1) or of errors (2) at once."""
    target = sys.stdout if stream == 1 else sys.stderr
    target.write(text)
    target.flush()
