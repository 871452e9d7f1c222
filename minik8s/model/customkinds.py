"""The kinds that a CustomResourceDefinition brings (apiextensions.k8s.io/v1)."""

from __future__ import annotations

from minik8s.model.metadata import Document
from minik8s.model.registry import KINDS, Kind

_BUILT_IN = frozenset((kind.group, kind.plural) for kind in KINDS)


def kinds_of_definition(definition: Document) -> list[Kind]:
    """One kind for each served version; none for a resource that is built in.

    The storage version comes first: it is what `kubectl get` picks.
    """
    spec = definition.get("spec") or {}
    names, group = spec.get("names") or {}, str(spec.get("group", ""))
    if (group, names.get("plural")) in _BUILT_IN:
        return []
    served = [version for version in spec.get("versions") or () if version.get("served")]
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


def _subresources(version: Document) -> Document:
    found: Document = version.get("subresources") or {}
    return found
