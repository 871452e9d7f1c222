"""What a server-side table is made of: columns, and a function that fills one row.

A row function takes an object and the present moment and gives the cells, those of wide
columns (priority 1) included; `kubectl get -o wide` only uncovers them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from minik8s.model.durations import age
from minik8s.model.metadata import Document

Cells: TypeAlias = list[Any]
RowFunction: TypeAlias = Callable[[Document, float], Cells]

NONE = "<none>"
UNSET = "<unset>"
WIDE = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column (meta.k8s.io/v1 TableColumnDefinition)."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def document(self) -> Document:
        """The column as it stands in the table."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description or _DESCRIPTIONS.get(self.name, self.name),
            "priority": self.priority,
        }


_DESCRIPTIONS = {
    "Age": "How long ago the object was created.",
    "Containers": "The names of the containers.",
    "Created At": "When the object was created.",
    "Images": "The images of the containers.",
    "Name": "The name of the object, unique within its namespace.",
    "Selector": "The labels that are asked for.",
}

NAME = Column("Name", format="name")
AGE = Column("Age")
CONTAINERS = (
    Column("Containers", priority=WIDE),
    Column("Images", priority=WIDE),
)
SELECTOR = Column("Selector", priority=WIDE)


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind is printed as a table."""

    columns: tuple[Column, ...]
    row: RowFunction
    conditions: Callable[[Document], list[Document] | None] | None = None

    def definitions(self) -> list[Document]:
        """The `columnDefinitions` of a table."""
        return [column.document() for column in self.columns]


def name_of(document: Document) -> str:
    """`metadata.name`."""
    return str(document["metadata"].get("name", ""))


def age_of(document: Document, now: float) -> str:
    """How long ago the object was created."""
    return age(document["metadata"].get("creationTimestamp"), now)


def spec_of(document: Document) -> Document:
    """`spec`, empty if absent."""
    spec: Document = document.get("spec") or {}
    return spec


def status_of(document: Document) -> Document:
    """`status`, empty if absent."""
    status: Document = document.get("status") or {}
    return status


def joined(values: Iterable[str], empty: str = NONE) -> str:
    """Values joined by commas, or a word for none."""
    return ",".join(values) or empty


def format_labels(labels: Mapping[str, str] | None) -> str:
    """Labels as `k=v`, sorted and joined (labels.FormatLabels)."""
    return joined(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def container_cells(spec: Mapping[str, Any]) -> tuple[str, str]:
    """The names and the images of a pod spec's containers."""
    containers = spec.get("containers") or ()
    names = ",".join(container.get("name", "") for container in containers)
    return names, ",".join(container.get("image", "") for container in containers)


def template_cells(spec: Mapping[str, Any]) -> tuple[str, str]:
    """The same, for a spec that holds a pod template."""
    return container_cells((spec.get("template") or {}).get("spec") or {})


def with_more(shown: list[str], count: int, empty: str) -> str:
    """The first three of several values, and how many more there are."""
    text = ",".join(shown[:3])
    if count > 3:
        return f"{text} + {count - 3} more..."
    return text or empty
