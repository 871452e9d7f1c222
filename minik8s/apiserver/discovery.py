"""What the server says of itself: which kinds it serves, in two forms, its version and health.

The aggregated form (apidiscovery.k8s.io/v2) is one document for all groups; the legacy one is
a document for each. Which of them an answer holds is told by its content type.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from minik8s.apiserver.backend import Backend
from minik8s.apiserver.messages import JSON, TEXT, Request, Response
from minik8s.apiserver.routing import PROXY
from minik8s.errors import MethodNotAllowed, NotFound
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind, Registry

AGGREGATED_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

VERSION: Document = {
    "major": "1",
    "minor": "37",
    "emulationMajor": "1",
    "emulationMinor": "37",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "36",
    "gitVersion": "v1.37.0",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2026-08-01T00:00:00Z",
    "goVersion": "go1.26.0",
    "compiler": "gc",
    "platform": "linux/amd64",
}
"""What `kubectl version` shows as the server's: the release whose API this is."""

_STATUS_VERBS = ["get", "patch", "update"]
_PROXY_VERBS = ["create", "delete", "get", "patch", "update"]
SUBRESOURCES: dict[str, tuple[str, str, str, list[str]]] = {
    "attach": ("", "v1", "PodAttachOptions", ["create", "get"]),
    "binding": ("", "v1", "Binding", ["create"]),
    "eviction": ("policy", "v1", "Eviction", ["create"]),
    "exec": ("", "v1", "PodExecOptions", ["create", "get"]),
    "finalize": ("", "v1", "Namespace", ["update"]),
    "log": ("", "v1", "Pod", ["get"]),
    "portforward": ("", "v1", "PodPortForwardOptions", ["create", "get"]),
    "scale": ("autoscaling", "v1", "Scale", _STATUS_VERBS),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ["create"]),
}
"""Group, version and kind of what a subresource takes, and its verbs."""

_GROUP_ORDER = (
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
)
"""The groups by the priority of their APIService; those of custom resources come after."""


def discover(backend: Backend, request: Request) -> Response | None:
    """The answer to a path that names no resource, or None if nothing is there."""
    path = request.path.rstrip("/") or "/"
    document = _document(backend.registry, path, request.headers.get("accept", ""))
    if document is None:
        return None
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    return document


def _document(registry: Registry, path: str, accept: str) -> Response | None:
    parts = path.split("/")[1:]
    match parts:
        case ["version"]:
            return Response(200, VERSION)
        case ["healthz" | "livez" | "readyz", *_]:
            return Response(200, "ok", content_type=TEXT)
        case [""]:
            return Response(200, {"paths": _paths(registry)})
        case ["api"]:
            return _root(registry, accept, core=True)
        case ["apis"]:
            return _root(registry, accept, core=False)
        case ["api", version]:
            return _resources(registry, "", version)
        case ["apis", group]:
            return _group(registry, group)
        case ["apis", group, version]:
            return _resources(registry, group, version)
    return None


def _paths(registry: Registry) -> list[str]:
    paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version"]
    for group, versions in groups_of(registry).items():
        if group:
            paths += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)]
    return sorted(paths)


def groups_of(registry: Registry) -> dict[str, list[str]]:
    """The versions of each group, in the order in which they are told."""
    groups: dict[str, list[str]] = {}
    for kind in registry:
        versions = groups.setdefault(kind.group, [])
        if kind.version not in versions:
            versions.append(kind.version)
    rank = {name: place for place, name in enumerate(_GROUP_ORDER)}
    return dict(sorted(groups.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))


def kinds_of(registry: Registry, group: str, version: str) -> Iterator[Kind]:
    """The kinds of a group-version, by plural."""
    found = [kind for kind in registry if (kind.group, kind.version) == (group, version)]
    yield from sorted(found, key=lambda kind: kind.plural)


def _root(registry: Registry, accept: str, *, core: bool) -> Response:
    if "APIGroupDiscoveryList" in accept and "v=v2" in accept:
        aggregated = _aggregated(registry, core=core)
        return Response(200, aggregated, content_type=AGGREGATED_V2)
    if core:
        return Response(200, _API_VERSIONS)
    groups = [_group_document(group, v) for group, v in groups_of(registry).items() if group]
    return Response(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})


_API_VERSIONS: Document = {
    "kind": "APIVersions",
    "versions": ["v1"],
    "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
}


def _aggregated(registry: Registry, *, core: bool) -> Document:
    items = []
    for group, versions in groups_of(registry).items():
        if (group == "") is not core:
            continue
        metadata: Document = {"creationTimestamp": None}
        if group:
            metadata["name"] = group
        items.append(
            {
                "metadata": metadata,
                "versions": [_aggregated_version(registry, group, each) for each in versions],
            }
        )
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(registry: Registry, group: str, version: str) -> Document:
    return {
        "version": version,
        "freshness": "Current",
        "resources": [_aggregated_kind(kind) for kind in kinds_of(registry, group, version)],
    }


@lru_cache(maxsize=1024)
def _aggregated_kind(kind: Kind) -> Document:
    resource: Document = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        resource["shortNames"] = list(kind.short_names)
    if kind.categories:
        resource["categories"] = list(kind.categories)
    if kind.subresources:
        resource["subresources"] = [_aggregated_sub(kind, name) for name in kind.subresources]
    return resource


def _aggregated_sub(kind: Kind, name: str) -> Document:
    group, version, word, verbs = subresource_type(kind, name)
    return {
        "subresource": name,
        "responseKind": {"group": group, "version": version, "kind": word},
        "verbs": verbs,
    }


def subresource_type(kind: Kind, name: str) -> tuple[str, str, str, list[str]]:
    """Group, version and kind of what a kind's subresource takes, and its verbs."""
    if name == PROXY:
        return kind.group, kind.version, f"{kind.kind}ProxyOptions", _PROXY_VERBS
    return SUBRESOURCES.get(name) or (kind.group, kind.version, kind.kind, _STATUS_VERBS)


# -- the legacy form


def _group_document(group: str, versions: list[str]) -> Document:
    entries = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": entries, "preferredVersion": entries[0]}


def _group(registry: Registry, group: str) -> Response:
    versions = groups_of(registry).get(group)
    if not group or versions is None:
        raise NotFound.path()
    document = {"kind": "APIGroup", "apiVersion": "v1", **_group_document(group, versions)}
    return Response(200, document)


def _resources(registry: Registry, group: str, version: str) -> Response:
    kinds = list(kinds_of(registry, group, version))
    if not kinds:
        raise NotFound.path()
    document = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": kinds[0].api_version,
        "resources": [entry for kind in kinds for entry in _legacy_entries(kind)],
    }
    return Response(200, document, content_type=JSON)


def _legacy_entries(kind: Kind) -> Iterator[Document]:
    entry: Document = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    yield entry
    for name in kind.subresources:
        group, version, word, verbs = subresource_type(kind, name)
        sub: Document = {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": word,
            "verbs": verbs,
        }
        if (group, version) != (kind.group, kind.version):
            sub.update(group=group, version=version)
        yield sub
