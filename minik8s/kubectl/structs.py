"""Objects that kubectl itself makes: their fields in the order of the API's types.

An object from the server is a map to kubectl, printed with its keys sorted. One that it makes
(`create deployment`, `run`) is a typed value, printed in the order of its type's fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from minik8s.kubectl.gotext import canonical
from minik8s.model.metadata import Document

_TABLE = Path(__file__).parent / "table" / "structs.txt"


class Typed(dict[str, Any]):
    """A document that kubectl has as a typed value."""


def typed(document: Document) -> Typed:
    """A document with its fields in the order of its type's."""
    return Typed(_ordered(document, str(document.get("kind", ""))))


def _ordered(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_ordered(item, name) for item in value]
    fields = _types().get(name)
    if not isinstance(value, Mapping) or fields is None:
        return canonical(value)
    known = {key: _field(value[key], fields[key]) for key in fields if key in value}
    return {**known, **canonical({key: value[key] for key in value if key not in fields})}


def _field(value: Any, kind: str) -> Any:
    if kind.endswith("*") and isinstance(value, Mapping):
        return {key: _ordered(value[key], kind[:-1]) for key in sorted(value)}
    return _ordered(value, kind)


@cache
def _types() -> dict[str, dict[str, str]]:
    """For each type its fields, and the type of each."""
    types = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, _, fields = line.partition(": ")
            types[name] = dict(_pair(field) for field in fields.split())
    return types


def _pair(field: str) -> tuple[str, str]:
    name, _, kind = field.partition(":")
    return name, kind
