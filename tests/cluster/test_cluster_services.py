"""EndpointSlices and Endpoints: who stands behind a Service."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import container, names, pod, service, workload

from minik8s.cluster import Cluster
from minik8s.model.registry import ENDPOINTS, POD, SERVICE

Document = dict[str, Any]
HTTP = {"name": "http", "containerPort": 8080}


def slices(cluster: Cluster, name: str) -> list[Document]:
    return [
        each
        for each in cluster.objects("endpointslices", "default")
        if each["metadata"]["labels"].get("kubernetes.io/service-name") == name
    ]


def addresses(cluster: Cluster, name: str) -> list[str]:
    return sorted(
        address
        for each in slices(cluster, name)
        for entry in each["endpoints"]
        for address in entry["addresses"]
        if entry["conditions"]["ready"]
    )


def ips(cluster: Cluster, prefix: str) -> list[str]:
    pods = cluster.objects("pods", "default")
    return sorted(p["status"]["podIP"] for p in pods if p["metadata"]["name"].startswith(prefix))


def test_a_slice(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=2), service("web")])
    (found,) = slices(cluster, "web")
    assert found["metadata"]["name"].startswith("web-")
    assert len(found["metadata"]["name"]) == len("web-") + 5
    assert found["metadata"]["labels"] == {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "web",
    }
    assert found["addressType"] == "IPv4"
    assert found["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
    owner = found["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("Service", "web")
    entry = found["endpoints"][0]
    assert entry["conditions"] == {"ready": True, "serving": True, "terminating": False}
    target = entry["targetRef"]
    assert cluster.pods[target["name"]].ip == entry["addresses"][0]
    assert cluster.pods[target["name"]].node == entry["nodeName"]
    assert addresses(cluster, "web") == ips(cluster, "web")


def test_endpoints_say_the_same(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=2), service("web")])
    (subset,) = cluster.get("ep", "web")["subsets"]
    assert [entry["ip"] for entry in subset["addresses"]] == ips(cluster, "web")
    assert subset["ports"] == [{"port": 80, "protocol": "TCP", "name": "http"}]


def test_a_service_nobody_serves(cluster: Cluster) -> None:
    cluster.apply(service("web"))
    (found,) = slices(cluster, "web")
    assert found["endpoints"] == []
    assert "subsets" not in cluster.get("ep", "web")


def test_the_slice_keeps_its_name(cluster: Cluster) -> None:
    cluster.apply(service("web"))
    (before,) = names(slices(cluster, "web"))
    cluster.apply(pod("web", labels={"app": "web"}))
    assert names(slices(cluster, "web")) == [before]
    assert len(addresses(cluster, "web")) == 1
    cluster.client.delete(POD, "web")
    assert names(slices(cluster, "web")) == [before]
    assert addresses(cluster, "web") == []


def test_labels_decide(cluster: Cluster) -> None:
    cluster.apply([service("web"), pod("one", labels={"app": "web"}), pod("two")])
    assert addresses(cluster, "web") == [cluster.pods["one"].ip]
    cluster.client.patch(POD, "two", {"metadata": {"labels": {"app": "web"}}})
    assert addresses(cluster, "web") == sorted([cluster.pods["one"].ip, cluster.pods["two"].ip])
    cluster.client.patch(POD, "one", {"metadata": {"labels": {"app": "other"}}})
    assert addresses(cluster, "web") == [cluster.pods["two"].ip]


def test_a_selector_that_changes(cluster: Cluster) -> None:
    cluster.apply([service("web"), pod("a", labels={"app": "web"}), pod("b", labels={"app": "x"})])
    cluster.client.patch(SERVICE, "web", {"spec": {"selector": {"app": "x"}}})
    assert addresses(cluster, "web") == [cluster.pods["b"].ip]


def test_named_ports_may_differ_from_pod_to_pod(cluster: Cluster) -> None:
    other = {"name": "http", "containerPort": 9090}
    cluster.apply(
        [
            pod("a", labels={"app": "web"}, containers=[container(ports=[HTTP])]),
            pod("b", labels={"app": "web"}, containers=[container(ports=[other])]),
            pod("c", labels={"app": "web"}),
            service("web", ports=[{"port": 80, "targetPort": "http"}]),
        ]
    )
    by_port = {
        tuple(port["port"] for port in each["ports"]): [
            entry["targetRef"]["name"] for entry in each["endpoints"]
        ]
        for each in slices(cluster, "web")
    }
    assert by_port == {(8080,): ["a"], (9090,): ["b"], (): ["c"]}


def test_a_pod_that_is_not_ready(cluster: Cluster, script: Any) -> None:
    script.codes["example.com/bad:1"] = [1] * 9
    bad = [container(image="example.com/bad:1")]
    cluster.apply([service("web"), pod("bad", labels={"app": "web"}, containers=bad)])
    (found,) = slices(cluster, "web")
    assert found["endpoints"][0]["conditions"] == {
        "ready": False,
        "serving": False,
        "terminating": False,
    }
    (subset,) = cluster.get("ep", "web")["subsets"]
    assert [entry["ip"] for entry in subset["notReadyAddresses"]] == [cluster.pods["bad"].ip]
    assert "addresses" not in subset
    cluster.client.patch(SERVICE, "web", {"spec": {"publishNotReadyAddresses": True}})
    assert addresses(cluster, "web") == [cluster.pods["bad"].ip]


def test_a_pod_that_is_going(cluster: Cluster) -> None:
    cluster.apply([service("web"), pod("web", labels={"app": "web"})])
    seen: list[Document] = []
    cluster.runtime.store.subscribe(
        lambda event: (
            seen.extend(e["conditions"] for e in event.object["endpoints"])
            if event.kind.kind == "EndpointSlice"
            else None
        )
    )
    manifest = {"metadata": {"finalizers": ["example.com/hold"]}}
    cluster.client.patch(POD, "web", manifest)
    cluster.client.delete(POD, "web")
    assert seen[-1]["terminating"] is True
    assert seen[-1]["ready"] is False


def test_headless(cluster: Cluster) -> None:
    cluster.apply([service("web", clusterIP="None"), pod("web", labels={"app": "web"})])
    (found,) = slices(cluster, "web")
    assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert addresses(cluster, "web") == [cluster.pods["web"].ip]


def test_hostname_and_subdomain(cluster: Cluster) -> None:
    cluster.apply(
        [
            service("web", clusterIP="None"),
            pod("a", labels={"app": "web"}, hostname="first", subdomain="web"),
            pod("b", labels={"app": "web"}, hostname="second", subdomain="other"),
        ]
    )
    (found,) = slices(cluster, "web")
    hostnames = {e["targetRef"]["name"]: e.get("hostname") for e in found["endpoints"]}
    assert hostnames == {"a": "first", "b": None}


def test_a_hundred_endpoints_a_slice(cluster: Cluster) -> None:
    cluster.apply([service("web"), workload("Deployment", "web", replicas=150)])
    assert sorted(len(each["endpoints"]) for each in slices(cluster, "web")) == [50, 100]
    before = set(names(slices(cluster, "web")))
    kind = cluster.client.find("deploy")
    assert kind is not None
    cluster.client.patch(kind, "web", {"spec": {"replicas": 120}})
    assert len(addresses(cluster, "web")) == 120
    assert set(names(slices(cluster, "web"))) == before


def test_a_deleted_service_takes_its_slices_along(cluster: Cluster) -> None:
    cluster.apply([service("web"), pod("web", labels={"app": "web"})])
    cluster.client.delete(SERVICE, "web")
    assert slices(cluster, "web") == []
    assert cluster.runtime.store.get(ENDPOINTS, "default", "web") is None


def test_an_external_name_has_no_endpoints(cluster: Cluster) -> None:
    cluster.apply(service("web", type="ExternalName", externalName="example.com", ports=None))
    assert slices(cluster, "web") == []


def test_endpoints_by_hand_are_mirrored(cluster: Cluster) -> None:
    cluster.apply(service("db", selector=None, ports=[{"port": 5432}]))
    manual = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "db", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": "203.0.113.7"}], "ports": [{"port": 5432}]}],
    }
    cluster.apply(manual)
    (found,) = slices(cluster, "db")
    managed = found["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
    assert managed == "endpointslicemirroring-controller.k8s.io"
    assert addresses(cluster, "db") == ["203.0.113.7"]
    cluster.client.delete(ENDPOINTS, "db")
    assert slices(cluster, "db") == []


def test_somebody_deletes_a_slice(cluster: Cluster) -> None:
    cluster.apply([service("web"), pod("web", labels={"app": "web"})])
    kind = cluster.client.find("endpointslices")
    assert kind is not None
    cluster.client.delete(kind, names(slices(cluster, "web"))[0])
    assert addresses(cluster, "web") == [cluster.pods["web"].ip]


@pytest.mark.minik8s(seed=7)
def test_cluster_addresses_are_stable(cluster: Cluster, make_cluster: Any) -> None:
    other = make_cluster(seed=7)
    for each in (cluster, other):
        each.apply(service("web"))
    assert (
        cluster.get("svc", "web")["spec"]["clusterIP"]
        == other.get("svc", "web")["spec"]["clusterIP"]
    )
