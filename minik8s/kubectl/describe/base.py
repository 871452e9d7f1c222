"""What a describer gets: the object, and how to ask for what belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from minik8s.client import Client
from minik8s.clock import parse_rfc3339
from minik8s.kubectl.describe.writer import Writer
from minik8s.model.durations import age
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of, labels_of, name_of
from minik8s.model.registry import Kind

_HIDDEN = (LAST_APPLIED,)
_WIDE = 140
"""An annotation's value that is longer than so many characters goes on lines of its own."""


@dataclass(slots=True)
class Subject:
    """One object to describe, and its surroundings."""

    client: Client
    kind: Kind
    object: Document
    now: float
    """The moment that ages are counted from, in seconds since 1970."""
    show_events: bool = True
    chunk: int = 500
    """How many objects to ask for at once."""

    @property
    def name(self) -> str:
        """The object's name."""
        return name_of(self.object)

    @property
    def namespace(self) -> str:
        """The object's namespace, or the empty string."""
        return str(self.object.get("metadata", {}).get("namespace") or "")

    @property
    def spec(self) -> Document:
        """What is wanted of the object."""
        return self.object.get("spec") or {}

    @property
    def status(self) -> Document:
        """What has become of the object."""
        return self.object.get("status") or {}

    def age(self, timestamp: str | None) -> str:
        """How long ago a timestamp was."""
        return age(timestamp, self.now)

    def list(self, kind: Kind, namespace: str, **query: str) -> list[Document]:
        """All objects of a collection, fetched in chunks."""
        asked = {**query, "limit": str(self.chunk)} if self.chunk else dict(query)
        items: list[Document] = []
        while True:
            page = self.client.list(kind, namespace, query=asked)
            items += page.get("items") or ()
            after = page.get("metadata", {}).get("continue", "")
            if not after:
                return items
            asked = {**asked, "continue": after}


Describer = Callable[[Subject, Writer], None]


def heading(subject: Subject, out: Writer) -> None:
    """Name and namespace, as nearly every description begins."""
    out.line(0, "Name:", subject.name)
    if subject.namespace:
        out.line(0, "Namespace:", subject.namespace)


def labels(subject: Subject, out: Writer, title: str = "Labels") -> None:
    """The object's labels."""
    out.labels(title, labels_of(subject.object))


def annotate(document: Document, out: Writer, title: str = "Annotations") -> None:
    """The object's annotations, without those that kubectl keeps for itself."""
    shown = {k: v for k, v in annotations_of(document).items() if k not in _HIDDEN}
    if not shown:
        out.line(0, f"{title}:", "<none>")
        return
    cell = f"{title}:"
    for key in sorted(shown):
        value = shown[key].removesuffix("\n")
        lines = value.split("\n")
        if len(value) + len(key) < _WIDE and len(lines) == 1:
            out.line(0, cell, f"{key}: {value}")
        else:
            out.line(0, cell, f"{key}:")
            for line in lines:
                out.line(0, "", f"  {_shortened(line)}")
        cell = ""


def _shortened(line: str) -> str:
    return f"{line[: _WIDE - 1]}..." if len(line) > _WIDE else line


def long_time(timestamp: str | None) -> str:
    """A timestamp as mail writes it: `Mon, 23 Nov 2026 04:07:05 +0000`."""
    return _moment(timestamp).strftime("%a, %d %b %Y %H:%M:%S +0000")


def plain_time(timestamp: str | None) -> str:
    """A timestamp as Go writes one: `2026-11-23 04:07:05 +0000 UTC`."""
    return _moment(timestamp).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def _moment(timestamp: str | None) -> datetime:
    if not timestamp:
        return datetime(1, 1, 1, tzinfo=UTC)
    return datetime.fromtimestamp(int(parse_rfc3339(timestamp)), UTC)
