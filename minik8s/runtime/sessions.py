"""What `exec` and `attach` hand out: a running program with its three streams."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.clock import Clock
from minik8s.guests.base import Input
from minik8s.runtime.processes import Task
from minik8s.runtime.terminals import LineDiscipline, to_screen


class Screen:
    """Collects what a program writes; a terminal shows both streams as one, with CR LF."""

    def __init__(self, *, tty: bool) -> None:
        self._tty = tty
        self._chunks: list[tuple[int, bytes]] = []

    def write(self, stream: int, data: bytes) -> None:
        """A program's output."""
        if not data:
            return
        if self._tty:
            stream, data = 1, to_screen(data)
        self.show(stream, data)

    def show(self, stream: int, data: bytes) -> None:
        """Bytes as they are; neighbours of one stream are joined."""
        if self._chunks and self._chunks[-1][0] == stream:
            self._chunks[-1] = (stream, self._chunks[-1][1] + data)
        else:
            self._chunks.append((stream, data))

    @property
    def empty(self) -> bool:
        """Whether nothing was written since the last call of `drain`."""
        return not self._chunks

    def drain(self) -> list[tuple[int, bytes]]:
        """What was written since the last call."""
        chunks, self._chunks = self._chunks, []
        return chunks


class ExecSession:
    """A program in a pod, with its streams.

    `run` goes on until the program ends (`exit_code` is set), waits for input, or waits for
    somebody else (`waiting` is "input" or ""). `width` and `height` are the terminal's. The
    session owns a program that `exec` has started, and only visits one by `attach`.
    """

    def __init__(
        self,
        task: Task,
        stdin: Input,
        screen: Screen,
        *,
        tty: bool = False,
        on_close: Callable[[], None] | None = None,
        owner: bool = True,
    ) -> None:
        self.width, self.height = 80, 24
        self._task = task
        self._stdin = stdin
        self._screen = screen
        self._on_close = on_close
        self._owner = owner
        self._keyboard: LineDiscipline | None = None
        if tty:
            self._keyboard = LineDiscipline(
                stdin, lambda data: screen.show(1, data), lambda: task.interrupt("SIGINT")
            )

    @property
    def clock(self) -> Clock:
        """The clock that the program waits on."""
        return self._task.process.clock

    @property
    def stands_still(self) -> bool:
        """Whether the program has ended, or no passing of time will make it go on."""
        return self._task.exit_code is not None or self._task.waits_outside

    @property
    def computing(self) -> bool:
        """Whether the program computes, while its clock stands still."""
        return self._task.computing

    def pump(self) -> bool:
        """Hand on typed keys; moves no clock. False if the program gets nothing of them."""
        return self._keyboard is not None and self.exit_code is None and self._keyboard.pump()

    @property
    def exit_code(self) -> int | None:
        """The program's exit code, None while it runs."""
        return self._task.exit_code

    @property
    def failed(self) -> bool:
        """Whether the program has ended by a mistake of ours."""
        return self._task.failed

    @property
    def waiting(self) -> str:
        """What a running program waits for: "input", or "" for somebody else."""
        return self._task.waiting

    def write_stdin(self, data: bytes) -> None:
        """Give the program input; on a TTY these are keys, and they are echoed."""
        if self._keyboard is not None:
            self._keyboard.type(data)
        elif not self._stdin.closed:
            self._stdin.feed(data)

    def close_stdin(self) -> None:
        """End the program's input."""
        if self._on_close is not None:
            self._on_close()
        else:
            self._stdin.close()

    def resize(self, width: int, height: int) -> None:
        """Tell the terminal's size, in characters."""
        self.width, self.height = width, height

    def run(self, seconds: float | None = None) -> bool:
        """Go on until the program ends, waits for input, or waits for somebody else.

        With `seconds` for no longer than that; False if it could go on at once.
        """
        stood_still = self._task.proceed(seconds)
        while self._keyboard is not None and self.exit_code is None and self._keyboard.pump():
            stood_still = self._task.proceed(seconds)
        return stood_still

    @property
    def has_output(self) -> bool:
        """Whether `output` would give something."""
        return not self._screen.empty

    def output(self) -> list[tuple[int, bytes]]:
        """What was written since the last call: (1 or 2, bytes), in order."""
        return self._screen.drain()

    def signal(self) -> None:
        """Ctrl-C."""
        self._task.interrupt("SIGINT")

    def kill(self) -> None:
        """End the program; who is only attached to it leaves it alone."""
        if self._owner:
            self._task.interrupt("SIGKILL")
        elif self._on_close is not None:
            self._on_close()
