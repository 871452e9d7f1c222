"""kubectl 1.37 in process: the same words, over `minik8s.client`.

`main(argv, io)` runs one command and gives its exit code.
"""

from __future__ import annotations

from minik8s.kubectl.io import IO, MemoryIO

__all__ = ["IO", "MemoryIO", "main"]


def main(argv: list[str], io: IO) -> int:
    """Run `kubectl ARGV...` and give the exit code; writes only through `io`."""
    from minik8s.kubectl.run import run

    return run(argv, io)
