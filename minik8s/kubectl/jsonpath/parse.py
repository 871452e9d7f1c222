"""From a template's text to its nodes."""

from __future__ import annotations

import re

from minik8s.kubectl.gotext import unquote
from minik8s.kubectl.jsonpath.nodes import (
    Array,
    Bound,
    Field,
    Filter,
    Identifier,
    JSONPathError,
    List,
    Number,
    Recursive,
    Text,
    Union,
    Wildcard,
)

_KEY = re.compile(r"'([^']*)'")
_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)", re.DOTALL)
_TERMINATORS = frozenset(" \t\r\n.,[]$@{}")


def parse(text: str) -> List:
    """The nodes of a template; raises JSONPathError."""
    root = List()
    parser = _Parser(text)
    while parser.place < len(text):
        opening = text.find("{", parser.place)
        if opening < 0:
            opening = len(text)
        if opening > parser.place:
            root.nodes.append(Text(text[parser.place : opening]))
        parser.place = opening + 1
        if opening < len(text):
            action = List()
            root.nodes.append(action)
            parser.action(action)
    return root


def _parse_action(text: str) -> List:
    node = parse("{" + text + "}").nodes[0]
    assert isinstance(node, List)
    return node


class _Parser:
    """A place in a template's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def action(self, nodes: List) -> None:
        """Read up to the closing brace."""
        while not self._take("}"):
            if self._take("[?("):
                nodes.nodes.append(self._filter())
            elif self._take(".."):
                self._recursive(nodes)
            else:
                self._step(nodes)

    def _take(self, prefix: str) -> bool:
        if not self.text.startswith(prefix, self.place):
            return False
        self.place += len(prefix)
        return True

    def _peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def _step(self, nodes: List) -> None:
        char = self._peek()
        if char in ("", "\r", "\n"):
            raise JSONPathError("unclosed action")
        self.place += 1
        if char in " @$":
            return
        if char == "[":
            self._array(nodes)
        elif char in "\"'":
            nodes.nodes.append(self._quoted(char))
        elif char == ".":
            nodes.nodes.append(self._field())
        elif char in "+-" or char.isdigit():
            self.place -= 1
            nodes.nodes.append(self._number())
        elif _alphanumeric(char):
            self.place -= 1
            nodes.nodes.append(self._identifier())
        else:
            raise JSONPathError(f"unrecognized character in action: U+{ord(char):04X} '{char}'")

    def _identifier(self) -> Number | Identifier:
        start = self.place
        while self.place < len(self.text) and self._peek() not in _TERMINATORS:
            self.place += 1
        word = self.text[start : self.place]
        return Number(word == "true") if word in ("true", "false") else Identifier(word)

    def _recursive(self, nodes: List) -> None:
        if nodes.nodes and isinstance(nodes.nodes[-1], Recursive):
            raise JSONPathError("invalid multiple recursive descent")
        nodes.nodes.append(Recursive())
        if _alphanumeric(self._peek()):
            nodes.nodes.append(self._field())

    def _number(self) -> Number:
        start = self.place
        if self._peek() in "+-":
            self.place += 1
        while self._peek() == "." or self._peek().isdigit():
            self.place += 1
        word = self.text[start : self.place]
        for read in (int, float):
            try:
                return Number(read(word))
            except ValueError:
                continue
        raise JSONPathError(f"cannot parse number {word}")

    def _field(self) -> Wildcard | Field:
        start = self.place
        while self.place < len(self.text) and self._peek() not in _TERMINATORS:
            self.place += 2 if self._peek() == "\\" else 1
        word = self.text[start : self.place]
        return Wildcard() if word == "*" else Field(word.replace("\\", ""))

    def _quoted(self, end: str) -> Text:
        start = self.place - 1
        while True:
            char = self._peek()
            if char in ("", "\n"):
                raise JSONPathError("unterminated quoted string")
            self.place += 1
            if char == end and self.text[self.place - 2] != "\\":
                break
        word = self.text[start : self.place]
        try:
            return Text(unquote(word[1:-1], end))
        except ValueError as error:
            raise JSONPathError(f"unquote string {word} error {error}") from None

    def _array(self, nodes: List) -> None:
        start = self.place
        while self._peek() != "]":
            if self._peek() in ("", "\n"):
                raise JSONPathError("unterminated array")
            self.place += 1
        inside = self.text[start : self.place]
        self.place += 1
        inside = ":" if inside == "*" else inside
        parts = inside.split(",")
        if len(parts) > 1:
            lists = tuple(_parse_action(f"[{part.strip(' ')}]") for part in parts)
            nodes.nodes.append(Union(lists))
        elif match := _KEY.fullmatch(inside):
            nodes.nodes += _parse_action(f".{match[1]}").nodes
        else:
            nodes.nodes.append(_slice(inside))

    def _filter(self) -> Filter:
        start = self.place
        self._find_closing()
        inside = self.text[start : self.place - 1]
        if not self._take("]"):
            raise JSONPathError("unclosed array expect ]")
        match = _COMPARISON.fullmatch(inside)
        if match is None:
            return Filter(_parse_action(inside), List(), "exists")
        return Filter(_parse_action(match[1]), _parse_action(match[3]), match[2])

    def _find_closing(self) -> None:
        """Go past the parenthesis that ends a filter; one pair of quotes may hide others."""
        begun = ended = False
        pair = ""
        while True:
            char = self._peek()
            if char in ("", "\n"):
                raise JSONPathError("unterminated filter")
            self.place += 1
            if char in "\"'":
                if not begun:
                    begun, pair = True, char
                elif char == pair and self.text[self.place - 2] != "\\":
                    ended = True
            elif char == ")" and begun == ended:
                return


def _alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdigit()


def _slice(text: str) -> Array:
    match = _SLICE.fullmatch(text)
    if match is None:
        raise JSONPathError(f"invalid array index {text}")
    start = _bound(match[1])
    end = _bound((match[2] or "")[1:])
    if match[2] is None:
        end = Bound(start.value + 1, known=True, derived=True)
    return Array((start, end, _bound((match[3] or "")[1:])))


def _bound(text: str) -> Bound:
    if not text:
        return Bound()
    try:
        return Bound(int(text), known=True)
    except ValueError:
        raise JSONPathError(f"array index {text} is not a number") from None
