"""What each verb does, through every door."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import CONFIGMAPS, DEPLOYMENTS, PODS, POLICIES, SERVICES, Api, deployment, pod, policy
from fakes import service as service_of

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


# -- create


def test_create_answers_with_the_stored_object(api: Api) -> None:
    response = api.call("POST", POLICIES, policy("p"))
    assert response.code == 201
    body: Any = response.body
    assert body["metadata"]["namespace"] == "default"
    assert body["metadata"]["uid"]
    assert body["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert body["spec"]["policyTypes"] == ["Ingress"], "defaults are filled in"
    assert api.ok("GET", f"{POLICIES}/p") == body


def test_create_settles_and_a_refused_one_does_not(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    assert api.backend.settled == 1
    api.fails("POST", PODS, pod("a"))
    api.ok("GET", PODS)
    assert api.backend.settled == 1
    api.backend.autosettle = False
    api.ok("POST", PODS, pod("b"))
    assert api.backend.settled == 1


def test_a_client_cannot_set_what_the_system_sets(api: Api) -> None:
    given = pod("a")
    given["metadata"].update(
        uid="mine",
        creationTimestamp="2000-01-01T00:00:00Z",
        generation=9,
        deletionTimestamp="2000-01-01T00:00:00Z",
    )
    given["status"] = {"phase": "Running", "podIP": "10.0.0.1"}
    made = api.ok("POST", PODS, given)
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert made["metadata"]["generation"] == 1
    assert "deletionTimestamp" not in made["metadata"]
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_what_was_sent_may_be_changed_afterwards(api: Api) -> None:
    given = policy("p", podSelector={"matchLabels": {"a": "b"}})
    api.ok("POST", POLICIES, given)
    given["spec"]["podSelector"]["matchLabels"]["a"] = "changed"
    assert api.ok("GET", f"{POLICIES}/p")["spec"]["podSelector"] == {"matchLabels": {"a": "b"}}


def test_generate_name(api: Api) -> None:
    given = pod("")
    given["metadata"] = {"generateName": "gg-"}
    first, second = api.ok("POST", PODS, given), api.ok("POST", PODS, given)
    for made in (first, second):
        name = made["metadata"]["name"]
        assert name.startswith("gg-")
        assert len(name) == len("gg-") + 5
        assert made["metadata"]["generateName"] == "gg-"
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_generate_name_tries_eight_times(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def suffix(_ids: Any, purpose: str, length: int = 5) -> str:
        tried.append(purpose)
        return "x" if purpose == "pods" else "yyyyy"

    monkeypatch.setattr(type(api.backend.ids), "suffix", suffix)
    given = pod("")
    given["metadata"] = {"generateName": "gen-"}
    assert api.ok("POST", PODS, given)["metadata"]["name"] == "gen-x"
    tried.clear()
    status = api.fails("POST", PODS, given)
    assert tried.count("pods") == 8
    assert status["message"] == (
        'pods "gen-x" already exists, the server was not able to generate a unique name for '
        "the object"
    )
    assert (status["reason"], status["code"]) == ("AlreadyExists", 409)


def test_long_generated_names_are_cut(api: Api) -> None:
    given = pod("")
    given["metadata"] = {"generateName": "a" * 80}
    name = api.ok("POST", PODS, given)["metadata"]["name"]
    assert len(name) == 63


def test_dry_run_of_a_create_stores_nothing(api: Api) -> None:
    made = api.ok("POST", f"{PODS}?dryRun=All", pod("a"))
    assert made["metadata"]["uid"]
    assert made["spec"]["restartPolicy"] == "Always"
    assert "resourceVersion" not in made["metadata"]
    assert api.fails("GET", f"{PODS}/a")["code"] == 404
    assert api.backend.settled == 0
    api.ok("POST", PODS, pod("a"))
    assert api.fails("POST", f"{PODS}?dryRun=All", pod("a"))["reason"] == "AlreadyExists"


def test_field_validation_modes(api: Api) -> None:
    given = policy("p", bogus=1)
    strict = api.fails("POST", f"{POLICIES}?fieldValidation=Strict", given)
    assert strict["message"] == (
        'NetworkPolicy in version "v1" cannot be handled as a NetworkPolicy: strict decoding '
        'error: unknown field "spec.bogus"'
    )
    warned = api.call("POST", f"{POLICIES}?fieldValidation=Warn", given)
    assert warned.code == 201
    assert warned.warnings == ['unknown field "spec.bogus"']
    ignored = api.call("POST", f"{POLICIES}?fieldValidation=Ignore", policy("q", bogus=1))
    assert ignored.code == 201
    assert ignored.warnings == []
    assert "bogus" not in api.ok("GET", f"{POLICIES}/q")["spec"]


def test_warn_is_the_default_field_validation(api: Api) -> None:
    assert api.call("POST", POLICIES, policy("p", bogus=1)).warnings == [
        'unknown field "spec.bogus"'
    ]


def test_yaml_bodies(backend: Any) -> None:
    from fakes import DOORS

    text = b"""
apiVersion: v1
kind: ConfigMap
metadata: {name: y, annotations: {when: 2020-01-01}}
data: {a: "1", b: 'yes'}
"""
    made = DOORS["in process"](backend).ok("POST", CONFIGMAPS, text, media="application/yaml")
    assert made["data"] == {"a": "1", "b": "yes"}
    assert made["metadata"]["annotations"] == {"when": "2020-01-01"}


# -- update


def test_update_replaces_the_object(api: Api) -> None:
    made = api.ok("POST", CONFIGMAPS, config_map("a", labels={"x": "y"}))
    metadata = {k: v for k, v in made["metadata"].items() if k != "labels"}
    changed = api.ok("PUT", f"{CONFIGMAPS}/a", {**made, "metadata": metadata, "data": {"k": "v"}})
    assert changed["data"] == {"k": "v"}
    assert "labels" not in changed["metadata"]
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])


def test_update_without_a_version_is_unconditional(api: Api) -> None:
    api.ok("POST", CONFIGMAPS, config_map("a"))
    changed = api.ok("PUT", f"{CONFIGMAPS}/a", {**config_map("a"), "data": {"k": "v"}})
    assert changed["data"] == {"k": "v"}
    assert changed["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"


def test_update_that_changes_nothing_keeps_the_version(api: Api) -> None:
    made = api.ok("POST", DEPLOYMENTS, deployment("d"))
    again = api.ok("PUT", f"{DEPLOYMENTS}/d", deployment("d"))
    assert again == made


def test_main_resource_and_status_are_apart(api: Api) -> None:
    made = api.ok("POST", DEPLOYMENTS, deployment("d"))
    wanted = {**made, "status": {"replicas": 7}}
    wanted["spec"] = {**made["spec"], "replicas": 5}
    changed = api.ok("PUT", f"{DEPLOYMENTS}/d", wanted)
    assert changed["spec"]["replicas"] == 5
    assert changed["status"] == {}
    assert changed["metadata"]["generation"] == 2
    wanted = {**changed, "status": {"replicas": 7}}
    wanted["spec"] = {**made["spec"], "replicas": 9}
    reported = api.ok("PUT", f"{DEPLOYMENTS}/d/status", wanted)
    assert reported["spec"]["replicas"] == 5
    assert reported["status"] == {"replicas": 7}
    assert reported["metadata"]["generation"] == 2
    patch = {"spec": {"replicas": 1}, "status": {"replicas": 8}}
    patched = api.ok("PATCH", f"{DEPLOYMENTS}/d/status", patch, media=MERGE)
    assert (patched["spec"]["replicas"], patched["status"]["replicas"]) == (5, 8)


def test_dry_run_of_an_update_stores_nothing(api: Api) -> None:
    made = api.ok("POST", DEPLOYMENTS, deployment("d"))
    shown = api.ok("PUT", f"{DEPLOYMENTS}/d?dryRun=All", deployment("d", replicas=4))
    assert shown["spec"]["replicas"] == 4
    assert shown["metadata"]["generation"] == 2
    assert shown["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert api.ok("GET", f"{DEPLOYMENTS}/d") == made


def test_removing_the_last_finalizer_of_a_terminating_object_removes_it(api: Api) -> None:
    api.ok("POST", CONFIGMAPS, config_map("a", finalizers=["example.com/hold"]))
    held = api.ok("DELETE", f"{CONFIGMAPS}/a")
    assert held["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:20Z"
    assert api.ok("GET", f"{CONFIGMAPS}/a") == held
    api.ok("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"finalizers": None}}, media=MERGE)
    assert api.fails("GET", f"{CONFIGMAPS}/a")["code"] == 404


# -- patch


def test_the_three_patches(api: Api) -> None:
    api.ok("POST", DEPLOYMENTS, deployment("d"))
    url = f"{DEPLOYMENTS}/d"
    labelled = api.ok("PATCH", url, {"metadata": {"labels": {"q": "1"}}}, media=MERGE)
    assert labelled["metadata"]["labels"] == {"app": "d", "q": "1"}
    operations = [{"op": "replace", "path": "/metadata/labels/q", "value": "2"}]
    replaced = api.ok("PATCH", url, operations, media=JSON_PATCH)
    assert replaced["metadata"]["labels"]["q"] == "2"
    image = {"name": "main", "image": "nginx:2"}
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "main"}],
                    "containers": [image],
                }
            }
        }
    }
    patched = api.ok("PATCH", url, patch, media=STRATEGIC)
    container = patched["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:2"
    assert container["imagePullPolicy"], "the rest of the container stays"


def test_an_empty_patch_changes_nothing(api: Api) -> None:
    made = api.ok("POST", PODS, pod("a"))
    assert api.ok("PATCH", f"{PODS}/a", {}, media=MERGE) == made


def test_a_patch_with_a_stale_version_conflicts(api: Api) -> None:
    made = api.ok("POST", POLICIES, policy("cf"))
    patch = {"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}}
    status = api.fails("PATCH", f"{POLICIES}/cf", patch, media=STRATEGIC)
    assert status["message"] == (
        'Operation cannot be fulfilled on networkpolicies.networking.k8s.io "cf": the object '
        "has been modified; please apply your changes to the latest version and try again"
    )
    assert (status["reason"], status["code"]) == ("Conflict", 409)
    assert status["details"] == {
        "name": "cf",
        "group": "networking.k8s.io",
        "kind": "networkpolicies",
    }
    patch["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    api.ok("PATCH", f"{POLICIES}/cf", patch, media=STRATEGIC)


def test_dry_run_of_a_patch(api: Api) -> None:
    made = api.ok("POST", POLICIES, policy("p"))
    patch = {"metadata": {"labels": {"a": "b"}}}
    shown = api.ok("PATCH", f"{POLICIES}/p?dryRun=All", patch, media=MERGE)
    assert shown["metadata"]["labels"] == {"a": "b"}
    assert api.ok("GET", f"{POLICIES}/p") == made


# -- delete


@pytest.mark.parametrize(
    ("url", "made", "taken"),
    [
        (PODS, pod("a"), {"annotations", "labels"}),
        (SERVICES, service_of("a"), {"annotations", "labels"}),
        (DEPLOYMENTS, deployment("a"), {"annotations"}),
    ],
)
def test_what_a_new_status_may_bring_along(
    api: Api, url: str, made: dict[str, Any], taken: set[str]
) -> None:
    """Kubernetes' own tests annotate objects through their status."""
    api.ok("POST", url, made)
    patch = {
        "metadata": {"annotations": {"new": "1"}, "labels": {"new": "1"}, "finalizers": ["a.io/b"]},
        "spec": {"replicas": 7, "externalName": "x"},
        "status": {"conditions": []},
    }
    seen = api.ok("PATCH", f"{url}/a/status", patch, media=MERGE)
    metadata = seen["metadata"]
    assert {
        field for field in ("annotations", "labels") if "new" in metadata.get(field, {})
    } == taken
    assert "finalizers" not in metadata
    assert "externalName" not in seen["spec"]
    assert seen["spec"].get("replicas") != 7
    bad = {"metadata": {"annotations": {"not a key": "1"}}}
    assert api.fails("PATCH", f"{url}/a/status", bad, media=MERGE)["code"] == 422


def test_delete_answers_with_a_status_for_most_kinds(api: Api) -> None:
    made = api.ok("POST", POLICIES, policy("p"))
    assert api.ok("DELETE", f"{POLICIES}/p", {"propagationPolicy": "Background"}) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": "p",
            "group": "networking.k8s.io",
            "kind": "networkpolicies",
            "uid": made["metadata"]["uid"],
        },
    }
    assert api.fails("DELETE", f"{POLICIES}/p")["reason"] == "NotFound"


def test_a_pod_without_a_node_goes_at_once(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    gone = api.ok("DELETE", f"{PODS}/a")
    assert gone["kind"] == "Pod"
    assert api.fails("GET", f"{PODS}/a")["code"] == 404


def test_a_pod_with_a_node_gets_its_grace(api: Api) -> None:
    api.ok("POST", PODS, pod("a", nodeName="n1"))
    response = api.call("DELETE", f"{PODS}/a")
    assert response.code == 200
    marked: Any = response.body
    assert marked["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:50Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert api.ok("GET", f"{PODS}/a") == marked
    sooner = api.ok("DELETE", f"{PODS}/a", {"gracePeriodSeconds": 1})
    assert sooner["metadata"]["deletionGracePeriodSeconds"] == 1


def test_a_forced_deletion_leaves_no_grace(api: Api) -> None:
    api.ok("POST", PODS, pod("a", nodeName="n1"))
    api.ok("DELETE", f"{PODS}/a", {"gracePeriodSeconds": 0})
    assert api.fails("GET", f"{PODS}/a")["code"] == 404


def test_delete_options_may_come_in_the_query(api: Api) -> None:
    api.ok("POST", PODS, pod("a", nodeName="n1"))
    marked = api.ok("DELETE", f"{PODS}/a?gracePeriodSeconds=7")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7


@pytest.mark.parametrize(
    ("propagation", "finalizers", "code"),
    [("Foreground", ["foregroundDeletion"], 202), ("Orphan", ["orphan"], 200)],
)
def test_propagation_is_a_finalizer(
    api: Api, propagation: str, finalizers: list[str], code: int
) -> None:
    api.ok("POST", DEPLOYMENTS, deployment("d"))
    response = api.call("DELETE", f"{DEPLOYMENTS}/d", {"propagationPolicy": propagation})
    assert response.code == code
    body: Any = response.body
    assert body["metadata"]["finalizers"] == finalizers
    assert body["metadata"]["deletionTimestamp"]


def test_preconditions(api: Api) -> None:
    made = api.ok("POST", CONFIGMAPS, config_map("a"))
    uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
    wrong = api.fails("DELETE", f"{CONFIGMAPS}/a", {"preconditions": {"uid": "other"}})
    assert wrong["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the UID in the precondition (other) '
        f"does not match the UID in record ({uid}). The object might have been deleted and then "
        "recreated"
    )
    assert wrong["reason"] == "Conflict"
    stale = api.fails("DELETE", f"{CONFIGMAPS}/a", {"preconditions": {"resourceVersion": "1"}})
    assert f"ResourceVersion in record ({version})" in stale["message"]
    api.ok("DELETE", f"{CONFIGMAPS}/a", {"preconditions": {"uid": uid, "resourceVersion": version}})


def test_dry_run_of_a_deletion(api: Api) -> None:
    api.ok("POST", CONFIGMAPS, config_map("a"))
    assert api.ok("DELETE", f"{CONFIGMAPS}/a", {"dryRun": ["All"]})["status"] == "Success"
    assert api.ok("DELETE", f"{CONFIGMAPS}/a?dryRun=All")["status"] == "Success"
    api.ok("GET", f"{CONFIGMAPS}/a")


def test_deletecollection_takes_what_the_selector_picks(api: Api) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        api.ok("POST", CONFIGMAPS, config_map(name, labels={"l": label}))
    gone = api.ok("DELETE", f"{CONFIGMAPS}?labelSelector=l%3Dx")
    assert gone["kind"] == "ConfigMapList"
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a", "b"]
    left = api.ok("GET", CONFIGMAPS)["items"]
    assert [item["metadata"]["name"] for item in left] == ["c"]


# -- namespaces


def test_a_namespace_is_labelled_and_active(api: Api) -> None:
    given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}}
    made = api.ok("POST", "/api/v1/namespaces", given)
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "monitoring"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["status"] == {"phase": "Active"}


def test_the_end_of_a_namespace(api: Api) -> None:
    given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stuck"}}
    api.ok("POST", "/api/v1/namespaces", given)
    ending = api.ok("DELETE", "/api/v1/namespaces/stuck", {"propagationPolicy": "Background"})
    assert ending["kind"] == "Namespace"
    assert ending["status"]["phase"] == "Terminating"
    assert ending["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:20Z"
    assert api.ok("DELETE", "/api/v1/namespaces/stuck") == ending
    again = {**ending, "spec": {"finalizers": []}}
    api.ok("PUT", "/api/v1/namespaces/stuck/finalize", again)
    assert api.fails("GET", "/api/v1/namespaces/stuck")["code"] == 404


def test_a_namespace_keeps_its_finalizers_in_an_ordinary_update(api: Api) -> None:
    url = "/api/v1/namespaces/default"
    patched = api.ok("PATCH", url, {"spec": {"finalizers": []}}, media=MERGE)
    assert patched["spec"] == {"finalizers": ["kubernetes"]}


# -- scale


def test_scale(api: Api) -> None:
    api.ok("POST", DEPLOYMENTS, deployment("web"))
    scale = api.ok("GET", f"{DEPLOYMENTS}/web/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 1}
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}
    patched = api.ok("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 3}}, media=MERGE)
    assert patched["spec"] == {"replicas": 3}
    patched["spec"]["replicas"] = 0
    assert api.ok("PUT", f"{DEPLOYMENTS}/web/scale", patched)["spec"] == {}
    assert api.ok("GET", f"{DEPLOYMENTS}/web")["spec"]["replicas"] == 0


def test_scale_refuses(api: Api) -> None:
    made = api.ok("POST", DEPLOYMENTS, deployment("web"))
    url = f"{DEPLOYMENTS}/web/scale"
    negative = api.fails("PATCH", url, {"spec": {"replicas": -1}}, media=MERGE)
    assert negative["message"] == (
        'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater '
        "than or equal to 0"
    )
    stale = {"metadata": {"name": "web", "resourceVersion": "1"}, "spec": {"replicas": 2}}
    assert api.fails("PUT", url, stale)["reason"] == "Conflict"
    assert api.fails("PATCH", url, {"spec": {"replicas": "x"}}, media=MERGE)["code"] == 400
    assert api.ok("GET", f"{DEPLOYMENTS}/web") == made


# -- posts to pods and accounts


def test_eviction_deletes_the_pod(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}
    response = api.call("POST", f"{PODS}/a/eviction", body)
    assert response.code == 201
    assert isinstance(response.body, dict)
    assert response.body["status"] == "Success"
    assert api.fails("GET", f"{PODS}/a")["code"] == 404


def test_binding_gives_a_pod_its_node(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}}
    assert api.fails("POST", f"{PODS}/a/binding", body)["code"] == 422
    body["target"] = {"kind": "Node", "name": "n1"}
    api.ok("POST", f"{PODS}/a/binding", body)
    assert api.ok("GET", f"{PODS}/a")["spec"]["nodeName"] == "n1"
    assert api.fails("POST", f"{PODS}/a/binding", body)["code"] == 409


def test_a_token_of_an_account(api: Api) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sa"}}
    api.ok("POST", accounts, account)
    made = api.ok("POST", f"{accounts}/sa/token", {"spec": {"expirationSeconds": 600}})
    assert made["status"]["expirationTimestamp"] == "2023-11-14T22:23:20Z"
    assert made["status"]["token"].count(".") == 2


def test_ephemeral_containers_can_only_be_added(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    url = f"{PODS}/a/ephemeralcontainers"
    patch = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    patched = api.ok("PATCH", url, patch, media=STRATEGIC)
    assert [c["name"] for c in patched["spec"]["ephemeralContainers"]] == ["debug"]
    assert patched["spec"]["containers"][0]["name"] == "main"
    changed = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "other"}]}}
    assert api.fails("PATCH", url, changed, media=STRATEGIC)["code"] == 422


def test_services_keep_their_address_through_updates(api: Api) -> None:
    made = api.ok("POST", SERVICES, service_of("web"))
    again = api.ok("PUT", f"{SERVICES}/web", service_of("web", selector={"app": "other"}))
    assert again["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert again["spec"]["clusterIPs"] == made["spec"]["clusterIPs"]
