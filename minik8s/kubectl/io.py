"""What the program kubectl has around it: streams, files, an editor, a kubeconfig.

Nothing of the host is reached: whoever runs kubectl (the terminal, a test, the Python façade)
hands it an `IO`. `MemoryIO` keeps everything in memory.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from minik8s.client import Contexts

Dial = Callable[[], object]
"""Opens one forwarded connection to the pod; the result is a `network.Connection`."""


class Keys(Protocol):
    """A keyboard whose keys go to a program as they are, Ctrl-C included."""

    def read(self, seconds: float | None) -> str | None:
        """What is pressed within real seconds (None: however long it takes).

        The empty string if nothing was, None at the end of input.
        """


class _NoKeys:
    """A keyboard that nobody sits at."""

    def read(self, seconds: float | None) -> str | None:
        del seconds
        return None


class IO(Protocol):
    """The surroundings of one kubectl process."""

    contexts: Contexts
    stdin: str | None
    """All of standard input, or None where it is a terminal or closed."""
    tty: bool
    """Whether standard input and output are a terminal (what `-t` needs)."""
    background: bool
    """Whether the command runs as a job (`&`)."""
    interactive: bool
    """Whether a person types; then `read_line` gives what they type."""
    env: Mapping[str, str]
    cwd: str

    def out(self, text: str) -> None:
        """Write to standard output."""

    def err(self, text: str) -> None:
        """Write to standard error."""

    def read_line(self) -> str | None:
        """The next line that a person types, with its line end; None at the end of input."""

    def keyboard(self) -> AbstractContextManager[Keys]:
        """The person's keyboard, for a program that shows and edits what is typed itself."""

    def read_file(self, path: str) -> bytes:
        """A file's bytes; raises FileNotFoundError or IsADirectoryError."""

    def list_dir(self, path: str) -> list[str]:
        """The names in a folder; raises FileNotFoundError or NotADirectoryError."""

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, making the folders above it."""

    def edit(self, text: str, path: str) -> str:
        """Let the person's editor (KUBE_EDITOR, EDITOR) change a text kept at `path`."""

    def now(self) -> float:
        """The moment on this computer's clock, in seconds since 1970."""

    def follow(self, pump: Callable[[], bool]) -> int:
        """Go on until Ctrl-C and give the exit code.

        `pump` writes what has arrived since the last call, and is False once the stream has
        ended. A script calls it once; a job calls it after each later command; in front of a
        person it is called until they press Ctrl-C.
        """

    def listen(self, port: int, dial: Dial) -> int:
        """Open a port of this computer, 0 for any free one, and give its number.

        Each connection to it calls `dial`. Raises OSError when the port is taken.
        """


class MemoryIO:
    """Streams and files in memory: for tests, scripts and the Python façade."""

    def __init__(
        self,
        contexts: Contexts,
        *,
        stdin: str | None = None,
        files: Mapping[str, bytes] | None = None,
        now: Callable[[], float] = lambda: 0.0,
        tty: bool = False,
    ) -> None:
        self.contexts = contexts
        self.stdin = stdin
        self.tty = tty
        self.background = False
        self.interactive = False
        self.env: Mapping[str, str] = {}
        self.cwd = "/"
        self.files: dict[str, bytes] = {self._path(k): v for k, v in (files or {}).items()}
        self.editor: Callable[[str], str] = lambda text: text
        self.ports: dict[int, Dial] = {}
        self.written: list[tuple[int, str]] = []
        self._now = now

    @property
    def stdout(self) -> str:
        """Everything written to standard output."""
        return "".join(text for stream, text in self.written if stream == 1)

    @property
    def stderr(self) -> str:
        """Everything written to standard error."""
        return "".join(text for stream, text in self.written if stream == 2)

    def _path(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(getattr(self, "cwd", "/"), path))

    def out(self, text: str) -> None:
        """Keep a piece of standard output."""
        self.written.append((1, text))

    def err(self, text: str) -> None:
        """Keep a piece of standard error."""
        self.written.append((2, text))

    def read_line(self) -> str | None:
        """Nobody types here."""
        return None

    def keyboard(self) -> AbstractContextManager[Keys]:
        """Nobody types here."""
        return nullcontext(_NoKeys())

    def read_file(self, path: str) -> bytes:
        """A file's bytes."""
        full = self._path(path)
        if full in self.files:
            return self.files[full]
        if self._children(full):
            raise IsADirectoryError(path)
        raise FileNotFoundError(path)

    def list_dir(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        full = self._path(path)
        if full in self.files:
            raise NotADirectoryError(path)
        names = self._children(full)
        if not names and full != "/":
            raise FileNotFoundError(path)
        return sorted(names)

    def _children(self, folder: str) -> set[str]:
        prefix = folder.rstrip("/") + "/"
        return {f[len(prefix) :].split("/")[0] for f in self.files if f.startswith(prefix)}

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file."""
        self.files[self._path(path)] = data

    def edit(self, text: str, path: str) -> str:
        """What `editor` makes of the text."""
        edited = self.editor(text)
        self.files[self._path(path)] = edited.encode()
        return edited

    def now(self) -> float:
        """The moment, as the function given at the start tells it."""
        return self._now()

    def follow(self, pump: Callable[[], bool]) -> int:
        """Write what has arrived so far."""
        pump()
        return 0

    def listen(self, port: int, dial: Dial) -> int:
        """Remember who answers on a port."""
        if port in self.ports:
            raise OSError(port)
        number = port or next(n for n in range(40000, 65536) if n not in self.ports)
        self.ports[number] = dial
        return number
