"""From a command line to an exit code."""

from __future__ import annotations

from minik8s.kubectl.io import IO


def run(argv: list[str], io: IO) -> int:
    """Find the command, parse its flags, run it, and print what went wrong."""
    io.err(f'error: unknown command "{argv[0] if argv else ""}" for "kubectl"\n')
    return 1
