"""The documents of one cluster: what etcd and the watch cache are to an API server.

Vocabulary: an *event* is one write; its *resourceVersion* is the store's counter after that
write. The *watch log* keeps the last events of each kind, so that a watch can start in the
past; what has fallen out of it is *compacted*. A document is never changed once stored:
a write puts a new one in its place, and both may share what they have in common.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from minik8s.clock import Clock, rfc3339
from minik8s.errors import AlreadyExists, Conflict, Expired, NotFound
from minik8s.ids import Ids
from minik8s.model.customkinds import kinds_of_definition, serve_definitions
from minik8s.model.metadata import Document
from minik8s.model.registry import CUSTOM_RESOURCE_DEFINITION, POD, Kind, Registry
from minik8s.model.versions import as_version
from minik8s.store.shelf import EventType, Shelf, StoreEvent

LOG_LIMIT = 4096
"""How many events of one kind the watch log keeps."""

_Place: TypeAlias = tuple[str, str, str, str]
"""Where an object lies: group, plural, namespace, name."""

_NO_GENERATION = frozenset(
    {
        "clusterrolebindings",
        "clusterroles",
        "configmaps",
        "controllerrevisions",
        "endpoints",
        "events",
        "horizontalpodautoscalers",
        "leases",
        "limitranges",
        "namespaces",
        "nodes",
        "persistentvolumeclaims",
        "persistentvolumes",
        "resourcequotas",
        "rolebindings",
        "roles",
        "secrets",
        "serviceaccounts",
        "services",
        "storageclasses",
    }
)
"""Resources whose registry strategy never sets metadata.generation."""

_NO_DESIRE = frozenset({"metadata", "status", "apiVersion", "kind"})
"""What of an object says nothing about what is wanted of the cluster."""

Documents: TypeAlias = list[Document]
Events: TypeAlias = list[StoreEvent]


class Store:
    """Documents by kind, namespace and name, with one counter of writes.

    >>> from minik8s.model.registry import CONFIG_MAP
    >>> store = Store(Clock(start=0), Ids(seed=1))
    >>> _ = store.create(CONFIG_MAP, {"metadata": {"name": "a", "namespace": "default"}})
    >>> store.get(CONFIG_MAP, "default", "a")["metadata"]["resourceVersion"]
    '1'
    """

    __slots__ = (
        "_dependents",
        "_dispatching",
        "_floor",
        "_log_limit",
        "_pending",
        "_shelves",
        "_subscribers",
        "clock",
        "ids",
        "registry",
        "resource_version",
    )

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        registry: Registry | None = None,
        *,
        log_limit: int = LOG_LIMIT,
    ) -> None:
        self.clock = clock
        self.ids = ids
        self.registry = registry or Registry()
        self.resource_version = 0
        self._log_limit = log_limit
        self._floor = 0
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._dependents: dict[str, dict[_Place, None]] = {}
        self._subscribers: list[Callable[[StoreEvent], None]] = []
        self._pending: deque[StoreEvent] = deque()
        self._dispatching = False

    # -- reading

    def get(self, kind: Kind, namespace: str, name: str) -> Document | None:
        """One object, or None; the namespace of a cluster-scoped object is empty."""
        shelf = self._shelves.get((kind.group, kind.plural))
        if shelf is None:
            return None
        drawer = shelf.namespaces.get(namespace)
        return drawer.objects.get(name) if drawer is not None else None

    def list(self, kind: Kind, namespace: str | None = None) -> Documents:
        """The objects of a kind, in the order of etcd's keys (namespace, then name)."""
        shelf = self._shelves.get((kind.group, kind.plural))
        if shelf is None:
            return []
        if namespace is None:
            return [document for drawer in shelf.drawers() for document in drawer.documents()]
        drawer = shelf.namespaces.get(namespace)
        return drawer.documents() if drawer is not None else []

    def list_at(self, kind: Kind, namespace: str | None, resource_version: int) -> Documents:
        """The objects of a kind as they were after a write; raises Expired if compacted."""
        undone = self.events_since(resource_version, kind)
        past = {_key_of(document): document for document in self.list(kind, namespace)}
        for event in reversed(undone):
            key = _key_of(event.object)
            if namespace is not None and key[0] != namespace + "/":
                continue
            if event.previous is None:
                past.pop(key, None)
            else:
                past[key] = event.previous
        return [past[key] for key in sorted(past)]

    def count(self, kind: Kind) -> int:
        """How many objects of a kind there are."""
        shelf = self._shelves.get((kind.group, kind.plural))
        return sum(len(d.objects) for d in shelf.namespaces.values()) if shelf else 0

    def dependents(self, uid: str) -> Documents:
        """The objects that name this uid in their ownerReferences."""
        found = []
        for group, plural, namespace, name in self._dependents.get(uid, ()):
            found.append(self._shelves[group, plural].namespaces[namespace].objects[name])
        return found

    def events_since(self, resource_version: int, kind: Kind) -> Events:
        """The writes to a kind after a resourceVersion; raises Expired if compacted."""
        shelf = self._shelf(kind)
        oldest = max(shelf.compacted, self._floor)
        if resource_version < oldest:
            raise Expired(f"too old resource version: {resource_version} ({oldest})")
        newest: Events = []
        for event in reversed(shelf.log):
            if event.resource_version <= resource_version:
                break
            newest.append(event)
        newest.reverse()
        return newest

    # -- writing

    def create(self, kind: Kind, document: Document) -> Document:
        """Store a new object, under a new uid unless it has one; raises AlreadyExists."""
        metadata = document["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        if self.get(kind, namespace, name) is not None:
            raise AlreadyExists.resource(kind.plural, kind.group, name)
        metadata = {
            **metadata,
            "uid": metadata.get("uid") or self.ids.uid(),
            "creationTimestamp": rfc3339(self.clock.now),
            "resourceVersion": str(self.resource_version + 1),
        }
        if _has_generation(kind):
            metadata["generation"] = 1
        return self._write("ADDED", kind, {**document, "metadata": metadata}, None)

    def update(self, kind: Kind, document: Document) -> Document:
        """Put a new state in the place of the old; raises NotFound, or Conflict if it is stale.

        What is no change is no write: the stored document comes back, its version unmoved.
        """
        metadata = document["metadata"]
        old = self.get(kind, metadata.get("namespace", ""), metadata["name"])
        if document is old:
            return document
        new = _next_state(kind, document, old)
        if new is old:
            return new
        new["metadata"]["resourceVersion"] = str(self.resource_version + 1)
        return self._write("MODIFIED", kind, new, old)

    def preview(self, kind: Kind, document: Document) -> Document:
        """The state that `update` would store, still with the old version; nothing is written."""
        metadata = document["metadata"]
        old = self.get(kind, metadata.get("namespace", ""), metadata["name"])
        return _next_state(kind, document, old)

    def delete(self, kind: Kind, namespace: str, name: str) -> Document:
        """Remove an object for good and give back its last state; raises NotFound."""
        old = self.get(kind, namespace, name)
        if old is None:
            raise NotFound.resource(kind.plural, kind.group, name)
        metadata = {**old["metadata"], "resourceVersion": str(self.resource_version + 1)}
        return self._write("DELETED", kind, {**old, "metadata": metadata}, old)

    def load(self, documents: Iterable[Document]) -> None:
        """Put a snapshot in place as it is: uid, resourceVersion and status are kept.

        All documents count as one write, as an etcd transaction does; what a document lacks
        of uid, creationTimestamp and resourceVersion it gets. Raises ValueError for a kind
        that the registry does not know.
        """
        documents = list(documents)
        serve_definitions(self.registry, documents)
        rows = [self._as_kept(document) for document in documents]
        versions = [int(d["metadata"].get("resourceVersion") or 0) for _, d in rows]
        fresh = self.resource_version == 0
        self.resource_version = max(self.resource_version, *versions, 0) + 1
        if fresh:
            self._floor = self.resource_version  # what happened before is not known here
        for kind, document in rows:
            loaded = {**document, "metadata": self._completed(kind, document["metadata"])}
            metadata = loaded["metadata"]
            old = self.get(kind, metadata.get("namespace", ""), metadata["name"])
            self._record("ADDED" if old is None else "MODIFIED", kind, loaded, old)
        self._dispatch()

    def compact(self) -> None:
        """Forget the writes so far: a watch can start in the past no further back than now."""
        self._floor = self.resource_version
        for shelf in self._shelves.values():
            shelf.log.clear()

    def subscribe(self, callback: Callable[[StoreEvent], None]) -> None:
        """Have a function called at each write, in the order of writes.

        A write made inside a callback is told to everybody after the event in hand.
        """
        self._subscribers.append(callback)

    def unsubscribe(self, callback: Callable[[StoreEvent], None]) -> None:
        """Stop calling a function; one that was never subscribed is ignored."""
        if callback in self._subscribers:
            self._subscribers.remove(callback)

    # -- inside

    def _shelf(self, kind: Kind) -> Shelf:
        key = (kind.group, kind.plural)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = Shelf()
        return shelf

    def _as_kept(self, document: Document) -> tuple[Kind, Document]:
        """The kind under which a document is kept, and the document in that version."""
        kind = self.registry.stored(self._kind_of(document))
        return kind, as_version(document, kind)

    def _kind_of(self, document: Document) -> Kind:
        kind = self.registry.of(document)
        if kind is None:
            named = f"{document.get('apiVersion')}, Kind={document.get('kind')}"
            raise ValueError(f"no matches for {named}")
        return kind

    def _completed(self, kind: Kind, metadata: Document) -> Document:
        full = dict(metadata)
        if not full.get("uid"):
            full["uid"] = self.ids.uid()
        if not full.get("creationTimestamp"):
            full["creationTimestamp"] = rfc3339(self.clock.now)
        if not full.get("resourceVersion"):
            full["resourceVersion"] = str(self.resource_version)
        if _has_generation(kind):
            full.setdefault("generation", 1)
        return full

    def _write(
        self, event_type: EventType, kind: Kind, document: Document, old: Document | None
    ) -> Document:
        self.resource_version += 1
        self._record(event_type, kind, document, old)
        self._dispatch()
        return document

    def _record(
        self, event_type: EventType, kind: Kind, document: Document, old: Document | None
    ) -> None:
        shelf = self._shelf(kind)
        metadata = document["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        drawer = shelf.drawer(namespace)
        if event_type == "DELETED":
            drawer.remove(name)
            if not drawer.objects:
                shelf.drop(namespace)
            self._index((kind.group, kind.plural, namespace, name), old, None)
        else:
            drawer.put(name, document)
            self._index((kind.group, kind.plural, namespace, name), old, document)
        if kind == CUSTOM_RESOURCE_DEFINITION:
            self._follow(old, None if event_type == "DELETED" else document)
        event = StoreEvent(event_type, kind, document, old, self.resource_version)
        shelf.log.append(event)
        if len(shelf.log) > self._log_limit:
            shelf.compacted = shelf.log.popleft().resource_version
        self._pending.append(event)

    def _follow(self, old: Document | None, new: Document | None) -> None:
        """Serve the kinds of a CustomResourceDefinition, and those of its old state no more."""
        for kind in kinds_of_definition(old) if old is not None else ():
            self.registry.remove(kind)
        for kind in kinds_of_definition(new) if new is not None else ():
            self.registry.add(kind)

    def _index(self, place: _Place, old: Document | None, new: Document | None) -> None:
        before = old["metadata"].get("ownerReferences") if old is not None else None
        after = new["metadata"].get("ownerReferences") if new is not None else None
        if before is after:
            return
        for owner in before or ():
            held = self._dependents.get(owner["uid"], {})
            held.pop(place, None)
            if not held:
                self._dependents.pop(owner["uid"], None)
        for owner in after or ():
            self._dependents.setdefault(owner["uid"], {})[place] = None

    def _dispatch(self) -> None:
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._pending:
                event = self._pending.popleft()
                for callback in tuple(self._subscribers):
                    callback(event)
        finally:
            self._dispatching = False


def _key_of(document: Document) -> tuple[str, str]:
    metadata = document["metadata"]
    return f"{metadata.get('namespace', '')}/", metadata["name"]


def _next_state(kind: Kind, document: Document, old: Document | None) -> Document:
    """What a new state becomes in the place of an old one; the old one if nothing changes.

    Raises NotFound without an old one, and Conflict if the new one was made from another.
    """
    metadata = document["metadata"]
    if old is None:
        raise NotFound.resource(kind.plural, kind.group, metadata["name"])
    before = old["metadata"]
    stale = metadata.get("resourceVersion")
    if stale and stale != before["resourceVersion"]:
        raise Conflict.resource(kind.plural, kind.group, metadata["name"])
    metadata = dict(metadata)
    for fixed in ("uid", "creationTimestamp", "resourceVersion", "generation"):
        if fixed in before:
            metadata[fixed] = before[fixed]
    if metadata == before and _same_beside_metadata(document, old):
        return old
    if "generation" in before and not (_same_desire(document, old) or _binds(kind, document, old)):
        metadata["generation"] = before["generation"] + 1
    return {**document, "metadata": metadata}


def _binds(kind: Kind, new: Document, old: Document) -> bool:
    """Whether a pod gets its node and nothing else: a Binding counts no generation."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if kind != POD or before.get("nodeName"):
        return False
    return {**before, "nodeName": after.get("nodeName")} == after


def _has_generation(kind: Kind) -> bool:
    return kind.plural not in _NO_GENERATION


def _same_beside_metadata(new: Document, old: Document) -> bool:
    if len(new) != len(old):
        return False
    for key, value in new.items():
        if key != "metadata" and (key not in old or value != old[key]):
            return False
    return True


def _same_desire(new: Document, old: Document) -> bool:
    """Whether nothing changed but metadata and status: what metadata.generation counts."""
    for key in {**old, **new}:
        if key not in _NO_DESIRE and new.get(key) != old.get(key):
            return False
    return True
