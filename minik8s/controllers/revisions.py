"""ControllerRevisions: the past templates of DaemonSets and StatefulSets."""

from __future__ import annotations

from minik8s.controllers.base import Context, controlled
from minik8s.controllers.deletion import delete
from minik8s.ids import template_hash
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of, owner_reference
from minik8s.model.registry import CONTROLLER_REVISION

HASH_LABEL = "controller-revision-hash"
HISTORY_LIMIT = 10


def current_revision(context: Context, owner: Document, *, bare_hash: bool) -> str:
    """The label value of the owner's present template; its ControllerRevision is made if need be.

    DaemonSets label their pods with the hash alone (`bare_hash`), StatefulSets with the whole
    name of the revision.
    """
    template = owner["spec"].get("template") or {}
    digest = template_hash(template)
    name = f"{name_of(owner)}-{digest}"
    label = digest if bare_hash else name
    store, namespace = context.store, namespace_of(owner)
    if store.get(CONTROLLER_REVISION, namespace, name) is None:
        past = _history(context, owner)
        metadata = {
            "name": name,
            "namespace": namespace,
            "labels": {**labels_of(template), HASH_LABEL: digest},
            "ownerReferences": [owner_reference(owner)],
        }
        document = {
            "apiVersion": CONTROLLER_REVISION.api_version,
            "kind": CONTROLLER_REVISION.kind,
            "metadata": metadata,
            "data": {"spec": {"template": {**template, "$patch": "replace"}}},
            "revision": 1 + max((int(each["revision"]) for each in past), default=0),
        }
        store.create(CONTROLLER_REVISION, document)
    return label


def drop_old(context: Context, owner: Document, in_use: set[str]) -> None:
    """Delete the oldest revisions beyond `revisionHistoryLimit` that no pod has."""
    limit = int(owner["spec"].get("revisionHistoryLimit", HISTORY_LIMIT))
    past = [
        each
        for each in _history(context, owner)
        if name_of(each) not in in_use and labels_of(each).get(HASH_LABEL) not in in_use
    ]
    for each in past[: max(0, len(past) - limit)]:
        delete(context.store, CONTROLLER_REVISION, each)


def _history(context: Context, owner: Document) -> list[Document]:
    found = controlled(context.store, owner, CONTROLLER_REVISION)
    return sorted(found, key=lambda each: int(each["revision"]))
