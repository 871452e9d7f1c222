"""A cluster without a network plugin, and what installing one changes."""

from __future__ import annotations

import re
from typing import Any

from cluster_worlds import events_about, names, pod, workload

from minik8s.cluster import Cluster
from minik8s.runtime import ClusterProfile, NodeProfile

Document = dict[str, Any]


def minikube(version: str = "v1.20.2", runtime: str = "docker://20.10.3") -> ClusterProfile:
    node = NodeProfile("minikube", roles=("control-plane", "master"), address="192.168.49.2")
    return ClusterProfile(
        nodes=(node,), name="minikube", version=version, cni=None, container_runtime=runtime
    )


def ready(cluster: Cluster) -> Document:
    conditions = cluster.get("node", "minikube")["status"]["conditions"]
    return next(entry for entry in conditions if entry["type"] == "Ready")


def test_a_node_without_a_plugin_is_not_ready() -> None:
    cluster = Cluster(profile=minikube())
    condition = ready(cluster)
    assert (condition["status"], condition["reason"]) == ("False", "KubeletNotReady")
    assert condition["message"] == (
        "runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
        "message:docker: network plugin is not ready: cni config uninitialized"
    )
    taints = cluster.get("node", "minikube")["spec"]["taints"]
    assert {(t["key"], t["effect"]) for t in taints} == {
        ("node.kubernetes.io/not-ready", "NoSchedule"),
        ("node.kubernetes.io/not-ready", "NoExecute"),
    }


def test_only_pods_of_the_host_network_run() -> None:
    cluster = Cluster(profile=minikube())
    cluster.apply(workload("Deployment", "web", replicas=1))
    phases = {}
    for each in cluster.objects("pods"):
        phases[each["metadata"]["name"].split("-")[0]] = each["status"]["phase"]
    assert phases == {
        "coredns": "Pending",
        "etcd": "Running",
        "kube": "Running",
        "web": "Pending",
    }


def test_what_the_scheduler_says() -> None:
    old = Cluster(profile=minikube())
    old.apply(pod("web"))
    assert events_about(old, "web")[-1]["message"] == (
        "0/1 nodes are available: "
        "1 node(s) had taint {node.kubernetes.io/not-ready: }, that the pod didn't tolerate."
    )
    newer = Cluster(profile=minikube("v1.30.0", "containerd://1.7.13"))
    newer.apply(pod("web"))
    assert events_about(newer, "web")[-1]["message"] == (
        "0/1 nodes are available: "
        "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }. "
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    assert ready(newer)["message"].startswith("container runtime network not ready: ")


def test_what_older_kubelets_say() -> None:
    words = {}
    for version in ("v1.18.12", "v1.20.2", "v1.30.0", "v1.33.0", "v1.37.0"):
        profile = minikube(version).with_cni("bridge")
        cluster = Cluster(profile=profile)
        cluster.apply(pod("web"))
        about = [event["message"] for event in events_about(cluster, "web")]
        words[version] = [re.sub(r"[0-9.]+s", "Ns", text) for text in about[2:]]
    assert words["v1.18.12"] == [
        'Successfully pulled image "example.com/server:1"',
        "Created container c",
        "Started container c",
    ]
    assert words["v1.20.2"][0] == 'Successfully pulled image "example.com/server:1" in Ns'
    assert words["v1.30.0"][0].endswith(" in Ns (Ns including waiting)")
    assert words["v1.33.0"][1] == "Created container: c"
    assert words["v1.37.0"][1:] == ["Container created", "Container started"]


def test_a_daemon_waits_for_its_network() -> None:
    cluster = Cluster(profile=minikube())
    cluster.apply(
        workload("DaemonSet", "agent", pod_spec={"tolerations": [{"operator": "Exists"}]})
    )
    (agent,) = cluster.objects("pods", "default")
    assert agent["status"]["phase"] == "Pending"
    event = events_about(cluster, agent["metadata"]["name"])[-1]
    assert event["reason"] == "NetworkNotReady"
    assert event["message"].startswith("network is not ready: ")
    cluster.runtime.install_cni("cilium", version="v1.9.4")
    assert cluster.pods.find("default/agent").phase == "Running"


def test_installing_cilium() -> None:
    cluster = Cluster(profile=minikube())
    cluster.apply(workload("Deployment", "web", replicas=1))
    assert cluster.runtime.settings.enforcement is False
    cluster.runtime.install_cni("cilium", version="v1.9.4", pod_cidr="10.0.0.0/8")
    assert ready(cluster)["status"] == "True"
    assert "taints" not in cluster.get("node", "minikube")["spec"]
    settings = cluster.runtime.settings
    assert (settings.enforcement, settings.established) == (True, "rejudge")
    assert all(each["status"]["phase"] == "Running" for each in cluster.objects("pods"))
    (agent,) = [pod for pod in cluster.pods if pod.labels.get("k8s-app") == "cilium"]
    assert agent.document["spec"]["containers"][0]["image"] == "quay.io/cilium/cilium:v1.9.4"
    assert agent.ip == "192.168.49.2"
    operator = cluster.get("deploy", "cilium-operator", "kube-system")
    assert operator["spec"]["template"]["metadata"]["labels"] == {
        "io.cilium/app": "operator",
        "name": "cilium-operator",
    }
    secrets = names(cluster.objects("secrets", "kube-system"))
    assert {"cilium-ca", "hubble-server-certs"} <= set(secrets)
    assert cluster.pods.find("default/web").ip.startswith("10.0.1.")
    reasons = [event["reason"] for event in events_about(cluster, "minikube", "default")]
    assert reasons[-1] == "NodeReady"


def test_basic_networking_enforces_nothing(make_cluster: Any) -> None:
    deny = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "default"},
        "spec": {"podSelector": {}},
    }
    verdicts = []
    for enforcement in (True, False):
        cluster = make_cluster(enforcement=enforcement)
        cluster.load([pod("a"), pod("b"), deny])
        verdicts.append(cluster.probe("a", "b", 80).verdict.value)
    assert verdicts == ["deny", "allow"]
