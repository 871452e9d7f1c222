"""The course: lessons, pictures, and what plays and checks them."""

from __future__ import annotations

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext course`: the magics `%lesson` and `%%terminal`."""
    from course.magics import register  # IPython is there only inside a notebook

    register(shell)
