"""Watches: a place in the store's log, read on at the watcher's own pace.

A stream holds no queue. `poll` gives what the log has gained since the last call, so a slow
watcher costs nothing to the others: when the log has been compacted past its place, the
stream ends with the ERROR event that a real server sends (410 Expired).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minik8s.apiserver.selection import Filter
from minik8s.errors import ApiError
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind
from minik8s.store import Store, StoreEvent

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""The annotation of the bookmark that ends the initial events of a streaming list."""

BOOKMARK_INTERVAL = 60.0
"""Seconds between bookmarks that a watcher asked for."""

Present = Callable[[Document], Document]
"""How an object is shown in an event: as it is, as a table, as metadata alone."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Where a watch starts and what else it sends."""

    start: int
    initial: tuple[Document, ...] = ()
    initial_bookmark: bool = False
    bookmarks: bool = False
    timeout: float | None = None


class WatchStream:
    """The events of one watch, as documents `{"type": ..., "object": ...}`.

    Whoever sets `wake` must also `close` the stream: the store calls it until then.
    """

    __slots__ = (
        "_bookmark_due",
        "_bookmarks",
        "_deadline",
        "_filter",
        "_pending",
        "_place",
        "_present",
        "_store",
        "_wake",
        "closed",
    )

    def __init__(
        self, store: Store, chosen: Filter, present: Present, options: WatchOptions
    ) -> None:
        self.closed = False
        self._wake: Callable[[], None] | None = None
        self._store = store
        self._filter = chosen
        self._present = present
        self._place = options.start
        self._bookmarks = options.bookmarks
        now = store.clock.now
        self._bookmark_due = now + BOOKMARK_INTERVAL
        self._deadline = None if options.timeout is None else now + options.timeout
        self._pending = [self._event("ADDED", document) for document in options.initial]
        if options.initial_bookmark:
            self._pending.append(self._bookmark(initial=True))

    def poll(self) -> list[Document]:
        """The events since the last call; an ended stream has none."""
        if self.closed:
            return []
        events, self._pending = self._pending, []
        try:
            events.extend(self._news())
        except ApiError as error:
            events.append({"type": "ERROR", "object": error.status()})
            self.close()
            return events
        now = self._store.clock.now
        if self._bookmarks and now >= self._bookmark_due:
            self._bookmark_due = now + BOOKMARK_INTERVAL
            events.append(self._bookmark(initial=False))
        if self._deadline is not None and now >= self._deadline:
            self.close()
        return events

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self.wake = None

    @property
    def wake(self) -> Callable[[], None] | None:
        """What is called when there may be something to poll."""
        return self._wake

    @wake.setter
    def wake(self, callback: Callable[[], None] | None) -> None:
        if callback is None:
            self._store.unsubscribe(self._observe)
        elif self._wake is None:
            self._store.subscribe(self._observe)
        self._wake = callback

    def _observe(self, event: StoreEvent) -> None:
        mine = self._filter.kind
        if self._wake is not None and event.kind.plural == mine.plural:
            self._wake()

    @property
    def kind(self) -> Kind:
        """What is watched."""
        return self._filter.kind

    def _news(self) -> Iterable[Document]:
        for event in self._store.events_since(self._place, self._filter.kind):
            self._place = event.resource_version
            shown = self._translate(event)
            if shown is not None:
                yield shown

    def _translate(self, event: StoreEvent) -> Document | None:
        """What the watcher sees of a write: an object can also come into or leave its sight."""
        chosen = self._filter
        if chosen.unrestricted:
            if not chosen.matches(event.object):
                return None
            return self._event(event.type, event.object)
        before = event.previous is not None and chosen.matches(event.previous)
        after = event.type != "DELETED" and chosen.matches(event.object)
        if after:
            return self._event("MODIFIED" if before else "ADDED", event.object)
        return self._event("DELETED", _last_seen(event)) if before else None

    def _event(self, event_type: str, document: Document) -> Document:
        return {"type": event_type, "object": self._present(document)}

    def _bookmark(self, *, initial: bool) -> Document:
        kind = self._filter.kind
        self._place = max(self._place, self._store.resource_version) if not initial else self._place
        metadata: Document = {"resourceVersion": str(self._place), "creationTimestamp": None}
        if initial:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        bookmark = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
        return {"type": "BOOKMARK", "object": self._present(bookmark)}


def _last_seen(event: StoreEvent) -> Document:
    """The object as the watcher last saw it, with the version of the write that hid it."""
    if event.type == "DELETED" or event.previous is None:
        return event.object
    version = event.object["metadata"]["resourceVersion"]
    metadata = {**event.previous["metadata"], "resourceVersion": version}
    return {**event.previous, "metadata": metadata}
