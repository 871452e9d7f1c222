"""Which kinds a server serves: its aggregated discovery, read back (apidiscovery.k8s.io/v2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def kinds_in(documents: Iterable[Document]) -> Iterator[Kind]:
    """The kinds in the documents of `/api` and `/apis`, in their order."""
    for document in documents:
        for group in document["items"]:
            name = group["metadata"].get("name") or ""
            for version in group["versions"]:
                for resource in version["resources"]:
                    yield _kind(name, version["version"], resource)


def _kind(group: str, version: str, resource: Document) -> Kind:
    return Kind(
        group,
        version,
        resource["responseKind"]["kind"],
        resource["resource"],
        tuple(resource.get("shortNames") or ()),
        resource["scope"] == "Namespaced",
        tuple(resource.get("categories") or ()),
        tuple(sub["subresource"] for sub in resource.get("subresources") or ()),
        tuple(resource["verbs"]),
        resource.get("singularResource") or "",
    )
