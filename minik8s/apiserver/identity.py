"""What follows from a new object's name and uid: labels and selectors that nobody wrote.

The name may have been generated a moment ago, and the uid is the one that will be stored.
"""

from __future__ import annotations

from minik8s.ids import Ids
from minik8s.model.jobs import with_own_selector
from minik8s.model.metadata import NAME_LABEL, Document, labels_of, name_of
from minik8s.model.registry import JOB, NAMESPACE, Kind


def identified(kind: Kind, document: Document, ids: Ids) -> Document:
    """A new object that has its name, with what follows from that; a Job's uid is drawn here."""
    if kind == NAMESPACE:
        return _labelled(document)
    if kind == JOB:
        metadata = {**document["metadata"], "uid": ids.uid()}
        return with_own_selector({**document, "metadata": metadata})
    return document


def _labelled(namespace: Document) -> Document:
    """A namespace with its name as a label (Canonicalize of the namespace strategy)."""
    labels, name = labels_of(namespace), name_of(namespace)
    if labels.get(NAME_LABEL) == name:
        return namespace
    metadata = {**namespace["metadata"], "labels": {**labels, NAME_LABEL: name}}
    return {**namespace, "metadata": metadata}
