"""Tables of custom kinds: the columns that a CustomResourceDefinition asks for.

A column's `jsonPath` is a simple path: fields, indexes, and filters by equality, as in
`.status.conditions[?(@.type=="Ready")].status`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from minik8s.apiserver.columns import NAME, Cells, Column, Printer, name_of
from minik8s.apiserver.customschemas import version_of_kind
from minik8s.apiserver.table import printer_of
from minik8s.model.durations import age
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind
from minik8s.store import Store

Step: TypeAlias = Callable[[list[Any]], list[Any]]

_TOKEN = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\\])+)
      | \[\?\(\s*@\.(?P<key>[\w.]+)\s*==\s*(?P<value>"[^"]*"|'[^']*'|[\w.]+)\s*\)\]
      | \[(?P<index>-?\d+)\]
      | \[(?P<all>\*)\]
      | \[(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]""",
    re.VERBOSE,
)
_AGE_PATH = ".metadata.creationTimestamp"


def custom_printer(store: Store, kind: Kind) -> Printer:
    """How a custom kind is printed: name, its own columns, and the age if it has none."""
    version = version_of_kind(store, kind)
    if version is None:
        return printer_of(kind)
    asked = version.get("additionalPrinterColumns") or [
        {"name": "Age", "type": "date", "jsonPath": _AGE_PATH}
    ]
    columns = (NAME, *(_column(each) for each in asked))
    cells = [(parse_path(each["jsonPath"]), each["type"]) for each in asked]

    def row(document: Document, now: float) -> Cells:
        return [name_of(document), *(_cell(path, kind, document, now) for path, kind in cells)]

    return Printer(columns, row)


def _column(asked: Document) -> Column:
    path = asked["jsonPath"]
    text = asked.get("description") or (
        f"Custom resource definition column (in JSONPath format): {path}"
    )
    return Column(
        asked["name"], asked["type"], asked.get("format", ""), asked.get("priority", 0), text
    )


def _age(text: str, now: float) -> str:
    try:
        return age(text, now)
    except ValueError:
        return "<invalid>"


def _cell(path: Sequence[Step], kind: str, document: Document, now: float) -> Any:
    found = evaluate(path, document)
    if not found:
        return None
    value = found[0]
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if kind == "date":
        return _age(value, now) if isinstance(value, str) else None
    if isinstance(value, bool):
        return value if kind == "boolean" else None
    if kind == "integer" and isinstance(value, (int, float)):
        return int(value)
    return value if kind == "number" and isinstance(value, (int, float)) else None


def parse_path(text: str) -> list[Step]:
    """A path as steps; one that is not understood leads nowhere.

    >>> evaluate(parse_path('.c[?(@.t=="R")].s'), {"c": [{"t": "R", "s": 1}]})
    [1]
    """
    steps, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return [lambda _values: []]
        steps.append(_step(match))
        place = match.end()
    return steps


def evaluate(path: Iterable[Step], document: Document) -> list[Any]:
    """What a path leads to in an object."""
    values: list[Any] = [document]
    for step in path:
        values = step(values)
    return [value for value in values if value is not None]


def _step(match: re.Match[str]) -> Step:
    parts = match.groupdict()
    if parts["index"] is not None:
        return _at(int(parts["index"]))
    if parts["all"]:
        return lambda values: [each for value in values for each in _members(value)]
    if parts["key"]:
        return _where(parts["key"], parts["value"].strip("\"'"))
    for name in ("single", "double"):
        if parts[name] is not None:
            return _field(parts[name])
    return _field(re.sub(r"\\(.)", r"\1", parts["field"]))


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _field(name: str) -> Step:
    return lambda values: [v[name] for v in values if isinstance(v, dict) and name in v]


def _at(index: int) -> Step:
    def step(values: list[Any]) -> list[Any]:
        lists = (value for value in values if isinstance(value, list))
        return [each[index] for each in lists if -len(each) <= index < len(each)]

    return step


def _where(key: str, wanted: str) -> Step:
    names = [_field(name) for name in key.split(".")]

    def fits(value: Any) -> bool:
        return any(str(each) == wanted for each in evaluate(names, value))

    return lambda values: [each for value in values for each in _members(value) if fits(each)]
