"""Errors: the Status bodies of the recorded server, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import (
    CONFIGMAPS,
    DEPLOYMENTS,
    PODS,
    POLICIES,
    SERVICES,
    Api,
    FakeBackend,
    deployment,
    pod,
    policy,
)
from fakes import service as service_of

from minik8s.apiserver import ApiServer, Request

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def status(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
    }
    if details:
        body["details"] = details
    return {**body, "code": code}


def test_not_found(api: Api) -> None:
    assert api.fails("GET", f"{PODS}/x") == status(
        404, "NotFound", 'pods "x" not found', name="x", kind="pods"
    )
    assert api.fails("DELETE", f"{POLICIES}/x") == status(
        404,
        "NotFound",
        'networkpolicies.networking.k8s.io "x" not found',
        name="x",
        group="networking.k8s.io",
        kind="networkpolicies",
    )


def test_already_exists(api: Api) -> None:
    given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    assert api.fails("POST", "/api/v1/namespaces", given) == status(
        409, "AlreadyExists", 'namespaces "default" already exists', name="default",
        kind="namespaces",
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/v2",
        "/api/v2/pods",
        "/apis/nothing.example.com",
        "/apis/apps/v9",
        "/api/v1/nothing",
        "/api/v1/namespaces/default/nothing",
        "/api/v1/namespaces/default/nodes",
        "/api/v1/pods/a",
        "/api/v1/namespaces/default/pods/a/nothing",
        "/api/v1/namespaces/default/pods/a/log/more",
        "/apis/apps/v1/namespaces/default/pods",
        "/api/v1/namespaces//pods",
    ],
)
def test_unknown_paths(api: Api, path: str) -> None:
    response = api.call("GET", path)
    assert response.code == 404
    if isinstance(response.body, dict):
        assert response.body["message"] == "the server could not find the requested resource"
    else:
        assert response.body == "404 page not found\n"
        assert response.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", PODS),
        ("PATCH", PODS),
        ("POST", f"{PODS}/a"),
        ("POST", "/api/v1/pods"),
        ("DELETE", f"{PODS}/a/log"),
        ("POST", f"{DEPLOYMENTS}/a/scale"),
        ("POST", "/version"),
        ("MELT", PODS),
    ],
)
def test_methods_that_are_not_allowed(api: Api, method: str, path: str) -> None:
    refused = api.fails(method, path, {})
    assert (refused["code"], refused["reason"]) == (405, "MethodNotAllowed")
    assert refused["message"] == "the server does not allow this method on the requested resource"


def test_body_and_url_must_agree(api: Api) -> None:
    given = policy("a")
    given["metadata"]["namespace"] = "other"
    assert api.fails("POST", POLICIES, given) == status(
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    )
    api.ok("POST", POLICIES, policy("b"))
    assert api.fails("PUT", f"{POLICIES}/b", policy("a"))["message"] == (
        "the name of the object (a) does not match the name on the URL (b)"
    )
    nameless = policy("b")
    del nameless["metadata"]["name"]
    assert api.fails("PUT", f"{POLICIES}/b", nameless)["message"] == "name must be provided"
    cluster = {"kind": "Namespace", "metadata": {"name": "n", "namespace": "x"}}
    assert api.fails("POST", "/api/v1/namespaces", cluster)["code"] == 400


def test_body_and_url_must_be_of_one_kind(api: Api) -> None:
    version = {**policy("a"), "apiVersion": "networking.k8s.io/v2"}
    assert api.fails("POST", POLICIES, version)["message"] == (
        "the API version in the data (networking.k8s.io/v2) does not match the expected API "
        "version (networking.k8s.io/v1)"
    )
    assert api.fails("POST", PODS, service_of("a"))["message"] == (
        'Service in version "v1" cannot be handled as a Pod: converting (v1.Service) to '
        "(core.Pod): unknown conversion"
    )
    unknown = api.fails("POST", PODS, {"apiVersion": "v1", "kind": "Melt", "metadata": {}})
    assert unknown["message"].startswith(
        "the object provided is unrecognized (must be of type Pod): no kind"
    )
    bare = api.ok("POST", CONFIGMAPS, {"metadata": {"name": "bare"}})
    assert (bare["kind"], bare["apiVersion"]) == ("ConfigMap", "v1")


def test_missing_namespace(api: Api) -> None:
    path = "/apis/networking.k8s.io/v1/namespaces/nosuch/networkpolicies"
    assert api.fails("POST", path, policy("a")) == status(
        404, "NotFound", 'namespaces "nosuch" not found', name="nosuch", kind="namespaces"
    )
    assert api.ok("GET", path)["items"] == []


def test_terminating_namespace(api: Api) -> None:
    given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stuck"}}
    api.ok("POST", "/api/v1/namespaces", given)
    api.ok("DELETE", "/api/v1/namespaces/stuck")
    path = "/apis/networking.k8s.io/v1/namespaces/stuck/networkpolicies"
    assert api.fails("POST", path, policy("backend-ingress-deny")) == status(
        403,
        "Forbidden",
        'networkpolicies.networking.k8s.io "backend-ingress-deny" is forbidden: unable to create '
        "new content in namespace stuck because it is being terminated",
        name="backend-ingress-deny",
        group="networking.k8s.io",
        kind="networkpolicies",
        causes=[
            {
                "reason": "NamespaceTerminating",
                "message": "namespace stuck is being terminated",
                "field": "metadata.namespace",
            }
        ],
    )


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
def test_namespaces_that_may_not_be_deleted(api: Api, name: str) -> None:
    assert api.fails("DELETE", f"/api/v1/namespaces/{name}") == status(
        403,
        "Forbidden",
        f'namespaces "{name}" is forbidden: this namespace may not be deleted',
        name=name,
        kind="namespaces",
    )


def test_service_address_that_is_taken(api: Api) -> None:
    text = (
        'Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already '
        "allocated"
    )
    assert api.fails("POST", SERVICES, service_of("svc6", clusterIP="10.96.0.1")) == status(
        422,
        "Invalid",
        f'Service "svc6" is invalid: spec.clusterIPs: {text}',
        name="svc6",
        kind="Service",
        causes=[{"reason": "FieldValueInvalid", "message": text, "field": "spec.clusterIPs"}],
    )
    assert api.fails("GET", f"{SERVICES}/svc6")["code"] == 404


def test_type_errors_fail_in_every_mode(api: Api) -> None:
    given = policy("bad1", ingress="x")
    for mode in ("Strict", "Warn", "Ignore"):
        refused = api.fails("POST", f"{POLICIES}?fieldValidation={mode}", given)
        assert refused == status(
            400,
            "BadRequest",
            'NetworkPolicy in version "v1" cannot be handled as a NetworkPolicy: json: cannot '
            "unmarshal string into Go struct field NetworkPolicySpec.spec.ingress of type "
            "[]v1.NetworkPolicyIngressRule",
        )


def test_unknown_fields_are_all_named(api: Api) -> None:
    given = policy("bad2", ingress=[{"form": []}], podselector={})
    refused = api.fails("POST", f"{POLICIES}?fieldValidation=Strict", given)
    assert refused["message"] == (
        'NetworkPolicy in version "v1" cannot be handled as a NetworkPolicy: strict decoding '
        'error: unknown field "spec.ingress[0].form", unknown field "spec.podselector"'
    )


def test_selectors_that_make_no_sense(api: Api) -> None:
    assert api.fails("GET", f"{PODS}?labelSelector=a%3Db%3Dc") == status(
        400,
        "BadRequest",
        "unable to parse requirement: found '=', expected: ',' or 'end of string'",
    )
    assert api.fails("GET", f"{PODS}?fieldSelector=spec.foo%3Dx") == status(
        400, "BadRequest", "field label not supported: spec.foo"
    )


def test_a_new_object_has_no_version(api: Api) -> None:
    given = pod("a")
    given["metadata"]["resourceVersion"] = "5"
    refused = api.fails("POST", PODS, given)
    assert refused["message"] == "resourceVersion should not be set on objects to be created"
    assert "reason" not in refused
    assert refused["code"] == 400  # Kubernetes says 500, but it is no failure of the server


def test_update_of_another_object_of_the_name(api: Api) -> None:
    made = api.ok("POST", POLICIES, policy("p"))
    given = policy("p")
    given["metadata"]["uid"] = "other"
    refused = api.fails("PUT", f"{POLICIES}/p", given)
    assert refused["reason"] == "Conflict"
    assert refused["message"].endswith(
        "Precondition failed: UID in precondition: other, UID in object meta: "
        + made["metadata"]["uid"]
    )


def test_updates_of_leases_need_a_version(api: Api) -> None:
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n"}}
    api.ok("POST", leases, lease)
    refused = api.fails("PUT", f"{leases}/n", lease)
    assert refused["details"]["causes"][0]["field"] == "metadata.resourceVersion"
    assert "must be specified for an update" in refused["message"]


def test_unknown_service_account(api: Api) -> None:
    refused = api.fails("POST", PODS, pod("a", serviceAccountName="robot"))
    assert refused["message"] == (
        'pods "a" is forbidden: error looking up service account default/robot: '
        'serviceaccount "robot" not found'
    )


@pytest.mark.parametrize(
    ("query", "kind", "field"),
    [
        ("dryRun=Some", "CreateOptions", "dryRun"),
        ("fieldValidation=Maybe", "CreateOptions", "fieldValidation"),
        (f"fieldManager={'x' * 129}", "CreateOptions", "fieldManager"),
    ],
)
def test_options_that_make_no_sense(api: Api, query: str, kind: str, field: str) -> None:
    refused = api.fails("POST", f"{PODS}?{query}", pod("a"))
    assert refused["code"] == 422
    assert refused["message"].startswith(f'{kind}.meta.k8s.io "" is invalid: {field}: ')


@pytest.mark.parametrize(
    "options",
    [
        {"propagationPolicy": "Melt"},
        {"propagationPolicy": "Orphan", "orphanDependents": True},
        {"dryRun": ["Some"]},
    ],
)
def test_delete_options_that_make_no_sense(api: Api, options: dict[str, Any]) -> None:
    api.ok("POST", PODS, pod("a"))
    refused = api.fails("DELETE", f"{PODS}/a", options)
    assert refused["message"].startswith('DeleteOptions.meta.k8s.io "" is invalid: ')
    api.ok("GET", f"{PODS}/a")


# -- patches


def test_a_json_patch_that_does_not_fit(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    operations = [{"op": "remove", "path": "/metadata/labels/nope"}]
    assert api.fails("PATCH", f"{PODS}/a", operations, media=JSON_PATCH) == status(
        422, "Invalid", "the server rejected our request due to an error in our request"
    )


def test_too_many_operations(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    operations = [{"op": "test", "path": "", "value": {}}] * 10_001
    refused = api.fails("PATCH", f"{PODS}/a", operations, media=JSON_PATCH)
    assert refused["code"] == 413
    assert refused["message"] == (
        "The allowed maximum operations in a JSON patch is 10000, got 10001"
    )


def test_patches_of_another_content_type(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    refused = api.fails("PATCH", f"{PODS}/a", {}, media="application/json")
    assert (refused["code"], refused["reason"]) == (415, "UnsupportedMediaType")
    assert refused["message"].startswith(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, "
    )


def test_what_a_patch_makes_must_be_an_object_of_the_kind(api: Api) -> None:
    api.ok("POST", POLICIES, policy("p"))
    patch = {"spec": {"bogusfield": 1}}
    refused = api.fails("PATCH", f"{POLICIES}/p?fieldValidation=Strict", patch, media=STRATEGIC)
    assert refused["message"] == (
        ' "" is invalid: patch: Invalid value: "map[spec:map[bogusfield:1]]": strict decoding '
        'error: unknown field "spec.bogusfield"'
    )
    assert refused["details"]["causes"][0]["field"] == "patch"
    wrong = api.fails("PATCH", f"{POLICIES}/p", {"spec": {"ingress": 5}}, media=MERGE)
    assert wrong["code"] == 422
    assert "cannot unmarshal number into Go struct field" in wrong["message"]


def test_a_patch_cannot_rename(api: Api) -> None:
    api.ok("POST", POLICIES, policy("p"))
    refused = api.fails("PATCH", f"{POLICIES}/p", {"metadata": {"name": "q"}}, media=MERGE)
    assert refused["message"] == (
        "the name of the object (q) does not match the name on the URL (p)"
    )


@pytest.mark.parametrize(("media", "body"), [(MERGE, []), (STRATEGIC, "x"), (JSON_PATCH, {})])
def test_patches_of_the_wrong_type(api: Api, media: str, body: Any) -> None:
    api.ok("POST", PODS, pod("a"))
    assert api.fails("PATCH", f"{PODS}/a", body or None, media=media)["code"] == 400


# -- bytes


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"kind": "Pod"',
        b"nul",
        b"[]",
        b'"text"',
        b"5",
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"apiVersion": 5, "kind": "Pod"}',
        b'{"metadata": []}',
        b'{"metadata": {"name": 5}}',
        b'{"spec": null, "metadata": null}',
    ],
    ids=lambda body: body[:20],
)
def test_malformed_bodies(api: Api, body: bytes) -> None:
    refused = api.fails("POST", PODS, body)
    assert refused["code"] in (400, 422)
    assert api.ok("GET", PODS)["items"] == []


@pytest.mark.parametrize(
    "body",
    [b"a: [", b"a: b: c", b"\t- x", b"!!python/object:os.system {}", b"? [a]\n: b\n", b"- a\n"],
)
def test_malformed_yaml(api: Api, body: bytes) -> None:
    assert api.fails("POST", PODS, body, media="application/yaml")["code"] in (400, 422)


def test_yaml_that_swells(api: Api) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    refused = api.fails("POST", PODS, "\n".join(lines).encode(), media="application/yaml")
    assert "excessive aliasing" in refused["message"]


def test_bodies_of_another_content_type(api: Api) -> None:
    refused = api.fails("POST", PODS, b"<pod/>", media="application/xml")
    assert (refused["code"], refused["reason"]) == (415, "UnsupportedMediaType")


def test_deployments_in_missing_namespaces_store_nothing(api: Api) -> None:
    api.fails("POST", "/apis/apps/v1/namespaces/nosuch/deployments", deployment("d"))
    assert api.ok("GET", "/apis/apps/v1/deployments")["items"] == []


class Broken(FakeBackend):
    """A cluster whose controllers fail."""

    def settle(self) -> None:
        raise RecursionError("too deep")


def test_a_mistake_of_ours_is_told_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str]] = []
    backend = FakeBackend()
    server = ApiServer(
        backend, on_error=lambda request, error: heard.append((request.method, str(error)))
    )

    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(type(backend.store), "create", broken)
    request = Request("POST", CONFIGMAPS, body={"metadata": {"name": "a"}})
    answer: Any = server.handle(request).body
    assert (answer["code"], answer["reason"]) == (500, "InternalError")
    assert answer["message"] == "Internal error occurred: see the server's log"
    assert heard == [("POST", "too deep")]


def test_a_write_that_controllers_fail_at_is_done_all_the_same() -> None:
    heard: list[str] = []
    backend = Broken()
    server = ApiServer(backend, on_error=lambda _, error: heard.append(str(error)))
    answer = server.handle(Request("POST", CONFIGMAPS, body={"metadata": {"name": "a"}}))
    assert (answer.code, heard) == (201, ["too deep"])


def test_a_mistake_of_ours_is_not_hidden_in_process() -> None:
    with pytest.raises(RecursionError, match="too deep"):
        ApiServer(Broken()).handle(Request("POST", CONFIGMAPS, body={"metadata": {"name": "a"}}))
