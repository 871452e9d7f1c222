"""What a template gives for a JSON value.

Each step turns a list of values into another. A `range` walks the nodes up to its `end` once
for each value; both are ordinary nodes in one flat list, so the walk keeps count of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minik8s.kubectl.gotext import canonical, compact_json, indented_json
from minik8s.kubectl.govalue import go_type, go_value
from minik8s.kubectl.jsonpath.nodes import (
    Array,
    Field,
    Filter,
    Identifier,
    JSONPathError,
    List,
    Node,
    Number,
    Recursive,
    Text,
    Union,
    Wildcard,
)


def print_results(results: Sequence[Any], as_json: bool) -> str:
    """Values as a template prints them: separated by spaces, or as one JSON array."""
    if as_json:
        return indented_json(canonical(list(results))) + "\n"
    return " ".join(map(_text, results))


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        return compact_json(value)
    return "null" if value is None else go_value(value)


class Evaluation:
    """One walk over a template's nodes."""

    def __init__(self, nodes: Sequence[Node], allow_missing: bool) -> None:
        self._nodes = nodes
        self._allow_missing = allow_missing
        self._begun = self._inside = self._ended = 0
        self._last_end = -1

    def find(self, data: Any, start: int = 0) -> list[list[Any]]:
        """The values of each node from `start` on."""
        found: list[list[Any]] = []
        place = start
        while place < len(self._nodes):
            results = self._walk([data], self._nodes[place])
            if 0 < self._ended <= self._inside:
                self._ended -= 1
                self._last_end = place
                break
            if self._begun:
                found += self._range(results, place)
                if self._last_end > place:
                    place = self._last_end
            else:
                found.append(results)
            place += 1
        return found

    def _range(self, values: list[Any], place: int) -> list[list[Any]]:
        self._begun -= 1
        self._inside += 1
        found: list[list[Any]] = []
        for value in values:
            found += self.find(value, place + 1)
        if not values:
            # The walk still has to reach the end of the range.
            self.find(None, place + 1)
        self._inside -= 1
        return found

    def _walk(self, values: list[Any], node: Node) -> list[Any]:
        match node:
            case List():
                return self._walk_list(values, node)
            case Text() | Number():
                literal = [node.value]
                return literal if isinstance(node, Text) else literal * len(values)
            case Field():
                return self._field(values, node.name)
            case Array():
                return [item for value in values for item in _sliced(value, node)]
            case Filter():
                return [item for value in values for item in self._filter(value, node)]
            case Union():
                return [item for part in node.parts for item in self._walk_list(values, part)]
            case Wildcard():
                return [item for value in values for item in _children(value)]
            case Recursive():
                return _descend(values)
            case Identifier():
                return self._identifier(values, node.name)

    def _walk_list(self, values: list[Any], nodes: List) -> list[Any]:
        for node in nodes.nodes:
            values = self._walk(values, node)
        return values

    def _identifier(self, values: list[Any], name: str) -> list[Any]:
        if name == "range":
            self._begun += 1
            return values
        if name != "end":
            raise JSONPathError(f"unrecognized identifier {name}")
        if not self._inside:
            raise JSONPathError("not in range, nothing to end")
        self._ended += 1
        return []

    def _field(self, values: list[Any], name: str) -> list[Any]:
        found = [v[name] for v in values if isinstance(v, Mapping) and name in v]
        if values and not found and not self._allow_missing:
            raise JSONPathError(f"{name} is not found")
        return found

    def _filter(self, value: Any, node: Filter) -> list[Any]:
        if not isinstance(value, list):
            raise JSONPathError(f"{go_value(value)} is not array or slice and cannot be filtered")
        return [item for item in value if self._passes(item, node)]

    def _passes(self, item: Any, node: Filter) -> bool:
        try:
            lefts = self._walk_list([item], node.left)
        except JSONPathError:
            if node.operator == "exists":
                return False
            raise
        if node.operator == "exists":
            return bool(lefts)
        if not lefts:
            return False
        _only_one(lefts)
        rights = self._walk_list([item], node.right)
        if not rights:
            return False
        _only_one(rights)
        return _compare(lefts[0], node.operator, rights[0])


def _only_one(values: list[Any]) -> None:
    if len(values) > 1:
        raise JSONPathError("can only compare one element at a time")


def _sliced(value: Any, node: Array) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise JSONPathError(f"{go_type(value)} is not array or slice")
    first, last, stride = node.bounds
    length = len(value)
    start = first.value + length if first.value < 0 else first.value
    end = last.value if last.known else length
    if end < 0 or (end == 0 and last.derived):
        end += length
    if start == end:
        return []
    if not 0 <= start < length:
        raise JSONPathError(f"array index out of bounds: index {start}, length {length}")
    if not 0 <= end <= length:
        raise JSONPathError(f"array index out of bounds: index {end - 1}, length {length}")
    if start > end:
        raise JSONPathError(f"starting index {start} is greater than ending index {end}")
    if stride.known and stride.value <= 0:
        raise JSONPathError("step must be > 0")
    return value[start : end : stride.value if stride.known else 1]


def _children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    if isinstance(value, list):
        return list(value)
    return list(value.encode()) if isinstance(value, str) else []


def _descend(values: list[Any]) -> list[Any]:
    found = []
    for value in values:
        children = _children(value)
        if children:
            found.append(value)
            found += _descend(children)
    return found


_ORDER = {
    "<": (True, False, False),
    "<=": (True, True, False),
    ">": (False, False, True),
    ">=": (False, True, True),
}
"""Whether an operator holds for less, equal and greater."""


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator in ("==", "!="):
        return _equal(left, right) is (operator == "==")
    if operator not in _ORDER:
        raise JSONPathError(f"unrecognized filter operator {operator}")
    if _kind(left) != _kind(right):
        raise JSONPathError("incompatible types for comparison")
    if isinstance(left, bool):
        raise JSONPathError("invalid type for comparison")
    less, equal, greater = _ORDER[operator]
    if left == right:
        return equal
    return less if left < right else greater


def _equal(left: Any, right: Any) -> bool:
    if _kind(left) != _kind(right):
        raise JSONPathError("incompatible types for comparison")
    return bool(left == right)


def _kind(value: Any) -> str:
    kind = go_type(value)
    if kind not in ("string", "bool", "int64", "float64"):
        raise JSONPathError("invalid type for comparison")
    return kind
