"""Restoring a snapshot: what is kept, what is made up, what gives way."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import container, names, pod, service, stored, workload

from minik8s.cluster import Cluster
from minik8s.errors import BadRequest, Invalid
from minik8s.model.registry import DEPLOYMENT, NODE, POD

Document = dict[str, Any]


def with_status(document: Document, **status: Any) -> Document:
    return {**document, "status": status}


def policy(name: str, **spec: Any) -> Document:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def test_status_is_kept(cluster: Cluster) -> None:
    document = pod("web", nodeName="minik8s-worker2")
    document["metadata"] |= {"uid": "u-1", "resourceVersion": "77", "labels": {"a": "b"}}
    cluster.load(with_status(document, phase="Running", podIP="10.9.8.7", reason="Odd"))
    kept = stored(cluster, POD, "web")
    assert kept["metadata"]["uid"] == "u-1"
    assert kept["metadata"]["resourceVersion"] == "77"
    assert kept["status"]["podIP"] == "10.9.8.7"
    assert kept["status"]["reason"] == "Odd"
    assert kept["status"]["podIPs"] == [{"ip": "10.9.8.7"}]
    assert kept["spec"]["nodeName"] == "minik8s-worker2"
    assert kept["spec"]["dnsPolicy"] == "ClusterFirst"  # a default


def test_a_bare_pod_is_made_to_run(cluster: Cluster) -> None:
    cluster.load([pod("a"), pod("b")])
    for name in "ab":
        found = cluster.pods[name]
        assert found.phase == "Running"
        assert found.ready
        assert found.ip.startswith("10.244.")
        assert found.node.startswith("minik8s-worker")
    assert cluster.pods["a"].node != cluster.pods["b"].node


def test_init_containers_of_a_running_pod_have_done_their_work(cluster: Cluster) -> None:
    init = [container("init"), container("side", restartPolicy="Always")]
    for name, more in (("a", {}), ("b", {"phase": "Running", "podIP": "10.9.0.1"})):
        cluster.load([with_status(pod(name, initContainers=init), **more)])
        found = cluster.pods[name]
        assert (found.phase, found.ready) == ("Running", True)
    assert "2/2     Running" in cluster.kubectl("get pod a").stdout
    statuses = stored(cluster, POD, "a")["status"]["initContainerStatuses"]
    assert [next(iter(each["state"])) for each in statuses] == ["terminated", "running"]
    assert statuses[0]["state"]["terminated"]["exitCode"] == 0


def test_what_has_ended_stays_ended(cluster: Cluster) -> None:
    cluster.load(
        [
            with_status(pod("done", nodeName="minik8s-worker"), phase="Succeeded"),
            with_status(pod("waiting"), phase="Pending"),
        ]
    )
    assert cluster.pods["done"].phase == "Succeeded"
    assert "containerStatuses" not in stored(cluster, POD, "done")["status"]


def test_a_broken_pod_stays_as_it_was(cluster: Cluster) -> None:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    entry = {"name": "c", "state": state, "lastState": {}, "ready": False, "restartCount": 4}
    conditions = [{"type": "Ready", "status": "False"}]
    document = with_status(
        pod("bad", nodeName="minik8s-worker"),
        phase="Running",
        podIP="10.9.8.7",
        containerStatuses=[entry],
        conditions=conditions,
    )
    cluster.load(document)
    cluster.clock.advance(400)
    assert stored(cluster, POD, "bad")["status"]["containerStatuses"][0] == entry


def test_namespaces_and_nodes_are_made(cluster: Cluster) -> None:
    cluster.load(pod("web", namespace="shop", nodeName="ip-10-0-0-1"))
    labels = cluster.get("ns", "shop")["metadata"]["labels"]
    assert labels == {"kubernetes.io/metadata.name": "shop"}
    assert names(cluster.objects("serviceaccounts", "shop")) == ["default"]
    node = stored(cluster, NODE, "ip-10-0-0-1", "")
    assert node["status"]["conditions"][-1]["status"] == "True"
    assert any(
        p["spec"]["nodeName"] == "ip-10-0-0-1" for p in cluster.objects("pods", "kube-system")
    )


def test_lists_are_unpacked(cluster: Cluster) -> None:
    cluster.load({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]})
    assert names(cluster.objects("pods", "default")) == ["a", "b"]


def test_pods_listen_on_declared_ports_whatever_their_image(cluster: Cluster) -> None:
    ports = [
        {"containerPort": 80},
        {"containerPort": 53, "protocol": "UDP"},
        {"containerPort": 7777, "protocol": "SCTP"},
    ]
    for image in ("nginx", "i", "busybox", "registry.k8s.io/e2e-test-images/agnhost:2.53"):
        fresh = Cluster().load(
            [pod("a"), pod("b", containers=[container(image=image, ports=ports)])]
        )
        for port, protocol in ((80, "TCP"), (53, "UDP"), (7777, "SCTP")):
            assert fresh.probe("a", "b", port, protocol).outcome == "connected", image
        assert fresh.probe("a", "b", 81).outcome == "refused"
        assert fresh.probe("a", "b", 54, "UDP").outcome == "refused"


def test_policies_are_validated(cluster: Cluster) -> None:
    bad = policy("bad", podSelector={}, ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/40"}}]}])
    before = cluster.runtime.store.resource_version
    with pytest.raises(Invalid, match=r"ingress\[0\]\.from\[0\]\.ipBlock\.cidr"):
        cluster.load([pod("a"), bad])
    assert cluster.runtime.store.resource_version == before
    assert cluster.objects("pods", "default") == []


def test_policies_get_their_defaults(cluster: Cluster) -> None:
    cluster.load(policy("p", podSelector={}, egress=[{}]))
    assert cluster.get("netpol", "p")["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_an_unknown_field_of_a_policy(cluster: Cluster) -> None:
    with pytest.raises(BadRequest, match="unknown field"):
        cluster.load(policy("p", podSelector={}, policytypes=["Egress"]))


def test_an_unknown_kind(cluster: Cluster) -> None:
    with pytest.raises(BadRequest, match='no matches for kind "Thing" in version "x/v1"'):
        cluster.load([{"apiVersion": "x/v1", "kind": "Thing", "metadata": {"name": "t"}}])


def test_the_base_cluster_stays(cluster: Cluster) -> None:
    before = names(cluster.objects("pods", "kube-system"))
    cluster.load([pod("a")])
    assert names(cluster.objects("pods", "kube-system")) == before
    assert cluster.pods["a"].exec("nslookup kubernetes.default.svc.cluster.local").exit_code == 0


def test_a_kube_system_of_its_own_replaces_the_base(cluster: Cluster) -> None:
    dns = pod("coredns-1", namespace="kube-system", labels={"k8s-app": "kube-dns"})
    cluster.load(with_status(dns, phase="Running", podIP="10.244.0.2"))
    assert names(cluster.objects("pods", "kube-system")) == ["coredns-1"]
    assert cluster.pods["kube-system/coredns-1"].ip == "10.244.0.2"
    assert cluster.objects("deployments", "kube-system") == []


def node(name: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"podCIDR": "10.7.0.0/24"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.9"}]},
    }


def test_nodes_of_its_own_replace_the_base(cluster: Cluster) -> None:
    cluster.load([node("n1"), pod("a", nodeName="n1")])
    assert names(cluster.objects("nodes")) == ["n1"]
    homes = {p["spec"].get("nodeName") for p in cluster.objects("pods")}
    assert homes == {"n1"}
    assert cluster.pods["a"].ip.startswith("10.7.0.")
    assert cluster.pods.find("kube-system/coredns").phase == "Running"


def test_an_address_that_a_base_pod_has(cluster: Cluster) -> None:
    taken = cluster.pods.find("kube-system/coredns-").ip
    cluster.load(with_status(pod("web"), phase="Running", podIP=taken))
    assert cluster.pods["web"].ip == taken
    others = [p["status"]["podIP"] for p in cluster.objects("pods", "kube-system")]
    assert taken not in others
    later = pod("later", nodeName="minik8s-control-plane")
    cluster.apply(later)
    assert cluster.pods["later"].ip not in {taken, *others}


def test_owners_that_are_missing_are_trusted(cluster: Cluster) -> None:
    document = pod("web-abc")
    document["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u-9"}
    ]
    cluster.load(document)
    assert names(cluster.objects("pods", "default")) == ["web-abc"]


def test_workloads_without_pods_get_them(cluster: Cluster) -> None:
    cluster.load([workload("Deployment", "web", replicas=2), service("web")])
    assert [p["status"]["phase"] for p in cluster.objects("pods", "default")] == ["Running"] * 2
    assert stored(cluster, DEPLOYMENT, "web")["status"]["availableReplicas"] == 2


def test_a_whole_cluster_survives_the_journey(make_cluster: Any) -> None:
    first = make_cluster(seed=5)
    first.apply([workload("Deployment", "web", replicas=2), service("web")])
    snapshot = [d for d in first.documents() if d["kind"] != "Event"]
    second = make_cluster(seed=6)
    second.load(snapshot)
    kinds = ("Deployment", "ReplicaSet", "Pod", "Service", "Node")

    def picture(cluster: Cluster) -> list[tuple[str, str, Any]]:
        return sorted(
            (d["kind"], d["metadata"]["name"], d["metadata"]["uid"])
            for d in cluster.documents()
            if d["kind"] in kinds
        )

    assert picture(second) == picture(first)
    second.client.delete(DEPLOYMENT, "web")
    assert second.objects("pods", "default") == []
