"""The interactive loop: a prompt, a line editor, and the keyboard for programs in front.

The only module of the terminal that touches this computer's own keyboard and screen.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import traceback
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from minik8s.bash import is_complete
from minik8s.terminal.screen import write
from minik8s.terminal.session import CTRL_C, HOME, HOST, USER, Result, Session

_SLICE = 0.05
_OUTPUT = 1
"""The place of the output modes among a terminal's attributes (termios)."""
_END, _ERASE_LINE = "\x04", "\x15"


class Keyboard:
    """Reads lines for a program in front: what is typed shows, Ctrl-C goes to the program."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop
        self._pending = ""

    def read_line(self) -> str | None:
        """A line with its end, Ctrl-C alone, or None at the end of input."""
        with _raw(sys.stdin.fileno()):
            line = ""
            while not self._stop():
                key = self._key()
                if key is None:
                    continue
                if key in ("\r", "\n"):
                    write(1, "\r\n")
                    return line + "\n"
                if key == CTRL_C:
                    write(1, "^C\r\n")
                    return CTRL_C
                if key in ("", _END) and not line:
                    return None
                line = self._edit(line, key)
        return None

    @contextmanager
    def keys(self) -> Iterator[Keyboard]:
        """Let every key go to the program in front, Ctrl-C included."""
        with _raw(sys.stdin.fileno()):
            yield self

    def read(self, seconds: float | None) -> str | None:
        """What is pressed within some seconds, unseen; None at the end of input."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self._stop():
            key = self._key(0.0 if end is not None else _SLICE)
            if key is not None:
                keys, self._pending = key + self._pending, ""
                return keys or None
            if end is not None:
                rest = end - time.monotonic()
                if rest <= 0:
                    return ""
                time.sleep(min(_SLICE, rest))
        return None

    def _edit(self, line: str, key: str) -> str:
        if key in ("\x7f", "\b"):
            if line:
                write(1, "\b \b")
            return line[:-1]
        if key == _ERASE_LINE:
            write(1, "\b \b" * len(line))
            return ""
        if key.isprintable():
            write(1, key)
            return line + key
        return line

    def _key(self, seconds: float = _SLICE) -> str | None:
        """The next key, None if none came in time; the empty string at the end of input."""
        if not self._pending:
            ready, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
            if not ready:
                return None
            data = os.read(sys.stdin.fileno(), 1024)
            if not data:
                return ""
            self._pending = data.decode(errors="replace")
        key, self._pending = self._pending[0], self._pending[1:]
        return key


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSANOW)
    raw = termios.tcgetattr(descriptor)
    raw[_OUTPUT] |= termios.OPOST | termios.ONLCR  # a job in the background prints as always
    termios.tcsetattr(descriptor, termios.TCSANOW, raw)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class Console:
    """A person in front of a session; simulated time follows real time between commands."""

    def __init__(self, session: Session, complete: Callable[[str], list[str]]) -> None:
        self._session = session
        self._complete = complete
        self._matches: list[str] = []
        self._last = time.monotonic()

    def run(self) -> int:
        """Read and run commands until `exit` or Ctrl-D; the last exit code."""
        self._set_up_editor()
        code = 0
        while True:
            try:
                text = self._read()
            except KeyboardInterrupt:
                write(1, "^C\n")
                continue
            if text is None:
                write(1, "exit\n")
                return code
            try:
                result = self._run(text)
            except Exception:  # noqa: BLE001 - the person sees it, and keeps their cluster
                write(2, f"minik8s: an error of the simulation itself:\n{traceback.format_exc()}")
                continue
            code = result.exit_code
            if result.exited:
                return code

    def _run(self, text: str) -> Result:
        self._follow_clock()
        result = self._session.run(text)
        if result.error == "interrupted":
            write(1, "\n")
        self._last = time.monotonic()
        return result

    def _follow_clock(self) -> None:
        now = time.monotonic()
        timeline = self._session.timeline
        timeline.run_until(timeline.now + now - self._last)
        self._last = now

    def _read(self) -> str | None:
        """One complete command, over several lines if need be; None at the end of input."""
        text = ""
        while True:
            try:
                line = input("> " if text else self._prompt())
            except EOFError:
                return text or None
            text += line + "\n"
            if is_complete(text):
                return text

    def _prompt(self) -> str:
        cwd = self._session.shell.cwd
        shown = "~" + cwd[len(HOME) :] if cwd == HOME or cwd.startswith(HOME + "/") else cwd
        # \001 and \002 tell readline that what is between them has no width.
        green, blue, end = "\001\033[1;32m\002", "\001\033[1;34m\002", "\001\033[0m\002"
        return f"{green}{USER}@{HOST}{end}:{blue}{shown}{end}$ "

    def _set_up_editor(self) -> None:
        try:
            import readline
        except ImportError:  # pragma: no cover - a Python without readline
            return
        readline.set_completer_delims(" \t\n;|&(<>=")
        readline.set_completer(self._completed)
        readline.parse_and_bind("tab: complete")
        readline.parse_and_bind("set enable-bracketed-paste off")
        readline.set_auto_history(True)

    def _completed(self, _word: str, number: int) -> str | None:
        """What readline asks for: one completion after the other."""
        import readline

        if number == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            start = len(line[: readline.get_begidx()])
            self._matches = [self._cut(match, line, start) for match in self._complete(line)]
        return self._matches[number] if number < len(self._matches) else None

    @staticmethod
    def _cut(match: str, line: str, start: int) -> str:
        """The part of a completion that stands where readline puts it."""
        blank = max(line.rfind(" "), line.rfind("\t")) + 1
        return match[max(0, start - blank) :]
