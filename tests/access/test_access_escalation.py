"""Nobody gives away more than they have, and acting as somebody else needs a right of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from access_objects import GROUP, binding, role, rule, to_group, to_user, user

from minik8s.apiserver import ADMIN, ApiServer, Request

ROLES = f"/apis/{GROUP}/v1/namespaces/default/roles"
BINDINGS = f"/apis/{GROUP}/v1/namespaces/default/rolebindings"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
BOSS = user("boss", "staff")


@pytest.fixture
def boss(create: Callable[..., None]) -> None:
    """Somebody who is `admin` of a namespace."""
    create(binding("boss", "admin", to_user("boss"), namespace="default"))


@pytest.mark.usefixtures("boss")
def test_an_admin_of_a_namespace_shares_what_it_has(ask: Callable[..., Any]) -> None:
    pods = role("pods", rule("get list", "pods"), namespace="default")
    assert ask(BOSS, "POST", ROLES, pods).code == 201
    shared = binding("anna", "edit", to_user("anna"), namespace="default")
    assert ask(BOSS, "POST", BINDINGS, shared).code == 201
    assert ask(user("anna"), "GET", "/api/v1/namespaces/default/pods").code == 200


@pytest.mark.usefixtures("boss")
def test_a_role_with_more_than_its_writer_has_is_refused(ask: Callable[..., Any]) -> None:
    more = role(
        "more",
        rule("get list", "pods nodes"),
        rule("bind", "roles", GROUP),
        rule("get", "secrets", names="a b"),
        namespace="default",
    )
    answer = ask(BOSS, "POST", ROLES, more)
    assert answer.code == 403
    assert answer.body["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "boss" (groups=["staff" '
        '"system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}\n'
        '{APIGroups:["rbac.authorization.k8s.io"], Resources:["roles"], Verbs:["bind"]}'
    )


@pytest.mark.usefixtures("boss")
def test_a_binding_to_more_than_its_writer_has_is_refused(ask: Callable[..., Any]) -> None:
    answer = ask(
        BOSS, "POST", BINDINGS, binding("x", "cluster-admin", to_user("boss"), namespace="default")
    )
    assert answer.code == 403
    assert answer.body["message"].endswith(
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n'
        '{NonResourceURLs:["*"], Verbs:["*"]}'
    )
    missing = ask(BOSS, "POST", BINDINGS, binding("x", "no", to_user("a"), namespace="default"))
    assert (missing.code, missing.body["message"]) == (
        404,
        'clusterroles.rbac.authorization.k8s.io "no" not found',
    )


@pytest.mark.usefixtures("boss")
def test_changing_is_watched_as_creating_is(ask: Callable[..., Any]) -> None:
    ask(BOSS, "POST", ROLES, role("r", rule("get", "pods"), namespace="default"))
    patch = {"rules": [rule("*", "*", "*")]}
    merge = "application/merge-patch+json"
    assert ask(BOSS, "PATCH", f"{ROLES}/r", patch, content_type=merge).code == 403
    apply = role("r", rule("*", "*", "*"), namespace="default")
    applied = {"content_type": "application/apply-patch+yaml"}
    path = f"{ROLES}/r?fieldManager=me&force=true"
    assert ask(BOSS, "PATCH", path, apply, **applied).code == 403
    harmless = {"metadata": {"finalizers": ["example.org/x"]}}
    assert ask(ADMIN, "PUT", f"{ROLES}/r", apply).code == 200
    assert ask(BOSS, "PATCH", f"{ROLES}/r", harmless, content_type=merge).code == 200
    labelled = {"metadata": {"labels": {"a": "b"}}}
    assert ask(BOSS, "PATCH", f"{ROLES}/r", labelled, content_type=merge).code == 403


@pytest.mark.usefixtures("boss")
def test_bind_and_escalate_lift_the_ban(
    ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    special = role(
        "special",
        rule("bind", "clusterroles", GROUP, names="cluster-admin"),
        rule("escalate", "roles", GROUP),
        namespace="default",
    )
    create(special)
    create(binding("special", "special", to_user("boss"), namespace="default", local=True))
    owner = binding("x", "cluster-admin", to_user("anna"), namespace="default")
    assert ask(BOSS, "POST", BINDINGS, owner).code == 201
    everything = role("e", rule("*", "*", "*"), namespace="default")
    assert ask(BOSS, "POST", ROLES, everything).code == 201


def test_gathering_rules_needs_everything(
    ask: Callable[..., Any], create: Callable[..., None]
) -> None:
    create(role("roles", rule("*", "clusterroles", GROUP)))
    create(binding("roles", "roles", to_group("staff")))
    selector = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    gathering = role("g", aggregationRule=selector)
    # The verb * holds `escalate`; without it the rule is refused.
    path = f"/apis/{GROUP}/v1/clusterroles"
    assert ask(BOSS, "POST", path, gathering).code == 201
    create(role("some", rule("create", "clusterroles", GROUP)))
    create(binding("some", "some", to_user("anna")))
    gathering["metadata"]["name"] = "h"
    assert ask(user("anna"), "POST", path, gathering).body["message"] == (
        'clusterroles.rbac.authorization.k8s.io "h" is forbidden: must have cluster-admin '
        "privileges to use the aggregationRule"
    )


# -- impersonation


def test_who_one_is_after_impersonation(ask: Callable[..., Any]) -> None:
    def who(**headers: str) -> Any:
        return ask(ADMIN, "POST", WHOAMI, {}, **headers).body["status"]["userInfo"]

    assert who(impersonate_user="anna") == {
        "username": "anna",
        "groups": ["system:authenticated"],
    }
    assert who(impersonate_user="anna", impersonate_group="a\nb")["groups"] == [
        "a",
        "b",
        "system:authenticated",
    ]
    assert who(impersonate_user="system:serviceaccount:dev:bot")["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:dev",
        "system:authenticated",
    ]
    headers = {"impersonate-extra-Example.org%2fscope": "x\ny"}
    assert who(impersonate_user="a", impersonate_uid="7", **headers) == {
        "username": "a",
        "uid": "7",
        "groups": ["system:authenticated"],
        "extra": {"example.org/scope": ["x", "y"]},
    }


def test_the_impersonated_have_their_own_rights_alone(ask: Callable[..., Any]) -> None:
    nodes = "/api/v1/nodes"
    assert ask(ADMIN, "GET", nodes).code == 200
    assert ask(ADMIN, "GET", nodes, impersonate_user="anna").code == 403
    answer = ask(ADMIN, "GET", nodes, impersonate_user="anna", impersonate_group="system:masters")
    assert answer.code == 200


NAMELESS = [
    (
        {"impersonate_group": "x\ny"},
        'UID:"", Groups:[]string{"x", "y"}, Extra:map[string][]string(nil)',
    ),
    ({"impersonate_uid": "7"}, 'UID:"7", Groups:[]string(nil), Extra:map[string][]string(nil)'),
    (
        {"impersonate_extra_b": "2", "impersonate_extra_a": "0\n1"},
        'UID:"", Groups:[]string(nil), '
        'Extra:map[string][]string{"a":[]string{"0", "1"}, "b":[]string{"2"}}',
    ),
]
"""Headers without a user, and how a real server (1.35 and later) shows what they ask for."""


@pytest.mark.parametrize(("headers", "shown"), NAMELESS)
def test_one_cannot_act_as_somebody_without_a_name(
    ask: Callable[..., Any], headers: dict[str, str], shown: str
) -> None:
    answer = ask(ADMIN, "GET", "/api/v1/nodes", **headers)
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"] == (
        f'requested &user.DefaultInfo{{Name:"", {shown}}} without impersonating a user name'
    )


REFUSED = [
    ({"impersonate_user": "anna"}, 'users "anna"', '"users" in API group "" at the cluster scope'),
    (
        {"impersonate_user": "system:serviceaccount:dev:bot"},
        'serviceaccounts "bot"',
        '"serviceaccounts" in API group "" in the namespace "dev"',
    ),
    (
        {"impersonate_user": "friend", "impersonate_group": "system:masters"},
        'groups "system:masters"',
        '"groups" in API group "" at the cluster scope',
    ),
    (
        {"impersonate_user": "friend", "impersonate_extra_scope": "x"},
        'userextras.authentication.k8s.io "x"',
        '"userextras/scope" in API group "authentication.k8s.io" at the cluster scope',
    ),
    (
        {"impersonate_user": "friend", "impersonate_uid": "7"},
        'uids.authentication.k8s.io "7"',
        '"uids" in API group "authentication.k8s.io" at the cluster scope',
    ),
]


@pytest.mark.parametrize(("headers", "what", "where"), REFUSED)
def test_impersonation_needs_the_verb(
    headers: dict[str, str],
    what: str,
    where: str,
    ask: Callable[..., Any],
    create: Callable[..., None],
) -> None:
    create(role("friends", rule("impersonate", "users", names="friend")))
    create(binding("friends", "friends", to_user("boss")))
    answer = ask(BOSS, "POST", WHOAMI, {}, **headers)
    text = f'{what} is forbidden: User "boss" cannot impersonate resource {where}'
    assert (answer.code, answer.body["message"]) == (403, text)
    assert ask(BOSS, "POST", WHOAMI, {}, impersonate_user="friend").code == 201


def test_a_request_is_not_changed(api: ApiServer) -> None:
    request = Request("GET", "/api/v1/nodes", headers={"impersonate-user": "anna"})
    assert api.handle(request).code == 403
    assert request.user is ADMIN
