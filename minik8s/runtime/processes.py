"""Run programs: carry out their effects on a network host and a clock.

A *task* is one started program. It goes on until it must wait, and is taken up again by the
event that it waits for (a packet, a timer, input), whoever steps the clock. `Tasks.finish`
steps the clock itself until a task has ended.
"""

from __future__ import annotations

from minik8s.guests.base import Process, Program


class Task:
    """One started program; `exit_code` is None while it runs."""

    def __init__(self, process: Process, program: Program) -> None:
        self.process = process
        self.program = program
        self.exit_code: int | None = None
        raise NotImplementedError

    def start(self) -> None:
        """Run until the first wait."""
        raise NotImplementedError

    def finish(self) -> bool:
        """Step the clock until the program has ended; False if it waits for the outside."""
        raise NotImplementedError

    def interrupt(self, signal: str = "SIGINT") -> None:
        """Send the program a signal."""
        raise NotImplementedError


class ExecSession:
    """A program in a pod with its streams, as `exec` and `attach` hand it out."""

    exit_code: int | None

    def write_stdin(self, data: bytes) -> None:
        """Give the program input; on a TTY the line discipline sees it first."""
        raise NotImplementedError

    def close_stdin(self) -> None:
        """End the program's input."""
        raise NotImplementedError

    def resize(self, width: int, height: int) -> None:
        """Tell the terminal's size, in characters."""
        raise NotImplementedError

    def run(self) -> None:
        """Go on until the program ends, waits for input, or waits for somebody else."""
        raise NotImplementedError

    def output(self) -> list[tuple[int, bytes]]:
        """What was written since the last call: (1 or 2, bytes), in order."""
        raise NotImplementedError

    def kill(self) -> None:
        """End the program."""
        raise NotImplementedError
