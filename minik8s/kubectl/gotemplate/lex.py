"""From a template's text to its tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from minik8s.kubectl.gotext import quote

_SPACE = " \t\r\n"
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*"
    r"|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
KEYWORDS = frozenset(
    [
        "block",
        "break",
        "continue",
        "define",
        "else",
        "end",
        "if",
        "range",
        "nil",
        "template",
        "with",
    ]
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its type, its place, its text and its line."""

    type: str
    place: int
    text: str
    line: int

    def __str__(self) -> str:
        if self.type == "EOF":
            return "EOF"
        if self.type == "error":
            return self.text
        if self.type in KEYWORDS or self.type == "dot":
            return f"<{self.text}>"
        if len(self.text) > 10:
            return quote(self.text[:10]) + "..."
        return quote(self.text)


class _LexError(Exception):
    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a template; ends with one of type `EOF` or `error`."""

    def token(kind: str, start: int, word: str) -> Token:
        return Token(kind, start, word, 1 + text.count("\n", 0, start))

    try:
        for kind, start, word in _Lexer(text).run():
            yield token(kind, start, word)
    except _LexError as error:
        yield token("error", error.place, str(error))
        return
    yield token("EOF", len(text), "EOF")


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def run(self) -> Iterator[tuple[str, int, str]]:
        while self.place < len(self.text):
            opening = self.text.find("{{", self.place)
            end = len(self.text) if opening < 0 else opening
            trims = opening >= 0 and self._trims_left(end + 2)
            plain = self.text[self.place : end]
            plain = plain.rstrip(_SPACE) if trims else plain
            if plain:
                yield "text", self.place, plain
            if opening < 0:
                return
            self.place = end + (4 if trims else 2)
            if self.text.startswith("/*", self.place):
                self._comment()
                continue
            yield "left", end, "{{"
            yield from self._action()

    def _trims_left(self, place: int) -> bool:
        return self.text[place : place + 1] == "-" and self._char(place + 1) in _SPACE

    def _char(self, place: int) -> str:
        return self.text[place : place + 1] or "\0"

    def _comment(self) -> None:
        start = self.place
        end = self.text.find("*/", start + 2)
        if end < 0:
            raise _LexError(start, "unclosed comment")
        self.place = end + 2
        if not self._close():
            raise _LexError(start, "comment ends before closing delimiter")

    def _close(self) -> bool:
        """Go past `}}` (with its trimming), if it stands here."""
        if self._char(self.place) in _SPACE and self.text.startswith("-}}", self.place + 1):
            self.place += 4
            while self._char(self.place) in _SPACE:
                self.place += 1
            return True
        if self.text.startswith("}}", self.place):
            self.place += 2
            return True
        return False

    def _action(self) -> Iterator[tuple[str, int, str]]:
        depth = 0
        while True:
            start = self.place
            if self._close():
                if depth:
                    raise _LexError(start, "unclosed left paren")
                yield "right", start, "}}"
                return
            kind = self._token(start)
            depth += {"(": 1, ")": -1}.get(kind, 0)
            if depth < 0:
                raise _LexError(start, "unexpected right paren")
            yield kind, start, self.text[start : self.place]

    def _token(self, start: int) -> str:
        if start >= len(self.text):
            raise _LexError(start, "unclosed action")
        char = self.text[start]
        self.place += 1
        if char in _SPACE:
            return self._spaces()
        if char in "=|()":
            return char
        if char == ":":
            if self._char(self.place) != "=":
                raise _LexError(start, "expected :=")
            self.place += 1
            return ":="
        if char in "\"'`":
            return self._quoted(start, char)
        if char == "$" or (char == "." and not self._char(self.place).isdigit()):
            return self._name(start, "variable" if char == "$" else "field")
        if char in "+-." or (char.isascii() and char.isdigit()):
            return self._number(start)
        if _alphanumeric(char):
            return self._word(start)
        if char.isascii() and char.isprintable():
            return "char"
        raise _LexError(start, f"unrecognized character in action: {_unicode(char)}")

    def _spaces(self) -> str:
        while self._char(self.place) in _SPACE and not self._closing(self.place):
            self.place += 1
        return "space"

    def _closing(self, place: int) -> bool:
        return self.text.startswith("-}}", place + 1)

    def _quoted(self, start: int, mark: str) -> str:
        kind, escapes = {
            '"': ("quoted string", True),
            "'": ("character constant", True),
            "`": ("raw quoted string", False),
        }[mark]
        while self.place < len(self.text) and self.text[self.place] != mark:
            if escapes and self.text[self.place] == "\\":
                self.place += 1
            if escapes and self._char(self.place) == "\n":
                break
            self.place += 1
        if self._char(self.place) != mark:
            raise _LexError(start, f"unterminated {kind}")
        self.place += 1
        return "character" if mark == "'" else "string"

    def _name(self, start: int, kind: str) -> str:
        while _alphanumeric(self._char(self.place)):
            self.place += 1
        self._check_terminator(start)
        alone = self.place == start + 1
        return "dot" if alone and kind == "field" else kind

    def _word(self, start: int) -> str:
        while _alphanumeric(self._char(self.place)):
            self.place += 1
        self._check_terminator(start)
        word = self.text[start : self.place]
        if word in KEYWORDS:
            return word
        return "bool" if word in ("true", "false") else "identifier"

    def _check_terminator(self, start: int) -> None:
        char = self._char(self.place)
        ends = self.place >= len(self.text) or char in _SPACE or char in ".,|:)("
        if not ends and not self.text.startswith("}}", self.place):
            raise _LexError(start, f"bad character {_unicode(char)}")

    def _number(self, start: int) -> str:
        match = _NUMBER.match(self.text, start)
        assert match is not None
        self.place = match.end()
        if _alphanumeric(self._char(self.place)):
            self.place += 1
            raise _LexError(start, f"bad number syntax: {quote(self.text[start : self.place])}")
        return "number"


def _alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdigit()


def _unicode(char: str) -> str:
    return f"U+{ord(char):04X} '{char}'"
