"""The functions that a template can call: Go's own, and kubectl's `exists` and `base64decode`.

A value that is not there at all (a missing key) is MISSING; a JSON null is None.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from minik8s.kubectl.gotemplate.printf import sprintf
from minik8s.kubectl.govalue import Int, go_type, go_value


class CallError(Exception):
    """Why a function refuses its arguments."""


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""What a key that is not there gives: Go's zero reflect.Value."""

ZERO = "reflect: call of reflect.Value.Type on zero Value"


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function and how many arguments it takes; `text` means that they must be strings."""

    call: Callable[[list[Any]], Any]
    least: int
    most: int | None
    text: bool = False
    raw: bool = True
    """Whether it tells MISSING from None."""


def is_true(value: Any) -> bool:
    """Whether a value counts as true: not empty, not zero."""
    return value is not MISSING and bool(value)


def _kind(value: Any) -> str:
    """The kind for comparisons; empty for what cannot be compared."""
    if value is MISSING or value is None or isinstance(value, (Mapping, list)):
        return ""
    return "int" if go_type(value) == "int64" else go_type(value)


def _incompatible(left: Any, right: Any) -> CallError:
    return CallError(f"incompatible types for comparison: {go_type(left)} and {go_type(right)}")


def _absent(value: Any) -> bool:
    return value is MISSING or value is None


def _eq(arguments: list[Any]) -> bool:
    first, rest = arguments[0], arguments[1:]
    if not rest:
        raise CallError("missing argument for comparison")
    return any(_same(first, other) for other in rest)


def _same(left: Any, right: Any) -> bool:
    if _kind(left) != _kind(right):
        if _absent(left) or _absent(right):
            return False
        raise _incompatible(left, right)
    if _kind(left):
        return bool(left == right)
    if _absent(left) or _absent(right):
        return _absent(left) is _absent(right)
    if go_type(left) != go_type(right):
        raise CallError(
            f"non-comparable types {_shown(left)}: {go_type(left)}, {go_type(right)}: "
            f"{go_value(right)}"
        )
    raise CallError(f"non-comparable type {_shown(right)}: {go_type(right)}")


def _shown(value: Any) -> str:
    """A value printed with `%s`."""
    return sprintf("%s", [value])


def _lt(arguments: list[Any]) -> bool:
    left, right = arguments
    for value in arguments:
        if not _kind(value):
            raise CallError("invalid type for comparison")
    if _kind(left) != _kind(right):
        raise _incompatible(left, right)
    if isinstance(left, bool):
        raise CallError("invalid type for comparison")
    return bool(left < right)


def _index(arguments: list[Any]) -> Any:
    item, *indexes = arguments
    if _absent(item):
        raise CallError("index of untyped nil")
    for index in indexes:
        if item is None:
            raise CallError("index of nil pointer")
        if isinstance(item, Mapping):
            if not isinstance(index, str):
                raise CallError(_wrong_key(index))
            item = item.get(index)
        elif isinstance(item, (list, str)):
            place = _place(index, len(item))
            if place == len(item):
                kind = "slice" if isinstance(item, list) else "string"
                raise CallError(f"reflect: {kind} index out of range")
            item = item[place] if isinstance(item, list) else item.encode()[place]
        else:
            raise CallError(f"can't index item of type {go_type(item)}")
    return item


def _wrong_key(index: Any) -> str:
    if _absent(index):
        return "value is nil; should be of type string"
    return f"value has type {go_type(index)}; should be string"


def _place(index: Any, size: int) -> int:
    if _absent(index):
        raise CallError("cannot index slice/array with nil")
    if isinstance(index, bool) or not isinstance(index, int):
        raise CallError(f"cannot index slice/array with type {go_type(index)}")
    if not 0 <= index <= size:
        raise CallError(f"index out of range: {index}")
    return index


def _slice(arguments: list[Any]) -> Any:
    item, *indexes = arguments
    if _absent(item):
        raise CallError("slice of untyped nil")
    if len(indexes) > 3:
        raise CallError(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str) and len(indexes) == 3:
        raise CallError("cannot 3-index slice a string")
    if not isinstance(item, (str, list)):
        raise CallError(f"can't slice item of type {go_type(item)}")
    places = [_place(index, len(item)) for index in indexes]
    start = places[0] if places else 0
    end = places[1] if len(places) > 1 else len(item)
    if start > end:
        raise CallError(f"invalid slice index: {start} > {end}")
    return item[start:end]


def _len(arguments: list[Any]) -> int:
    item = arguments[0]
    if item is MISSING:
        raise CallError(ZERO)
    if item is None:
        raise CallError("len of nil pointer")
    if isinstance(item, (str, list, Mapping)):
        return Int(len(item.encode()) if isinstance(item, str) else len(item))
    raise CallError(f"len of type {go_type(item)}")


def _print(arguments: list[Any]) -> str:
    text, before = "", True
    for number, value in enumerate(arguments):
        is_text = isinstance(value, str)
        if number and not is_text and not before:
            text += " "
        text += go_value(value)
        before = is_text
    return text


def _println(arguments: list[Any]) -> str:
    return " ".join(map(go_value, arguments)) + "\n"


_HTML = str.maketrans(
    {'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"}
)
_SCRIPT = {"\\": "\\\\", "'": "\\'", '"': '\\"'}


def _javascript(arguments: list[Any]) -> str:
    text = ""
    for char in _print(arguments):
        if char in _SCRIPT:
            text += _SCRIPT[char]
        elif char in "<>&=" or char < " " or not char.isprintable():
            text += f"\\u{ord(char):04X}"
        else:
            text += char
    return text


def _call(arguments: list[Any]) -> Any:
    """Nothing in a JSON value can be called; `execute` tells what was tried."""
    raise CallError("call of nil" if _absent(arguments[0]) else "non-function")


def _exists(arguments: list[Any]) -> bool:
    item, *indexes = arguments
    for index in indexes:
        if isinstance(item, Mapping) and isinstance(index, str):
            item = item.get(index)
        elif isinstance(item, (list, str)) and isinstance(index, int):
            if not 0 <= index < len(item):
                return False
            item = item[index]
        else:
            return False
    return item is not None


def _decode(arguments: list[Any]) -> str:
    try:
        return base64.b64decode(arguments[0], validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        raise CallError(
            f"base64 decode failed: illegal base64 data at input byte {_bad_byte(arguments[0])}"
        ) from None


def _bad_byte(text: str) -> int:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n"
    for place, char in enumerate(text):
        if char not in letters:
            return place
    return len(text) - len(text) % 4


FUNCTIONS: dict[str, Builtin] = {
    "and": Builtin(lambda arguments: arguments[-1], 1, None),
    "or": Builtin(lambda arguments: arguments[-1], 1, None),
    "not": Builtin(lambda arguments: not is_true(arguments[0]), 1, 1),
    "eq": Builtin(_eq, 1, None),
    "ne": Builtin(lambda arguments: not _same(*arguments), 2, 2),
    "lt": Builtin(_lt, 2, 2),
    "le": Builtin(lambda arguments: _lt(arguments) or _same(*arguments), 2, 2),
    "gt": Builtin(lambda arguments: not (_lt(arguments) or _same(*arguments)), 2, 2),
    "ge": Builtin(lambda arguments: not _lt(arguments), 2, 2),
    "index": Builtin(_index, 1, None),
    "slice": Builtin(_slice, 1, None),
    "len": Builtin(_len, 1, 1),
    "call": Builtin(_call, 1, None),
    "print": Builtin(_print, 0, None, raw=False),
    "println": Builtin(_println, 0, None, raw=False),
    "printf": Builtin(lambda a: sprintf(a[0], a[1:]), 1, None, raw=False),
    "html": Builtin(lambda a: _print(a).translate(_HTML), 0, None, raw=False),
    "js": Builtin(_javascript, 0, None, raw=False),
    "urlquery": Builtin(lambda a: quote_plus(_print(a), safe="~"), 0, None, raw=False),
    "exists": Builtin(_exists, 1, None, raw=False),
    "base64decode": Builtin(_decode, 1, 1, text=True, raw=False),
}
"""Every function, by name. `and` and `or` are evaluated by `execute`, argument by argument."""

TEXT_FIRST = frozenset({"printf"})
"""Functions whose first argument alone must be a string."""
