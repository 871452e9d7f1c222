"""Reviews: may I, may somebody, what may I, who am I, whose token is this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from access_objects import binding, namespace, role, rule, to_account, to_user, user

from minik8s.apiserver import ADMIN, ApiServer
from minik8s.apiserver.accesstokens import ISSUER

ACCESS = "/apis/authorization.k8s.io/v1"
IDENTITY = "/apis/authentication.k8s.io/v1"
STUDENT = user("student")
PODS = {"verb": "get", "resource": "pods", "namespace": "default"}


def test_may_i(ask: Callable[..., Any], create: Callable[..., None]) -> None:
    body = {"spec": {"resourceAttributes": PODS}}
    denied = ask(STUDENT, "POST", f"{ACCESS}/selfsubjectaccessreviews", body)
    assert (denied.code, denied.body["status"]) == (201, {"allowed": False})
    create(binding("b", "view", to_user("student"), namespace="default"))
    allowed = ask(STUDENT, "POST", f"{ACCESS}/selfsubjectaccessreviews", body)
    assert allowed.body["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "b/default" of ClusterRole "view" to User '
        '"student"',
    }
    path = {"spec": {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}}
    answer = ask(STUDENT, "POST", f"{ACCESS}/selfsubjectaccessreviews", path)
    assert answer.body["status"] == {"allowed": False}


def test_may_somebody(ask: Callable[..., Any], create: Callable[..., None]) -> None:
    create(binding("b", "view", to_user("anna"), namespace="default"))
    body = {"spec": {"user": "anna", "resourceAttributes": PODS}}
    assert ask(STUDENT, "POST", f"{ACCESS}/subjectaccessreviews", body).code == 403
    for path in ("subjectaccessreviews", "namespaces/default/localsubjectaccessreviews"):
        assert ask(ADMIN, "POST", f"{ACCESS}/{path}", body).body["status"]["allowed"] is True
    other = "namespaces/kube-system/localsubjectaccessreviews"
    assert ask(ADMIN, "POST", f"{ACCESS}/{other}", body).code == 400
    nobody = ask(ADMIN, "POST", f"{ACCESS}/subjectaccessreviews", {"spec": {"user": "x"}})
    assert nobody.code == 422
    causes = nobody.body["details"]["causes"]
    assert [cause["field"] for cause in causes] == ["spec.resourceAttributes"]


def test_what_may_i(ask: Callable[..., Any], create: Callable[..., None]) -> None:
    create(role("r", rule("get", "pods", names="a"), namespace="default"))
    create(binding("b", "r", to_user("student"), namespace="default", local=True))
    path = f"{ACCESS}/selfsubjectrulesreviews"
    status = ask(STUDENT, "POST", path, {"spec": {"namespace": "default"}}).body["status"]
    assert status["incomplete"] is False
    assert status["resourceRules"][-1] == {
        "verbs": ["get"],
        "apiGroups": [""],
        "resources": ["pods"],
        "resourceNames": ["a"],
    }
    assert {"verbs": ["get"], "nonResourceURLs": ["/healthz"]} not in status["nonResourceRules"]
    assert "/healthz" in status["nonResourceRules"][0]["nonResourceURLs"]
    elsewhere = ask(STUDENT, "POST", path, {"spec": {"namespace": "kube-system"}})
    assert all(r["resources"] != ["pods"] for r in elsewhere.body["status"]["resourceRules"])
    assert ask(STUDENT, "POST", path, {"spec": {}}).body["message"] == "no namespace on request"


def test_who_am_i(ask: Callable[..., Any]) -> None:
    answer = ask(STUDENT, "POST", f"{IDENTITY}/selfsubjectreviews", {})
    info = {"username": "student", "groups": ["system:authenticated"]}
    assert answer.body["status"] == {"userInfo": info}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_reviews_are_not_kept(method: str, ask: Callable[..., Any], api: ApiServer) -> None:
    before = api.backend.store.resource_version
    ask(ADMIN, "POST", f"{IDENTITY}/selfsubjectreviews", {})
    assert api.backend.store.resource_version == before
    answer = ask(ADMIN, method, f"{IDENTITY}/selfsubjectreviews")
    assert (answer.code, answer.body["reason"]) == (405, "MethodNotAllowed")


def test_unknown_fields_and_kinds_are_refused(ask: Callable[..., Any]) -> None:
    path = f"{ACCESS}/selfsubjectaccessreviews?fieldValidation=Strict"
    body = {"spec": {"resourceAttributes": {**PODS, "verbs": "x"}}}
    assert (
        'unknown field "spec.resourceAttributes.verbs"'
        in ask(ADMIN, "POST", path, body).body["message"]
    )
    assert ask(ADMIN, "POST", path, {"kind": "Pod", "apiVersion": "v1"}).code == 400
    assert ask(ADMIN, "POST", path, {"spec": 3}).code == 400
    assert ask(ADMIN, "POST", path, b"{").code == 400


# -- tokens of service accounts

ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


def token_of(ask: Callable[..., Any], **spec: Any) -> str:
    answer = ask(ADMIN, "POST", f"{ACCOUNT}/token", {"spec": spec})
    assert answer.code == 201, answer.body
    return str(answer.body["status"]["token"])


def test_a_token_is_its_accounts(api: ApiServer, ask: Callable[..., Any]) -> None:
    found = api.access.authenticate(token_of(ask))
    assert found is not None
    assert found.name == "system:serviceaccount:default:default"
    assert found.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    )


def test_a_token_ends(api: ApiServer, ask: Callable[..., Any]) -> None:
    token = token_of(ask, expirationSeconds=600)
    api.backend.clock.advance(599)
    assert api.access.authenticate(token)
    api.backend.clock.advance(2)
    assert api.access.authenticate(token) is None


def test_a_token_goes_with_its_account(api: ApiServer, ask: Callable[..., Any]) -> None:
    token = token_of(ask)
    assert ask(ADMIN, "DELETE", ACCOUNT).code == 200
    assert ask(ADMIN, "GET", ACCOUNT).code == 200  # made anew, with another uid
    assert api.access.authenticate(token) is None


def test_a_bound_token_goes_with_its_pod(api: ApiServer, ask: Callable[..., Any]) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    assert ask(ADMIN, "POST", "/api/v1/namespaces/default/pods", pod).code == 201
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    token = token_of(ask, boundObjectRef=bound)
    assert api.access.authenticate(token)
    ask(ADMIN, "DELETE", "/api/v1/namespaces/default/pods/p", {"gracePeriodSeconds": 0})
    assert api.access.authenticate(token) is None
    gone = ask(ADMIN, "POST", f"{ACCOUNT}/token", {"spec": {"boundObjectRef": bound}})
    assert (gone.code, gone.body["message"]) == (404, 'pods "p" not found')


def test_a_changed_token_is_nobodys(api: ApiServer, ask: Callable[..., Any]) -> None:
    token = token_of(ask)
    head, claims, signature = token.split(".")
    for wrong in (
        "",
        "x",
        "..",
        f"{head}.{claims}.",
        f"{head}.{claims[:-1]}.{signature}",
        f"{head}.{claims}.{signature[:-2]}AA",
        "\udcff",
    ):
        assert api.access.authenticate(wrong) is None
    api.access.tokens.key = b"another server's"
    assert api.access.authenticate(token) is None


def test_how_long_a_token_may_live(ask: Callable[..., Any]) -> None:
    for seconds in (10, 2**32 + 1):
        answer = ask(ADMIN, "POST", f"{ACCOUNT}/token", {"spec": {"expirationSeconds": seconds}})
        assert (answer.code, answer.body["details"]["causes"][0]["field"]) == (
            422,
            "spec.expirationSeconds",
        )


def test_token_review(ask: Callable[..., Any]) -> None:
    path = f"{IDENTITY}/tokenreviews"
    good = ask(ADMIN, "POST", path, {"spec": {"token": token_of(ask)}}).body["status"]
    assert good["authenticated"] is True
    assert good["user"]["username"] == "system:serviceaccount:default:default"
    assert good["audiences"] == [ISSUER]
    bad = ask(ADMIN, "POST", path, {"spec": {"token": "x"}}).body["status"]
    assert "authenticated" not in bad
    assert ask(ADMIN, "POST", path, {"spec": {}}).code == 400
    assert ask(STUDENT, "POST", path, {"spec": {"token": "x"}}).code == 403


def test_an_account_works_with_its_own_rights(
    api: ApiServer, ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(namespace("lab"))
    create(binding("b", "edit", to_account("default", "default"), namespace="lab"))
    account = api.access.authenticate(token_of(ask))
    assert ask(account, "GET", "/api/v1/namespaces/lab/pods").code == 200
    assert ask(account, "GET", "/api/v1/namespaces/default/pods").code == 403
