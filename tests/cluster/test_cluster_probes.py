"""Readiness, liveness and startup probes, asked of simulated programs."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import container, events_about, pod, service, stored

from minik8s.cluster import Cluster
from minik8s.model.registry import POD

Document = dict[str, Any]
NGINX = "nginx:1.27"
BUSYBOX = "busybox:1.36"


def entry(cluster: Cluster, name: str) -> Document:
    found: Document = stored(cluster, POD, name)["status"]["containerStatuses"][0]
    return found


def warnings(cluster: Cluster, name: str) -> list[str]:
    return [e["message"] for e in events_about(cluster, name) if e["reason"] == "Unhealthy"]


def probed(image: str = NGINX, **probes: Document) -> list[Document]:
    return [container(image=image, ports=[{"containerPort": 80, "name": "web"}], **probes)]


@pytest.mark.parametrize(
    "handler",
    [
        {"httpGet": {"path": "/", "port": 80}},
        {"httpGet": {"path": "/", "port": "web"}},
        {"tcpSocket": {"port": 80}},
        {"exec": {"command": ["cat", "/etc/hostname"]}},
    ],
)
def test_a_probe_that_succeeds(cluster: Cluster, handler: Document) -> None:
    before = cluster.clock.now
    cluster.apply(pod("web", containers=probed(readinessProbe=handler)))
    assert entry(cluster, "web")["ready"] is True
    assert warnings(cluster, "web") == []
    assert cluster.clock.now == before


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (
            {"httpGet": {"path": "/nope", "port": 80}},
            "Readiness probe failed: HTTP probe failed with statuscode: 404",
        ),
        (
            {"httpGet": {"path": "/", "port": 81}},
            'Readiness probe failed: Get "http://10.244.1.2:81/": '
            "dial tcp 10.244.1.2:81: connect: connection refused",
        ),
        (
            {"tcpSocket": {"port": 81}},
            "Readiness probe failed: dial tcp 10.244.1.2:81: connect: connection refused",
        ),
        (
            {"exec": {"command": ["cat", "/tmp/ready"]}},
            "Readiness probe failed: cat: /tmp/ready: No such file or directory\n",
        ),
    ],
)
def test_a_probe_that_fails(cluster: Cluster, handler: Document, text: str) -> None:
    manifest = pod(
        "web",
        labels={"app": "web"},
        nodeName="minik8s-worker",
        containers=probed(readinessProbe=handler),
    )
    cluster.apply([manifest, service("web")])
    assert entry(cluster, "web")["ready"] is False
    assert "running" in entry(cluster, "web")["state"]
    assert warnings(cluster, "web") == [text]
    status = stored(cluster, POD, "web")["status"]
    ready = next(c for c in status["conditions"] if c["type"] == "Ready")
    assert ready["message"] == "containers with unready status: [c]"
    (subset,) = cluster.get("ep", "web")["subsets"]
    assert "addresses" not in subset


def test_becoming_ready_later(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 5}
    sleeping = [container(image=BUSYBOX, command=["sleep", "10000"], readinessProbe=probe)]
    cluster.apply([pod("web", labels={"app": "web"}, containers=sleeping), service("web")])
    assert entry(cluster, "web")["ready"] is False
    assert cluster.pods["web"].exec(["sh", "-c", "touch /tmp/ready"]).exit_code == 0
    cluster.clock.advance(5)
    assert entry(cluster, "web")["ready"] is True
    (subset,) = cluster.get("ep", "web")["subsets"]
    assert subset["addresses"][0]["ip"] == cluster.pods["web"].ip
    assert cluster.pods["web"].exec(["rm", "/tmp/ready"]).exit_code == 0
    cluster.clock.advance(11)
    assert entry(cluster, "web")["ready"] is True  # two failures of three
    cluster.clock.advance(5)
    assert entry(cluster, "web")["ready"] is False


def test_an_initial_delay(cluster: Cluster) -> None:
    probe = {"tcpSocket": {"port": 80}, "initialDelaySeconds": 15}
    cluster.apply(pod("web", containers=probed(readinessProbe=probe)))
    assert entry(cluster, "web")["ready"] is False
    cluster.clock.advance(16)
    assert entry(cluster, "web")["ready"] is True


def test_the_documented_liveness_example(cluster: Cluster) -> None:
    script = "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5}
    probe["periodSeconds"] = 5
    alive = [container(image=BUSYBOX, args=["/bin/sh", "-c", script], livenessProbe=probe)]
    cluster.apply(pod("liveness", containers=alive))
    cluster.clock.advance(29)
    assert warnings(cluster, "liveness") == []
    cluster.clock.advance(20)
    text = "Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n"
    assert warnings(cluster, "liveness") == [text]
    killing = [e for e in events_about(cluster, "liveness") if e["reason"] == "Killing"]
    assert killing[0]["message"] == "Container c failed liveness probe, will be restarted"
    assert entry(cluster, "liveness")["restartCount"] == 1
    assert entry(cluster, "liveness")["lastState"]["terminated"]["exitCode"] == 137
    assert "running" in entry(cluster, "liveness")["state"]


def test_a_startup_probe_holds_the_others_back(cluster: Cluster) -> None:
    startup = {"exec": {"command": ["cat", "/tmp/started"]}, "failureThreshold": 30}
    sleeping = [
        container(
            image=BUSYBOX,
            command=["sleep", "10000"],
            startupProbe=startup,
            livenessProbe={"exec": {"command": ["false"]}, "failureThreshold": 1},
        )
    ]
    cluster.apply(pod("slow", containers=sleeping))
    cluster.clock.advance(100)
    assert entry(cluster, "slow")["restartCount"] == 0
    assert entry(cluster, "slow")["started"] is False
    assert cluster.pods["slow"].exec(["touch", "/tmp/started"]).exit_code == 0
    cluster.clock.advance(10)
    assert entry(cluster, "slow")["restartCount"] == 1


def test_no_policy_stands_in_the_way_of_a_probe(cluster: Cluster) -> None:
    deny = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "default"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    probe = {"httpGet": {"path": "/", "port": 80}}
    cluster.apply([deny, pod("web", containers=probed(readinessProbe=probe))])
    assert entry(cluster, "web")["ready"] is True


def test_a_command_that_is_not_there(cluster: Cluster) -> None:
    cluster.apply(pod("web", containers=[container(image=BUSYBOX, command=["nosuch"])]))
    ended = entry(cluster, "web")["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert ended["message"].endswith('exec: "nosuch": executable file not found in $PATH')
    assert entry(cluster, "web")["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    reasons = [event["reason"] for event in events_about(cluster, "web")]
    assert "Started" not in reasons
    assert "Failed" in reasons


def test_a_program_that_ends_by_itself(cluster: Cluster) -> None:
    script = ["sh", "-c", "echo hello; sleep 5; exit 3"]
    task = [container(image=BUSYBOX, command=script)]
    cluster.apply(pod("task", containers=task, restartPolicy="Never"))
    assert cluster.pods["task"].phase == "Running"
    assert cluster.pods["task"].logs() == "hello\n"
    cluster.clock.advance(6)
    ended = entry(cluster, "task")["state"]["terminated"]
    assert (ended["exitCode"], ended["finishedAt"]) == (3, "2026-03-08T09:00:05Z")
    assert cluster.pods["task"].phase == "Failed"
    assert cluster.pods["task"].logs() == "hello\n"
