"""From YAML events to a JSON value, without recursion.

Kept from go-yaml v2: the last of two equal keys wins, `<<` merges where it stands, keys become
texts, and a document that is mostly aliases is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minik8s.kubectl.govalue import go_syntax, go_value

_DEEPEST = 10000
ScalarReader = Callable[[str, str | None, bool], Any]


@dataclass(slots=True)
class _Open:
    """A mapping or a sequence that has begun."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    size: int = 1
    key: Any = None
    has_key: bool = False
    merges: bool = False


@dataclass(slots=True)
class Builder:
    """Takes the events of one document; `value` is what they make."""

    scalar: ScalarReader
    value: Any = None
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    _decoded: int = 0
    _aliased: int = 0

    def take(self, event: Any) -> bool:
        """Take the next event; True when the document is complete. Raises ValueError."""
        name = type(event).__name__
        if name == "ScalarEvent":
            plain = event.style in (None, "")
            value = self.scalar(event.value, event.tag, plain)
            self._keep(event.anchor, value, 1)
            merges = plain and event.value == "<<"
            self._add(value, 1, merges=merges)
        elif name == "AliasEvent":
            self._alias(event.anchor)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self._open) >= _DEEPEST:
                raise ValueError("yaml: exceeded max depth of 10000")
            empty: dict[str, Any] | list[Any] = {} if name == "MappingStartEvent" else []
            self._open.append(_Open(empty, event.anchor))
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            done = self._open.pop()
            self._keep(done.anchor, done.value, done.size)
            self._add(done.value, done.size)
        return name == "DocumentEndEvent"

    def _keep(self, anchor: str | None, value: Any, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = value, size

    def _alias(self, anchor: str) -> None:
        if any(opened.anchor == anchor for opened in self._open):
            raise ValueError(f"yaml: anchor '{anchor}' value contains itself")
        if anchor not in self._anchors:
            raise ValueError(f"yaml: unknown anchor '{anchor}' referenced")
        value, size = self._anchors[anchor]
        self._aliased += size
        self._add(value, size)

    def _add(self, value: Any, size: int, *, merges: bool = False) -> None:
        self._decoded += size
        few = self._aliased <= 100 or self._decoded <= 1000
        if not few and self._aliased / self._decoded > _allowed(self._decoded):
            raise ValueError("yaml: document contains excessive aliasing")
        if not self._open:
            self.value = value
            return
        inside = self._open[-1]
        inside.size += size
        if isinstance(inside.value, list):
            inside.value.append(value)
        elif not inside.has_key:
            inside.key, inside.has_key, inside.merges = value, True, merges
        else:
            inside.has_key = False
            if inside.merges:
                _merge(inside.value, value)
            else:
                inside.value[_key(inside.key, value)] = value


def _allowed(decoded: int) -> float:
    """The share of aliases that go-yaml allows: the less, the bigger a document gets."""
    if decoded <= 400_000:
        return 0.99
    if decoded >= 4_000_000:
        return 0.10
    return 0.99 - 0.89 * (decoded - 400_000) / 3_600_000


def _merge(into: dict[str, Any], value: Any) -> None:
    maps = value if isinstance(value, list) else [value]
    for one in reversed(maps):
        if not isinstance(one, dict):
            raise ValueError("yaml: map merge requires map or sequence of maps as the value")
        into.update(one)


def _key(key: Any, value: Any) -> str:
    if isinstance(key, str):
        return key
    if key is None:
        raise ValueError(
            f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {_syntax(value)}"
        )
    if isinstance(key, (dict, list)):
        raise ValueError(f"yaml: invalid map key: {go_syntax(key)}")
    return go_value(key)


def _syntax(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else go_value(value)
