"""What all controllers share: a queue of keys, and the loop that works it off.

Vocabulary: a *key* is the namespace and name of one object; to *observe* an event is to say
which keys it concerns; to *reconcile* a key is to bring the store closer to what its object
asks for; to *settle* is to reconcile until the queue is empty. A controller writes to the
store, its writes are events, and events are new keys: nobody ever scans everything.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeAlias

from minik8s.clock import Clock, Timer
from minik8s.controllers.events import Recorder
from minik8s.errors import ApiError
from minik8s.ids import Ids
from minik8s.model.metadata import Document, controller_of, labels_of, namespace_of, uid_of
from minik8s.model.registry import Kind
from minik8s.store import Store, StoreEvent

Key: TypeAlias = tuple[str, str]
"""Namespace (empty for a cluster-scoped object) and name."""

NOTHING: tuple[Key, ...] = ()

RECONCILE_LIMIT = 1000
"""How often one key may come up in one settling. Two controllers that work against each other
never end; like a real queue, which slows such keys down, the manager goes on a second later."""

PAUSE = 1.0

LONGEST_PAUSE = 1000.0
"""Seconds after which a key is tried again at the latest that the API refuses time after time;
the pause begins with `PAUSE` and doubles (workqueue.DefaultControllerRateLimiter)."""


@dataclass(slots=True)
class Context:
    """What a controller works with."""

    store: Store
    clock: Clock
    ids: Ids
    recorder: Recorder


class Controller(ABC):
    """One control loop; subclasses say what they watch and how they reconcile.

    One that names no kinds in `watches` sees the events of all. One that `owns` pods sees the
    events of pods with a controller of its kind, and of pods without any.
    """

    name: ClassVar[str]
    watches: ClassVar[tuple[Kind, ...]] = ()
    owns: ClassVar[Kind | None] = None

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = context.store
        self.clock = context.clock
        self.manager: Manager | None = None

    @abstractmethod
    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """The keys that an event concerns."""

    @abstractmethod
    def reconcile(self, namespace: str, name: str) -> None:
        """Bring the store closer to what one object asks for."""

    def enqueue(self, key: Key) -> None:
        """Have a key reconciled in this or the next settling."""
        if self.manager is not None:
            self.manager.enqueue(self, key)

    def enqueue_later(self, seconds: float, key: Key) -> Timer:
        """Have a key reconciled after a number of simulated seconds."""
        return self.clock.call_later(seconds, lambda: self._wake(key))

    def _wake(self, key: Key) -> None:
        self.enqueue(key)
        if self.manager is not None:
            self.manager.wake()


class Manager:
    """Hands events to controllers, and works off their keys in the order they came in."""

    __slots__ = (
        "_everywhere",
        "_failures",
        "_owners",
        "_postponed",
        "_queue",
        "_queued",
        "_running",
        "_watchers",
        "controllers",
        "on_wake",
    )

    def __init__(self, store: Store) -> None:
        self.controllers: list[Controller] = []
        self._watchers: dict[str, list[Controller]] = {}
        self._everywhere: list[Controller] = []
        self._owners: list[tuple[str, Controller]] = []
        self._queue: deque[tuple[Controller, Key]] = deque()
        self._queued: set[tuple[Controller, Key]] = set()
        self._postponed: set[tuple[Controller, Key]] = set()
        self._failures: dict[tuple[Controller, Key], int] = {}
        self._running = False
        self.on_wake: Callable[[], None] = lambda: None
        store.subscribe(self._observe)

    def add(self, controller: Controller) -> None:
        """Run one more controller."""
        controller.manager = self
        self.controllers.append(controller)
        if not controller.watches:
            self._everywhere.append(controller)
        if controller.owns is not None:
            self._owners.append((controller.owns.kind, controller))
        for kind in controller.watches:
            self._watchers.setdefault(kind.resource, []).append(controller)

    def enqueue(self, controller: Controller, key: Key) -> None:
        """Put a key at the end of the queue, unless it waits there already."""
        entry = (controller, key)
        if entry not in self._queued:
            self._queued.add(entry)
            self._queue.append(entry)

    def wake(self) -> None:
        """Tell the runtime that a timer has brought work."""
        if not self._running:
            self.on_wake()

    def settle(self) -> None:
        """Reconcile until the queue is empty; does nothing when called from within.

        A controller whose write is refused (the name of its pod is taken) tries again later.
        """
        if self._running:
            return
        self._running = True
        rounds: dict[tuple[Controller, Key], int] = {}
        try:
            while self._queue:
                entry = self._queue.popleft()
                self._queued.discard(entry)
                rounds[entry] = count = rounds.get(entry, 0) + 1
                if count > RECONCILE_LIMIT:
                    self._postpone(*entry, PAUSE)
                else:
                    self._reconcile(*entry)
        finally:
            self._running = False

    def _reconcile(self, controller: Controller, key: Key) -> None:
        try:
            controller.reconcile(*key)
        except ApiError:
            failures = self._failures.get((controller, key), 0)
            self._failures[controller, key] = failures + 1
            self._postpone(controller, key, min(PAUSE * 2.0 ** min(failures, 10), LONGEST_PAUSE))
        else:
            if self._failures:
                self._failures.pop((controller, key), None)

    def _postpone(self, controller: Controller, key: Key, pause: float) -> None:
        if (controller, key) not in self._postponed:
            self._postponed.add((controller, key))
            controller.clock.call_later(pause, partial(self._resume, controller, key))

    def _resume(self, controller: Controller, key: Key) -> None:
        self._postponed.discard((controller, key))
        self.enqueue(controller, key)
        self.wake()

    def _observe(self, event: StoreEvent) -> None:
        for controller in self._watchers.get(event.kind.resource, ()):
            for key in controller.observe(event):
                self.enqueue(controller, key)
        for controller in self._everywhere:
            for key in controller.observe(event):
                self.enqueue(controller, key)
        if event.kind.kind == "Pod" and not event.kind.group:
            self._observe_pod(event)

    def _observe_pod(self, event: StoreEvent) -> None:
        """Tell the controllers that own pods, each about its own.

        One that belongs to nobody interests them if it is new, or when its labels or owners
        have changed: then somebody may adopt it.
        """
        owner = _owner_kind(event.object)
        before = _owner_kind(event.previous) if event.previous is not None else owner
        if not owner and not before and _same_ties(event):
            return
        for kind, controller in self._owners:
            if owner in ("", kind) or before == kind:
                for key in controller.observe(event):
                    self.enqueue(controller, key)


def _owner_kind(document: Document) -> str:
    owner = controller_of(document)
    return "" if owner is None else str(owner.get("kind", ""))


def _same_ties(event: StoreEvent) -> bool:
    """Whether an event leaves an object where it was, and its labels as they were."""
    if event.type != "MODIFIED" or event.previous is None:
        return False
    return labels_of(event.previous) == labels_of(event.object)


def key_of(document: Document) -> Key:
    """The key of an object."""
    metadata = document["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def controller_key(document: Document, kind: Kind) -> Key | None:
    """The key of the object of a kind that controls this one, or None."""
    owner = controller_of(document)
    if owner is None or owner.get("kind") != kind.kind:
        return None
    if str(owner.get("apiVersion", "")).partition("/")[0] != kind.api_version.partition("/")[0]:
        return None
    return namespace_of(document), str(owner.get("name", ""))


def controller_keys(event: StoreEvent, kind: Kind) -> list[Key]:
    """The objects of a kind that control the event's object, and that did before it."""
    documents = [event.object] if event.previous is None else [event.object, event.previous]
    keys = [controller_key(document, kind) for document in documents]
    return [key for key in keys if key is not None]


class Names:
    """The names of some objects by namespace, in the order in which they were added."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, dict[str, None]] = {}

    def add(self, key: Key) -> None:
        """Take an object in."""
        namespace, name = key
        self._names.setdefault(namespace, {})[name] = None

    def discard(self, key: Key) -> None:
        """Leave an object out from now on."""
        namespace, name = key
        self._names.get(namespace, {}).pop(name, None)

    def within(self, namespace: str) -> Iterable[str]:
        """The names in a namespace."""
        return self._names.get(namespace, ())


def controlled(store: Store, owner: Document, kind: Kind) -> list[Document]:
    """The objects of a kind that an object controls, in the order they were made."""
    uid = uid_of(owner)
    found = []
    for dependent in store.dependents(uid):
        if dependent.get("kind") != kind.kind:
            continue
        reference = controller_of(dependent)
        if reference is not None and reference.get("uid") == uid:
            found.append(dependent)
    return found


def with_status(document: Document, status: Document) -> Document:
    """The document with another status."""
    return {**document, "status": status}


def with_metadata(document: Document, **changes: object) -> Document:
    """The document with some metadata fields set, or removed where the value is None."""
    metadata = {**document["metadata"], **changes}
    return {**document, "metadata": {k: v for k, v in metadata.items() if v is not None}}


def with_annotations(document: Document, changes: dict[str, str]) -> Document:
    """The document with some annotations set."""
    annotations = {**(document["metadata"].get("annotations") or {}), **changes}
    return with_metadata(document, annotations=annotations)
