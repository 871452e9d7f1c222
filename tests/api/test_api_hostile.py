"""Requests that no good client sends: each is answered, and the cluster goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import CONFIGMAPS, DEPLOYMENTS, PODS, Api, deployment, pod

from minik8s.apiserver import ApiServer, Request
from minik8s.controllers import job, replicaset, statefulset
from minik8s.controllers.pods import MOST_PODS
from minik8s.runtime import Runtime

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
MANY_DIGITS = "9" * 5000
EVENTS = "/api/v1/namespaces/default/events"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
STATEFUL_SETS = "/apis/apps/v1/namespaces/default/statefulsets"


@pytest.fixture
def runtime() -> Any:
    return Runtime()


@pytest.fixture
def api(runtime: Any) -> Api:
    return Api(runtime, ApiServer(runtime).handle)


def sent(
    api: Api,
    method: str,
    path: str,
    body: bytes | None,
    media: str = "application/json",
    **query: str,
) -> tuple[int, dict[str, Any]]:
    """The code and the document that bytes lead to."""
    asked = {name: [value] for name, value in query.items()}
    answer = api.handle(Request(method, path, asked, {"content-type": media}, body))
    assert isinstance(answer.body, dict)
    return answer.code, answer.body


def patched(api: Api, path: str, body: Any, media: str = MERGE) -> tuple[int, dict[str, Any]]:
    return sent(api, "PATCH", path, json.dumps(body).encode(), media)


# -- numbers


@pytest.mark.parametrize("number", ["1e400", "-1e400", MANY_DIGITS, "NaN", "-Infinity"])
def test_numbers_that_json_or_go_does_not_have(api: Api, number: str) -> None:
    text = b'{"metadata":{"name":"a","generation":' + number.encode() + b"}}"
    code, status = sent(api, "POST", CONFIGMAPS, text)
    assert (code, status["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_numbers_of_yaml_that_json_does_not_have(api: Api, number: str) -> None:
    text = f"metadata: {{name: a}}\nspec: {{x: {number}}}\n"
    code, status = sent(api, "POST", CONFIGMAPS, text.encode(), "application/yaml")
    assert code == 400
    assert "json: unsupported value: " in status["message"]


@pytest.mark.parametrize(
    "query",
    [
        {"resourceVersion": MANY_DIGITS},
        {"limit": MANY_DIGITS},
        {"continue": MANY_DIGITS},
        {"labelSelector": f"a>{MANY_DIGITS}"},
        {"timeoutSeconds": MANY_DIGITS, "watch": "1"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_queries_of_thousands_of_digits(api: Api, query: dict[str, str]) -> None:
    code, status = sent(api, "GET", PODS, None, **query)
    assert 400 <= code < 500
    assert status["kind"] == "Status"


def test_an_index_of_thousands_of_digits(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    operation = {"op": "remove", "path": f"/spec/containers/{MANY_DIGITS}"}
    assert patched(api, f"{PODS}/a", [operation], JSON_PATCH)[0] == 422


def test_a_block_of_thousands_of_digits(api: Api) -> None:
    policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
    block = {"ipBlock": {"cidr": f"{MANY_DIGITS}.0.0.0/8"}}
    spec = {"podSelector": {}, "ingress": [{"from": [block]}]}
    text = json.dumps({"metadata": {"name": "a"}, "spec": spec}).encode()
    assert sent(api, "POST", policies, text)[0] == 422


@pytest.mark.parametrize("amount", ["1e400", "9" * 400, "5n", "7u"])
def test_amounts_beyond_and_below_what_counts(api: Api, amount: str) -> None:
    limits = {"requests": {"cpu": amount, "memory": amount}}
    container = {"name": "c", "image": "nginx", "resources": limits}
    text = json.dumps({"metadata": {"name": "a"}, "spec": {"containers": [container]}}).encode()
    assert sent(api, "POST", PODS, text)[0] == 201
    node = {"metadata": {"name": "odd"}, "status": {"capacity": {"pods": amount}}}
    code, _ = sent(api, "POST", "/api/v1/nodes", json.dumps(node).encode())
    assert code == (201 if "e4" in amount or "99" in amount else 422)


# -- patches


@pytest.mark.parametrize(
    "body",
    [
        {"spec": [[]], "$setElementOrder/spec": [[], {"a": None}]},
        {"spec": {"containers": [{"name": {"a": "b"}}]}},
        {"spec": {"containers": [{"name": []}], "$setElementOrder/containers": [{"name": []}]}},
        {"metadata": {"finalizers": [{}], "$setElementOrder/finalizers": [{}, []]}},
    ],
    ids=str,
)
def test_strategic_patches_with_odd_keys(api: Api, body: dict[str, Any]) -> None:
    api.ok("POST", PODS, pod("a"))
    code, status = patched(api, f"{PODS}/a", body, "application/strategic-merge-patch+json")
    assert code in (400, 422)
    assert status["kind"] == "Status"


# -- who manages what


@pytest.mark.parametrize(
    "fields",
    [{"f:data": []}, {"f:data": None}, {"f:data": {"f:a": 1}}, {"k:x": {}}, {"data": {}}, [], 3],
    ids=str,
)
def test_managed_fields_that_make_no_sense_are_not_taken(api: Api, fields: Any) -> None:
    made = api.ok("POST", CONFIGMAPS, {"metadata": {"name": "a"}, "data": {"a": "b"}})
    before = made["metadata"]["managedFields"]
    entry = {**before[0], "fieldsV1": fields}
    code, after = patched(api, f"{CONFIGMAPS}/a", {"metadata": {"managedFields": [entry]}})
    assert code in (200, 400)
    code, after = patched(api, f"{CONFIGMAPS}/a", {"data": {"a": "c"}})
    assert (code, after["metadata"]["managedFields"][0]["fieldsV1"]) == (200, before[0]["fieldsV1"])


# -- what a client says of a status


def test_a_pod_has_addresses_that_are_some(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    code, status = patched(api, f"{PODS}/a/status", {"status": {"podIP": "foo"}})
    assert code == 422
    assert status["message"] == (
        'Pod "a" is invalid: podIPs[0]: Invalid value: "foo": must be a valid IP address, '
        "(e.g. 10.9.8.7 or 2001:db8::ffff)"
    )
    same_family = [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]
    given = {"podIP": "10.0.0.1", "podIPs": same_family}
    code, status = patched(api, f"{PODS}/a/status", {"status": given})
    assert code == 422
    assert "may specify no more than one IP for each IP family" in status["message"]


def test_the_older_form_of_a_pods_address_counts(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    code, changed = patched(api, f"{PODS}/a/status", {"status": {"podIP": "10.9.9.9"}})
    assert code == 200
    assert changed["status"]["podIPs"] == [{"ip": "10.9.9.9"}]


@pytest.mark.parametrize(
    "status",
    [
        {"conditions": [{}]},
        {"conditions": [{"type": "Progressing", "status": "True"}]},
        {"conditions": [{"type": "Progressing", "status": "True", "lastUpdateTime": None}]},
        {"conditions": [None]},
        {"conditions": None, "replicas": 7},
    ],
    ids=str,
)
def test_a_deployment_goes_on_after_any_status(api: Api, status: dict[str, Any]) -> None:
    api.ok("POST", DEPLOYMENTS, deployment("web"))
    code, _ = patched(api, f"{DEPLOYMENTS}/web/status", {"status": status})
    assert code == 200
    code, _ = patched(api, f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}})
    assert code == 200
    assert api.ok("GET", f"{DEPLOYMENTS}/web")["status"]["replicas"] == 3


@pytest.mark.parametrize(
    "state", [None, {}, {"terminated": {}}, {"running": {}}, {"waiting": {}}], ids=str
)
def test_the_kubelet_goes_on_after_any_state_of_a_container(
    api: Api, runtime: Any, state: dict[str, Any] | None
) -> None:
    api.ok("POST", PODS, pod("a"))
    statuses = [{"name": "main", "state": state, "lastState": state}]
    code, _ = patched(api, f"{PODS}/a/status", {"status": {"containerStatuses": statuses}})
    assert code == 200
    runtime.clock.advance(60)
    assert api.ok("GET", f"{PODS}/a")["metadata"]["name"] == "a"


# -- work without end


def test_a_billion_replicas_are_not_made(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert replicaset.MOST_PODS == MOST_PODS
    monkeypatch.setattr(replicaset, "MOST_PODS", 50)
    api.ok("POST", DEPLOYMENTS, deployment("web"))
    code, _ = patched(api, f"{DEPLOYMENTS}/web", {"spec": {"replicas": 2**31 - 1}})
    assert code == 200
    assert api.ok("GET", f"{DEPLOYMENTS}/web")["status"]["replicas"] == 50
    reasons = [event["reason"] for event in api.ok("GET", EVENTS)["items"]]
    assert "FailedCreate" in reasons


def test_a_stateful_set_of_a_billion(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefulset, "MOST_PODS", 50)
    template = deployment("db")["spec"]
    spec = {**template, "serviceName": "db", "replicas": 2**31 - 1}
    spec["podManagementPolicy"] = "Parallel"
    api.ok("POST", STATEFUL_SETS, {"metadata": {"name": "db"}, "spec": spec})
    assert api.ok("GET", f"{STATEFUL_SETS}/db")["status"]["replicas"] == 50


def test_a_job_of_a_billion(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "MOST_PODS", 50)
    template = {"spec": {"containers": pod("a")["spec"]["containers"], "restartPolicy": "Never"}}
    spec = {"parallelism": 2**31 - 1, "completions": 2**31 - 1, "template": template}
    api.ok("POST", JOBS, {"metadata": {"name": "many"}, "spec": spec})
    assert len(api.ok("GET", PODS)["items"]) == 50


def test_a_pod_in_the_way_of_a_stateful_set_fails_no_request(api: Api, runtime: Any) -> None:
    api.ok("POST", PODS, pod("db-0"))
    template = deployment("db")["spec"]
    api.ok(
        "POST",
        STATEFUL_SETS,
        {"metadata": {"name": "db"}, "spec": {**template, "serviceName": "db", "replicas": 1}},
    )
    assert "readyReplicas" not in api.ok("GET", f"{STATEFUL_SETS}/db")["status"]
    api.ok("DELETE", f"{PODS}/db-0")
    runtime.clock.advance(120)
    owner = api.ok("GET", f"{PODS}/db-0")["metadata"]["ownerReferences"][0]
    assert owner["kind"] == "StatefulSet"
