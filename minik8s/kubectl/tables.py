"""Printing the tables that the server makes (`kubectl get` without `-o`, or with `-o wide`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minik8s.kubectl.govalue import go_value
from minik8s.kubectl.tabwriter import TabWriter
from minik8s.model.durations import age
from minik8s.model.metadata import Document

_EVENTS = {
    "ADDED": "ADDED   ",
    "MODIFIED": "MODIFIED",
    "DELETED": "DELETED ",
    "ERROR": "ERROR   ",
}
_BREAKS = "\f\n\r"
_NAME_AND_AGE: list[Document] = [
    {"name": "Name", "type": "string", "format": "name"},
    {"name": "Age", "type": "string"},
]
_STATUS: list[Document] = [
    {"name": name, "type": "string"} for name in ("Status", "Reason", "Message")
]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What to show of a table besides its own columns."""

    kind: str = ""
    """What each name begins with, `deployment.apps` for example; empty for nothing."""
    headers: bool = True
    wide: bool = False
    namespaces: bool = False
    label_columns: Sequence[str] = ()
    labels: bool = False


@dataclass(slots=True)
class TablePrinter:
    """Prints tables one after the other, headers only where the columns change."""

    options: TableOptions
    now: float = 0.0
    """The moment that ages are counted from where the server makes no table."""
    _columns: list[Document] = field(default_factory=list)
    _headed: bool = False

    def print(self, document: Document, out: TabWriter, event: str = "") -> None:
        """Print one answer of the server: a table, or an object that it made none of."""
        columns, rows = self._table(document)
        headers = self.options.headers
        if self._headed and (not columns or columns == self._columns):
            headers = False
        if not columns:
            columns = self._columns
        elif columns != self._columns:
            self._columns, self._headed = columns, False
        self._headed = self._headed or bool(rows)
        names, cells = self._decorate(columns, rows)
        if event:
            names = [{"name": "Event"}, *names]
            cells = [[_EVENTS.get(event, event), *row] for row in cells]
        self._write(names, cells, out, headers)

    def _table(self, document: Document) -> tuple[list[Document], list[Document]]:
        if document.get("kind") == "Table":
            return document.get("columnDefinitions") or [], document.get("rows") or []
        if document.get("kind") == "Status":
            cells = [document.get(key, "") for key in ("status", "reason", "message")]
            return _STATUS, [{"cells": cells}]
        items = document.get("items", [document])
        return _NAME_AND_AGE, [self._row(item) for item in items]

    def _row(self, item: Document) -> Document:
        metadata = item.get("metadata", {})
        created = age(metadata.get("creationTimestamp"), self.now)
        return {"cells": [metadata.get("name", ""), created], "object": item}

    def _decorate(
        self, columns: list[Document], rows: list[Document]
    ) -> tuple[list[Document], list[list[Any]]]:
        options = self.options
        cells = [self._prefixed(columns, row) for row in rows]
        metadata = [(row.get("object") or {}).get("metadata") or {} for row in rows]
        if options.namespaces:
            columns = [{"name": "Namespace"}, *columns]
            cells = [
                [about.get("namespace", ""), *row]
                for about, row in zip(metadata, cells, strict=True)
            ]
        extra = [{"name": key.rpartition("/")[2]} for key in options.label_columns]
        if options.labels:
            extra.append({"name": "Labels"})
        if extra:
            cells = [
                [*row, *self._labels(about.get("labels") or {})]
                for about, row in zip(metadata, cells, strict=True)
            ]
        return [*columns, *extra], cells

    def _prefixed(self, columns: list[Document], row: Document) -> list[Any]:
        cells = list(row.get("cells") or ())
        if self.options.kind:
            for place, column in enumerate(columns):
                if column.get("format") == "name" and place < len(cells):
                    cells[place] = f"{self.options.kind}/{cells[place]}"
                    break
        return cells

    def _labels(self, labels: Mapping[str, str]) -> list[str]:
        values = [labels.get(key, "") for key in self.options.label_columns]
        if self.options.labels:
            values.append(format_labels(labels))
        return values

    def _write(
        self, columns: list[Document], rows: list[list[Any]], out: TabWriter, headers: bool
    ) -> None:
        if not rows:
            return
        shown = [
            place
            for place, column in enumerate(columns)
            if self.options.wide or not column.get("priority")
        ]
        texts = [[_text(row[p]) for p in shown if p < len(row)] for row in rows]
        lines = [[columns[place]["name"].upper() for place in shown]] if headers else []
        lines += [[_cell(text) for text in row] for row in texts]
        _prime(lines, texts, headers)
        for line in lines:
            out.write("\t".join(line) + "\n")


def _prime(lines: list[list[str]], texts: list[list[str]], headers: bool) -> None:
    """Pad the first line, so that the first flush knows the width of every column.

    kubectl counts bytes here, so a column with other letters than ASCII gets wider.
    """
    for place in range(len(lines[0]) - 1):
        widest = max((len(row[place].encode()) for row in texts if place < len(row)), default=0)
        own = lines[0][place] if headers else texts[0][place]
        lines[0][place] += " " * (widest - len(own.encode()))


def _text(value: Any) -> str:
    return "" if value is None else go_value(value)


def _cell(text: str) -> str:
    """A cell on one line: what follows a line end is left out."""
    for place, char in enumerate(text):
        if char in _BREAKS:
            return escape_terminal(text[:place]) + "..."
    return escape_terminal(text)


def escape_terminal(text: str) -> str:
    """A text that cannot command the terminal that it is shown on."""
    return text.replace("\x1b", "^[").replace("\r", "\\r")


def format_labels(labels: Mapping[str, str]) -> str:
    """Labels as a cell shows them: `a=b,c=d`, or `<none>`."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "<none>"
