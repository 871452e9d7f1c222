"""What the status of a terminating namespace says of what still holds it.

The five conditions and their words are those of the namespace controller
(pkg/controller/namespace/deletion/status_condition_utils.go). Discovery, parsing and deleting
cannot fail here, so the first three always say that all is well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from minik8s.model.metadata import Document

_FINE = {
    "NamespaceDeletionDiscoveryFailure": (
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": (
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
}
"""The conditions in their order: the reason and the message when nothing is amiss."""


def with_remains(status: Document, left: Mapping[str, list[Document]], now: str) -> Document:
    """The status with its conditions; `left` are the objects still there, by RESOURCE.GROUP.

    The group of the core kinds is empty, and the dot before it stays.
    """
    troubles = _troubles(left)
    present = {entry["type"]: entry for entry in status.get("conditions") or ()}
    entries = [present[kind] for kind in present if kind not in _FINE]
    for kind, (reason, message) in _FINE.items():
        value = "False"
        if kind in troubles:
            value, (reason, message) = "True", troubles[kind]
        before = present.get(kind, {})
        since = before.get("lastTransitionTime", now) if before.get("status") == value else now
        entries.append(
            {
                "lastTransitionTime": since,
                "message": message,
                "reason": reason,
                "status": value,
                "type": kind,
            }
        )
    return {**status, "conditions": entries}


def _troubles(left: Mapping[str, list[Document]]) -> dict[str, tuple[str, str]]:
    """The reason and the message of each condition that holds."""
    found = {}
    held = Counter(
        finalizer
        for documents in left.values()
        for document in documents
        for finalizer in document["metadata"].get("finalizers") or ()
    )
    if left:
        counts = (
            f"{kind} has {len(held_back)} resource instances" for kind, held_back in left.items()
        )
        text = f"Some resources are remaining: {', '.join(sorted(counts))}"
        found["NamespaceContentRemaining"] = ("SomeResourcesRemain", text)
    if held:
        counts = (f"{finalizer} in {count} resource instances" for finalizer, count in held.items())
        text = "Some content in the namespace has finalizers remaining: " + ", ".join(
            sorted(counts)
        )
        found["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", text)
    return found
