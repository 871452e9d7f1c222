"""Server-side apply: who manages what, and who may change it."""

from __future__ import annotations

import gzip
import json
from pkgutil import get_data
from typing import Any

import pytest
from fakes import (
    CONFIGMAPS,
    DEPLOYMENTS,
    DOORS,
    PODS,
    POLICIES,
    Api,
    FakeBackend,
    deployment,
    pod,
    policy,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from minik8s.apiserver.typed import ATOMIC_TYPES
from minik8s.model.registry import CONFIG_MAP, Kind

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


def apply(api: Api, url: str, config: Any, manager: str = "me", query: str = "") -> Any:
    return api.ok("PATCH", f"{url}?fieldManager={manager}{query}", config, media=APPLY)


def refused(api: Api, url: str, config: Any, manager: str = "me", query: str = "") -> Any:
    return api.fails("PATCH", f"{url}?fieldManager={manager}{query}", config, media=APPLY)


def managers(document: Any) -> dict[tuple[str, str], Any]:
    entries = document["metadata"].get("managedFields", [])
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


# -- what is tracked


def test_a_create_is_an_update_by_its_manager(api: Api) -> None:
    given = policy("p", policyTypes=["Egress"])
    given["metadata"]["labels"] = {"a": "b"}
    made = api.ok("POST", f"{POLICIES}?fieldManager=kubectl-create", given)
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "kubectl-create",
            "operation": "Update",
            "apiVersion": "networking.k8s.io/v1",
            "time": "2023-11-14T22:13:20Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                "f:spec": {"f:podSelector": {}, "f:policyTypes": {}},
            },
        }
    ]


def test_keyed_lists_have_an_owner_for_each_entry(api: Api) -> None:
    made = api.ok("POST", f"{DEPLOYMENTS}?fieldManager=m", deployment("d"))
    fields = managers(made)[("m", "Update")]
    containers = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert containers['k:{"name":"main"}']["f:image"] == {}
    assert containers['k:{"name":"main"}']["."] == {}
    assert fields["f:spec"]["f:selector"] == {}, "a label selector is atomic"
    assert "f:status" not in fields


def test_the_name_of_the_program_is_the_default_manager(backend: FakeBackend) -> None:
    from minik8s.apiserver import ApiServer, Request

    headers = {"user-agent": "kubectl/v1.37.1 (linux/amd64)"}
    request = Request("POST", CONFIGMAPS, headers=headers, body=config_map(a="1"))
    made: Any = ApiServer(backend).handle(request).body
    assert list(managers(made)) == [("kubectl", "Update")]


def test_an_update_takes_over_what_it_changes(api: Api) -> None:
    api.ok("POST", f"{CONFIGMAPS}?fieldManager=one", config_map(a="1", b="1"))
    patch = {"data": {"b": "2", "c": "3"}}
    changed = api.ok("PATCH", f"{CONFIGMAPS}/c?fieldManager=two", patch, media=MERGE)
    assert managers(changed) == {
        ("one", "Update"): {"f:data": {".": {}, "f:a": {}}},
        ("two", "Update"): {"f:data": {"f:b": {}, "f:c": {}}},
    }
    patch = {"data": {"a": None, "b": None}}
    changed = api.ok("PATCH", f"{CONFIGMAPS}/c?fieldManager=one", patch, media=MERGE)
    assert managers(changed) == {
        ("one", "Update"): {"f:data": {}},
        ("two", "Update"): {"f:data": {"f:c": {}}},
    }


def test_the_status_has_managers_of_its_own(api: Api) -> None:
    api.ok("POST", f"{DEPLOYMENTS}?fieldManager=me", deployment("d"))
    patch = {"status": {"replicas": 2}, "spec": {"replicas": 9}}
    url = f"{DEPLOYMENTS}/d/status?fieldManager=controller"
    changed = api.ok("PATCH", url, patch, media=MERGE)
    entry = next(e for e in changed["metadata"]["managedFields"] if e["manager"] == "controller")
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:replicas": {}}}


def test_a_scale_is_told_as_such(api: Api) -> None:
    api.ok("POST", f"{DEPLOYMENTS}?fieldManager=me", deployment("d"))
    url = f"{DEPLOYMENTS}/d/scale?fieldManager=scaler"
    api.ok("PATCH", url, {"spec": {"replicas": 5}}, media=MERGE)
    entries = api.ok("GET", f"{DEPLOYMENTS}/d")["metadata"]["managedFields"]
    entry = next(e for e in entries if e["manager"] == "scaler")
    assert (entry["subresource"], entry["fieldsV1"]) == ("scale", {"f:spec": {"f:replicas": {}}})


def test_managers_can_be_forgotten(api: Api) -> None:
    api.ok("POST", CONFIGMAPS, config_map(a="1"))
    patch = {"metadata": {"managedFields": [{}]}}
    changed = api.ok("PATCH", f"{CONFIGMAPS}/c", patch, media=MERGE)
    assert "managedFields" not in changed["metadata"]
    changed = api.ok("PATCH", f"{CONFIGMAPS}/c", {"data": {"b": "2"}}, media=MERGE)
    assert "managedFields" not in changed["metadata"], "until somebody applies"


def test_many_managers_become_one(api: Api) -> None:
    api.ok("POST", f"{CONFIGMAPS}?fieldManager=m0", config_map(k0="0"))
    for number in range(1, 15):
        api.backend.clock.advance(1)
        url = f"{CONFIGMAPS}/c?fieldManager=m{number}"
        changed = api.ok("PATCH", url, {"data": {f"k{number}": "x"}}, media=MERGE)
    names = [name for name, _ in managers(changed)]
    assert len(names) == 10
    assert "ancient-changes" in names
    assert "m14" in names
    old = managers(changed)[("ancient-changes", "Update")]["f:data"]
    assert {"f:k0", "f:k1"} <= set(old)


# -- apply


def test_apply_makes_what_is_not_there(api: Api) -> None:
    response = api.call(
        "PATCH", f"{POLICIES}/p?fieldManager=kubectl&force=false", policy("p"), media=APPLY
    )
    assert response.code == 201
    body: Any = response.body
    assert body["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert managers(body) == {("kubectl", "Apply"): {"f:spec": {"f:podSelector": {}}}}
    again = api.call("PATCH", f"{POLICIES}/p?fieldManager=kubectl", policy("p"), media=APPLY)
    assert again.code == 200
    assert again.body == body, "nothing has changed, the version neither"


def test_apply_takes_yaml(backend: FakeBackend) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n"
    made = apply(DOORS["in process"](backend), f"{CONFIGMAPS}/c", text)
    assert made["data"] == {"a": "1"}


def test_what_is_no_longer_applied_goes(api: Api) -> None:
    apply(api, f"{CONFIGMAPS}/c", config_map(a="1", b="2"))
    changed = apply(api, f"{CONFIGMAPS}/c", config_map(b="2"))
    assert changed["data"] == {"b": "2"}
    bare = apply(api, f"{CONFIGMAPS}/c", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}})
    assert "data" not in bare


def test_what_others_apply_too_stays(api: Api) -> None:
    apply(api, f"{CONFIGMAPS}/c", config_map(a="1", b="2"))
    apply(api, f"{CONFIGMAPS}/c", config_map(a="1"), manager="you")
    changed = apply(api, f"{CONFIGMAPS}/c", config_map(b="2"))
    assert changed["data"] == {"a": "1", "b": "2"}
    assert managers(changed) == {
        ("me", "Apply"): {"f:data": {"f:b": {}}},
        ("you", "Apply"): {"f:data": {"f:a": {}}},
    }


def test_the_recorded_conflict(api: Api) -> None:
    given = policy("ap1", ingress=[{"ports": [{"port": 80}]}])
    api.ok("POST", f"{POLICIES}?fieldManager=kubectl-client-side-apply", given)
    wanted = policy("ap1", ingress=[{"ports": [{"port": 8080}]}])
    status = refused(api, f"{POLICIES}/ap1", wanted, "kubectl", "&force=false")
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using '
        "networking.k8s.io/v1: .spec.ingress"
    )
    assert status["details"] == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl-client-side-apply" using networking.k8s.io/v1',
                "field": ".spec.ingress",
            }
        ]
    }
    forced = apply(api, f"{POLICIES}/ap1", wanted, "kubectl", "&force=true")
    assert forced["spec"]["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]
    assert "f:ingress" not in managers(forced)[("kubectl-client-side-apply", "Update")]["f:spec"]


def test_several_conflicts_are_told_by_manager(api: Api) -> None:
    apply(api, f"{CONFIGMAPS}/c", config_map(a="1", b="1"), manager="zoe")
    apply(api, f"{CONFIGMAPS}/c", config_map(c="1"), manager="abe")
    status = refused(api, f"{CONFIGMAPS}/c", config_map(a="2", b="2", c="2"))
    assert status["message"] == (
        'Apply failed with 3 conflicts: conflicts with "abe":\n- .data.c\n'
        'conflicts with "zoe":\n- .data.a\n- .data.b'
    )
    assert api.ok("GET", f"{CONFIGMAPS}/c")["data"] == {"a": "1", "b": "1", "c": "1"}


def test_the_same_value_is_no_conflict(api: Api) -> None:
    apply(api, f"{CONFIGMAPS}/c", config_map(a="1"), manager="you")
    shared = apply(api, f"{CONFIGMAPS}/c", config_map(a="1"))
    assert managers(shared)[("you", "Apply")] == managers(shared)[("me", "Apply")]


def test_entries_of_a_keyed_list_have_different_owners(api: Api) -> None:
    url = f"{DEPLOYMENTS}/d"
    apply(api, url, deployment("d"))
    side = deployment("d")
    side["spec"] = {"template": {"spec": {"containers": [{"name": "side", "image": "busybox"}]}}}
    both = apply(api, url, side, manager="injector")
    names = [c["name"] for c in both["spec"]["template"]["spec"]["containers"]]
    assert names == ["main", "side"]
    again = deployment("d")
    again["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2"
    changed = apply(api, url, again)
    images = [c["image"] for c in changed["spec"]["template"]["spec"]["containers"]]
    assert images == ["nginx:2", "busybox"]
    taken = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    left = apply(api, url, taken, manager="injector")
    assert [c["name"] for c in left["spec"]["template"]["spec"]["containers"]] == ["main"]


def test_an_applied_field_that_was_defaulted_goes_back_to_its_default(api: Api) -> None:
    url = f"{DEPLOYMENTS}/d"
    apply(api, url, deployment("d", revisionHistoryLimit=3))
    assert apply(api, url, deployment("d"))["spec"]["revisionHistoryLimit"] == 10


def test_scaling_beside_an_apply_that_leaves_replicas_out(api: Api) -> None:
    config = deployment("d")
    del config["spec"]["replicas"]
    apply(api, f"{DEPLOYMENTS}/d", config)
    url = f"{DEPLOYMENTS}/d/scale?fieldManager=scaler"
    api.ok("PATCH", url, {"spec": {"replicas": 5}}, media=MERGE)
    assert apply(api, f"{DEPLOYMENTS}/d", config)["spec"]["replicas"] == 5
    status = refused(api, f"{DEPLOYMENTS}/d", deployment("d", replicas=2))
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using '
        "apps/v1: .spec.replicas"
    )


def test_an_untracked_object_was_there_before_the_first_apply(backend: FakeBackend) -> None:
    api = DOORS["in process"](backend)
    made = {"metadata": {"name": "c", "namespace": "default"}, "data": {"a": "1"}}
    backend.store.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", **made})
    status = refused(api, f"{CONFIGMAPS}/c", config_map(a="2"))
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a'
    )
    applied = apply(api, f"{CONFIGMAPS}/c", config_map(b="2"))
    assert set(managers(applied)) == {("before-first-apply", "Update"), ("me", "Apply")}


def test_dry_run_of_an_apply(api: Api) -> None:
    shown = apply(api, f"{CONFIGMAPS}/c", config_map(a="1"), query="&dryRun=All")
    assert shown["data"] == {"a": "1"}
    assert api.fails("GET", f"{CONFIGMAPS}/c")["code"] == 404


def test_apply_to_the_status(api: Api) -> None:
    api.ok("POST", f"{PODS}?fieldManager=me", pod("a"))
    config = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "status": {"conditions": [{"type": "Mine", "status": "True"}]},
    }
    changed = apply(api, f"{PODS}/a/status", config, manager="prober")
    assert changed["status"]["phase"] == "Pending"
    assert [c["type"] for c in changed["status"]["conditions"]] == ["Mine"]
    assert refused(api, f"{PODS}/nope/status", {**config, "metadata": {}})["code"] == 404


# -- refusals


def test_apply_needs_a_manager(api: Api) -> None:
    status = api.fails("PATCH", f"{CONFIGMAPS}/c", config_map(), media=APPLY)
    assert status["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
        "apply patch"
    )


def test_force_is_for_apply_alone(api: Api) -> None:
    api.ok("POST", CONFIGMAPS, config_map())
    status = api.fails("PATCH", f"{CONFIGMAPS}/c?force=true", {}, media=MERGE)
    assert "force: Forbidden: may not be specified for non-apply patch" in status["message"]


@pytest.mark.parametrize("mode", ["Strict", "Ignore"])
def test_fields_that_are_not_declared(api: Api, mode: str) -> None:
    config = policy("ap1", bogus=1)
    status = refused(api, f"{POLICIES}/ap1", config, query=f"&fieldValidation={mode}")
    assert status["message"] == (
        "failed to create typed patch object (default/ap1; networking.k8s.io/v1, "
        "Kind=NetworkPolicy): .spec.bogus: field not declared in schema"
    )
    assert "reason" not in status


def test_entries_without_a_key(api: Api) -> None:
    config = pod("a")
    del config["spec"]["containers"][0]["name"]
    status = refused(api, f"{PODS}/a", config)
    assert status["message"].endswith(
        '.spec.containers: associative list with keys has an element that omits key field "name" '
        "(and doesn't have default value)"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"managedFields": [{"manager": "x"}]}, "metadata.managedFields must be nil"),
        ({"name": "other"}, "the name of the object (other) does not match the name on the URL"),
        ({"namespace": "other"}, "does not match the namespace sent on the request"),
        ({"uid": "u"}, "uid mismatch: the provided object specified uid u"),
        ({"resourceVersion": "5"}, "resourceVersion should not be set on objects to be created"),
    ],
)
def test_configurations_that_make_no_sense(api: Api, change: dict[str, Any], message: str) -> None:
    config = config_map(a="1")
    config["metadata"].update(change)
    assert message in refused(api, f"{CONFIGMAPS}/c", config)["message"]


def test_types_are_checked(api: Api) -> None:
    status = refused(api, f"{DEPLOYMENTS}/d", deployment("d", replicas="many"))
    assert status["code"] == 400
    assert "cannot unmarshal" in status["message"]


def test_the_atomic_types_are_those_of_the_published_schema() -> None:
    packed = get_data("minik8s", "data/schemas-openapi.json.gz")
    assert packed is not None
    definitions = json.loads(gzip.decompress(packed))["definitions"]
    published = {
        ".".join(name.split(".")[-3:])
        for name, definition in definitions.items()
        if definition.get("x-kubernetes-map-type") == "atomic"
    }
    assert published == ATOMIC_TYPES


# -- a naive model: the paths of each manager in a document of maps


Paths = dict[tuple[str, ...], int]


def flat(document: Any, prefix: tuple[str, ...] = ()) -> Paths:
    paths: Paths = {}
    for name, value in document.items():
        if isinstance(value, dict):
            paths.update(flat(value, (*prefix, name)))
        else:
            paths[(*prefix, name)] = value
    return paths


def deep(paths: Paths) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, value in paths.items():
        inner = document
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value
    return document


LEAVES = st.sampled_from([("a",), ("b",), ("m", "a"), ("m", "b"), ("m", "n", "a"), ("o", "a")])
CONFIGS = st.dictionaries(LEAVES, st.integers(0, 2), max_size=5)
THING = Kind("example.com", "v1", "Thing", "things", (), False)
THINGS = "/apis/example.com/v1/things"


class ApplyMachine(RuleBasedStateMachine):
    """Applies and updates by several managers, beside sets of paths."""

    def __init__(self) -> None:
        super().__init__()
        backend = FakeBackend()
        backend.registry.add(THING)
        self.api = DOORS["in process"](backend)
        self.live: Paths = {}
        self.owned: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        made = {"metadata": {"name": "t", "labels": {"made": "once"}}}
        self.api.ok("POST", f"{THINGS}?fieldManager=maker", made)
        self.url = f"{THINGS}/t"

    def _handed_over(self, manager: tuple[str, str], new: Paths) -> None:
        changed = {p for p in self.live if new.get(p) != self.live[p]}
        for other, paths in self.owned.items():
            if other != manager:
                paths -= changed
        self.live = new

    @rule(config=CONFIGS, name=st.sampled_from("xyz"), force=st.booleans())
    def apply(self, config: Paths, name: str, force: bool) -> None:
        me = (name, "Apply")
        others = [paths for manager, paths in self.owned.items() if manager != me]
        elsewhere = set().union(*others)
        clash = {p for p in config if p in elsewhere and self.live.get(p) != config[p]}
        body = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}
        body["data"] = deep(config)
        url = f"{self.url}?fieldManager={name}&force={'true' if force else 'false'}"
        response = self.api.call("PATCH", url, body, media=APPLY)
        if clash and not force:
            assert response.code == 409
            assert isinstance(response.body, dict)
            told = {cause["field"] for cause in response.body["details"]["causes"]}
            assert told == {".data." + ".".join(path) for path in clash}
            return
        assert response.code == 200, response.body
        dropped = self.owned.get(me, set()) - set(config) - elsewhere
        kept = {p: v for p, v in self.live.items() if p not in dropped}
        self._handed_over(me, {**kept, **config})
        self.owned[me] = set(config)

    @rule(change=CONFIGS, removed=st.sets(LEAVES), name=st.sampled_from("uv"))
    def update(self, change: Paths, removed: set[tuple[str, ...]], name: str) -> None:
        me = (name, "Update")
        new = {p: v for p, v in {**self.live, **change}.items() if p not in removed}
        body = {"metadata": {"name": "t"}, "data": deep(new)}
        self.api.ok("PUT", f"{self.url}?fieldManager={name}", body)
        mine = {p for p in new if self.live.get(p) != new[p]}
        before = self.owned.get(me, set())
        self._handed_over(me, new)
        self.owned[me] = {p for p in before if p in new} | mine

    @invariant()
    def same_document(self) -> None:
        document = self.api.ok("GET", self.url)
        assert flat(document.get("data", {})) == self.live

    @invariant()
    def same_owners(self) -> None:
        found = managers(self.api.ok("GET", self.url))
        for manager, paths in self.owned.items():
            fields = found.get(manager, {}).get("f:data", {})
            assert _leaves(fields) & set(self.live) == paths & set(self.live)


def _leaves(fields: Any, prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    leaves = set()
    for element, node in fields.items():
        if element != ".":
            path = (*prefix, element[2:])
            leaves |= _leaves(node, path) if set(node) - {"."} else {path}
    return leaves


TestApplyMachine = ApplyMachine.TestCase
TestApplyMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
