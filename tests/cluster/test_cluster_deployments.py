"""Deployments and ReplicaSets: names, events, rolling changes, conditions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cluster_worlds import (
    Recording,
    Script,
    container,
    events_about,
    names,
    pod,
    stored,
    workload,
)

from minik8s.cluster import Cluster
from minik8s.ids import SUFFIX_ALPHABET
from minik8s.model.registry import DEPLOYMENT, POD, REPLICA_SET

Document = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"


def conditions(document: Document) -> dict[str, tuple[str, str, str]]:
    return {
        entry["type"]: (entry["status"], entry["reason"], entry["message"])
        for entry in document["status"]["conditions"]
    }


def images(cluster: Cluster, name: str = "web") -> list[str]:
    pods = cluster.objects("pods", "default")
    return sorted(
        p["spec"]["containers"][0]["image"] for p in pods if name in p["metadata"]["name"]
    )


def set_image(cluster: Cluster, image: str, name: str = "web") -> None:
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}
    kind = cluster.client.find("deploy")
    assert kind is not None
    cluster.client.patch(kind, name, change, patch_type="application/strategic-merge-patch+json")


def patch(cluster: Cluster, change: Document, name: str = "web") -> None:
    kind = cluster.client.find("deploy")
    assert kind is not None
    cluster.client.patch(kind, name, change)


def test_names(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    (replica_set,) = cluster.objects("replicasets", "default")
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{digest}"
    assert replica_set["spec"]["selector"]["matchLabels"] == {
        "app": "web",
        "pod-template-hash": digest,
    }
    for name in names(cluster.objects("pods", "default")):
        assert re.fullmatch(rf"web-{digest}-[{SUFFIX_ALPHABET}]{{5}}", name)


def test_owner_references(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=1))
    (replica_set,) = cluster.objects("replicasets", "default")
    (one,) = cluster.objects("pods", "default")
    (owner,) = one["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": replica_set["metadata"]["name"],
        "uid": replica_set["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    assert replica_set["metadata"]["ownerReferences"][0]["kind"] == "Deployment"


def test_events(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    (replica_set,) = names(cluster.objects("replicasets", "default"))
    (scaled,) = events_about(cluster, "web")
    assert scaled["reason"] == "ScalingReplicaSet"
    assert scaled["message"] == f"Scaled up replica set {replica_set} from 0 to 2"
    assert scaled["source"] == {"component": "deployment-controller"}
    assert scaled["count"] == 1
    created = events_about(cluster, replica_set)
    assert [event["reason"] for event in created] == ["SuccessfulCreate"] * 2
    assert {event["message"] for event in created} == {
        f"Created pod: {name}" for name in names(cluster.objects("pods", "default"))
    }


def test_status_when_complete(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=3))
    deployment = cluster.get("deploy", "web")
    status = deployment["status"]
    for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"):
        assert status[field] == 3
    assert "unavailableReplicas" not in status
    assert status["observedGeneration"] == deployment["metadata"]["generation"] == 1
    (replica_set,) = names(cluster.objects("replicasets", "default"))
    assert [entry["type"] for entry in status["conditions"]] == ["Available", "Progressing"]
    assert conditions(deployment) == {
        "Available": ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        "Progressing": (
            "True",
            "NewReplicaSetAvailable",
            f'ReplicaSet "{replica_set}" has successfully progressed.',
        ),
    }
    assert deployment["metadata"]["annotations"][REVISION] == "1"
    assert cluster.get("rs", replica_set)["metadata"]["annotations"] == {
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
        REVISION: "1",
    }


def test_scaling(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=1))
    (first,) = names(cluster.objects("pods", "default"))
    patch(cluster, {"spec": {"replicas": 4}})
    assert len(cluster.objects("pods", "default")) == 4
    patch(cluster, {"spec": {"replicas": 1}})
    (left,) = names(cluster.objects("pods", "default"))
    (replica_set,) = names(cluster.objects("replicasets", "default"))
    messages = [event["message"] for event in events_about(cluster, "web")]
    assert messages == [
        f"Scaled up replica set {replica_set} from 0 to 1",
        f"Scaled up replica set {replica_set} from 1 to 4",
        f"Scaled down replica set {replica_set} from 4 to 1",
    ]
    deleted = [
        event["message"]
        for event in events_about(cluster, replica_set)
        if event["reason"] == "SuccessfulDelete"
    ]
    assert len(deleted) == 3
    assert f"Deleted pod: {left}" not in deleted
    assert first  # which pod stays is a matter of rank, tested below


def test_scaling_down_spares_the_ready_and_the_lonely(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=3))
    by_node: dict[str, list[str]] = {}
    for each in cluster.objects("pods", "default"):
        by_node.setdefault(each["spec"]["nodeName"], []).append(each["metadata"]["name"])
    crowded = next(found for found in by_node.values() if len(found) == 2)
    patch(cluster, {"spec": {"replicas": 2}})
    left = names(cluster.objects("pods", "default"))
    assert sum(name in left for name in crowded) == 1


def test_a_rolling_update_keeps_within_its_bounds(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=10))
    store = cluster.runtime.store
    totals, available = [], []

    def count(_: object) -> None:
        pods = [p for p in store.list(POD, "default") if "deletionTimestamp" not in p["metadata"]]
        totals.append(len(pods))
        ready = [c for p in pods for c in p["status"].get("conditions", ()) if c["type"] == "Ready"]
        available.append(sum(c["status"] == "True" for c in ready))

    store.subscribe(count)
    set_image(cluster, "example.com/server:2")
    assert images(cluster) == ["example.com/server:2"] * 10
    assert max(totals) <= 13  # 25% surge, rounded up
    assert min(available) >= 8  # 25% unavailable, rounded down
    assert max(totals) > 10


def test_a_rolling_update_leaves_its_history(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    old = names(cluster.objects("replicasets", "default"))[0]
    set_image(cluster, "example.com/server:2")
    sets = {s["metadata"]["name"]: s for s in cluster.objects("replicasets", "default")}
    (new,) = sets.keys() - {old}
    assert sets[old]["spec"]["replicas"] == 0
    assert sets[new]["spec"]["replicas"] == 2
    assert sets[new]["metadata"]["annotations"][REVISION] == "2"
    assert cluster.get("deploy", "web")["metadata"]["annotations"][REVISION] == "2"
    messages = [event["message"] for event in events_about(cluster, "web")]
    assert messages[1] == f"Scaled up replica set {new} from 0 to 1"
    assert messages[-1] == f"Scaled down replica set {old} from 1 to 0"


def test_going_back_reuses_the_old_replica_set(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    first = names(cluster.objects("replicasets", "default"))
    set_image(cluster, "example.com/server:2")
    set_image(cluster, "example.com/server:1")
    assert len(cluster.objects("replicasets", "default")) == 2
    annotations = cluster.get("rs", first[0])["metadata"]["annotations"]
    assert annotations[REVISION] == "3"
    assert annotations["deployment.kubernetes.io/revision-history"] == "1"
    assert images(cluster) == ["example.com/server:1"] * 2


def test_revision_history_limit(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=1, revisionHistoryLimit=2))
    for number in range(2, 7):
        set_image(cluster, f"example.com/server:{number}")
    sets = cluster.objects("replicasets", "default")
    assert sorted(int(s["metadata"]["annotations"][REVISION]) for s in sets) == [4, 5, 6]


def test_recreate_stops_the_old_before_it_starts_the_new(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=3, strategy={"type": "Recreate"}))
    recording = Recording(cluster)
    set_image(cluster, "example.com/server:2")
    writes = [(w.type, w.object["spec"]["containers"][0]["image"]) for w in recording.of("Pod")]
    last_old = max(i for i, write in enumerate(writes) if write[1].endswith(":1"))
    first_new = min(i for i, write in enumerate(writes) if write[1].endswith(":2"))
    assert last_old < first_new
    assert images(cluster) == ["example.com/server:2"] * 3


def test_pausing(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    patch(cluster, {"spec": {"paused": True}})
    set_image(cluster, "example.com/server:2")
    assert images(cluster) == ["example.com/server:1"] * 2
    progress = conditions(cluster.get("deploy", "web"))["Progressing"]
    assert progress == ("Unknown", "DeploymentPaused", "Deployment is paused")
    patch(cluster, {"spec": {"replicas": 3}})
    assert images(cluster) == ["example.com/server:1"] * 3
    patch(cluster, {"spec": {"paused": False}})
    assert images(cluster) == ["example.com/server:2"] * 3
    assert conditions(cluster.get("deploy", "web"))["Progressing"][1] == "NewReplicaSetAvailable"


def test_a_rollout_that_cannot_go_on(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=4))
    set_image(cluster, "example.com/NO SUCH")
    deployment = cluster.get("deploy", "web")
    assert deployment["status"]["updatedReplicas"] == 2
    assert deployment["status"]["availableReplicas"] == 3
    assert conditions(deployment)["Progressing"][:2] == ("True", "ReplicaSetUpdated")
    cluster.clock.advance(602)
    (new,) = [
        s["metadata"]["name"]
        for s in cluster.objects("replicasets", "default")
        if s["metadata"]["annotations"][REVISION] == "2"
    ]
    assert conditions(cluster.get("deploy", "web"))["Progressing"] == (
        "False",
        "ProgressDeadlineExceeded",
        f'ReplicaSet "{new}" has timed out progressing.',
    )
    set_image(cluster, "example.com/server:1")
    deployment = cluster.get("deploy", "web")
    assert deployment["status"]["availableReplicas"] == 4
    assert conditions(deployment)["Progressing"][1] == "NewReplicaSetAvailable"


def test_a_deleted_pod_is_replaced(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=1))
    (before,) = names(cluster.objects("pods", "default"))
    cluster.client.delete(POD, before)
    (after,) = names(cluster.objects("pods", "default"))
    assert after != before
    assert cluster.pods[after].phase == "Running"


def test_a_replica_set_adopts_and_releases(cluster: Cluster) -> None:
    cluster.apply(pod("stray", labels={"app": "web"}))
    cluster.apply(workload("ReplicaSet", "web", replicas=2))
    pods = cluster.objects("pods", "default")
    assert len(pods) == 2
    assert "stray" in names(pods)
    owner = stored(cluster, POD, "stray")["metadata"]["ownerReferences"][0]
    assert owner["name"] == "web"
    cluster.client.patch(POD, "stray", {"metadata": {"labels": {"app": "other"}}})
    released = stored(cluster, POD, "stray")
    assert "ownerReferences" not in released["metadata"]
    assert len(cluster.objects("pods", "default")) == 3


def test_minimum_ready_seconds(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2, minReadySeconds=20))
    status = cluster.get("deploy", "web")["status"]
    assert status["readyReplicas"] == 2
    assert "availableReplicas" not in status
    cluster.clock.advance(21)
    assert cluster.get("deploy", "web")["status"]["availableReplicas"] == 2


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (3, "50%", "50%", (2, 1)),
        (4, 2, 1, (2, 1)),
        (4, 0, 0, (0, 1)),
        (3, "0%", "100%", (0, 3)),
    ],
)
def test_fence_posts(replicas: int, surge: Any, unavailable: Any, expected: Any) -> None:
    from minik8s.controllers.rollout import fence_posts

    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert fence_posts({"spec": {"replicas": replicas, "strategy": strategy}}) == expected


def test_two_deployments_with_one_template_do_not_mix(cluster: Cluster) -> None:
    first = workload("Deployment", "web", replicas=1)
    second = workload("Deployment", "web2", replicas=1)
    second["spec"] = {**first["spec"]}
    cluster.apply([first, second])
    sets = cluster.objects("replicasets", "default")
    assert len({s["metadata"]["labels"]["pod-template-hash"] for s in sets}) == 1
    assert sorted(s["metadata"]["ownerReferences"][0]["name"] for s in sets) == ["web", "web2"]
    assert len(cluster.objects("pods", "default")) == 2


def test_a_crashing_container_is_not_available(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/bad:1"] = [1] * 50
    bad = [container(image="example.com/bad:1")]
    cluster.apply(workload("Deployment", "web", replicas=1, containers=bad))
    status = stored(cluster, DEPLOYMENT, "web")["status"]
    assert status["unavailableReplicas"] == 1
    assert conditions(stored(cluster, DEPLOYMENT, "web"))["Available"][0] == "False"
    (replica_set,) = cluster.objects("replicasets", "default")
    assert "readyReplicas" not in stored(cluster, REPLICA_SET, names([replica_set])[0])["status"]


def test_replication_controllers(cluster: Cluster) -> None:
    manifest = workload("ReplicaSet", "web", replicas=2)
    manifest |= {"apiVersion": "v1", "kind": "ReplicationController"}
    manifest["spec"]["selector"] = {"app": "web"}
    cluster.apply(manifest)
    assert len(cluster.objects("pods", "default")) == 2
    assert cluster.get("rc", "web")["status"]["availableReplicas"] == 2
    messages = {event["message"] for event in events_about(cluster, "web")}
    assert messages == {
        f"Created pod: {name}" for name in names(cluster.objects("pods", "default"))
    }
