"""Read-only views of an object's metadata (metav1.ObjectMeta)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
"""One API object as JSON. A document that the store has handed out is never changed."""

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that every namespace carries, with its own name as the value."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def name_of(document: Mapping[str, Any]) -> str:
    """`metadata.name`, or the empty string."""
    return str(document.get("metadata", {}).get("name", ""))


def namespace_of(document: Mapping[str, Any]) -> str:
    """`metadata.namespace`, or the empty string for a cluster-scoped object."""
    return str(document.get("metadata", {}).get("namespace", ""))


def labels_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """`metadata.labels`, empty if absent."""
    labels: Mapping[str, str] = document.get("metadata", {}).get("labels") or {}
    return labels


def annotations_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """`metadata.annotations`, empty if absent."""
    annotations: Mapping[str, str] = document.get("metadata", {}).get("annotations") or {}
    return annotations


def uid_of(document: Mapping[str, Any]) -> str:
    """`metadata.uid`, or the empty string."""
    return str(document.get("metadata", {}).get("uid", ""))


def is_terminating(document: Mapping[str, Any]) -> bool:
    """Whether the object has been asked to go."""
    return "deletionTimestamp" in document.get("metadata", {})


def controller_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference with `controller: true`, if there is one."""
    for owner in document.get("metadata", {}).get("ownerReferences") or ():
        if owner.get("controller"):
            found: Mapping[str, Any] = owner
            return found
    return None


def owners_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The owner references."""
    yield from document.get("metadata", {}).get("ownerReferences") or ()


def owner_reference(owner: Mapping[str, Any]) -> Document:
    """A controller reference to an object, as metav1.NewControllerRef makes it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
