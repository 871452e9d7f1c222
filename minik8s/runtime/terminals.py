"""A pseudo terminal's line discipline (Linux n_tty, canonical mode), with a line history.

Typed bytes are echoed, edited and handed on line by line; what a program writes gets CR LF
line ends. Shells edit lines themselves on a real terminal; here the discipline does it for
them: the arrow keys up and down bring back earlier lines.
"""

from __future__ import annotations

from collections.abc import Callable

from minik8s.guests.base import Input

_ERASE = b"\b \b"
_UP, _DOWN = b"\x1b[A", b"\x1b[B"


class LineDiscipline:
    """Stands between the keyboard and a program's input.

    `echo` writes to the screen, `interrupt` is what Ctrl-C does.
    """

    def __init__(
        self, stdin: Input, echo: Callable[[bytes], None], interrupt: Callable[[], None]
    ) -> None:
        self._stdin = stdin
        self._echo = echo
        self._interrupt = interrupt
        self._line = bytearray()
        self._typed = bytearray()
        self._history: list[bytes] = []
        self._place = 0

    def type(self, data: bytes) -> None:
        """Take typed bytes; they are looked at when the program next reads."""
        self._typed += data

    def pump(self) -> bool:
        """Give the program its next line or signal; False if nothing is complete yet."""
        while self._typed:
            if self._escape():
                continue
            key = self._typed.pop(0)
            if self._press(key):
                return True
        return False

    def _escape(self) -> bool:
        if not self._typed.startswith(b"\x1b["):
            return False
        sequence = bytes(self._typed[:3])
        del self._typed[:3]
        if sequence == _UP:
            self._recall(self._place - 1)
        elif sequence == _DOWN:
            self._recall(self._place + 1)
        return True

    def _recall(self, place: int) -> None:
        if not 0 <= place <= len(self._history):
            return
        self._erase(len(self._line.decode(errors="replace")))
        self._place = place
        text = self._history[place] if place < len(self._history) else b""
        self._line = bytearray(text)
        self._echo(text)

    def _press(self, key: int) -> bool:
        if key in (0x0A, 0x0D):
            return self._enter()
        if key == 0x03:
            self._echo(b"^C")
            self._line.clear()
            self._interrupt()
            return True
        if key == 0x04:
            return self._end_of_file()
        if key in (0x08, 0x7F):
            self._erase(1)
        elif key == 0x15:
            self._erase(len(self._line))
        elif key == 0x17:
            kept = self._line.rstrip().rpartition(b" ")
            self._erase(len(self._line) - len(kept[0]) - len(kept[1]))
        elif key >= 0x20 or key == 0x09:
            self._line.append(key)
            self._echo(bytes([key]))
        return False

    def _enter(self) -> bool:
        line = bytes(self._line)
        self._echo(b"\r\n")
        self._line.clear()
        if line.strip() and (not self._history or self._history[-1] != line):
            self._history.append(line)
        self._place = len(self._history)
        self._stdin.feed(line + b"\n")
        return True

    def _end_of_file(self) -> bool:
        if self._line:
            self._stdin.feed(bytes(self._line))
            self._line.clear()
        else:
            self._stdin.end_of_file()
        return True

    def _erase(self, count: int) -> None:
        for _ in range(count):
            if not self._line:
                return
            last = self._line.pop()
            while 0x80 <= last < 0xC0 and self._line:
                last = self._line.pop()
            self._echo(_ERASE)


def to_screen(data: bytes) -> bytes:
    r"""What a terminal gets to see of a program's output: LF becomes CR LF (ONLCR).

    >>> to_screen(b"HTTP/1.1 200 OK\r\n")
    b'HTTP/1.1 200 OK\r\r\n'
    """
    return data.replace(b"\n", b"\r\n")
