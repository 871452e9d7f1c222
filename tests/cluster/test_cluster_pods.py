"""What becomes of one pod: its states, its events, its address, its end."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import Recording, Script, container, events_about, pod, stored

from minik8s.cluster import Cluster
from minik8s.controllers.images import InvalidReference, image_id, normalize, pull_policy
from minik8s.errors import NotFound
from minik8s.model.registry import POD
from minik8s.store import StoreEvent

Document = dict[str, Any]


def state(write: StoreEvent) -> tuple[str, str, str]:
    """Phase, whether there is an address, and the state of the first container."""
    status = write.object.get("status", {})
    statuses = status.get("containerStatuses") or [{"state": {}}]
    waiting = statuses[0]["state"].get("waiting", {}).get("reason")
    name = waiting or next(iter(statuses[0]["state"]), "")
    return status.get("phase", ""), "address" if status.get("podIP") else "", name


def conditions(document: Document) -> dict[str, str]:
    return {entry["type"]: entry["status"] for entry in document["status"]["conditions"]}


def status_of(cluster: Cluster, name: str, number: int = 0) -> Document:
    found: Document = stored(cluster, POD, name)["status"]["containerStatuses"][number]
    return found


def test_a_watch_sees_every_state(cluster: Cluster) -> None:
    recording = Recording(cluster)
    cluster.apply(pod("web"))
    writes = recording.of("Pod")
    assert writes[0].type == "ADDED"
    assert [state(write) for write in writes] == [
        ("Pending", "", ""),
        ("Pending", "", ""),
        ("Pending", "", "ContainerCreating"),
        ("Pending", "address", "ContainerCreating"),
        ("Running", "address", "running"),
    ]
    assert "nodeName" not in writes[0].object["spec"]
    assert conditions(writes[1].object) == {"PodScheduled": "True"}


def test_settling_takes_no_time(cluster: Cluster) -> None:
    before = cluster.clock.now
    cluster.apply(pod("web"))
    assert cluster.clock.now == before


def test_a_running_pod(cluster: Cluster) -> None:
    cluster.apply(pod("web", nodeName="minik8s-worker"))
    status = stored(cluster, POD, "web")["status"]
    assert status["podIP"] == "10.244.1.2"
    assert status["podIPs"] == [{"ip": "10.244.1.2"}]
    assert status["hostIP"] == "172.18.0.3"
    assert status["qosClass"] == "BestEffort"
    assert [(c["type"], c["status"]) for c in status["conditions"]] == [
        ("PodReadyToStartContainers", "True"),
        ("Initialized", "True"),
        ("Ready", "True"),
        ("ContainersReady", "True"),
        ("PodScheduled", "True"),
    ]
    (entry,) = status["containerStatuses"]
    assert entry["ready"] is entry["started"] is True
    assert entry["restartCount"] == 0
    assert entry["image"] == "example.com/server:1"
    assert entry["imageID"].startswith("example.com/server@sha256:")
    assert entry["containerID"].startswith("containerd://")
    assert len(entry["containerID"]) == len("containerd://") + 64


def test_admission_adds_what_it_adds_to_every_pod(cluster: Cluster) -> None:
    cluster.apply(pod("web"))
    spec = stored(cluster, POD, "web")["spec"]
    assert spec["serviceAccountName"] == "default"
    assert [t["key"] for t in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert spec["containers"][0]["volumeMounts"][0]["name"] == volume["name"]
    assert spec["priority"] == 0


def test_events_of_the_first_and_the_second_pod_of_an_image(cluster: Cluster) -> None:
    image = "example.com/server:1"
    cluster.apply([pod("a", nodeName="minik8s-worker"), pod("b", nodeName="minik8s-worker")])
    about = events_about(cluster, "a")
    assert [event["reason"] for event in about] == ["Pulling", "Pulled", "Created", "Started"]
    assert about[0]["message"] == f'Pulling image "{image}"'
    assert about[1]["message"].startswith(f'Successfully pulled image "{image}" in ')
    assert about[1]["message"].endswith(" bytes.")
    assert [event["message"] for event in about[2:]] == ["Container created", "Container started"]
    about = events_about(cluster, "b")
    assert about[0]["message"] == (
        f'Container image "{image}" already present on machine and can be accessed by the pod'
    )
    first = about[0]
    assert first["source"] == {"component": "kubelet", "host": "minik8s-worker"}
    assert first["involvedObject"]["fieldPath"] == "spec.containers{c}"
    assert first["involvedObject"]["uid"] == stored(cluster, POD, "b")["metadata"]["uid"]
    assert (first["count"], first["type"]) == (1, "Normal")


def test_pull_policy_always_pulls_again(cluster: Cluster) -> None:
    again = [container(image="example.com/server:latest")]
    for name in ("a", "b"):
        cluster.apply(pod(name, containers=again, nodeName="minik8s-worker"))
    assert events_about(cluster, "b")[0]["reason"] == "Pulling"


def test_deletion(cluster: Cluster) -> None:
    cluster.apply(pod("web"))
    recording = Recording(cluster)
    cluster.client.delete(POD, "web")
    writes = recording.of("Pod")
    assert [write.type for write in writes] == ["MODIFIED", "MODIFIED", "DELETED"]
    marked = writes[0].object
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert marked["metadata"]["deletionTimestamp"] == "2026-03-08T09:00:30Z"
    stopped = writes[1].object["status"]
    assert "terminated" in stopped["containerStatuses"][0]["state"]
    assert events_about(cluster, "web")[-1]["message"] == "Stopping container c"
    with pytest.raises(NotFound):
        cluster.client.get(POD, "web")


def test_a_finalizer_keeps_a_pod(cluster: Cluster) -> None:
    manifest = pod("web")
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.apply(manifest)
    cluster.client.delete(POD, "web")
    held = stored(cluster, POD, "web")
    assert "terminated" in held["status"]["containerStatuses"][0]["state"]
    cluster.client.patch(POD, "web", {"metadata": {"finalizers": None}})
    assert cluster.runtime.store.get(POD, "default", "web") is None


def test_addresses_come_round(cluster: Cluster) -> None:
    seen = []
    for number in range(4):
        cluster.apply(pod(f"web-{number}", nodeName="minik8s-worker"))
        seen.append(cluster.pods[f"web-{number}"].ip)
        cluster.client.delete(POD, f"web-{number}")
    assert seen == [f"10.244.1.{number}" for number in range(2, 6)]


def test_host_network(cluster: Cluster) -> None:
    cluster.apply(pod("web", hostNetwork=True, nodeName="minik8s-worker"))
    assert cluster.pods["web"].ip == "172.18.0.3"
    cluster.client.delete(POD, "web")
    cluster.apply(pod("other", nodeName="minik8s-worker"))
    assert cluster.pods["other"].ip == "10.244.1.2"


def test_quality_of_service(cluster: Cluster) -> None:
    both = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    half = {"requests": {"cpu": "100m"}}
    cluster.apply(
        [
            pod("sure", containers=[container(resources=both)]),
            pod("hopeful", containers=[container(resources=half)]),
        ]
    )
    assert stored(cluster, POD, "sure")["status"]["qosClass"] == "Guaranteed"
    assert stored(cluster, POD, "hopeful")["status"]["qosClass"] == "Burstable"


def test_readiness_gates(cluster: Cluster) -> None:
    cluster.apply(pod("web", readinessGates=[{"conditionType": "example.com/ready"}]))
    ready = next(
        c for c in stored(cluster, POD, "web")["status"]["conditions"] if c["type"] == "Ready"
    )
    assert (ready["status"], ready["reason"]) == ("False", "ReadinessGatesNotReady")
    opened = {"status": {"conditions": [{"type": "example.com/ready", "status": "True"}]}}
    media = "application/strategic-merge-patch+json"
    cluster.client.patch(POD, "web", opened, patch_type=media, sub="status")
    assert cluster.pods["web"].ready


# -- containers that end


def test_a_container_that_keeps_ending(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/bad:1"] = [1, 1, 1, 1]
    recording = Recording(cluster)
    cluster.apply(pod("bad", containers=[container(image="example.com/bad:1")]))
    words = [state(write)[2] for write in recording.of("Pod")]
    assert words[-5:] == ["running", "terminated", "running", "terminated", "CrashLoopBackOff"]
    uid = stored(cluster, POD, "bad")["metadata"]["uid"]
    entry = status_of(cluster, "bad")
    assert entry["restartCount"] == 1
    assert entry["state"]["waiting"]["message"] == (
        f"back-off 10s restarting failed container=c pod=bad_default({uid})"
    )
    ended = entry["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (1, "Error")
    assert conditions(stored(cluster, POD, "bad"))["Ready"] == "False"
    assert stored(cluster, POD, "bad")["status"]["phase"] == "Running"
    last = events_about(cluster, "bad")[-1]
    assert (last["type"], last["reason"]) == ("Warning", "BackOff")
    assert last["message"] == (f"Back-off restarting failed container c in pod bad_default({uid})")


def test_the_back_off_grows_and_the_container_recovers(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/bad:1"] = [1, 1, 1, 1]
    cluster.apply(pod("bad", containers=[container(image="example.com/bad:1")]))
    counts = []
    for seconds in (9, 2, 18, 3, 35):
        cluster.clock.advance(seconds)
        counts.append(status_of(cluster, "bad")["restartCount"])
    assert counts == [1, 2, 2, 3, 3]
    cluster.clock.advance(10)
    entry = status_of(cluster, "bad")
    assert entry["restartCount"] == 4
    assert "running" in entry["state"]
    assert conditions(stored(cluster, POD, "bad"))["Ready"] == "True"
    back_offs = [e for e in events_about(cluster, "bad") if e["reason"] == "BackOff"]
    assert back_offs[0]["count"] == 3


def test_a_long_calm_ends_the_back_off(cluster: Cluster, script: Script) -> None:
    script.codes["example.com/bad:1"] = [1, 1]
    cluster.apply(pod("bad", containers=[container(image="example.com/bad:1")]))
    cluster.clock.advance(700)
    assert status_of(cluster, "bad")["restartCount"] == 2
    cluster.runtime.kubelet.exited("default", "bad", "c", 1)
    entry = status_of(cluster, "bad")
    assert entry["restartCount"] == 3
    assert "running" in entry["state"]


@pytest.mark.parametrize(
    ("policy", "code", "phase", "reason"),
    [
        ("Never", 0, "Succeeded", "Completed"),
        ("Never", 3, "Failed", "Error"),
        ("OnFailure", 0, "Succeeded", "Completed"),
    ],
)
def test_a_pod_that_runs_to_its_end(
    cluster: Cluster, script: Script, policy: str, code: int, phase: str, reason: str
) -> None:
    script.codes["example.com/task:1"] = [code]
    task = [container(image="example.com/task:1")]
    cluster.apply(pod("task", containers=task, restartPolicy=policy))
    document = stored(cluster, POD, "task")
    assert document["status"]["phase"] == phase
    entry = status_of(cluster, "task")
    assert entry["state"]["terminated"]["reason"] == reason
    assert entry["restartCount"] == 0
    if phase == "Succeeded":
        ready = next(c for c in document["status"]["conditions"] if c["type"] == "Ready")
        assert ready["reason"] == "PodCompleted"


def test_a_container_that_ends_later(cluster: Cluster, script: Script) -> None:
    cluster.apply(pod("web", restartPolicy="Never"))
    cluster.clock.call_later(5, lambda: cluster.runtime.kubelet.exited("default", "web", "c", 0))
    cluster.clock.advance(6)
    document = stored(cluster, POD, "web")
    assert document["status"]["phase"] == "Succeeded"
    assert status_of(cluster, "web")["state"]["terminated"]["finishedAt"] == "2026-03-08T09:00:05Z"


# -- init containers


def test_init_containers_run_one_after_the_other(cluster: Cluster, script: Script) -> None:
    script.codes = {"example.com/one:1": [0], "example.com/two:1": [0]}
    inits = [container("one", "example.com/one:1"), container("two", "example.com/two:1")]
    recording = Recording(cluster)
    cluster.apply(pod("web", initContainers=inits))
    assert script.started[-3:] == [("web", "one"), ("web", "two"), ("web", "c")]
    assert stored(cluster, POD, "web")["status"]["phase"] == "Running"
    waiting = recording.of("Pod")[2].object["status"]
    assert waiting["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert conditions({"status": waiting})["Initialized"] == "False"
    paths = [e["involvedObject"].get("fieldPath") for e in events_about(cluster, "web")]
    assert "spec.initContainers{one}" in paths


def test_an_init_container_that_fails(cluster: Cluster, script: Script) -> None:
    script.codes = {"example.com/one:1": [1, 1, 0]}
    cluster.apply(pod("web", initContainers=[container("one", "example.com/one:1")]))
    document = stored(cluster, POD, "web")
    assert document["status"]["phase"] == "Pending"
    entry = document["status"]["initContainerStatuses"][0]
    assert entry["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    initialized = next(c for c in document["status"]["conditions"] if c["type"] == "Initialized")
    assert initialized["message"] == "containers with incomplete status: [one]"
    cluster.clock.advance(11)
    assert stored(cluster, POD, "web")["status"]["phase"] == "Running"


def test_an_init_container_that_fails_for_good(cluster: Cluster, script: Script) -> None:
    script.codes = {"example.com/one:1": [1]}
    inits = [container("one", "example.com/one:1")]
    cluster.apply(pod("web", initContainers=inits, restartPolicy="Never"))
    assert stored(cluster, POD, "web")["status"]["phase"] == "Failed"


def test_a_sidecar_goes_on_running(cluster: Cluster, script: Script) -> None:
    sidecar = container("side", "example.com/side:1", restartPolicy="Always")
    cluster.apply(pod("web", initContainers=[sidecar]))
    status = stored(cluster, POD, "web")["status"]
    assert status["phase"] == "Running"
    assert "running" in status["initContainerStatuses"][0]["state"]


# -- what keeps a container from being created


def test_an_image_name_that_means_nothing(cluster: Cluster) -> None:
    cluster.apply(pod("web", containers=[container(image="Example/App")]))
    waiting = status_of(cluster, "web")["state"]["waiting"]
    assert waiting["reason"] == "InvalidImageName"
    assert waiting["message"] == (
        'Failed to apply default image tag "Example/App": couldn\'t parse image name '
        '"Example/App": invalid reference format: repository name (App) must be lowercase'
    )
    reasons = [(e["reason"], e["message"]) for e in events_about(cluster, "web")]
    assert ("Failed", "Error: InvalidImageName") in reasons
    assert stored(cluster, POD, "web")["status"]["phase"] == "Pending"


def config_map(name: str, **data: str) -> Document:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_config_map_that_is_missing(cluster: Cluster) -> None:
    environment = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "a"}}}]
    cluster.apply(pod("web", containers=[container(env=environment)]))
    waiting = status_of(cluster, "web")["state"]["waiting"]
    assert waiting == {
        "reason": "CreateContainerConfigError",
        "message": 'configmap "conf" not found',
    }
    cluster.apply(config_map("conf", b="2"))
    waiting = status_of(cluster, "web")["state"]["waiting"]
    assert waiting["message"] == "couldn't find key a in ConfigMap default/conf"
    cluster.apply(config_map("conf", a="1"))
    assert "running" in status_of(cluster, "web")["state"]


def test_a_volume_that_is_missing(cluster: Cluster) -> None:
    volume = {"name": "conf", "configMap": {"name": "conf"}}
    cluster.apply(pod("web", volumes=[volume]))
    assert status_of(cluster, "web")["state"]["waiting"]["reason"] == "ContainerCreating"
    event = events_about(cluster, "web")[-1]
    assert event["reason"] == "FailedMount"
    assert event["message"] == (
        'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found'
    )
    cluster.apply(config_map("conf", a="1"))
    assert cluster.pods["web"].phase == "Running"


# -- image names


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("cilium/json-mock", "docker.io/cilium/json-mock:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("registry.k8s.io/e2e-test-images/agnhost:2.53", None),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("localhost/app", "localhost/app:latest"),
    ],
)
def test_full_names_of_images(typed: str, full: str | None) -> None:
    assert normalize(typed) == (full or typed)


@pytest.mark.parametrize("typed", ["", "UPPER", "a//b", "a:", "a:b c", "-a", "a@sha256:zz", "a b"])
def test_names_that_name_no_image(typed: str) -> None:
    with pytest.raises(InvalidReference):
        normalize(typed)


def test_a_digest_is_kept() -> None:
    digest = "sha256:" + "0" * 64
    assert image_id(f"nginx@{digest}") == f"docker.io/library/nginx@{digest}"
    assert pull_policy({"image": "nginx"}) == "Always"
    assert pull_policy({"image": "nginx:1"}) == "IfNotPresent"


# -- events that repeat, and events that go


def test_events_are_forgotten_after_an_hour(cluster: Cluster) -> None:
    cluster.apply(pod("web"))
    assert events_about(cluster, "web")
    cluster.clock.advance(3599)
    assert events_about(cluster, "web")
    cluster.clock.advance(2)
    assert not events_about(cluster, "web")
    assert cluster.pods["web"].phase == "Running"
