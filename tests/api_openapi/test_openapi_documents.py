"""/openapi/v2 and /openapi/v3: whole, consistent, and what kubectl looks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_door import Kubectl

from minik8s.apiserver import Request, Response
from minik8s.cluster import Cluster
from minik8s.model.registry import KINDS


def get(cluster: Cluster, path: str, **query: str) -> Response:
    asked = {name: [value] for name, value in query.items()}
    return cluster.server.handle(Request("GET", path, asked))


@pytest.fixture(scope="module")
def documents(cluster: Cluster) -> dict[str, Any]:
    index = get(cluster, "/openapi/v3").body
    assert isinstance(index, dict)
    found = {}
    for place, entry in index["paths"].items():
        path, _, query = entry["serverRelativeURL"].partition("?")
        response = get(cluster, path, hash=query.removeprefix("hash="))
        assert response.code == 200
        assert response.headers["cache-control"] == "public, immutable"
        assert isinstance(response.body, bytes)
        found[place] = json.loads(response.body)
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere(documents: dict[str, Any]) -> None:
    for document in documents.values():
        known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert set(references(document)) <= known


def test_every_schema_is_used(documents: dict[str, Any]) -> None:
    general = ("ObjectMeta", "WatchEvent", "Patch", "DeleteOptions", "Status", "APIResourceList")
    for document in documents.values():
        used = {each.rpartition("/")[2] for each in references(document)}
        for name in document["components"]["schemas"]:
            assert name in used or name.rpartition(".")[2] in general


STORED = [kind for kind in KINDS if "get" in kind.verbs]
REVIEWS = [kind for kind in KINDS if "get" not in kind.verbs]


@pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.resource)
def test_a_review_can_only_be_posted(documents: dict[str, Any], kind: Any) -> None:
    paths = documents[f"apis/{kind.api_version}"]["paths"]
    path = kind.path("{namespace}" if kind.namespaced else None)
    assert {"get", "post", "put", "patch", "delete"} & set(paths[path]) == {"post"}
    assert f"{path}/{{name}}" not in paths


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.resource)
def test_a_kind_has_its_schema_and_its_operations(documents: dict[str, Any], kind: Any) -> None:
    place = f"apis/{kind.api_version}" if kind.group else "api/v1"
    document = documents[place]
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    schemas = document["components"]["schemas"].values()
    (schema,) = [s for s in schemas if gvk in s.get("x-kubernetes-group-version-kind", ())]
    assert schema["description"]
    assert {"apiVersion", "kind", "metadata"} <= set(schema["properties"])
    path = kind.path("{namespace}" if kind.namespaced else None, "{name}")
    item = document["paths"][path]
    assert {item[m]["x-kubernetes-action"] for m in ("get", "put", "patch", "delete")} == {
        "get",
        "put",
        "patch",
        "delete",
    }
    patch = item["patch"]
    assert patch["x-kubernetes-group-version-kind"] == gvk
    names = {parameter["name"] for parameter in patch["parameters"]}
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= names
    for name in kind.subresources:
        assert f"{path}/{name}" in document["paths"]


def test_operations_have_names_of_their_own(documents: dict[str, Any]) -> None:
    for document in documents.values():
        operations = [
            operation["operationId"]
            for item in document["paths"].values()
            for method, operation in item.items()
            if method != "parameters"
        ]
        assert len(operations) == len(set(operations))


def test_documents_are_made_once() -> None:
    first, second = Cluster(), Cluster()
    one = get(first, "/openapi/v3/api/v1")
    assert one.body is get(second, "/openapi/v3/api/v1").body
    assert one.headers["cache-control"] == "no-cache, private"


def test_version_2_is_an_empty_protobuf(cluster: Cluster, kubectl: Kubectl) -> None:
    response = get(cluster, "/openapi/v2")
    assert response.body == b"\n\x032.0"
    assert response.content_type.endswith("v2.v1.0+protobuf")
    manifest = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolcy"}'
    _, err, code = kubectl("create", "-f", "-", stdin=manifest)
    assert code == 1
    assert 'no matches for kind "NetworkPolcy" in version "networking.k8s.io/v1"' in err


@pytest.mark.parametrize("path", ["/openapi/v3/apis/nope/v1", "/openapi/v3/api", "/openapi/v3/x"])
def test_documents_that_are_not_there(cluster: Cluster, path: str) -> None:
    assert get(cluster, path).code == 404


def test_other_methods_are_refused(cluster: Cluster) -> None:
    assert cluster.server.handle(Request("POST", "/openapi/v3")).code == 405


def test_files_of_every_builtin_kind_pass_the_real_kubectls_check(kubectl: Kubectl) -> None:
    manifest = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "openapi-a"}},
                {
                    "apiVersion": "networking.k8s.io/v1",
                    "kind": "NetworkPolicy",
                    "metadata": {"name": "openapi-b"},
                    "spec": {"podSelector": {}},
                },
            ],
        }
    )
    out, err, code = kubectl("create", "-f", "-", stdin=manifest)
    assert (err, code) == ("", 0)
    assert out.splitlines() == [
        "configmap/openapi-a created",
        "networkpolicy.networking.k8s.io/openapi-b created",
    ]
