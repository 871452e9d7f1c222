"""What a describer gets: the object, and how to ask for what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from minik8s.client import Client
from minik8s.clock import parse_rfc3339
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.quantities import canonical
from minik8s.kubectl.tables import format_labels
from minik8s.model.durations import age
from minik8s.model.metadata import (
    LAST_APPLIED,
    Document,
    annotations_of,
    controller_of,
    labels_of,
    name_of,
)
from minik8s.model.registry import Kind
from minik8s.model.selectors import format_label_selector

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
    if subject.kind.namespaced:
        out.line(0, "Namespace:", subject.namespace)


def about(subject: Subject, out: Writer) -> None:
    """Labels and annotations."""
    out.labels("Labels", labels_of(subject.object))
    annotate(subject.object, out)


def annotate(document: Document, out: Writer, title: str = "Annotations") -> None:
    """An object's annotations, without those that kubectl keeps for itself."""
    shown = {k: v for k, v in annotations_of(document).items() if k not in _HIDDEN}
    out.write(0, f"{title}:\t")
    if not shown:
        out.line(0, "<none>")
    for place, key in enumerate(sorted(shown)):
        if place:
            out.write(0, "\t")
        value = shown[key].removesuffix("\n")
        if len(value.encode()) + len(key.encode()) + 2 > _WIDE or "\n" in value:
            out.line(0, f"{key}:")
            for line in value.split("\n"):
                out.line(0, f"\t  {_shortened(line, _WIDE - 2)}")
        else:
            out.line(0, f"{key}: {value}")


def _shortened(text: str, most: int) -> str:
    data = text.encode()
    return data[:most].decode(errors="ignore") + "..." if len(data) > most else text


def controlled_by(subject: Subject, out: Writer) -> None:
    """The object's controller, if it has one."""
    owner = controller_of(subject.object)
    if owner is not None:
        out.line(0, "Controlled By:", f"{owner['kind']}/{owner['name']}")


def created(subject: Subject, out: Writer) -> None:
    """The moment at which the object was made."""
    moment = subject.object["metadata"].get("creationTimestamp")
    out.line(0, "CreationTimestamp:", long_time(moment))


def flag(value: bool | None) -> str:
    """A boolean field as `True`, `False` or `<unset>`."""
    return "<unset>" if value is None else str(value)


def amount(value: Any) -> str:
    """A resource quantity in its canonical form; what is no quantity stays as it is."""
    try:
        return canonical(str(value))
    except ValueError:
        return str(value)


def pairs(labels: Mapping[str, str] | None) -> str:
    """A map on one line: `a=b,c=d`, or `<none>`."""
    return format_labels(labels or {})


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A label selector as a query says it; empty for one without parts."""
    text = format_label_selector(selector)
    return "" if text == "<none>" else text


def long_time(timestamp: str | None) -> str:
    """A timestamp as mail writes it: `Mon, 23 Nov 2026 04:07:05 +0000`."""
    moment = _moment(timestamp)
    return f"{_DAYS[moment.weekday()]}, {moment:%d} {_MONTHS[moment.month - 1]} " + (
        f"{moment.year:04d} {moment:%H:%M:%S} +0000"
    )


def plain_time(timestamp: str | None) -> str:
    """A timestamp as Go writes one: `2026-11-23 04:07:05 +0000 UTC`."""
    moment = _moment(timestamp)
    return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S} +0000 UTC"


def _moment(timestamp: str | None) -> datetime:
    if not timestamp:
        return datetime(1, 1, 1, tzinfo=UTC)
    try:
        return datetime.fromtimestamp(int(parse_rfc3339(timestamp)), UTC)
    except ValueError:  # its zone carries it beyond the years that a datetime can have
        return datetime.fromisoformat(timestamp).replace(tzinfo=UTC)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
