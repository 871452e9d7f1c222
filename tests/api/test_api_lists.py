"""Lists: selectors, pages, and what resourceVersion asks for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from fakes import CONFIGMAPS, PODS, TABLE, Api, FakeBackend, pod

PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def fill(api: Api, *wanted: str) -> None:
    for name in wanted:
        api.ok("POST", CONFIGMAPS, {"metadata": {"name": name, "labels": {"n": name}}})


def test_a_list_names_its_kind_and_version(api: Api) -> None:
    fill(api, "b", "a")
    body = api.ok("GET", CONFIGMAPS)
    assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")
    assert body["metadata"] == {"resourceVersion": str(api.backend.store.resource_version)}
    assert names(body) == ["a", "b"]
    assert body["items"][0]["kind"] == "ConfigMap"


def test_all_namespaces(api: Api) -> None:
    for namespace in ("kube-system", "default"):
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        api.ok("POST", path, {"metadata": {"name": f"in-{namespace}"}})
    assert names(api.ok("GET", "/api/v1/configmaps")) == ["in-default", "in-kube-system"]
    assert names(api.ok("GET", "/api/v1/namespaces/kube-system/configmaps")) == ["in-kube-system"]


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("n=a", ["a"]),
        ("n!=a", ["b", "c"]),
        ("n in (a,c)", ["a", "c"]),
        ("n notin (a,c)", ["b"]),
        ("!n", []),
        ("n,n!=b", ["a", "c"]),
        ("", ["a", "b", "c"]),
    ],
)
def test_label_selectors(api: Api, selector: str, wanted: list[str]) -> None:
    fill(api, "a", "b", "c")
    assert names(api.ok("GET", f"{CONFIGMAPS}?labelSelector={quote(selector)}")) == wanted


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.name!=a", ["b"]),
        ("spec.nodeName=n1", ["a"]),
        ("spec.nodeName=", ["b"]),
        ("status.phase=Pending,metadata.namespace=default", ["a", "b"]),
        ("status.phase!=Pending", []),
        ("metadata.name=a,spec.nodeName=n2", []),
    ],
)
def test_field_selectors(api: Api, selector: str, wanted: list[str]) -> None:
    api.ok("POST", PODS, pod("a", nodeName="n1"))
    api.ok("POST", PODS, pod("b"))
    assert names(api.ok("GET", f"{PODS}?fieldSelector={quote(selector)}")) == wanted
    assert names(api.ok("GET", f"/api/v1/pods?fieldSelector={quote(selector)}")) == wanted


def test_events_are_found_by_what_they_involve(api: Api) -> None:
    events = "/api/v1/namespaces/default/events"
    for name, uid in (("e1", "u1"), ("e2", "u2")):
        involved = {"kind": "Pod", "name": "p", "namespace": "default", "uid": uid}
        api.ok("POST", events, {"metadata": {"name": name}, "involvedObject": involved})
    selector = (
        "involvedObject.name=p,involvedObject.namespace=default,involvedObject.kind=Pod,"
        "involvedObject.uid=u2"
    )
    assert names(api.ok("GET", f"{events}?fieldSelector={quote(selector)}")) == ["e2"]


# -- pages


def test_pages_hold_everything_once_and_in_order(api: Api) -> None:
    wanted = [f"c{number:02}" for number in range(25)]
    fill(api, *wanted)
    seen: list[str] = []
    url, rest = f"{CONFIGMAPS}?limit=10", []
    while True:
        body = api.ok("GET", url)
        seen += names(body)
        rest.append(body["metadata"].get("remainingItemCount"))
        token = body["metadata"].get("continue")
        if not token:
            break
        url = f"{CONFIGMAPS}?limit=10&continue={token}"
    assert seen == wanted
    assert rest == [15, 5, None]


def test_pages_show_the_state_of_the_first_one(api: Api) -> None:
    fill(api, "a", "b", "c", "d")
    first = api.ok("GET", f"{CONFIGMAPS}?limit=2")
    api.ok("DELETE", f"{CONFIGMAPS}/c")
    fill(api, "bb")
    second = api.ok("GET", f"{CONFIGMAPS}?limit=2&continue={first['metadata']['continue']}")
    assert names(second) == ["c", "d"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_pages_across_namespaces(api: Api) -> None:
    for namespace in ("default", "kube-public", "kube-system"):
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        for name in ("a", "b"):
            api.ok("POST", path, {"metadata": {"name": name}})
    first = api.ok("GET", "/api/v1/configmaps?limit=3")
    token = first["metadata"]["continue"]
    second = api.ok("GET", f"/api/v1/configmaps?limit=3&continue={token}")
    places = [
        (item["metadata"]["namespace"], item["metadata"]["name"])
        for item in first["items"] + second["items"]
    ]
    assert places == sorted(places)
    assert len(set(places)) == 6


def test_a_selector_leaves_the_count_of_the_rest_out(api: Api) -> None:
    fill(api, "a", "b", "c")
    body = api.ok("GET", f"{CONFIGMAPS}?limit=1&labelSelector=n")
    assert body["metadata"]["continue"]
    assert "remainingItemCount" not in body["metadata"]


def test_a_token_that_is_too_old(api: Api) -> None:
    api.backend.store._log_limit = 3  # the log of a store that has been written to for long
    fill(api, "a", "b")
    token = api.ok("GET", f"{CONFIGMAPS}?limit=1")["metadata"]["continue"]
    fill(api, *(f"x{number}" for number in range(6)))
    refused = api.fails("GET", f"{CONFIGMAPS}?limit=1&continue={token}")
    assert (refused["code"], refused["reason"]) == (410, "Expired")
    assert refused["message"].startswith(
        "The provided continue parameter is too old to display a consistent list result."
    )


@pytest.mark.parametrize("token", ["x", "%00", "e30", "bnVsbA"])
def test_a_token_that_makes_no_sense(api: Api, token: str) -> None:
    refused = api.fails("GET", f"{CONFIGMAPS}?continue={token}")
    assert refused["message"].startswith("continue key is not valid")


def test_a_limit_that_makes_no_sense(api: Api) -> None:
    assert api.fails("GET", f"{CONFIGMAPS}?limit=x")["code"] == 400
    fill(api, "a")
    assert names(api.ok("GET", f"{CONFIGMAPS}?limit=-5")) == ["a"]


# -- resourceVersion


def test_versions_that_a_list_may_ask_for(api: Api) -> None:
    fill(api, "a")
    then = api.ok("GET", CONFIGMAPS)["metadata"]["resourceVersion"]
    fill(api, "b")
    for query in ("resourceVersion=0", f"resourceVersion={then}", ""):
        assert names(api.ok("GET", f"{CONFIGMAPS}?{query}")) == ["a", "b"], "not older than"
    exact = api.ok("GET", f"{CONFIGMAPS}?resourceVersion={then}&resourceVersionMatch=Exact")
    assert names(exact) == ["a"]
    assert exact["metadata"]["resourceVersion"] == then
    newer = f"resourceVersion={then}&resourceVersionMatch=NotOlderThan"
    assert names(api.ok("GET", f"{CONFIGMAPS}?{newer}")) == ["a", "b"]


def test_a_version_of_the_future(api: Api) -> None:
    refused = api.fails("GET", f"{CONFIGMAPS}?resourceVersion=999999")
    assert (refused["code"], refused["reason"]) == (504, "Timeout")
    assert "Too large resource version: 999999, current: " in refused["message"]
    assert refused["details"]["retryAfterSeconds"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "resourceVersion=x",
        "resourceVersion=-1",
        "resourceVersionMatch=Exact",
        "resourceVersion=0&resourceVersionMatch=Exact",
        "resourceVersion=1&resourceVersionMatch=Maybe",
        "sendInitialEvents=true",
    ],
)
def test_versions_that_make_no_sense(api: Api, query: str) -> None:
    refused = api.fails("GET", f"{CONFIGMAPS}?{query}")
    assert (refused["code"], refused["reason"]) == (422, "Invalid")


# -- forms


def test_metadata_alone(api: Api) -> None:
    fill(api, "a")
    body = api.ok("GET", CONFIGMAPS, accept=PARTIAL)
    assert body["kind"] == "PartialObjectMetadataList"
    assert set(body["items"][0]) == {"kind", "apiVersion", "metadata"}
    single = api.ok("GET", f"{CONFIGMAPS}/a", accept=PARTIAL.replace("List", ""))
    assert (single["kind"], single["metadata"]["name"]) == ("PartialObjectMetadata", "a")


def test_objects_are_answered_where_protobuf_is_asked_for(api: Api) -> None:
    fill(api, "a")
    accept = "application/vnd.kubernetes.protobuf,application/json"
    assert api.ok("GET", CONFIGMAPS, accept=accept)["kind"] == "ConfigMapList"


def test_pages_of_tables(api: Api) -> None:
    fill(api, "a", "b", "c")
    body = api.ok("GET", f"{CONFIGMAPS}?limit=2", accept=TABLE)
    assert [row["cells"][0] for row in body["rows"]] == ["a", "b"]
    assert body["metadata"]["remainingItemCount"] == 1
    token = body["metadata"]["continue"]
    rest = api.ok("GET", f"{CONFIGMAPS}?limit=2&continue={token}", accept=TABLE)
    assert [row["cells"][0] for row in rest["rows"]] == ["c"]


def test_endpoints_are_deprecated(backend: FakeBackend) -> None:
    from fakes import DOORS

    path = "/api/v1/namespaces/default/endpoints"
    response = DOORS["in process"](backend).call("GET", path)
    assert response.warnings == [
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    ]
