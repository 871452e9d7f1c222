"""`kubectl plugin`: this computer has none."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import Failure


def run(call: Call) -> int:
    """`plugin` alone."""
    return require_subcommand(call)


def list(_call: Call) -> None:
    """Look for plugins; a plugin would be a program of its own, and no such program runs here."""
    raise Failure("unable to find any kubectl plugins in your PATH")
