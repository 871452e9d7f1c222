"""The events of an object, as the last lines of its description."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.errors import ApiError
from minik8s.kubectl.describe.base import Subject
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.gosort import go_sorted
from minik8s.model.metadata import Document, uid_of
from minik8s.model.registry import EVENT

Age = Callable[[str | None], str]
"""How long ago a timestamp was."""

_HEADS = ("Type", "Reason", "Age", "From", "Message")


def object_events(subject: Subject, out: Writer) -> None:
    """The events about the object, unless they are not wanted."""
    if subject.show_events:
        write_events(
            subject,
            out,
            search_events(subject, uid_of(subject.object), subject.kind.kind),
        )


def search_events(subject: Subject, uid: str, kind: str = "") -> list[Document]:
    """The events about the object; none if they cannot be had."""
    wanted = {
        "involvedObject.name": subject.name,
        "involvedObject.namespace": subject.namespace,
        "involvedObject.kind": kind,
        "involvedObject.uid": uid,
    }
    if not kind:
        del wanted["involvedObject.kind"]
    selector = ",".join(f"{field}={value}" for field, value in wanted.items())
    try:
        return subject.list(EVENT, subject.namespace, fieldSelector=selector)
    except ApiError:
        return []


def write_events(subject: Subject, out: Writer, events: list[Document]) -> None:
    """Events as a table, the oldest first."""
    if not events:
        out.line(0, "Events:", "<none>")
        return
    out.line(0, "Events:")
    out.line(1, *_HEADS)
    out.line(1, *("-" * max(len(head), 4) for head in _HEADS))
    for event in go_sorted(events, lambda event: str(event.get("lastTimestamp") or "")):
        out.line(1, *_row(subject, event))


def _row(subject: Subject, event: Document) -> tuple[str, ...]:
    message = str(event.get("message") or "").strip()
    place = (event.get("involvedObject") or {}).get("fieldPath")
    source = (event.get("source") or {}).get("component") or event.get("reportingComponent")
    return (
        str(event.get("type") or ""),
        str(event.get("reason") or ""),
        interval(subject.age, event),
        str(source or ""),
        f"{place}: {message}" if place else message,
    )


def interval(age: Age, event: Document) -> str:
    """When an event happened: `10m`, or `50s (x5 over 8m21s)`."""
    first = age(event.get("eventTime") or event.get("firstTimestamp"))
    series = event.get("series")
    if series:
        return f"{age(series.get('lastObservedTime'))} (x{series.get('count', 0)} over {first})"
    if int(event.get("count") or 0) > 1:
        return f"{age(event.get('lastTimestamp'))} (x{event['count']} over {first})"
    return first
