"""The store against a naive model: a plain dict, and a list of everything that happened."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from minik8s.clock import Clock
from minik8s.errors import AlreadyExists, Conflict, Expired, NotFound
from minik8s.ids import Ids
from minik8s.model.registry import CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD, SERVICE, Kind
from minik8s.store import Store, StoreEvent


def make_store(**how: int) -> Store:
    return Store(Clock(start=0), Ids(seed=1), **how)


def config_map(name: str, namespace: str = "default", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def names(store: Store, kind: Kind = CONFIG_MAP, namespace: str | None = None) -> list[str]:
    return [document["metadata"]["name"] for document in store.list(kind, namespace)]


class StoreMachine(RuleBasedStateMachine):
    """Random writes to a store with a short log, and to a dict."""

    LIMIT = 5
    objects = Bundle("objects")

    def __init__(self) -> None:
        super().__init__()
        self.store = make_store(log_limit=self.LIMIT)
        self.model: dict[tuple[str, str], dict[str, Any]] = {}
        self.history: list[tuple[int, str, tuple[str, str], dict[str, Any]]] = []
        self.states: dict[int, dict[tuple[str, str], dict[str, Any]]] = {0: {}}
        self.told: list[StoreEvent] = []
        self.frozen: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.store.subscribe(self.told.append)

    def _happened(self, what: str, key: tuple[str, str], document: dict[str, Any]) -> None:
        version = int(document["metadata"]["resourceVersion"])
        assert version == self.store.resource_version
        if what == "DELETED":
            del self.model[key]
        else:
            self.model[key] = document
        self.history.append((version, what, key, document))
        self.states[version] = dict(self.model)
        self.frozen.append((document, copy.deepcopy(document)))

    @rule(
        target=objects,
        namespace=st.sampled_from(["a", "a-b", "b"]),
        name=st.sampled_from(["x", "y", "x.y", "z-1"]),
        owner=st.sampled_from(["", "u1", "u2"]),
    )
    def create(self, namespace: str, name: str, owner: str) -> tuple[str, str]:
        key = (namespace, name)
        document = config_map(name, namespace)
        if owner:
            document["metadata"]["ownerReferences"] = [{"uid": owner}]
        if key in self.model:
            with pytest.raises(AlreadyExists):
                self.store.create(CONFIG_MAP, document)
        else:
            self._happened("ADDED", key, self.store.create(CONFIG_MAP, document))
        return key

    @rule(key=objects, value=st.sampled_from("pqr"), owner=st.sampled_from(["", "u1", "u2"]))
    def update(self, key: tuple[str, str], value: str, owner: str) -> None:
        document = config_map(key[1], key[0], value=value)
        if owner:
            document["metadata"]["ownerReferences"] = [{"uid": owner}]
        if key not in self.model:
            with pytest.raises(NotFound):
                self.store.update(CONFIG_MAP, document)
            return
        old, version = self.model[key], self.store.resource_version
        new = self.store.update(CONFIG_MAP, document)
        same = old.get("data") == {"value": value} and old["metadata"].get(
            "ownerReferences"
        ) == document["metadata"].get("ownerReferences")
        if same:
            assert new is old
            assert self.store.resource_version == version
        else:
            assert new["metadata"]["uid"] == old["metadata"]["uid"]
            self._happened("MODIFIED", key, new)

    @rule(key=objects)
    def stale_update(self, key: tuple[str, str]) -> None:
        if key in self.model:
            document = config_map(key[1], key[0], value="stale")
            document["metadata"]["resourceVersion"] = "999999"
            with pytest.raises(Conflict):
                self.store.update(CONFIG_MAP, document)

    @rule(key=consumes(objects))
    def delete(self, key: tuple[str, str]) -> None:
        if key in self.model:
            self._happened("DELETED", key, self.store.delete(CONFIG_MAP, *key))
        else:
            with pytest.raises(NotFound):
                self.store.delete(CONFIG_MAP, *key)

    @rule(back=st.integers(0, 8))
    def look_back(self, back: int) -> None:
        version = max(self.store.resource_version - back, 0)
        expected = [(w, k, d) for v, w, k, d in self.history if v > version]
        if len(expected) > self.LIMIT:
            with pytest.raises(Expired):
                self.store.events_since(version, CONFIG_MAP)
            return
        seen = self.store.events_since(version, CONFIG_MAP)
        assert [(e.type, e.object) for e in seen] == [(w, d) for w, _, d in expected]
        past = self.states[version]
        for namespace in (None, "a", "b"):
            wanted = [past[k] for k in _ordered(past) if namespace in (None, k[0])]
            assert self.store.list_at(CONFIG_MAP, namespace, version) == wanted

    @invariant()
    def same_objects(self) -> None:
        wanted = [self.model[key] for key in _ordered(self.model)]
        assert self.store.list(CONFIG_MAP) == wanted
        for namespace in ("a", "a-b", "b", "none"):
            mine = [d for d in wanted if d["metadata"]["namespace"] == namespace]
            assert self.store.list(CONFIG_MAP, namespace) == mine
        assert self.store.count(CONFIG_MAP) == len(self.model)

    @invariant()
    def same_owners(self) -> None:
        for uid in ("u1", "u2"):
            wanted = [
                document
                for document in self.model.values()
                if uid in [o["uid"] for o in document["metadata"].get("ownerReferences", ())]
            ]
            found = self.store.dependents(uid)
            assert sorted(map(str, found)) == sorted(map(str, wanted))

    @invariant()
    def everything_was_told_in_order(self) -> None:
        assert [(e.resource_version, e.type) for e in self.told] == [
            (version, what) for version, what, _, _ in self.history
        ]

    def teardown(self) -> None:
        for document, as_it_was in self.frozen:
            assert document == as_it_was, "a stored document was changed"


def _ordered(model: dict[tuple[str, str], Any]) -> list[tuple[str, str]]:
    """The order of etcd's keys, which end the namespace with a slash."""
    return sorted(model, key=lambda key: f"{key[0]}/{key[1]}")


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_new_object_gets_its_system_metadata() -> None:
    store = make_store()
    document = store.create(DEPLOYMENT, {"metadata": {"name": "a", "namespace": "n"}, "spec": {}})
    assert document["metadata"] == {
        "name": "a",
        "namespace": "n",
        "uid": Ids(seed=1).uid(),
        "creationTimestamp": "1970-01-01T00:00:00Z",
        "resourceVersion": "1",
        "generation": 1,
    }


def test_generation_counts_changes_of_the_spec_alone() -> None:
    store = make_store()
    new = {"metadata": {"name": "a", "namespace": "n"}, "spec": {"replicas": 1}}
    first = store.create(DEPLOYMENT, new)
    status = store.update(DEPLOYMENT, {**first, "status": {"replicas": 1}})
    assert status["metadata"]["generation"] == 1
    labels = {**status, "metadata": {**status["metadata"], "labels": {"a": "b"}}}
    labelled = store.update(DEPLOYMENT, labels)
    assert labelled["metadata"]["generation"] == 1
    scaled = store.update(DEPLOYMENT, {**labelled, "spec": {"replicas": 2}})
    assert scaled["metadata"]["generation"] == 2


def test_some_kinds_have_no_generation() -> None:
    store = make_store()
    for kind in (CONFIG_MAP, NAMESPACE, SERVICE):
        document = store.create(kind, {"metadata": {"name": "a"}, "spec": {}})
        assert "generation" not in document["metadata"]


def test_a_preview_writes_nothing() -> None:
    store = make_store()
    first = store.create(CONFIG_MAP, config_map("a", x="1"))
    preview = store.preview(CONFIG_MAP, {**first, "data": {"x": "2"}})
    assert preview["data"] == {"x": "2"}
    assert preview["metadata"]["resourceVersion"] == "1"
    assert store.get(CONFIG_MAP, "default", "a") is first


def test_loading_keeps_what_the_snapshot_says() -> None:
    store = make_store()
    old = config_map("old")
    old["metadata"].update(uid="u", resourceVersion="41", creationTimestamp="2020-01-01T00:00:00Z")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "status": {"podIP": "10.0.0.1"},
    }
    store.load([old, pod])
    assert store.get(CONFIG_MAP, "default", "old") == old
    loaded = store.get(POD, "default", "p")
    assert loaded is not None
    assert loaded["status"] == {"podIP": "10.0.0.1"}
    assert loaded["metadata"]["resourceVersion"] == "42"
    assert store.create(CONFIG_MAP, config_map("new"))["metadata"]["resourceVersion"] == "43"


def test_nobody_can_watch_from_before_a_restore() -> None:
    store = make_store()
    store.load([config_map("a")])
    assert store.events_since(store.resource_version, CONFIG_MAP) == []
    with pytest.raises(Expired):
        store.events_since(0, CONFIG_MAP)


def test_loading_into_a_used_store_is_an_event_like_others() -> None:
    store = make_store()
    store.create(CONFIG_MAP, config_map("a"))
    store.load([config_map("a", x="1"), config_map("b")])
    events = store.events_since(1, CONFIG_MAP)
    assert [(e.type, e.object["metadata"]["name"]) for e in events] == [
        ("MODIFIED", "a"),
        ("ADDED", "b"),
    ]


def test_an_unknown_kind_cannot_be_loaded() -> None:
    with pytest.raises(ValueError, match="no matches for v9, Kind=Nothing"):
        make_store().load([{"apiVersion": "v9", "kind": "Nothing", "metadata": {"name": "a"}}])


def test_a_write_inside_a_callback_is_told_after_the_event_in_hand() -> None:
    store = make_store()
    first: list[str] = []
    second: list[str] = []

    def echo(event: StoreEvent) -> None:
        name = event.object["metadata"]["name"]
        first.append(name)
        if name == "a":
            store.create(CONFIG_MAP, config_map("b"))

    store.subscribe(echo)
    store.subscribe(lambda event: second.append(event.object["metadata"]["name"]))
    store.create(CONFIG_MAP, config_map("a"))
    assert first == second == ["a", "b"]


def test_a_callback_can_be_taken_back() -> None:
    store = make_store()
    told: list[StoreEvent] = []
    store.subscribe(told.append)
    store.unsubscribe(told.append)
    store.create(CONFIG_MAP, config_map("a"))
    assert told == []


def test_namespaces_come_in_the_order_of_etcd_keys() -> None:
    store = make_store()
    for namespace in ("shop", "shop-2", "a"):
        store.create(CONFIG_MAP, config_map(f"in-{namespace}", namespace))
    assert names(store) == ["in-a", "in-shop-2", "in-shop"]


def test_the_event_of_a_deletion_carries_its_version() -> None:
    store = make_store()
    store.create(CONFIG_MAP, config_map("a"))
    last = store.delete(CONFIG_MAP, "default", "a")
    (_, event) = store.events_since(0, CONFIG_MAP)
    assert last["metadata"]["resourceVersion"] == "2"
    assert event.object is last
