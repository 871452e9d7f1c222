"""What deleting an object means: at once, or by marking what still has something to do.

The rules are those of the API server's generic store: an object with finalizers, and a pod
that has a node, first get a `deletionTimestamp`; whoever removes the last finalizer, and the
kubelet that has stopped the pod, remove the object for good.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.clock import rfc3339
from minik8s.model.metadata import Document, is_terminating, name_of, namespace_of
from minik8s.model.registry import POD, Kind
from minik8s.model.workloads import is_terminal, node_name
from minik8s.store import Store

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
DEFAULT_GRACE = 30


def delete(
    store: Store,
    kind: Kind,
    document: Document,
    *,
    grace: int | None = None,
    finalizers: Iterable[str] = (),
) -> Document:
    """Ask an object to go, and give back its last state.

    `grace` is in seconds (None: the object's own); `finalizers` are added first (`orphan`,
    `foregroundDeletion`: what a propagation policy means).
    """
    current = store.get(kind, namespace_of(document), name_of(document))
    if current is None:
        return document
    held = [*(current["metadata"].get("finalizers") or ())]
    held += [each for each in finalizers if each not in held]
    seconds = _grace(kind, current, grace)
    if not held and not seconds:
        return store.delete(kind, namespace_of(current), name_of(current))
    marked = _marked(store, current, seconds, held)
    return store.update(kind, marked)


def release(store: Store, kind: Kind, document: Document, finalizer: str) -> None:
    """Take a finalizer off an object, and remove the object if that was the last."""
    current = store.get(kind, namespace_of(document), name_of(document))
    if current is None:
        return
    rest = [each for each in current["metadata"].get("finalizers") or () if each != finalizer]
    if is_terminating(current) and not rest and not _grace_left(kind, current):
        store.delete(kind, namespace_of(current), name_of(current))
        return
    metadata = {**current["metadata"], "finalizers": rest}
    if not rest:
        del metadata["finalizers"]
    store.update(kind, {**current, "metadata": metadata})


def _grace(kind: Kind, document: Document, asked: int | None) -> int:
    """The seconds that a pod is given: none without a node, or when it has already ended."""
    if kind != POD or not node_name(document) or is_terminal(document):
        return 0
    own = document.get("spec", {}).get("terminationGracePeriodSeconds", DEFAULT_GRACE)
    return int(own if asked is None else asked)


def _grace_left(kind: Kind, document: Document) -> bool:
    return kind == POD and bool(document["metadata"].get("deletionGracePeriodSeconds"))


def _marked(store: Store, document: Document, seconds: int, finalizers: list[str]) -> Document:
    metadata = dict(document["metadata"])
    if finalizers:
        metadata["finalizers"] = finalizers
    if not is_terminating(document) or seconds < metadata.get("deletionGracePeriodSeconds", 0):
        metadata["deletionTimestamp"] = rfc3339(store.clock.now + seconds)
        metadata["deletionGracePeriodSeconds"] = seconds
    return {**document, "metadata": metadata}
