"""The file of users: what it may say, what comes of it, and that each is locked into its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from access_objects import to_user

from minik8s.apiserver import ADMIN, ApiServer, User
from minik8s.apiserver.users import LABEL, Student, UsersError, admit_users, read_users
from minik8s.model.registry import NAMESPACE, ROLE_BINDING

GOOD = """
- name: anna
  namespaces: [anna, shared]
- name: bert@example.org
  groups: [course]
  namespaces:
  - bert
  role: view
"""


def test_a_file_is_read() -> None:
    anna, bert = read_users(GOOD, "users.yaml")
    everybody = "system:authenticated"
    assert anna == Student(User("anna", (everybody,)), ("anna", "shared"), "edit", 2)
    assert bert == Student(User("bert@example.org", ("course", everybody)), ("bert",), "view", 4)
    assert read_users(f"users:{GOOD.replace(chr(10), chr(10) + '  ')}", "x")[1].role == "view"


BAD = [
    ("", "users.yaml:1: a list of users is needed, each with a name"),
    ("anna", "users.yaml:1: a list of users is needed, each with a name"),
    ("- anna", "users.yaml:1: a user is a mapping with a name"),
    ("- name: a\n- role: edit", "users.yaml:2: a user needs a name"),
    (
        "- name: a\n  nam: b",
        "users.yaml:2: unknown field 'nam'; there are name, groups, namespaces, role",
    ),
    ("- name: a\n  name: b", "users.yaml:2: name is given twice"),
    ("- name: a\n- name: b\n- name: a", "users.yaml:3: the name a is too much like line 1"),
    ("- name: a/b\n- name: a_b", "users.yaml:2: the name a_b is too much like line 1"),
    ("- name: [a]", "users.yaml:1: a text is needed here"),
    ("- name: a\n  groups: staff", "users.yaml:2: a list is needed here"),
    ("- name: a\n  namespaces:\n  - b\n  - B_C", "users.yaml:4: 'B_C' is no name for a namespace"),
    ("- name: system:admin", "users.yaml:1: the name system:admin belongs to the cluster"),
    ("- name: kubernetes-admin", "users.yaml:1: the name kubernetes-admin belongs to the cluster"),
    ('- name: "a\\nb"', "users.yaml:1: a character here cannot be printed"),
    ("- name: a\n\t- b", "users.yaml:2: found character '\\t' that cannot start any token"),
    ("- {name: a", "users.yaml:1: expected ',' or '}', but got '<stream end>'"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_bad_file_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsersError) as caught:
        read_users(text, "users.yaml")
    assert str(caught.value) == message


def test_a_missing_role_changes_nothing(api: ApiServer) -> None:
    students = read_users(GOOD + "- name: c\n  namespaces: [c]\n  role: nosuch\n", "users.yaml")
    before = api.backend.store.resource_version
    with pytest.raises(UsersError, match=r"^users.yaml:9: there is no ClusterRole nosuch$"):
        admit_users(api, students, "users.yaml")
    assert api.backend.store.resource_version == before


def _bindings(api: ApiServer) -> dict[tuple[str, str], tuple[str, Any]]:
    return {
        (b["metadata"]["namespace"], b["metadata"]["name"]): (b["roleRef"]["name"], b["subjects"])
        for b in api.backend.store.list(ROLE_BINDING)
        if LABEL in (b["metadata"].get("labels") or {})
    }


def test_namespaces_and_bindings_come_and_go_with_the_file(api: ApiServer) -> None:
    admit_users(api, read_users(GOOD, "f"), "f")
    assert _bindings(api) == {
        ("anna", "user-anna"): ("edit", [to_user("anna")]),
        ("shared", "user-anna"): ("edit", [to_user("anna")]),
        ("bert", "user-bert@example.org"): ("view", [to_user("bert@example.org")]),
    }
    version = api.backend.store.resource_version
    admit_users(api, read_users(GOOD, "f"), "f")
    assert api.backend.store.resource_version == version
    admit_users(api, read_users("- {name: anna, namespaces: [anna], role: admin}", "f"), "f")
    assert _bindings(api) == {("anna", "user-anna"): ("admin", [to_user("anna")])}
    assert api.backend.store.get(NAMESPACE, "", "bert") is not None


# -- locked in

POD = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
POLICY = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}}}
NETWORKING = "/apis/networking.k8s.io/v1"

EVERYTHING = [
    ("GET", "/api/v1/namespaces/{}/pods", None),
    ("GET", "/api/v1/namespaces/{}/pods?watch=true", None),
    ("GET", "/api/v1/namespaces/{}/pods/web", None),
    ("GET", "/api/v1/namespaces/{}/pods/web/log", None),
    ("POST", "/api/v1/namespaces/{}/pods/web/exec?command=ls&stdout=true", None),
    ("GET", "/api/v1/namespaces/{}/pods/web/exec?command=ls&stdout=true", None),
    ("POST", "/api/v1/namespaces/{}/pods/web/attach?stdout=true", None),
    ("POST", "/api/v1/namespaces/{}/pods/web/portforward", None),
    ("POST", NETWORKING + "/namespaces/{}/networkpolicies", POLICY),
    ("GET", NETWORKING + "/namespaces/{}/networkpolicies", None),
    ("DELETE", NETWORKING + "/namespaces/{}/networkpolicies/deny", None),
    ("GET", "/api/v1/namespaces/{}/secrets", None),
    ("GET", "/api/v1/namespaces/{}/events", None),
    ("GET", "/api/v1/namespaces/{}/services", None),
    ("GET", "/apis/apps/v1/namespaces/{}/deployments", None),
    ("POST", "/api/v1/namespaces/{}/serviceaccounts/default/token", {}),
    ("POST", "/api/v1/namespaces/{}/pods/web/eviction", {}),
    ("GET", "/api/v1/namespaces/{}", None),
]
NOWHERE = [
    ("GET", "/api/v1/pods", None),
    ("GET", "/api/v1/pods?watch=true", None),
    ("GET", "/api/v1/namespaces", None),
    ("POST", "/api/v1/namespaces", {"metadata": {"name": "mine"}}),
    ("DELETE", "/api/v1/namespaces/anna", None),
    ("PATCH", "/api/v1/namespaces/anna", {}),
    ("GET", "/api/v1/nodes", None),
    ("GET", NETWORKING + "/networkpolicies", None),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/anna/rolebindings", None),
    ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/anna/rolebindings", {}),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", None),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {}),
    ("POST", "/api/v1/namespaces/anna/pods/web/binding", {}),
]


@pytest.fixture
def classroom(api: ApiServer, ask: Callable[..., Any]) -> User:
    """Two students, with a pod each; the first one is given."""
    text = "- {name: anna, namespaces: [anna]}\n- {name: bert, namespaces: [bert]}"
    anna, bert = read_users(text, "f")
    admit_users(api, (anna, bert), "f")
    for student in (anna, bert):
        path = f"/api/v1/namespaces/{student.user.name}/pods"
        assert ask(student.user, "POST", path, POD).code == 201
    return anna.user


def test_a_student_works_in_its_own_namespace(classroom: User, ask: Callable[..., Any]) -> None:
    for method, path, body in EVERYTHING:
        answer = ask(classroom, method, path.format("anna"), body)
        assert answer.code < 300, (path, answer.body)


@pytest.mark.parametrize("home", ["bert", "default", "kube-system", "nosuch"])
def test_a_student_gets_nowhere_else(home: str, classroom: User, ask: Callable[..., Any]) -> None:
    for method, path, body in EVERYTHING:
        answer = ask(classroom, method, path.format(home), body)
        assert answer.code == 403, path
        assert 'User "anna" cannot' in answer.body["message"]


def test_a_student_has_no_hold_on_the_cluster(classroom: User, ask: Callable[..., Any]) -> None:
    for method, path, body in NOWHERE:
        answer = ask(classroom, method, path, body, content_type="application/merge-patch+json")
        assert answer.code == 403, path


def test_a_student_cannot_act_as_another(classroom: User, ask: Callable[..., Any]) -> None:
    for who in ("bert", "kubernetes-admin", "system:serviceaccount:bert:default"):
        answer = ask(classroom, "GET", "/api/v1/namespaces/bert/pods", impersonate_user=who)
        assert answer.code == 403
    own = ask(
        classroom,
        "GET",
        "/api/v1/namespaces/bert/pods",
        impersonate_user="system:serviceaccount:anna:default",
        impersonate_group="system:masters",
    )
    assert own.code == 403


def test_a_copied_body_opens_no_other_namespace(classroom: User, ask: Callable[..., Any]) -> None:
    moved = {**POD, "metadata": {"name": "x", "namespace": "bert"}}
    assert ask(classroom, "POST", "/api/v1/namespaces/anna/pods", moved).code == 400
    assert ask(ADMIN, "GET", "/api/v1/namespaces/bert/pods/x").code == 404
