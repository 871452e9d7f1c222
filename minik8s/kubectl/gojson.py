"""Why encoding/json refuses a text: its messages and offsets."""

from __future__ import annotations

import re

_SPACE = re.compile(r"[ \t\r\n]*")
_HEX = "0123456789abcdefABCDEF"


class JSONSyntaxError(Exception):
    """A text that is not JSON; `offset` counts the bytes read, the bad one included."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class UnexpectedEnd(Exception):
    """A text that stops in the middle of a JSON value."""


def check(text: str, start: int = 0) -> int:
    """The place after the JSON value that begins at `start`; raises what is wrong with it."""
    return _Scanner(text, start).value()


class _Scanner:
    def __init__(self, text: str, place: int) -> None:
        self.text = text
        self.place = place

    def _next(self) -> str:
        if self.place >= len(self.text):
            raise UnexpectedEnd("unexpected EOF")
        self.place += 1
        return self.text[self.place - 1]

    def _skip(self) -> str:
        match = _SPACE.match(self.text, self.place)
        assert match is not None
        self.place = match.end()
        return self._next()

    def _fail(self, char: str, context: str) -> JSONSyntaxError:
        shown = {"'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'"}.get(char, f"'{char}'")
        offset = len(self.text[: self.place].encode())
        return JSONSyntaxError(f"invalid character {shown} {context}", offset)

    def value(self) -> int:
        """Go past one value, without recursion into what it contains."""
        closers: list[str] = []
        while True:
            char = self._skip()
            if char in "{[" and self._open(char, closers):
                continue
            if char not in "{[":
                self._simple(char)
            if not self._after(closers):
                return self.place

    def _open(self, char: str, closers: list[str]) -> bool:
        """Enter an object or an array; False if it is empty."""
        closer = "}" if char == "{" else "]"
        before = self.place
        if self._skip() == closer:
            return False
        self.place = before
        closers.append(closer)
        if closer == "}":
            self._key()
        return True

    def _after(self, closers: list[str]) -> bool:
        """Go on after a value; False once the outermost has ended."""
        while closers:
            char = self._skip()
            if char == ",":
                if closers[-1] == "}":
                    self._key()
                return True
            if char != closers[-1]:
                what = "object key:value pair" if closers[-1] == "}" else "array element"
                raise self._fail(char, f"after {what}")
            closers.pop()
        return False

    def _key(self) -> None:
        char = self._skip()
        if char != '"':
            raise self._fail(char, "looking for beginning of object key string")
        self._string()
        char = self._skip()
        if char != ":":
            raise self._fail(char, "after object key")

    def _simple(self, char: str) -> None:
        if char == '"':
            self._string()
        elif char in "tfn":
            word = {"t": "true", "f": "false", "n": "null"}[char]
            for expected in word[1:]:
                char = self._next()
                if char != expected:
                    raise self._fail(char, f"in literal {word} (expecting '{expected}')")
        elif char == "-" or char.isdigit():
            self._number(char)
        else:
            raise self._fail(char, "looking for beginning of value")

    def _string(self) -> None:
        while (char := self._next()) != '"':
            if char < " ":
                raise self._fail(char, "in string literal")
            if char != "\\":
                continue
            char = self._next()
            if char == "u":
                for _ in range(4):
                    if (char := self._next()) not in _HEX:
                        raise self._fail(char, "in \\u hexadecimal character escape")
            elif char not in 'bfnrt\\/"':
                raise self._fail(char, "in string escape code")

    def _number(self, char: str) -> None:
        if char == "-":
            char = self._next()
            if not char.isdigit():
                raise self._fail(char, "in numeric literal")
        if char != "0":
            self._digits()
        if self._peek() == ".":
            self.place += 1
            self._need_digit("after decimal point in numeric literal")
        if self._peek() in ("e", "E"):
            self.place += 1
            if self._peek() in ("+", "-"):
                self.place += 1
            self._need_digit("in exponent of numeric literal")

    def _peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def _digits(self) -> None:
        while self._peek().isdigit():
            self.place += 1

    def _need_digit(self, context: str) -> None:
        char = self._next()
        if not char.isdigit():
            raise self._fail(char, context)
        self._digits()
