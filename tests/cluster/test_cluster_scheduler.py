"""Which node a pod gets, and what the scheduler says when there is none.

The texts are those of Kubernetes 1.37 (recorded from kind clusters of that version).
"""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import container, events_about, pod, workload

from minik8s.cluster import Cluster
from minik8s.controllers.placement import explain
from minik8s.model.registry import NODE, POD

Document = dict[str, Any]


def failure(cluster: Cluster, name: str) -> str:
    document = cluster.get("pod", name)
    assert document["status"]["phase"] == "Pending"
    condition = next(c for c in document["status"]["conditions"] if c["type"] == "PodScheduled")
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    event = events_about(cluster, name)[-1]
    assert (event["type"], event["reason"]) == ("Warning", "FailedScheduling")
    assert event["reportingComponent"] == "default-scheduler"
    assert event["message"] == condition["message"]
    return str(event["message"])


def node_of(cluster: Cluster, name: str) -> str:
    return str(cluster.pods[name].node)


def label(cluster: Cluster, node: str, **labels: str | None) -> None:
    cluster.client.patch(NODE, node, {"metadata": {"labels": labels}})


def test_pods_are_spread_over_the_workers(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=4))
    nodes = [each["spec"]["nodeName"] for each in cluster.objects("pods", "default")]
    assert sorted(nodes) == ["minik8s-worker"] * 2 + ["minik8s-worker2"] * 2


def test_scheduled_event(cluster: Cluster) -> None:
    cluster.apply(pod("web"))
    event = events_about(cluster, "web")[0]
    assert event["reason"] == "Scheduled"
    assert event["message"] == f"Successfully assigned default/web to {node_of(cluster, 'web')}"
    assert event["reportingComponent"] == "default-scheduler"
    assert event["eventTime"].endswith("Z")
    assert event["firstTimestamp"] is None


def test_node_selector(cluster: Cluster) -> None:
    cluster.apply(pod("web", nodeSelector={"disk": "fast"}))
    assert failure(cluster, "web") == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), "
        "2 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    label(cluster, "minik8s-worker2", disk="fast")
    assert node_of(cluster, "web") == "minik8s-worker2"
    assert cluster.pods["web"].phase == "Running"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "tier", "operator": "In", "values": ["front"]}, "minik8s-worker"),
        ({"key": "tier", "operator": "NotIn", "values": ["front"]}, "minik8s-worker2"),
        ({"key": "tier", "operator": "Exists"}, "minik8s-worker"),
        ({"key": "tier", "operator": "DoesNotExist"}, "minik8s-worker2"),
        ({"key": "rank", "operator": "Gt", "values": ["5"]}, "minik8s-worker2"),
        ({"key": "rank", "operator": "Lt", "values": ["5"]}, "minik8s-worker"),
    ],
)
def test_node_affinity(cluster: Cluster, expression: Document, expected: str) -> None:
    label(cluster, "minik8s-worker", tier="front", rank="3")
    label(cluster, "minik8s-worker2", rank="7")
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    cluster.apply(pod("web", affinity=affinity))
    assert node_of(cluster, "web") == expected


def test_preferred_node_affinity(cluster: Cluster) -> None:
    label(cluster, "minik8s-worker2", zone="b")
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}
    preferred = [{"weight": 10, "preference": term}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    cluster.apply([pod(f"web-{number}", affinity=affinity) for number in range(3)])
    assert {node_of(cluster, f"web-{number}") for number in range(3)} == {"minik8s-worker2"}


def test_tolerating_the_control_plane(cluster: Cluster) -> None:
    toleration = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    selector = {"node-role.kubernetes.io/control-plane": ""}
    cluster.apply(
        pod("web", nodeSelector=selector, tolerations=[{**toleration, "operator": "Exists"}])
    )
    assert node_of(cluster, "web") == "minik8s-control-plane"


def test_a_named_node_is_not_asked(cluster: Cluster) -> None:
    cluster.apply(pod("web", nodeName="minik8s-control-plane"))
    assert cluster.pods["web"].phase == "Running"
    assert events_about(cluster, "web")[0]["reason"] != "Scheduled"


def anti_affinity(app: str) -> Document:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_anti_affinity(cluster: Cluster) -> None:
    cluster.apply(
        [
            pod(f"shop-{letter}", labels={"app": "shop"}, affinity=anti_affinity("shop"))
            for letter in "abc"
        ]
    )
    assert {node_of(cluster, "shop-a"), node_of(cluster, "shop-b")} == {
        "minik8s-worker",
        "minik8s-worker2",
    }
    assert failure(cluster, "shop-c") == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), "
        "2 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: "
        "1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    cluster.client.delete(POD, "shop-a")
    assert cluster.pods["shop-c"].phase == "Running"


def test_others_keep_away_from_a_pod_that_repels_them(cluster: Cluster) -> None:
    cluster.apply(pod("hermit", affinity=anti_affinity("noise")))
    cluster.apply([pod(f"noise-{n}", labels={"app": "noise"}) for n in range(3)])
    home = node_of(cluster, "hermit")
    assert home not in {node_of(cluster, f"noise-{n}") for n in range(3)}


def test_affinity(cluster: Cluster) -> None:
    term = {
        "labelSelector": {"matchLabels": {"app": "db"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    cluster.apply(pod("web", affinity=near))
    assert "2 node(s) didn't match pod affinity rules" in failure(cluster, "web")
    cluster.apply(pod("db", labels={"app": "db"}))
    assert node_of(cluster, "web") == node_of(cluster, "db")


def asking(cpu: str) -> list[Document]:
    return [container(resources={"requests": {"cpu": cpu}})]


def test_resources(cluster: Cluster) -> None:
    cluster.apply([pod("a", containers=asking("3")), pod("b", containers=asking("3"))])
    cluster.apply(pod("c", containers=asking("2500m")))
    assert failure(cluster, "c") == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    cluster.client.delete(POD, "a")
    assert cluster.pods["c"].phase == "Running"


def test_host_ports(cluster: Cluster) -> None:
    port = [container(ports=[{"containerPort": 80, "hostPort": 8080}])]
    cluster.apply([pod(name, containers=port) for name in ("a", "b", "c")])
    assert "2 node(s) didn't have free ports for the requested pod ports" in failure(cluster, "c")


@pytest.mark.minik8s(nodes=1)
def test_a_node_takes_110_pods(cluster: Cluster) -> None:
    room = 110 - sum(p["spec"]["nodeName"] == "minik8s-worker" for p in cluster.objects("pods"))
    cluster.apply(workload("Deployment", "web", replicas=room + 2))
    phases = [p["status"]["phase"] for p in cluster.objects("pods", "default")]
    assert phases.count("Running") == room
    pending = next(
        p["metadata"]["name"]
        for p in cluster.objects("pods", "default")
        if p["status"]["phase"] == "Pending"
    )
    assert failure(cluster, pending) == (
        "0/2 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s). "
        "preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, "
        "1 Preemption is not helpful for scheduling."
    )
    addresses = {p["status"].get("podIP") for p in cluster.objects("pods", "default")}
    assert len(addresses - {None}) == room


def test_cordon(cluster: Cluster) -> None:
    for node in ("minik8s-worker", "minik8s-worker2"):
        cluster.client.patch(NODE, node, {"spec": {"unschedulable": True}})
    taints = cluster.get("node", "minik8s-worker")["spec"]["taints"]
    assert taints == [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    cluster.apply(pod("web"))
    assert "2 node(s) were unschedulable" in failure(cluster, "web")
    cluster.client.patch(NODE, "minik8s-worker", {"spec": {"unschedulable": None}})
    assert node_of(cluster, "web") == "minik8s-worker"
    assert "taints" not in cluster.get("node", "minik8s-worker")["spec"]


def test_scheduling_gates(cluster: Cluster) -> None:
    cluster.apply(pod("web", schedulingGates=[{"name": "example.com/wait"}]))
    assert node_of(cluster, "web") == ""
    cluster.client.patch(POD, "web", {"spec": {"schedulingGates": None}})
    assert node_of(cluster, "web") != ""


def test_a_no_execute_taint_evicts(cluster: Cluster) -> None:
    cluster.apply(pod("web", nodeName="minik8s-worker"))
    patient = {"key": "fire", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    cluster.apply(pod("brave", nodeName="minik8s-worker", tolerations=[patient]))
    taint = {"key": "fire", "value": "yes", "effect": "NoExecute"}
    cluster.client.patch(NODE, "minik8s-worker", {"spec": {"taints": [taint]}})
    left = [p["metadata"]["name"] for p in cluster.objects("pods", "default")]
    assert left == ["brave"]
    cluster.clock.advance(61)
    assert cluster.objects("pods", "default") == []


def test_controllers_that_work_against_each_other(cluster: Cluster) -> None:
    taint = {"key": "fire", "value": "yes", "effect": "NoExecute"}
    cluster.client.patch(NODE, "minik8s-worker", {"spec": {"taints": [taint]}})
    doomed = workload("ReplicaSet", "web", replicas=1, pod_spec={"nodeName": "minik8s-worker"})
    cluster.apply(doomed)  # made, evicted, made again: like a real one, it never ends
    cluster.clock.advance(1.5)
    cluster.client.patch(NODE, "minik8s-worker", {"spec": {"taints": None}})
    cluster.clock.advance(2)
    (survivor,) = cluster.objects("pods", "default")
    assert survivor["status"]["phase"] == "Running"


def test_no_node_at_all() -> None:
    assert explain({}) == "no nodes available to schedule pods"


def test_older_wording() -> None:
    reasons = {"a": ["node(s) had taint {k: }, that the pod didn't tolerate"]}
    assert explain(reasons, preemption=False) == (
        "0/1 nodes are available: 1 node(s) had taint {k: }, that the pod didn't tolerate."
    )
