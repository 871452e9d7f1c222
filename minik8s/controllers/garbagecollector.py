"""Owner references: what happens to an object when the objects that own it go.

*Background*: dependents go after their owner. *Foreground*: the owner waits, with the finalizer
`foregroundDeletion`, for the dependents that block it. *Orphan*: with the finalizer `orphan`,
dependents lose the reference and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from minik8s.controllers.base import NOTHING, Context, Controller, Key
from minik8s.controllers.deletion import FOREGROUND, ORPHAN, delete, release
from minik8s.model.metadata import (
    Document,
    is_terminating,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from minik8s.model.registry import Kind, Registry
from minik8s.store import StoreEvent

IGNORED = frozenset({"events", "leases.coordination.k8s.io"})
"""Resources that nobody owns; the real collector ignores events, too."""


class GarbageCollector(Controller):
    """Deletes what has lost its owners. A key here is (resource, "namespace/name")."""

    name = "garbage-collector-controller"

    def __init__(self, context: Context, registry: Registry) -> None:
        super().__init__(context)
        self.registry = registry
        self._trusted: set[str] = set()
        self._kinds: dict[str, Kind] = {}

    def trust(self, documents: Iterable[Document]) -> None:
        """Take the owners that a snapshot names for existing, even if it lacks them."""
        owners = chain.from_iterable(owners_of(document) for document in documents)
        self._trusted.update(str(owner.get("uid", "")) for owner in owners)

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """An owner that went, an owner that waits, or a dependent that is new."""
        if event.kind.resource in IGNORED:
            return NOTHING
        metadata = event.object["metadata"]
        if event.type == "DELETED":
            return self._after_deletion(event.object)
        if "ownerReferences" in metadata and _owners_changed(event):
            return (self._key(event.kind, event.object),)
        if "deletionTimestamp" in metadata and _held(event.object):
            return (self._key(event.kind, event.object),)
        return NOTHING

    def reconcile(self, namespace: str, name: str) -> None:
        """Finish a waiting owner, or delete an object whose owners are all gone."""
        kind = self._kinds[namespace]
        place = name.partition("/")
        document = self.store.get(kind, place[0], place[2])
        if document is None:
            return
        if is_terminating(document):
            self._finish_owner(kind, document)
        elif any(True for _ in owners_of(document)):
            self._check_owners(kind, document)

    def _after_deletion(self, gone: Document) -> list[Key]:
        self._trusted.discard(uid_of(gone))
        keys = [self._dependent_key(each) for each in self.store.dependents(uid_of(gone))]
        for owner in owners_of(gone):  # one of them may wait for the last dependent
            kind = self.registry.by_kind(owner.get("apiVersion", ""), owner.get("kind", ""))
            if kind is None:
                continue
            namespace = namespace_of(gone) if kind.namespaced else ""
            waiting = self.store.get(kind, namespace, owner.get("name", ""))
            if waiting is not None and is_terminating(waiting):
                keys.append(self._key(kind, waiting))
        return [key for key in keys if key is not None]

    def _dependent_key(self, dependent: Document) -> Key | None:
        kind = self.registry.of(dependent)
        return None if kind is None else self._key(kind, dependent)

    def _key(self, kind: Kind, document: Document) -> Key:
        self._kinds[kind.resource] = kind
        return kind.resource, f"{namespace_of(document)}/{name_of(document)}"

    def _finish_owner(self, kind: Kind, owner: Document) -> None:
        finalizers = owner["metadata"].get("finalizers") or ()
        if ORPHAN in finalizers:
            self._orphan(owner)
            release(self.store, kind, owner, ORPHAN)
        elif FOREGROUND in finalizers:
            blocking = self._delete_dependents(owner)
            if not blocking:
                release(self.store, kind, owner, FOREGROUND)

    def _orphan(self, owner: Document) -> None:
        uid = uid_of(owner)
        for dependent in self.store.dependents(uid):
            rest = [each for each in owners_of(dependent) if each.get("uid") != uid]
            self._set_owners(dependent, rest)

    def _delete_dependents(self, owner: Document) -> bool:
        """Ask the dependents to go; whether one of them still holds the owner back."""
        uid = uid_of(owner)
        for dependent in self.store.dependents(uid):
            kind = self.registry.of(dependent)
            if kind is not None and not is_terminating(dependent):
                waits = (FOREGROUND,) if self.store.dependents(uid_of(dependent)) else ()
                delete(self.store, kind, dependent, finalizers=waits)
        return any(
            reference.get("uid") == uid and reference.get("blockOwnerDeletion")
            for dependent in self.store.dependents(uid)
            for reference in owners_of(dependent)
        )

    def _check_owners(self, kind: Kind, dependent: Document) -> None:
        present = [each for each in owners_of(dependent) if self._exists(dependent, each)]
        if not present:
            delete(self.store, kind, dependent)
        elif len(present) < len(list(owners_of(dependent))):
            self._set_owners(dependent, present)

    def _exists(self, dependent: Document, owner: Mapping[str, Any]) -> bool:
        if owner.get("uid") in self._trusted:
            return True
        kind = self.registry.by_kind(owner.get("apiVersion", ""), owner.get("kind", ""))
        if kind is None:
            return True
        namespace = namespace_of(dependent) if kind.namespaced else ""
        found = self.store.get(kind, namespace, owner.get("name", ""))
        return found is not None and uid_of(found) == owner.get("uid")

    def _set_owners(self, dependent: Document, owners: list[Mapping[str, Any]]) -> None:
        kind = self.registry.of(dependent)
        if kind is None:
            return
        metadata = {**dependent["metadata"], "ownerReferences": owners}
        if not owners:
            del metadata["ownerReferences"]
        self.store.update(kind, {**dependent, "metadata": metadata})


def _held(document: Document) -> bool:
    finalizers = document["metadata"].get("finalizers") or ()
    return ORPHAN in finalizers or FOREGROUND in finalizers


def _owners_changed(event: StoreEvent) -> bool:
    if event.type == "ADDED":
        return True
    before = event.previous["metadata"].get("ownerReferences") if event.previous else None
    return bool(before != event.object["metadata"]["ownerReferences"])
