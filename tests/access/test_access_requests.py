"""What requests need, and how they are refused: verbs, subresources, names, paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from access_objects import binding, namespace, role, rule, to_account, to_group, to_user, user

from minik8s.apiserver import ApiServer, User

STUDENT = user("student")

# What the documentation says of its examples (RBAC authorization, "Role examples" and
# "Referring to resources"): a rule, a request, and whether the rule is enough for it.
DOCUMENTED: list[tuple[dict[str, Any], str, str, bool]] = [
    (rule("get watch list", "pods"), "GET", "/api/v1/namespaces/default/pods", True),
    (rule("get watch list", "pods"), "GET", "/api/v1/namespaces/default/pods?watch=true", True),
    (rule("get list", "pods"), "GET", "/api/v1/namespaces/default/pods?watch=true", False),
    (rule("list", "pods"), "GET", "/api/v1/namespaces/default/pods/a", False),
    (rule("get", "pods"), "GET", "/api/v1/namespaces/default/pods", False),
    (rule("get list", "pods pods/log"), "GET", "/api/v1/namespaces/default/pods/a/log", True),
    (rule("get list", "pods"), "GET", "/api/v1/namespaces/default/pods/a/log", False),
    (rule("get", "*/log"), "GET", "/api/v1/namespaces/default/pods/a/log", True),
    (rule("get", "pods/*"), "GET", "/api/v1/namespaces/default/pods/a/log", False),
    (rule("get", "configmaps", names="c"), "GET", "/api/v1/namespaces/default/configmaps/c", True),
    (rule("get", "configmaps", names="c"), "GET", "/api/v1/namespaces/default/configmaps/d", False),
    (rule("list", "configmaps", names="c"), "GET", "/api/v1/namespaces/default/configmaps", False),
    (
        rule("list", "configmaps", names="c"),
        "GET",
        "/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name=c",
        True,
    ),
    (
        rule("create", "configmaps", names="c"),
        "POST",
        "/api/v1/namespaces/default/configmaps",
        False,
    ),
    (rule("delete", "pods"), "DELETE", "/api/v1/namespaces/default/pods", False),
    (rule("deletecollection", "pods"), "DELETE", "/api/v1/namespaces/default/pods", True),
    (rule("update", "pods"), "PUT", "/api/v1/namespaces/default/pods/a", True),
    (rule("patch", "pods"), "PATCH", "/api/v1/namespaces/default/pods/a", True),
    (rule("*", "*", "*"), "DELETE", "/api/v1/namespaces/default/pods/a", True),
    (rule("get list", "deployments", "apps"), "GET", "/api/v1/namespaces/default/pods", False),
    (rule("create", "pods/exec"), "POST", "/api/v1/namespaces/default/pods/a/exec", True),
    (rule("get", "pods/exec"), "GET", "/api/v1/namespaces/default/pods/a/exec", False),
    (rule("get create", "pods/exec"), "GET", "/api/v1/namespaces/default/pods/a/exec", True),
    (rule("get", "namespaces"), "GET", "/api/v1/namespaces/default", True),
    (rule("get list", "namespaces"), "GET", "/api/v1/namespaces", False),
    (
        rule("get", "foos", "example.org"),
        "GET",
        "/apis/example.org/v1/namespaces/default/foos/x",
        True,
    ),
]


@pytest.mark.parametrize("wanted", DOCUMENTED, ids=lambda row: f"{row[1]} {row[2]} {row[3]}")
def test_a_rule_in_a_namespace_allows_what_is_documented(
    wanted: tuple[dict[str, Any], str, str, bool],
    ask: Callable[..., Any],
    create: Callable[..., None],
) -> None:
    granted, method, path, allowed = wanted
    create(role("r", granted, namespace="default"))
    create(binding("b", "r", to_user("student"), namespace="default", local=True))
    answer = ask(STUDENT, method, path)
    assert (answer.code == 403) is not allowed, answer.body


def test_a_cluster_role_counts_where_it_is_bound(
    ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(namespace("one"))
    create(role("secret-reader", rule("get list", "secrets")))
    create(binding("b", "secret-reader", to_group("managers"), namespace="one"))
    manager = user("m", "managers")
    assert ask(manager, "GET", "/api/v1/namespaces/one/secrets").code == 200
    assert ask(manager, "GET", "/api/v1/namespaces/default/secrets").code == 403
    assert ask(manager, "GET", "/api/v1/secrets").code == 403
    create(binding("b", "secret-reader", to_group("managers")))
    assert ask(manager, "GET", "/api/v1/namespaces/default/secrets").code == 200
    assert ask(manager, "GET", "/api/v1/secrets").code == 200


def test_service_accounts_and_their_groups(
    ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(binding("b", "view", to_account("default", "kube-system"), namespace="default"))
    create(binding("c", "view", to_group("system:serviceaccounts:dev"), namespace="default"))
    path = "/api/v1/namespaces/default/pods"
    assert ask(user("system:serviceaccount:kube-system:default"), "GET", path).code == 200
    assert ask(user("system:serviceaccount:default:default"), "GET", path).code == 403
    dev = user("system:serviceaccount:dev:x", "system:serviceaccounts:dev")
    assert ask(dev, "GET", path).code == 200


REFUSALS = [
    (
        "POST",
        "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
        'networkpolicies.networking.k8s.io is forbidden: User "student" cannot create resource '
        '"networkpolicies" in API group "networking.k8s.io" in the namespace "default"',
    ),
    (
        "GET",
        "/api/v1/nodes",
        'nodes is forbidden: User "student" cannot list resource "nodes" in API group "" at the '
        "cluster scope",
    ),
    (
        "POST",
        "/api/v1/namespaces/default/pods/web/exec",
        'pods "web" is forbidden: User "student" cannot create resource "pods/exec" in API group '
        '"" in the namespace "default"',
    ),
    (
        "DELETE",
        "/api/v1/namespaces/dev",
        'namespaces "dev" is forbidden: User "student" cannot delete resource "namespaces" in API '
        'group "" in the namespace "dev"',
    ),
    ("GET", "/metrics", 'forbidden: User "student" cannot get path "/metrics"'),
    ("GET", "/a<b", 'forbidden: User "student" cannot get path "/a&lt;b"'),
    (
        "GET",
        "/apis/example.org/v1/namespaces/dev/foos/x/scale",
        'foos.example.org "x" is forbidden: User "student" cannot get resource "foos/scale" in '
        'API group "example.org" in the namespace "dev"',
    ),
]


@pytest.mark.parametrize(("method", "path", "message"), REFUSALS)
def test_a_refusal_says_what_is_missing(
    method: str, path: str, message: str, ask: Callable[..., Any]
) -> None:
    answer = ask(STUDENT, method, path)
    assert answer.code == 403
    assert answer.body["message"] == message
    assert answer.body["reason"] == "Forbidden"
    assert answer.body["status"] == "Failure"


def test_details_name_the_resource(ask: Callable[..., Any]) -> None:
    answer = ask(STUDENT, "GET", "/apis/apps/v1/namespaces/default/deployments/web")
    assert answer.body["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


OPEN = ["/healthz", "/livez", "/readyz", "/version", "/openapi/v3"]
DISCOVERY = ["/api", "/apis", "/api/v1", "/apis/apps/v1"]


@pytest.mark.parametrize("path", OPEN + DISCOVERY)
def test_discovery_is_for_everybody_who_has_logged_in(path: str, ask: Callable[..., Any]) -> None:
    assert ask(STUDENT, "GET", path).code == 200
    anonymous = User("system:anonymous", ("system:unauthenticated",))
    assert ask(anonymous, "GET", path).code == (403 if path in DISCOVERY else 200)


def test_applying_something_new_needs_the_right_to_create(
    ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(role("r", rule("patch get", "configmaps"), namespace="default"))
    create(binding("b", "r", to_user("student"), namespace="default", local=True))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    path = "/api/v1/namespaces/default/configmaps/c?fieldManager=x"
    applied = "application/apply-patch+yaml"
    answer = ask(STUDENT, "PATCH", path, body, content_type=applied)
    assert answer.body["message"].endswith(
        'User "student" cannot create resource "configmaps" in API group "" in the namespace '
        '"default"'
    )


def test_rights_end_with_the_binding(
    api: ApiServer, ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(binding("b", "view", to_user("student"), namespace="default"))
    path = "/api/v1/namespaces/default/pods"
    assert ask(STUDENT, "GET", path).code == 200
    from minik8s.apiserver import ADMIN

    where = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/b"
    assert ask(ADMIN, "DELETE", where).code == 200
    assert ask(STUDENT, "GET", path).code == 403


def test_roles_gather_the_rules_of_others(
    ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(binding("b", "view", to_user("student"), namespace="default"))
    path = "/apis/example.org/v1/namespaces/default/foos/x"
    assert ask(STUDENT, "GET", path).code == 403
    label = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    gathered = role("more", rule("get", "foos", "example.org"))
    gathered["metadata"]["labels"] = label
    create(gathered)
    assert ask(STUDENT, "GET", path).code == 404  # allowed, but there is no such kind
