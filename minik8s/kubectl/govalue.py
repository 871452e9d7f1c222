"""JSON values as Go's fmt package prints them: `%v`, `%#v` and `%T`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.kubectl.gotext import format_g, quote


class Int(int):
    """A number of Go's type int: one that a template counted or wrote, not one from JSON."""


def go_type(value: Any) -> str:
    """The type of a value in an unstructured object (`%T`)."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "int" if isinstance(value, Int) else "int64"
    if isinstance(value, float):
        return "float64"
    return "map[string]interface {}" if isinstance(value, Mapping) else "[]interface {}"


def go_value(value: Any) -> str:
    """A value as `%v` prints it.

    >>> go_value({"b": [1, "x"], "a": None})
    'map[a:<nil> b:[1 x]]'
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_g(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{go_value(value[key])}' for key in sorted(value))}]"
    return f"[{' '.join(map(go_value, value))}]"


def go_syntax(value: Any) -> str:
    """A value as `%#v` prints it.

    >>> print(go_syntax({"a": ["x", 1]}))
    map[string]interface {}{"a":[]interface {}{"x", 1}}
    """
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, (bool, int, float)):
        return go_value(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{quote(key)}:{go_syntax(value[key])}" for key in sorted(value))
    else:
        inside = ", ".join(map(go_syntax, value))
    return f"{go_type(value)}{{{inside}}}"
