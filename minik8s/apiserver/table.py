"""Server-side tables: what `kubectl get` asks for and prints (meta.k8s.io/v1 Table)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minik8s.apiserver.columns import Printer
from minik8s.apiserver.printclasses import CLASSES
from minik8s.apiserver.printcore import CORE, FALLBACK
from minik8s.apiserver.printnetwork import NETWORK
from minik8s.apiserver.printplumbing import PLUMBING
from minik8s.apiserver.printpods import PODS
from minik8s.apiserver.printworkloads import WORKLOADS
from minik8s.errors import BadRequest
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

PRINTERS: dict[str, Printer] = {
    "pods": PODS,
    **NETWORK,
    **WORKLOADS,
    **CORE,
    **CLASSES,
    **PLUMBING,
}
"""The kinds that have columns of their own, by qualified resource."""

META = "meta.k8s.io/v1"

Include = Callable[[Document], Document | None]


def printer_of(kind: Kind) -> Printer:
    """How a kind is printed; the fallback shows the name and the moment of creation."""
    return PRINTERS.get(kind.resource, FALLBACK)


def metadata_only(document: Document) -> Document:
    """An object without all but its metadata (meta.k8s.io/v1 PartialObjectMetadata)."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": META,
        "metadata": document["metadata"],
    }


def _row_metadata(document: Document) -> Document:
    """The same for a row, without `managedFields`: nobody prints them, and they are long."""
    shown = metadata_only(document)
    if "managedFields" in shown["metadata"]:
        shown["metadata"] = {k: v for k, v in shown["metadata"].items() if k != "managedFields"}
    return shown


_INCLUDES: dict[str, Include] = {
    "": _row_metadata,
    "Metadata": _row_metadata,
    "Object": lambda document: document,
    "None": lambda _document: None,
}


def include_of(word: str) -> Include:
    """What `includeObject` puts into each row; raises BadRequest for an unknown word."""
    include = _INCLUDES.get(word)
    if include is None:
        raise BadRequest(f'unrecognized includeObject value: "{word}"')
    return include


@dataclass(frozen=True, slots=True)
class TableForm:
    """How objects of a kind become a table for one request."""

    kind: Kind
    include: Include
    version: str = "v1"
    printer: Printer | None = None
    """How the kind is printed, if not as the table of printers says."""

    def of(
        self,
        documents: Iterable[Document],
        metadata: Document,
        now: float,
        *,
        definitions: bool = True,
    ) -> Document:
        """The table of objects; `metadata` is that of their list."""
        printer = self.printer or printer_of(self.kind)
        row, include, conditions = printer.row, self.include, printer.conditions
        rows = []
        for document in documents:
            entry: Document = {"cells": row(document, now), "object": include(document)}
            if conditions is not None and (found := conditions(document)):
                entry["conditions"] = found
            rows.append(entry)
        return {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{self.version}",
            "metadata": metadata,
            "columnDefinitions": printer.definitions() if definitions else [],
            "rows": rows,
        }
