"""YAML as kubectl prints it: JSON made into block YAML by go-yaml v2 (sigs.k8s.io/yaml).

Keys are in natural order (`a2` before `a10`), a list stands at the indentation of its key, a
text is quoted only where it would be read as something else, and a line is broken at the first
single space beyond column 80.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import format_g
from minik8s.kubectl.yamlscalar import stays_text

_ESCAPES = {
    "\0": "0",
    "\a": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\xa0": "_",
    "\u2028": "L",
    "\u2029": "P",
}
_CONTROL = re.compile("[\x7f-\x84\x86-\x9f]")
"""What encoding/json leaves in a text and go-yaml refuses to read."""

_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_LONGEST_KEY = 128
_WIDTH = 80


def yaml_text(value: Any) -> str:
    """A JSON value as a YAML document, with its last line end.

    >>> print(yaml_text({"b": ["1", 1], "a": {}}), end="")
    a: {}
    b:
    - "1"
    - 1
    """
    lines: list[str] = []
    if isinstance(value, Mapping) and value:
        _mapping(value, 0, "", lines)
    elif isinstance(value, list) and value:
        _sequence(value, 0, "", lines)
    else:
        lines.append(_leaf(value, "", 0))
    return "\n".join(lines) + "\n"


def _mapping(value: Mapping[str, Any], indent: int, lead: str, lines: list[str]) -> None:
    for key in natural_order(value):
        start = lead or " " * indent
        lead = ""
        word = _key(key)
        if len(key.encode()) > _LONGEST_KEY or "\n" in key:
            lines.append(f"{start}? {word}")
            start, word = " " * indent, ""
        item = value[key]
        if isinstance(item, Mapping) and item:
            lines.append(f"{start}{word}:")
            _mapping(item, indent + 2, "", lines)
        elif isinstance(item, list) and item:
            lines.append(f"{start}{word}:")
            _sequence(item, indent, "", lines)
        else:
            lines.append(_leaf(item, f"{start}{word}: ", indent))


def _sequence(value: list[Any], indent: int, lead: str, lines: list[str]) -> None:
    for item in value:
        start = (lead or " " * indent) + "- "
        lead = ""
        if isinstance(item, Mapping) and item:
            _mapping(item, indent + 2, start, lines)
        elif isinstance(item, list) and item:
            _sequence(item, indent + 2, start, lines)
        else:
            lines.append(_leaf(item, start, indent))


def _leaf(value: Any, start: str, indent: int) -> str:
    """A line that begins with `start` and ends with a value (and the lines that it goes on for)."""
    if isinstance(value, str):
        return start + _scalar(value, len(start), indent + 2)
    if value is None:
        return start + "null"
    if isinstance(value, bool):
        return start + ("true" if value else "false")
    if isinstance(value, float):
        return start + _float(value)
    if isinstance(value, int):
        return start + str(value)
    return start + ("{}" if isinstance(value, Mapping) else "[]")


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e19 else format_g(value)


def _key(text: str) -> str:
    if not text:
        return '""'
    if "\n" in text or not stays_text(text):
        return _double(text)
    analysis = _Analysis(text)
    if analysis.plain:
        return text
    return _single(text) if analysis.single else _double(text)


def _scalar(text: str, column: int, indent: int) -> str:
    if not text:
        return '""'
    analysis = _Analysis(text)
    if "\n" in text and analysis.block:
        return _literal(text, indent)
    if "\n" in text or not stays_text(text):
        return _fold(_double(text), column, indent, "\\")
    if analysis.plain:
        return _fold(text, column, indent, "")
    if analysis.single:
        return _fold(_single(text), column, indent, "")
    return _fold(_double(text), column, indent, "\\")


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fold(text: str, column: int, indent: int, continued: str) -> str:
    """A text broken into lines; with `continued`, also where several spaces stand together."""
    if column + len(text) <= _WIDTH or " " not in text:
        return text
    pieces, spaces, last = [], False, len(text) - 1
    for place, char in enumerate(text):
        if char != " ":
            spaces = False
        elif not spaces and column > _WIDTH and _breaks(text, place, last, continued):
            more = continued if text[place + 1] == " " else ""
            pieces.append("\n" + " " * indent + more)
            column, spaces = indent + len(more), True
            continue
        else:
            spaces = True
        pieces.append(char)
        column += 1
    return "".join(pieces)


def _breaks(text: str, place: int, last: int, continued: str) -> bool:
    """Whether a space may become a line end: not at the edges of a quoted text."""
    if text[0] in "'\"" and (place == 1 or place >= last - 1):
        return False
    return bool(continued) or text[place + 1 : place + 2] != " "


class _Analysis:
    """Which styles a text can be written in (go-yaml's analyze_scalar)."""

    __slots__ = ("block", "plain", "single")

    def __init__(self, text: str) -> None:
        special = not all(map(_printable, text))
        if special and _CONTROL.search(text):
            raise Failure("yaml: control characters are not allowed")
        space_break = " \n" in text
        self.single = not (special or space_break or "\n " in text)
        self.block = not (special or space_break or text.endswith(" "))
        edges = text[0] in " \n" or text[-1] in " \n"
        self.plain = self.single and not (edges or "\n" in text or _indicators(text))


def _printable(char: str) -> bool:
    code = ord(char)
    if code < 0x7F:
        return code >= 0x20 or char == "\n"
    return 0xA0 <= code <= 0xFFFD and code != 0xFEFF and not 0xD800 <= code <= 0xDFFF


def _indicators(text: str) -> bool:
    """Whether some character would mean something to a YAML reader."""
    if text.startswith(("---", "...")) or text[0] in _FIRST:
        return True
    if text[0] in "?:-" and text[1:2] in ("", " ", "\t"):
        return True
    return ": " in text or ":\t" in text or text.endswith(":") or " #" in text


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        hint += "-"
    elif text == "\n" or text.endswith("\n\n"):
        hint += "+"
    body = text.removesuffix("\n")
    pad = " " * indent
    return f"|{hint}\n" + "\n".join(pad + line if line else "" for line in body.split("\n"))


def _double(text: str) -> str:
    # go-yaml takes every character of a text that begins with a byte order mark for one.
    write = _code if text.startswith("\ufeff") else _escaped
    return '"' + "".join(map(write, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES and (char in '"\\\n' or not _printable(char) or char in "\u2028\u2029"):
        return "\\" + _ESCAPES[char]
    return char if _printable(char) else _code(char)


def _code(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def natural_order(keys: Mapping[str, Any]) -> list[str]:
    """Keys as go-yaml sorts them: numbers inside by value, signs before letters."""
    names = list(keys)
    if all(name.isascii() and name.isalpha() for name in names):
        return sorted(names)
    return sorted(names, key=cmp_to_key(_compare))


def _compare(one: str, other: str) -> int:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left == right:
            continue
        letters = left.isalpha(), right.isalpha()
        if all(letters):
            return -1 if left < right else 1
        if any(letters):
            return -1 if letters[1] else 1
        return _compare_digits(one, other, place)
    return len(one) - len(other)


def _compare_digits(one: str, other: str, place: int) -> int:
    lead = 0
    if "0" in (one[place], other[place]):
        before = place - 1
        while before >= 0 and one[before].isdigit():
            if one[before] != "0":
                lead = 1
                break
            before -= 1
    left, right = _digits(one, place), _digits(other, place)
    numbers = int(f"{lead}{left}"), int(f"{lead}{right}")
    if numbers[0] != numbers[1]:
        return -1 if numbers[0] < numbers[1] else 1
    if len(left) != len(right):
        return -1 if len(left) < len(right) else 1
    return -1 if one[place] < other[place] else 1


def _digits(text: str, place: int) -> str:
    end = place
    while end < len(text) and text[end].isdigit():
        end += 1
    return text[place:end]
