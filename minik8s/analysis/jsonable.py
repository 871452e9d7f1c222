"""Dataclasses as JSON: field names in camelCase, enums by value, None left out."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from minik8s.policy.values import PolicyRef


def jsonable(value: Any) -> Any:
    """A value made of dataclasses, enums and containers as plain JSON data."""
    if isinstance(value, PolicyRef):
        return str(value) if value.namespace else f"{value.kind}/{value.name}"
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        found = ((_camel(f.name), getattr(value, f.name)) for f in fields(value))
        return {name: jsonable(inner) for name, inner in found if inner is not None}
    if isinstance(value, dict):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(inner) for inner in value]
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
