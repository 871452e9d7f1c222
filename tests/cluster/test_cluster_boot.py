"""A fresh cluster looks like what kubeadm leaves behind, minutes old."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cluster_worlds import events_about, names

from minik8s.clock import DEFAULT_START, parse_rfc3339
from minik8s.cluster import Cluster
from minik8s.model.registry import POD
from minik8s.runtime import ClusterProfile, NodeProfile, kubeadm_profile
from minik8s.runtime.bootstrap import documents, values_of

DEMO = Path(__file__).parent.parent / "data" / "cluster" / "demo-app.yaml"


def dump(cluster: Cluster) -> str:
    return json.dumps(list(cluster.documents()), sort_keys=True)


def test_namespaces_carry_their_own_name(cluster: Cluster) -> None:
    found = cluster.objects("namespaces")
    assert names(found) == ["default", "kube-node-lease", "kube-public", "kube-system"]
    for namespace in found:
        labels = namespace["metadata"]["labels"]
        assert labels["kubernetes.io/metadata.name"] == namespace["metadata"]["name"]
        assert namespace["status"] == {"phase": "Active"}
        assert namespace["spec"] == {"finalizers": ["kubernetes"]}


def test_each_namespace_has_its_account_and_its_ca(cluster: Cluster) -> None:
    for namespace in ("default", "kube-node-lease", "kube-public", "kube-system"):
        assert "default" in names(cluster.objects("serviceaccounts", namespace))
        bundle = cluster.get("configmap", "kube-root-ca.crt", namespace)
        assert bundle["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")


def test_nodes(cluster: Cluster) -> None:
    nodes = cluster.objects("nodes")
    assert names(nodes) == ["minik8s-control-plane", "minik8s-worker", "minik8s-worker2"]
    assert [node["spec"]["podCIDR"] for node in nodes] == [
        "10.244.0.0/24",
        "10.244.1.0/24",
        "10.244.2.0/24",
    ]
    addresses = [node["status"]["addresses"] for node in nodes]
    assert [entry[0]["address"] for entry in addresses] == [
        "172.18.0.2",
        "172.18.0.3",
        "172.18.0.4",
    ]
    control, worker = nodes[0], nodes[1]
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    assert control["spec"]["taints"] == [taint]
    assert "taints" not in worker["spec"]
    assert "node-role.kubernetes.io/control-plane" in control["metadata"]["labels"]
    assert worker["status"]["nodeInfo"]["kubeletVersion"] == "v1.37.0"
    conditions = {entry["type"]: entry["status"] for entry in worker["status"]["conditions"]}
    assert conditions == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    assert worker["status"]["capacity"]["pods"] == "110"


def test_pods_of_kube_system(cluster: Cluster) -> None:
    pods = cluster.objects("pods", "kube-system")
    counts: dict[str, int] = {}
    for pod in pods:
        labels = pod["metadata"]["labels"]
        app = labels.get("component") or labels.get("k8s-app") or labels["name"]
        counts[app] = counts.get(app, 0) + 1
    assert counts == {
        "cilium": 3,
        "cilium-operator": 1,
        "etcd": 1,
        "kube-apiserver": 1,
        "kube-controller-manager": 1,
        "kube-dns": 2,
        "kube-proxy": 3,
        "kube-scheduler": 1,
    }
    assert all(pod["status"]["phase"] == "Running" for pod in pods)
    static = cluster.pods["kube-system/etcd-minik8s-control-plane"]
    assert static.ip == "172.18.0.2"
    owner = static.document["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("Node", "minik8s-control-plane")


def test_services(cluster: Cluster) -> None:
    assert cluster.get("service", "kubernetes")["spec"]["clusterIP"] == "10.96.0.1"
    dns = cluster.get("service", "kube-dns", "kube-system")["spec"]
    assert dns["clusterIP"] == "10.96.0.10"
    assert [(p["name"], p["port"], p["protocol"]) for p in dns["ports"]] == [
        ("dns", 53, "UDP"),
        ("dns-tcp", 53, "TCP"),
        ("metrics", 9153, "TCP"),
    ]
    slices = cluster.objects("endpointslices", "kube-system")
    addresses = [entry["addresses"][0] for entry in slices[0]["endpoints"]]
    assert sorted(addresses) == ["10.244.0.2", "10.244.0.3"]


def test_it_is_some_minutes_old(cluster: Cluster) -> None:
    assert cluster.clock.now == DEFAULT_START
    for node in cluster.objects("nodes"):
        age = DEFAULT_START - parse_rfc3339(node["metadata"]["creationTimestamp"])
        assert 500 < age <= 600


def test_events_of_a_system_pod(cluster: Cluster) -> None:
    pod = cluster.pods.find("kube-system/coredns-")
    about = events_about(cluster, pod.name, "kube-system")
    assert about[0]["reason"] == "Scheduled"
    assert [event["reason"] for event in about][-3:] == ["Pulled", "Created", "Started"]


def test_images_of_the_control_plane_were_there_before(cluster: Cluster) -> None:
    about = events_about(cluster, "etcd-minik8s-control-plane", "kube-system")
    assert [event["reason"] for event in about] == ["Pulled", "Created", "Started"]
    assert "already present on machine" in about[0]["message"]


def test_a_static_pod_comes_back(cluster: Cluster) -> None:
    name = "kube-system/kube-scheduler-minik8s-control-plane"
    before = cluster.pods[name].document["metadata"]["uid"]
    cluster.client.delete(POD, name.partition("/")[2], "kube-system")
    assert cluster.pods[name].document["metadata"]["uid"] != before
    assert cluster.pods[name].phase == "Running"


def test_same_seed_same_cluster() -> None:
    first, second, other = Cluster(seed=3), Cluster(seed=3), Cluster(seed=4)
    assert dump(first) == dump(second)
    assert dump(first) != dump(other)
    assert names(first.objects("nodes")) == names(other.objects("nodes"))


def test_the_order_of_hashes_does_not_matter() -> None:
    program = (
        "import hashlib, json\n"
        "from minik8s import Cluster\n"
        "cluster = Cluster(seed=3)\n"
        f"cluster.apply({str(DEMO)!r})\n"
        "text = json.dumps(list(cluster.documents()), sort_keys=True)\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    digests = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_clusters_do_not_touch_what_they_share() -> None:
    sections = ("control_plane", "addons", "static_pods", "cilium", "kindnet")
    values = values_of(kubeadm_profile())
    before = {section: json.dumps(documents(section, values)) for section in sections}
    cluster = Cluster()
    cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
            "spec": {"replicas": 1},
        }
    )
    cluster.client.delete(cluster.client.find("ds"), "kube-proxy", "kube-system")  # type: ignore[arg-type]
    after = {section: json.dumps(documents(section, values)) for section in sections}
    assert before == after


@pytest.mark.minik8s(nodes=0)
def test_a_single_node_takes_pods(cluster: Cluster) -> None:
    (node,) = cluster.objects("nodes")
    assert "taints" not in node["spec"]


def test_without_enforcement_there_is_another_agent() -> None:
    cluster = Cluster(enforcement=False)
    apps = {p["metadata"]["labels"].get("app") for p in cluster.objects("pods", "kube-system")}
    assert "kindnet" in apps
    assert not any("cilium" in name for name in names(cluster.objects("pods", "kube-system")))
    assert cluster.runtime.settings.enforcement is False


def gke() -> ClusterProfile:
    nodes = tuple(
        NodeProfile(f"gke-demo-default-pool-1a2b3c4d-{suffix}", address=f"10.168.0.{number}")
        for number, suffix in enumerate(("x1y2", "z3w4"), start=2)
    )
    return ClusterProfile(
        nodes=nodes,
        name="demo",
        version="v1.18.12-gke.1210",
        pod_cidr="10.52.0.0/14",
        service_cidr="10.55.240.0/20",
        cni="bridge",
        container_runtime="docker://19.3.9",
        os_image="Container-Optimized OS from Google",
    )


def test_a_managed_cluster_shows_no_control_plane() -> None:
    cluster = Cluster(profile=gke())
    found = names(cluster.objects("pods", "kube-system"))
    assert not any(name.startswith(("etcd", "kube-apiserver")) for name in found)
    assert [node["spec"]["podCIDR"] for node in cluster.objects("nodes")] == [
        "10.52.0.0/24",
        "10.52.1.0/24",
    ]
    assert cluster.get("service", "kubernetes")["spec"]["clusterIP"] == "10.55.240.1"
    assert cluster.get("node", names(cluster.objects("nodes"))[0])["status"]["nodeInfo"][
        "kubeletVersion"
    ].startswith("v1.18.12-gke")


def rules_of(cluster: Cluster, role: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = cluster.get("clusterrole", role)["rules"]
    return rules


def test_default_roles(cluster: Cluster) -> None:
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    assert everything in rules_of(cluster, "cluster-admin")
    written = [rule for rule in rules_of(cluster, "view") if "create" in rule["verbs"]]
    assert written == []
    assert any("secrets" in rule["resources"] for rule in rules_of(cluster, "edit"))
    assert not any("secrets" in rule["resources"] for rule in rules_of(cluster, "view"))


def test_ip_families() -> None:
    cluster = Cluster(profile=kubeadm_profile(1, ip_families=("IPv4", "IPv6")))
    pod = cluster.pods.find("kube-system/coredns-")
    assert [":" in entry["ip"] for entry in pod.document["status"]["podIPs"]] == [False, True]


def test_nothing_restarts(cluster: Cluster) -> None:
    for pod in cluster.objects("pods"):
        for status in pod["status"]["containerStatuses"]:
            assert status["restartCount"] == 0, pod["metadata"]["name"]
            assert status["ready"], pod["metadata"]["name"]
