"""The compiled authorizer beside a plain one, on random roles, bindings and changes of them."""

from __future__ import annotations

import time
from typing import Any

from access_objects import GROUP, binding, role, rule, to_group, to_user
from access_oracle import allowed
from hypothesis import given, settings
from hypothesis import strategies as st

from minik8s.apiserver import User
from minik8s.apiserver.access import MEMORY, Attributes, Rbac
from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.model.registry import Registry
from minik8s.store import Store

VERBS = ("get", "list", "create", "*")
GROUPS = ("", "apps", "*")
RESOURCES = ("pods", "pods/log", "*/log", "*/scale", "deployments", "deployments/scale", "*")
PATHS = ("/healthz", "/healthz/*", "/api*", "*")
NAMES = ("a", "b")
NAMESPACES = ("one", "two")
USERS = (
    User("anna", ("team",)),
    User("bert", ("team", "other")),
    User("system:serviceaccount:one:bot", ("system:serviceaccounts",)),
    User("nobody", ()),
    User("root", ("system:masters",)),
)


def some(words: tuple[str, ...], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(words), min_size=least, max_size=2, unique=True)


RULES = st.one_of(
    st.fixed_dictionaries(
        {"verbs": some(VERBS), "apiGroups": some(GROUPS), "resources": some(RESOURCES)},
        optional={"resourceNames": some(NAMES)},
    ),
    st.fixed_dictionaries({"verbs": some(VERBS), "nonResourceURLs": some(PATHS)}),
)
SUBJECTS = st.one_of(
    st.builds(lambda n: {"kind": "User", "apiGroup": GROUP, "name": n}, st.just("anna")),
    st.builds(
        lambda n: {"kind": "Group", "apiGroup": GROUP, "name": n},
        st.sampled_from(["team", "other"]),
    ),
    st.builds(
        lambda h: {"kind": "ServiceAccount", "name": "bot", **({"namespace": h} if h else {})},
        st.sampled_from(["", "one", "two"]),
    ),
)
HOMES = st.sampled_from(["", *NAMESPACES])
ROLE_NAMES = st.sampled_from(["r1", "r2"])


@st.composite
def roles(draw: st.DrawFn) -> dict[str, Any]:
    rules = draw(st.lists(RULES, max_size=3))
    return role(draw(ROLE_NAMES), *rules, namespace=draw(HOMES))


@st.composite
def bindings(draw: st.DrawFn) -> dict[str, Any]:
    home = draw(HOMES)
    subjects = draw(st.lists(SUBJECTS, max_size=2))
    local = bool(home) and draw(st.booleans())
    name = draw(st.sampled_from(["b1", "b2", "b3"]))
    return binding(name, draw(ROLE_NAMES), *subjects, namespace=home, local=local)


QUESTIONS = st.one_of(
    st.builds(
        lambda user, verb, group, resource, name, home: Attributes(
            user, verb, group, *resource, name, home
        ),
        st.sampled_from(USERS),
        st.sampled_from(["get", "list", "create"]),
        st.sampled_from(["", "apps", "batch"]),
        st.sampled_from(
            [
                ("pods", ""),
                ("pods", "log"),
                ("deployments", "scale"),
                ("deployments", ""),
                ("x", ""),
            ]
        ),
        st.sampled_from(["", "a", "b", "c"]),
        HOMES,
    ),
    st.builds(
        lambda user, verb, path: Attributes(user, verb, path=path),
        st.sampled_from(USERS),
        st.sampled_from(["get", "create"]),
        st.sampled_from(["/healthz", "/healthz/etcd", "/apis", "/metrics"]),
    ),
)
STEPS = st.lists(
    st.one_of(roles(), bindings(), QUESTIONS, st.integers(0, 20)), min_size=4, max_size=25
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_it_decides_as_the_documents_say_after_every_change(steps: list[Any]) -> None:
    registry = Registry()
    store = Store(Clock(start=0), Ids(1), registry)
    rbac = Rbac(store)
    for step in steps:
        stored = [
            document for kind in registry if kind.group == GROUP for document in store.list(kind)
        ]
        if isinstance(step, Attributes):
            assert rbac.authorize(step).allowed == allowed(stored, step), step
        elif isinstance(step, int):
            if stored:
                gone = stored[step % len(stored)]
                kind = registry.of(gone)
                assert kind is not None
                metadata = gone["metadata"]
                store.delete(kind, metadata.get("namespace", ""), metadata["name"])
        else:
            kind = registry.of(step)
            assert kind is not None
            metadata = step["metadata"]
            if store.get(kind, metadata.get("namespace", ""), metadata["name"]):
                store.update(kind, step)
            else:
                store.create(kind, step)


def _store(*documents: dict[str, Any]) -> Store:
    store = Store(Clock(start=0), Ids(1))
    for document in documents:
        kind = store.registry.of(document)
        assert kind is not None
        store.create(kind, document)
    return store


def test_the_reason_names_what_allows_it() -> None:
    rbac = Rbac(
        _store(
            role("reader", rule("get", "pods")),
            binding("all", "reader", to_group("team")),
            binding("here", "reader", to_user("anna"), namespace="one"),
        )
    )
    get = Attributes(User("anna", ()), "get", resource="pods", namespace="one")
    assert rbac.authorize(get).reason == (
        'RBAC: allowed by RoleBinding "here/one" of ClusterRole "reader" to User "anna"'
    )
    both = get._replace(user=User("anna", ("team",)))
    assert rbac.authorize(both).reason == (
        'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to Group "team"'
    )


def test_a_missing_role_is_named() -> None:
    rbac = Rbac(_store(binding("b", "gone", to_user("anna"))))
    answer = rbac.authorize(Attributes(User("anna", ()), "get", resource="pods"))
    assert answer == (False, 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found')


def test_nothing_is_watched_before_somebody_asks() -> None:
    store = _store()
    rbac = Rbac(store)
    rbac.authorize(Attributes(User("root", ("system:masters",)), "get", resource="pods"))
    assert not store._subscribers
    rbac.authorize(Attributes(User("anna", ()), "get", resource="pods"))
    assert len(store._subscribers) == 1


def test_what_is_remembered_has_a_bound() -> None:
    rbac = Rbac(_store())
    for number in range(MEMORY + 10):
        rbac.rights(User("anna", ()), f"ns{number}").allows("get", "", f"r{number}", "", "")
    assert len(rbac._rights) <= MEMORY
    rights = rbac.rights(User("anna", ()), "x")
    for number in range(MEMORY + 10):
        rights.allows("get", "", f"r{number}", "", "")
    assert len(rights._answers) <= MEMORY


def test_a_thousand_students_cost_a_request_little() -> None:
    documents = [role("edit", *(rule("get", f"kind{n}") for n in range(20)), rule("get", "pods"))]
    documents += [binding("b", "edit", to_user(f"s{n}"), namespace=f"ns{n}") for n in range(1000)]
    rbac = Rbac(_store(*documents))
    student = User("s7", ("system:authenticated",))
    assert rbac.rights(student, "ns7").allows("get", "", "pods", "", "x")
    assert not rbac.rights(student, "ns8").allows("get", "", "pods", "", "x")
    best = min(_microseconds(rbac, student) for _ in range(5))
    assert best < 3


def _microseconds(rbac: Rbac, student: User) -> float:
    begin = time.process_time()
    for _ in range(2000):
        rbac.rights(student, "ns7").allows("get", "", "pods", "", "x")
    return (time.process_time() - begin) / 2000 * 1e6
