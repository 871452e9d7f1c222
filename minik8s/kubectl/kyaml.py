"""KYAML: YAML with braces, which no indentation can change (`-o kyaml`, sigs.k8s.io/yaml/kyaml)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minik8s.kubectl.gotext import json_float, parse_bool, parse_int
from minik8s.kubectl.yamlscalar import is_timestamp

_FOLD = "\\\n"
_WORDS = frozenset(
    [
        "null",
        "~",
        "true",
        "y",
        "yes",
        "on",
        "false",
        "n",
        "no",
        "off",
        ".inf",
        "-.inf",
        "+.inf",
        ".nan",
    ]
)
_BASE60 = re.compile(r"[+-]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\r": "\\r",
    "\v": "\\v",
    "\0": "\\0",
    "\x1b": "\\e",
    "\x85": "\\N",
    "\xa0": "\\_",
    "\u2028": "\\L",
    "\u2029": "\\P",
}


def kyaml_text(value: Any) -> str:
    """A JSON value as a KYAML document, keys in the order that they have."""
    return f"---\n{_node(value, 0)}\n"


def _node(value: Any, indent: int) -> str:
    if isinstance(value, str):
        return _string(value, indent + 1)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return json_float(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return _mapping(value, indent)
    return _sequence(value, indent)


def _mapping(value: Mapping[str, Any], indent: int) -> str:
    if not value:
        return "{}"
    pad = "  " * (indent + 1)
    entries = [f"{pad}{_key(key)}: {_node(value[key], indent + 1)},\n" for key in value]
    return "{\n" + "".join(entries) + "  " * indent + "}"


def _sequence(value: list[Any], indent: int) -> str:
    if not value:
        return "[]"
    if all(isinstance(item, (Mapping, list)) for item in value):
        return "[" + ", ".join(_node(item, indent) for item in value) + "]"
    pad = "  " * (indent + 1)
    entries = "".join(f"{pad}{_node(item, indent + 1)},\n" for item in value)
    return "[\n" + entries + "  " * indent + "]"


def _key(text: str) -> str:
    if not _needs_quotes(text):
        return text
    return '"' + "".join(_escaped(c) if c not in "\n\t" else repr(c)[1:-1] for c in text) + '"'


def _needs_quotes(text: str) -> bool:
    if not text or _ambiguous(text):
        return True
    last = len(text) - 1
    for place, char in enumerate(text):
        inside = 0 < place < last and char in "-./"
        if not (char.isalpha() or char.isnumeric() or char == "_" or inside):
            return True
    return False


def _ambiguous(text: str) -> bool:
    if text.lower() in _WORDS or _BASE60.fullmatch(text) or is_timestamp(text):
        return True
    plain = text.replace("_", "")
    for read in (parse_bool, parse_int, _float):
        try:
            read(text if read is parse_bool else plain)
        except ValueError:
            continue
        return True
    return False


def _float(text: str) -> float:
    """strconv.ParseFloat, as far as plain keys go."""
    return float(text) if text.strip() == text else float("no")


def _string(text: str, indent: int) -> str:
    if "\n" not in text:
        return '"' + "".join(map(_escaped, text)) + '"'
    pieces = ['"', _FOLD]
    fresh = True
    for char in text:
        if fresh:
            pieces.append("  " * indent)
            pieces.append("\\" if char.isspace() and char != "\n" else " ")
        fresh = char == "\n"
        pieces.append("\\n" + _FOLD if fresh else _escaped(char))
    if not fresh:
        pieces.append(_FOLD)
    pieces.append("  " * indent + '"')
    return "".join(pieces)


def _escaped(char: str) -> str:
    if char in '"\\':
        return _ESCAPES[char]
    if char == "\t" or char.isprintable():
        return char
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
