"""core/v1 Events: what components say about objects, counted when they say it again.

Two families of components differ in form: the kubelet and the controllers write `source`,
`firstTimestamp`, `lastTimestamp` and `count` (client-go's tools/record), the scheduler
`eventTime`, `action` and `reportingInstance` (tools/events).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from minik8s.clock import Clock, rfc3339
from minik8s.model.metadata import Document, name_of, namespace_of, uid_of
from minik8s.model.registry import EVENT
from minik8s.store import Store

TIME_TO_LIVE = 3600.0
"""Seconds after which the API server forgets an event (--event-ttl)."""

_Same: TypeAlias = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Who speaks: a component, and the host it runs on."""

    component: str
    host: str = ""


class Recorder:
    """Writes the events of one cluster, and forgets them after an hour.

    An event that differs from an earlier one in nothing but time raises its count.
    """

    __slots__ = ("_clock", "_names", "_serial", "_store", "_sweeping", "_written")

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._serial = 0
        self._names: dict[_Same, tuple[str, str]] = {}
        self._written: deque[tuple[float, _Same]] = deque()
        self._sweeping = False

    def normal(
        self, about: Document, reason: str, message: str, source: Source, field: str = ""
    ) -> None:
        """Record that something happened as it should."""
        self._record(about, "Normal", reason, message, source, field)

    def warning(
        self, about: Document, reason: str, message: str, source: Source, field: str = ""
    ) -> None:
        """Record that something went wrong."""
        self._record(about, "Warning", reason, message, source, field)

    def scheduling(self, pod: Document, reason: str, message: str) -> None:
        """Record what the scheduler decided, in the form of events.k8s.io."""
        failed = reason == "FailedScheduling"
        same = (uid_of(pod), reason, message, "default-scheduler", "")
        if self._count(same):
            return
        event = self._event(pod, "Warning" if failed else "Normal", reason, message, "")
        event["source"] = {}
        event["firstTimestamp"] = event["lastTimestamp"] = None
        event["eventTime"] = _micro(self._clock.now)
        event["action"] = "Scheduling" if failed else "Binding"
        event["reportingComponent"] = "default-scheduler"
        event["reportingInstance"] = "default-scheduler-0"
        self._create(same, event)

    def _record(
        self, about: Document, level: str, reason: str, message: str, source: Source, field: str
    ) -> None:
        same = (uid_of(about), reason, message, source.component, field)
        if self._count(same):
            return
        event = self._event(about, level, reason, message, field)
        event["source"] = {"component": source.component}
        if source.host:
            event["source"]["host"] = source.host
        event["firstTimestamp"] = event["lastTimestamp"] = rfc3339(self._clock.now)
        event["count"] = 1
        event["eventTime"] = None
        event["reportingComponent"] = source.component
        event["reportingInstance"] = source.host
        self._create(same, event)

    def _count(self, same: _Same) -> bool:
        """Raise the count of an event that has been recorded before; False if it is new."""
        place = self._names.get(same)
        event = self._store.get(EVENT, *place) if place else None
        if event is None:
            return False
        if event.get("eventTime"):
            series = event.get("series") or {"count": 1}
            newer = {"count": series["count"] + 1, "lastObservedTime": _micro(self._clock.now)}
            self._store.update(EVENT, {**event, "series": newer})
        else:
            now = rfc3339(self._clock.now)
            newer = {"count": event["count"] + 1, "lastTimestamp": now}
            self._store.update(EVENT, {**event, **newer})
        return True

    def _event(
        self, about: Document, level: str, reason: str, message: str, field: str
    ) -> dict[str, Any]:
        self._serial += 1
        stamp = int(self._clock.now) * 10**9 + self._serial
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{name_of(about)}.{stamp:x}",
                "namespace": namespace_of(about) or "default",
            },
            "involvedObject": _reference(about, field),
            "reason": reason,
            "message": message,
            "type": level,
        }

    def _create(self, same: _Same, event: Document) -> None:
        stored = self._store.create(EVENT, event)
        self._names[same] = (namespace_of(stored), name_of(stored))
        self._written.append((self._clock.now, same))
        if not self._sweeping:
            self._sweeping = True
            self._clock.call_later(TIME_TO_LIVE, self._sweep)

    def _sweep(self) -> None:
        """Delete what is older than an hour, and come back for the next."""
        now = self._clock.now
        while self._written and self._written[0][0] + TIME_TO_LIVE <= now:
            _, same = self._written.popleft()
            place = self._names.pop(same, None)
            if place and self._store.get(EVENT, *place) is not None:
                self._store.delete(EVENT, *place)
        self._sweeping = bool(self._written)
        if self._written:
            self._clock.call_at(self._written[0][0] + TIME_TO_LIVE, self._sweep)


def _reference(about: Document, field: str) -> Mapping[str, str]:
    metadata = about["metadata"]
    reference = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    if namespace := metadata.get("namespace"):
        reference["namespace"] = namespace
    if version := metadata.get("resourceVersion"):
        reference["resourceVersion"] = version
    if field:
        reference["fieldPath"] = field
    return reference


def _micro(seconds: float) -> str:
    """A moment as metav1.MicroTime writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
