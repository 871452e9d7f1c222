"""What a program of the laptop has around it: streams, files, clock, ports, a person."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from minik8s.bash import Files, Invocation, Outcome
from minik8s.client import Contexts
from minik8s.terminal.timeline import Timeline, current_actor

if TYPE_CHECKING:
    from minik8s.network import Connection

Dial = Callable[[], object]
"""Opens one forwarded connection to a pod; the result is a `network.Connection`."""

Command = Callable[[list[str], "LaptopIO"], int]
"""A program of the laptop: runs with its arguments, writes through the IO, gives its exit code."""


class Keys(Protocol):
    """A keyboard whose keys go to a program as they are, Ctrl-C included."""

    def read(self, seconds: float | None) -> str | None:
        """What is pressed within real seconds (None: however long it takes).

        The empty string if nothing was, None at the end of input.
        """


class Surroundings(Protocol):
    """What the terminal gives to each of its programs."""

    contexts: Contexts
    files: Files
    timeline: Timeline
    tty: bool
    ports: dict[int, Dial]

    @property
    def interactive(self) -> bool:
        """Whether somebody sits at the keyboard."""

    def show(self, stream: int, text: str) -> None:
        """Print on the screen at once."""

    def read_line(self) -> str | None:
        """The next line that the person types."""

    def keyboard(self) -> AbstractContextManager[Keys]:
        """The person's keyboard, unseen and unedited."""

    def follow(self, pump: Callable[[], bool]) -> int:
        """Pump as long as this form of terminal does."""

    def edit(self, text: str, path: str, env: Mapping[str, str]) -> str:
        """Have the person's editor change a text."""

    def run_inner(self, call: Invocation, words: list[str], user: str | None = None) -> Outcome:
        """Run a command as a process of its own."""


class LaptopIO:
    """The surroundings of one running program (`kubectl.IO` is part of it).

    With `direct` what it writes appears at once; otherwise it is kept until the program ends,
    because it goes into a pipe, a file or a variable.
    """

    def __init__(self, terminal: Surroundings, call: Invocation, *, direct: bool) -> None:
        self.terminal = terminal
        self.call = call
        self.contexts = terminal.contexts
        self.stdin = call.stdin
        self.tty = terminal.tty and call.stdin is None
        self.background = call.background or current_actor() is not None
        self.interactive = terminal.interactive and direct and not self.background
        self.env: Mapping[str, str] = call.env
        self.cwd = call.cwd
        self.direct = direct
        self._texts: tuple[list[str], list[str]] = ([], [])
        self._listening: list[int] = []

    # -- streams

    def out(self, text: str) -> None:
        """Write to standard output."""
        self._write(1, text)

    def err(self, text: str) -> None:
        """Write to standard error."""
        self._write(2, text)

    def _write(self, stream: int, text: str) -> None:
        if self.direct:
            self.terminal.show(stream, text)
        else:
            self._texts[stream - 1].append(text)

    def take(self) -> tuple[str, str]:
        """What has been kept of the two streams."""
        out, err = ("".join(texts) for texts in self._texts)
        return out, err

    def read_line(self) -> str | None:
        """The next line that a person types, with its line end; None at the end of input."""
        return self.terminal.read_line() if self.interactive else None

    def keyboard(self) -> AbstractContextManager[Keys]:
        """The person's keyboard, for a program that shows and edits what is typed itself."""
        return self.terminal.keyboard()

    # -- files

    def path(self, name: str) -> str:
        """The absolute path of a name."""
        return posixpath.normpath(posixpath.join(self.cwd, name))

    @property
    def files(self) -> Files:
        """The laptop's files."""
        return self.terminal.files

    def read_file(self, path: str) -> bytes:
        """A file's bytes; raises FileNotFoundError or IsADirectoryError."""
        return self.files.read(self.path(path))

    def list_dir(self, path: str) -> list[str]:
        """The names in a folder; raises FileNotFoundError or NotADirectoryError."""
        return self.files.list(self.path(path))

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, making the folders above it."""
        self.files.write(self.path(path), data)

    def edit(self, text: str, path: str) -> str:
        """Let the person's editor (KUBE_EDITOR, EDITOR) change a text kept at `path`."""
        return self.terminal.edit(text, path, self.env)

    # -- time, network

    def now(self) -> float:
        """The moment on this computer's clock, in seconds since 1970."""
        return self.terminal.timeline.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.terminal.timeline.advance(seconds)

    def follow(self, pump: Callable[[], bool]) -> int:
        """Go on until Ctrl-C and give the exit code; a script pumps once.

        What goes into a pipe or a file ends after the first pump as well, but for a job that
        others reach by its port: `kubectl port-forward ... > /dev/null &`.
        """
        serves = self._listening and current_actor() is not None
        if not (self.direct or serves):
            pump()
            return 0
        return self.terminal.follow(pump)

    def listen(self, port: int, dial: Dial) -> int:
        """Open a port of this computer; raises OSError when it is taken."""
        ports = self.terminal.ports
        if port in ports:
            raise OSError(f"listen tcp4 127.0.0.1:{port}: bind: address already in use")
        number = port or next(n for n in range(40000, 65536) if n not in ports)
        ports[number] = dial
        self._listening.append(number)
        return number

    def dial(self, port: int) -> Connection | None:
        """A connection to a port of this computer, None if nobody listens there."""
        dial = self.terminal.ports.get(port)
        return dial() if dial is not None else None  # type: ignore[return-value]

    def close(self) -> None:
        """The program has ended: its ports are free again."""
        for port in self._listening:
            self.terminal.ports.pop(port, None)

    def run(self, words: list[str], user: str | None = None) -> int:
        """Run another command to its end, in this program's streams."""
        outcome = self.terminal.run_inner(self.call, words, user)
        self.out(outcome.stdout)
        self.err(outcome.stderr)
        return outcome.exit_code
