"""What the server says of itself, in both forms of discovery."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import Api

from minik8s.model.registry import KINDS, Kind

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def test_aggregated_discovery(api: Api) -> None:
    response = api.call("GET", "/apis", accept=AGGREGATED)
    assert response.content_type == (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    )
    body: Any = response.body
    assert (body["kind"], body["apiVersion"]) == (
        "APIGroupDiscoveryList",
        "apidiscovery.k8s.io/v2",
    )
    groups = {item["metadata"]["name"]: item for item in body["items"]}
    (version,) = groups["networking.k8s.io"]["versions"]
    assert (version["version"], version["freshness"]) == ("v1", "Current")
    policies = next(r for r in version["resources"] if r["resource"] == "networkpolicies")
    assert policies == {
        "resource": "networkpolicies",
        "responseKind": {
            "group": "networking.k8s.io",
            "version": "v1",
            "kind": "NetworkPolicy",
        },
        "scope": "Namespaced",
        "singularResource": "networkpolicy",
        "verbs": [
            "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
        ],
        "shortNames": ["netpol"],
    }  # fmt: skip


def test_the_core_group_is_apart(api: Api) -> None:
    body = api.ok("GET", "/api", accept=AGGREGATED)
    (item,) = body["items"]
    assert item["metadata"].get("name") is None
    names = [resource["resource"] for resource in item["versions"][0]["resources"]]
    assert names == sorted(kind.plural for kind in KINDS if not kind.group)
    pods = next(r for r in item["versions"][0]["resources"] if r["resource"] == "pods")
    assert pods["categories"] == ["all"]
    eviction = next(s for s in pods["subresources"] if s["subresource"] == "eviction")
    assert eviction["responseKind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}


def test_scale_is_told_as_a_scale(api: Api) -> None:
    body = api.ok("GET", "/apis", accept=AGGREGATED)
    apps = next(item for item in body["items"] if item["metadata"]["name"] == "apps")
    deployments = next(
        r for r in apps["versions"][0]["resources"] if r["resource"] == "deployments"
    )
    assert {
        "subresource": "scale",
        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "verbs": ["get", "patch", "update"],
    } in deployments["subresources"]


def test_legacy_discovery_says_the_same(api: Api) -> None:
    assert api.ok("GET", "/api")["versions"] == ["v1"]
    groups = api.ok("GET", "/apis")
    assert groups["kind"] == "APIGroupList"
    found = set()
    paths = [
        "/api/v1",
        *(f"/apis/{v['groupVersion']}" for g in groups["groups"] for v in g["versions"]),
    ]
    for path in paths:
        body = api.ok("GET", path)
        assert body["kind"] == "APIResourceList"
        for entry in body["resources"]:
            if "/" not in entry["name"]:
                found.add((body["groupVersion"], entry["name"], entry["kind"], entry["namespaced"]))
    assert found == {(k.api_version, k.plural, k.kind, k.namespaced) for k in KINDS}


def test_one_group(api: Api) -> None:
    body = api.ok("GET", "/apis/apps")
    assert body["kind"] == "APIGroup"
    assert body["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    names = [entry["name"] for entry in api.ok("GET", "/apis/apps/v1")["resources"]]
    assert {"deployments", "deployments/scale", "deployments/status"} <= set(names)


def test_a_kind_that_is_added_is_told(api: Api) -> None:
    kind = Kind("example.com", "v1", "Thing", "things", ("th",), False)
    api.backend.registry.add(kind)
    body = api.ok("GET", "/apis", accept=AGGREGATED)
    assert "example.com" in [item["metadata"]["name"] for item in body["items"]]
    made = api.ok("POST", "/apis/example.com/v1/things", {"metadata": {"name": "t"}, "any": 1})
    assert (made["kind"], made["any"]) == ("Thing", 1)
    api.backend.registry.remove(kind)
    assert api.call("GET", "/apis/example.com/v1/things").code == 404


@pytest.mark.parametrize("path", ["/version", "/version/"])
def test_version(api: Api, path: str) -> None:
    body = api.ok("GET", path)
    assert (body["major"], body["minor"], body["gitVersion"]) == ("1", "37", "v1.37.0")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/etcd"])
def test_health(api: Api, path: str) -> None:
    assert api.ok("GET", path) == "ok"


def test_the_root_names_the_paths(api: Api) -> None:
    paths = api.ok("GET", "/")["paths"]
    assert {"/api/v1", "/apis/apps/v1", "/version"} <= set(paths)
