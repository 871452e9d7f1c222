"""Manifests from files: documents with the file and line where each of their fields stands.

Bad input is one `InputError`, whose text is one line with the file and the line number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from minik8s.analysis.files import MAX_BYTES, InputError, manifests, texts
from minik8s.analysis.objects import fault_of
from minik8s.analysis.parsing import Layout, values
from minik8s.model.metadata import Document
from minik8s.model.registry import Registry

__all__ = [
    "MAX_BYTES",
    "InputError",
    "Layout",
    "Source",
    "check",
    "documents",
    "manifests",
    "objects",
    "parse",
    "placed",
    "read",
    "texts",
    "values",
]


@dataclass(slots=True)
class Source:
    """One document of a file; `prefix` leads to it if it is an item of a List."""

    document: Document
    file: str
    layout: Layout
    prefix: str = ""

    @property
    def line(self) -> int:
        """The line at which the document begins."""
        return self.line_of("") if self.prefix else self.layout.line

    def line_of(self, path: str) -> int:
        """The line of a field such as `spec.ingress[0].from[1]`, or of what is around it."""
        return self.layout.line_of((self.prefix + path).rstrip("."))


def read(paths: Iterable[str], max_bytes: int = MAX_BYTES) -> list[Source]:
    """The documents of files, folders and `-` (standard input), Lists unpacked.

    Raises InputError.
    """
    sources: list[Source] = []
    for path in paths:
        found = 0
        for name, text in texts(path, max_bytes):
            parsed = list(parse(name, text))
            sources += parsed
            found += len(parsed)
        if not found:
            raise InputError(f"{path}:1: no Kubernetes object in it")
    return sources


def parse(name: str, text: str) -> Iterator[Source]:
    """The objects in a YAML or JSON text; raises InputError with the line."""
    for value, layout in values(name, text):
        yield from objects(name, value, layout)


def objects(name: str, value: Any, layout: Layout, prefix: str = "") -> Iterator[Source]:
    """The object that stands in a file at a prefix, or the items of a List.

    Raises InputError with the line.
    """
    source = Source(value, name, layout, prefix)
    if not isinstance(value, dict):
        raise InputError(f"{name}:{source.line}: not a Kubernetes object")
    kind = value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield from objects(name, item, layout, f"{prefix}items[{index}].")
        return
    metadata = value.get("metadata")
    if not isinstance(kind, str) or not isinstance(metadata, dict) or not metadata.get("name"):
        raise InputError(f"{name}:{source.line}: an object needs kind and metadata.name")
    if not value.get("apiVersion"):
        raise InputError(f"{name}:{source.line}: apiVersion not set")
    source.document = placed(value)
    yield source


def placed(document: Document) -> Document:
    """The document, in the namespace `default` if its kind needs one and it names none."""
    kind = _REGISTRY.of(document)
    if kind is None or not kind.namespaced or document["metadata"].get("namespace"):
        return document
    return {**document, "metadata": {**document["metadata"], "namespace": "default"}}


def documents(sources: Iterable[Source]) -> list[Document]:
    """The documents alone."""
    return [source.document for source in sources]


def check(source: Source) -> None:
    """Raise InputError, at the line of the field, for an object that the API server refuses."""
    fault = fault_of(source.document)
    if fault is not None:
        raise InputError(f"{source.file}:{source.line_of(fault.field)}: {fault.text}")


_REGISTRY = Registry()
