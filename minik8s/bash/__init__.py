"""A bash for pods and terminals, in process: the adapter of the shell engine bashkit.

A `Shell` has files, an environment and programs of its own and reaches nothing of the
machine it runs on. Only `engine.py` knows bashkit.
"""

from __future__ import annotations

from minik8s.bash.aside import Aside, Errand
from minik8s.bash.files import Files
from minik8s.bash.shell import Shell
from minik8s.bash.syntax import is_complete
from minik8s.bash.values import (
    ASH,
    DASH,
    DEFAULT_LIMITS,
    SCRIPT_BASH,
    TYPED_BASH,
    Background,
    Dialect,
    Invocation,
    Limits,
    OnOutput,
    Outcome,
    Program,
    Result,
    TimeUp,
)

__all__ = [
    "ASH",
    "DASH",
    "DEFAULT_LIMITS",
    "SCRIPT_BASH",
    "TYPED_BASH",
    "Aside",
    "Background",
    "Dialect",
    "Errand",
    "Files",
    "Invocation",
    "Limits",
    "OnOutput",
    "Outcome",
    "Program",
    "Result",
    "Shell",
    "TimeUp",
    "is_complete",
]
