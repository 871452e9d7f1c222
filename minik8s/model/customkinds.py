"""The kinds that a CustomResourceDefinition brings (apiextensions.k8s.io/v1)."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.model.metadata import Document
from minik8s.model.registry import CUSTOM_RESOURCE_DEFINITION, KINDS, Kind, Registry

_BUILT_IN = frozenset((kind.group, kind.plural) for kind in KINDS)


def kinds_of_definition(definition: Document) -> list[Kind]:
    """One kind for each served version; none for a resource that is built in.

    The storage version comes first: it is what `kubectl get` picks.
    """
    spec = definition.get("spec") or {}
    names, group = spec.get("names") or {}, str(spec.get("group", ""))
    if not (names.get("kind") and names.get("plural")):
        return []
    if (group, names["plural"]) in _BUILT_IN:
        return []
    served = [
        version
        for version in spec.get("versions") or ()
        if version.get("served") and version.get("name")
    ]
    served.sort(key=lambda version: not version.get("storage"))
    return [
        Kind(
            group,
            version["name"],
            names["kind"],
            names["plural"],
            tuple(names.get("shortNames") or ()),
            spec.get("scope") == "Namespaced",
            tuple(names.get("categories") or ()),
            tuple(name for name in ("status", "scale") if name in _subresources(version)),
            singular=names.get("singular") or "",
        )
        for version in served
    ]


def serve_definitions(registry: Registry, documents: Iterable[Document]) -> None:
    """Serve the kinds of the CustomResourceDefinitions among some documents."""
    for document in documents:
        if registry.of(document) == CUSTOM_RESOURCE_DEFINITION:
            for kind in kinds_of_definition(document):
                registry.add(kind)


def _subresources(version: Document) -> Document:
    found: Document = version.get("subresources") or {}
    return found
