"""StatefulSets, DaemonSets and Jobs."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import Recording, Script, container, events_about, names, service, workload

from minik8s.cluster import Cluster
from minik8s.model.registry import DAEMON_SET, JOB, NODE, POD, STATEFUL_SET

Document = dict[str, Any]


def pods(cluster: Cluster, prefix: str) -> list[Document]:
    found = cluster.objects("pods", "default")
    return [each for each in found if each["metadata"]["name"].startswith(f"{prefix}-")]


def new_image(image: str) -> Document:
    return {"spec": {"template": {"spec": {"containers": [container(image=image)]}}}}


# -- StatefulSet


def test_ordinals(cluster: Cluster) -> None:
    manifest = workload("StatefulSet", "db", replicas=3, serviceName="db")
    cluster.apply([service("db", clusterIP="None"), manifest])
    found = pods(cluster, "db")
    assert names(found) == ["db-0", "db-1", "db-2"]
    first = found[0]
    assert first["spec"]["hostname"] == "db-0"
    assert first["spec"]["subdomain"] == "db"
    labels = first["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert labels["apps.kubernetes.io/pod-index"] == "0"
    assert labels["controller-revision-hash"].startswith("db-")
    (slice_,) = [
        each
        for each in cluster.objects("endpointslices", "default")
        if each["metadata"]["name"].startswith("db-")
    ]
    assert sorted(e["hostname"] for e in slice_["endpoints"]) == ["db-0", "db-1", "db-2"]


def ready_order(recording: Recording) -> list[str]:
    order = []
    for write in recording.of("Pod"):
        name = write.object["metadata"]["name"]
        ready = [c for c in write.object["status"].get("conditions", ()) if c["type"] == "Ready"]
        if ready and ready[0]["status"] == "True" and name not in order:
            order.append(f"ready {name}")
        if write.type == "ADDED":
            order.append(f"made {name}")
    return [entry for i, entry in enumerate(order) if entry not in order[:i]]


def test_one_after_the_other(cluster: Cluster) -> None:
    recording = Recording(cluster)
    cluster.apply(workload("StatefulSet", "db", replicas=2))
    assert ready_order(recording) == ["made db-0", "ready db-0", "made db-1", "ready db-1"]


def test_in_parallel(cluster: Cluster) -> None:
    recording = Recording(cluster)
    cluster.apply(workload("StatefulSet", "db", replicas=2, podManagementPolicy="Parallel"))
    assert ready_order(recording)[:2] == ["made db-0", "made db-1"]


def test_a_broken_first_pod_holds_the_others(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/bad:1"] = [1, 1]
    bad = [container(image="example.com/bad:1")]
    cluster.apply(workload("StatefulSet", "db", replicas=2, containers=bad))
    assert names(pods(cluster, "db")) == ["db-0"]
    cluster.clock.advance(11)
    assert names(pods(cluster, "db")) == ["db-0", "db-1"]


def test_stateful_events_and_status(cluster: Cluster) -> None:
    cluster.apply(workload("StatefulSet", "db", replicas=1))
    (event,) = events_about(cluster, "db")
    assert event["message"] == "create Pod db-0 in StatefulSet db successful"
    status = cluster.get("sts", "db")["status"]
    for field in ("replicas", "readyReplicas", "availableReplicas", "currentReplicas"):
        assert status[field] == 1
    assert status["currentRevision"] == status["updateRevision"]


def test_scaling_down_takes_the_highest_first(cluster: Cluster) -> None:
    cluster.apply(workload("StatefulSet", "db", replicas=3))
    recording = Recording(cluster)
    cluster.client.patch(STATEFUL_SET, "db", {"spec": {"replicas": 1}})
    gone = [w.object["metadata"]["name"] for w in recording.of("Pod") if w.type == "DELETED"]
    assert gone == ["db-2", "db-1"]


def test_updating_from_the_top(cluster: Cluster) -> None:
    cluster.apply(workload("StatefulSet", "db", replicas=3))
    recording = Recording(cluster)
    cluster.client.patch(STATEFUL_SET, "db", new_image("example.com/server:2"))
    gone = [w.object["metadata"]["name"] for w in recording.of("Pod") if w.type == "DELETED"]
    assert gone == ["db-2", "db-1", "db-0"]
    found = {p["spec"]["containers"][0]["image"] for p in pods(cluster, "db")}
    assert found == {"example.com/server:2"}
    status = cluster.get("sts", "db")["status"]
    assert status["updatedReplicas"] == 3
    assert status["currentRevision"] == status["updateRevision"]
    assert len(cluster.objects("controllerrevisions", "default")) == 2


def test_a_partition_keeps_the_lower_pods(cluster: Cluster) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    cluster.apply(workload("StatefulSet", "db", replicas=3, updateStrategy=strategy))
    cluster.client.patch(STATEFUL_SET, "db", new_image("example.com/server:2"))
    images = [p["spec"]["containers"][0]["image"][-1] for p in pods(cluster, "db")]
    assert images == ["1", "1", "2"]


def test_a_deleted_pod_comes_back_under_its_name(cluster: Cluster) -> None:
    cluster.apply(workload("StatefulSet", "db", replicas=2))
    before = cluster.pods["db-0"].document["metadata"]["uid"]
    cluster.client.delete(POD, "db-0")
    after = cluster.pods["db-0"].document["metadata"]["uid"]
    assert after != before
    assert cluster.pods["db-0"].phase == "Running"


def test_volume_claims(cluster: Cluster) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    cluster.apply(workload("StatefulSet", "db", replicas=2, volumeClaimTemplates=[claim]))
    assert names(cluster.objects("pvc", "default")) == ["data-db-0", "data-db-1"]
    assert cluster.get("pvc", "data-db-0")["status"]["phase"] == "Bound"
    volumes = cluster.pods["db-0"].document["spec"]["volumes"]
    assert volumes[0]["persistentVolumeClaim"] == {"claimName": "data-db-0"}
    cluster.client.delete(STATEFUL_SET, "db")
    assert len(cluster.objects("pvc", "default")) == 2


# -- DaemonSet


def test_one_on_each_worker(cluster: Cluster) -> None:
    cluster.apply(workload("DaemonSet", "agent"))
    nodes = sorted(p["spec"]["nodeName"] for p in pods(cluster, "agent"))
    assert nodes == ["minik8s-worker", "minik8s-worker2"]
    status = cluster.get("ds", "agent")["status"]
    assert status == {
        "currentNumberScheduled": 2,
        "desiredNumberScheduled": 2,
        "numberAvailable": 2,
        "numberMisscheduled": 0,
        "numberReady": 2,
        "observedGeneration": 1,
        "updatedNumberScheduled": 2,
    }
    messages = {event["message"] for event in events_about(cluster, "agent")}
    assert messages == {f"Created pod: {name}" for name in names(pods(cluster, "agent"))}


def test_tolerations_reach_the_control_plane(cluster: Cluster) -> None:
    tolerant = {"tolerations": [{"operator": "Exists"}]}
    cluster.apply(workload("DaemonSet", "agent", pod_spec=tolerant))
    assert len(pods(cluster, "agent")) == 3


def test_labels_of_nodes_decide(cluster: Cluster) -> None:
    chosen = {"nodeSelector": {"disk": "fast"}}
    cluster.apply(workload("DaemonSet", "agent", pod_spec=chosen))
    assert pods(cluster, "agent") == []
    cluster.client.patch(NODE, "minik8s-worker", {"metadata": {"labels": {"disk": "fast"}}})
    assert [p["spec"]["nodeName"] for p in pods(cluster, "agent")] == ["minik8s-worker"]
    cluster.client.patch(NODE, "minik8s-worker", {"metadata": {"labels": {"disk": None}}})
    assert pods(cluster, "agent") == []


def test_daemons_are_replaced(cluster: Cluster) -> None:
    cluster.apply(workload("DaemonSet", "agent"))
    store, missing = cluster.runtime.store, []

    def count(_: object) -> None:
        alive = [
            each
            for each in store.list(POD, "default")
            if "deletionTimestamp" not in each["metadata"] and each["status"]["phase"] == "Running"
        ]
        missing.append(2 - len(alive))

    store.subscribe(count)
    cluster.client.patch(DAEMON_SET, "agent", new_image("example.com/server:2"))
    assert {p["spec"]["containers"][0]["image"] for p in pods(cluster, "agent")} == {
        "example.com/server:2"
    }
    assert max(missing) == 1


def test_a_node_that_goes_takes_its_pods_along(cluster: Cluster) -> None:
    cluster.apply([workload("DaemonSet", "agent"), workload("Deployment", "web", replicas=2)])
    cluster.client.delete(NODE, "minik8s-worker2")
    assert [p["spec"]["nodeName"] for p in pods(cluster, "agent")] == ["minik8s-worker"]
    assert {p["spec"]["nodeName"] for p in pods(cluster, "web")} == {"minik8s-worker"}
    assert len(pods(cluster, "web")) == 2


# -- Job


def job(name: str, **spec: Any) -> Document:
    template = {
        "spec": {
            "containers": [container(image="example.com/task:1")],
            "restartPolicy": spec.pop("restartPolicy", "Never"),
        }
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"template": template, **spec},
    }


def ends(cluster: Cluster, name: str) -> list[tuple[str, str]]:
    entries = cluster.get("job", name)["status"].get("conditions") or ()
    return [(entry["type"], entry["reason"]) for entry in entries]


def test_a_job_that_succeeds(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/task:1"] = [0]
    cluster.apply(job("once"))
    assert ends(cluster, "once") == [
        ("SuccessCriteriaMet", "CompletionsReached"),
        ("Complete", "CompletionsReached"),
    ]
    assert cluster.get("job", "once")["status"]["succeeded"] == 1
    assert [e["reason"] for e in events_about(cluster, "once")] == ["SuccessfulCreate", "Completed"]
    (pod,) = pods(cluster, "once")
    assert pod["status"]["phase"] == "Succeeded"


def test_completions(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/task:1"] = [0] * 5
    cluster.apply(job("five", completions=5, parallelism=2))
    assert cluster.get("job", "five")["status"]["succeeded"] == 5
    assert len(pods(cluster, "five")) == 5


def test_a_job_that_fails_too_often(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/task:1"] = [1] * 20
    cluster.apply(job("bad", backoffLimit=2))
    assert ends(cluster, "bad")[-1] == ("Failed", "BackoffLimitExceeded")
    assert cluster.get("job", "bad")["status"]["failed"] == 3


def test_a_job_retries(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/task:1"] = [1, 0]
    cluster.apply(job("again"))
    status = cluster.get("job", "again")["status"]
    assert (status["failed"], status["succeeded"]) == (1, 1)


def test_a_suspended_job_waits(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/task:1"] = [0]
    cluster.apply(job("later", suspend=True))
    assert pods(cluster, "later") == []
    cluster.client.patch(JOB, "later", {"spec": {"suspend": False}})
    assert ends(cluster, "later")[-1][0] == "Complete"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_deleting_a_workload_deletes_its_pods(cluster: Cluster, kind: str) -> None:
    cluster.apply(workload(kind, "web", **({} if kind == "DaemonSet" else {"replicas": 2})))
    assert len(pods(cluster, "web")) == 2
    found = cluster.client.find(kind.lower())
    assert found is not None
    cluster.client.delete(found, "web")
    assert pods(cluster, "web") == []
    assert cluster.objects("replicasets", "default") == []
    assert cluster.objects("controllerrevisions", "default") == []
