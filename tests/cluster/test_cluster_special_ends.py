"""What a packet meets at headless Services, nodePorts and clusterIPs, and what explain says."""

from __future__ import annotations

import pytest

from minik8s import Cluster
from minik8s.model.metadata import Document

OUTSIDE, OUTSIDE6 = "ip:203.0.113.9", "ip:2001:db8:77::9"


def pod(name: str, node: str, app: str, **spec: object) -> Document:
    ports = [{"containerPort": 8080}]
    container = {"name": "c", "image": "nginx", "ports": ports}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": app}},
        "spec": {"nodeName": node, "containers": [container], **spec},
    }


def service(name: str, **spec: object) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"app": "web"},
            "ports": [{"port": 80, "targetPort": 80}],
            **spec,
        },
    }


CLIENTS_ONLY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "clients", "namespace": "default"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "web"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}],
    },
}
LOCAL = {"type": "NodePort", "externalTrafficPolicy": "Local"}


def shop(*families: str) -> Cluster:
    cluster = Cluster(nodes=2, ip_families=families)
    cluster.apply(
        [
            pod("web", "minik8s-worker", "web"),
            pod("web2", "minik8s-worker2", "web"),
            pod("client", "minik8s-worker", "client"),
            pod("host", "minik8s-worker2", "client", hostNetwork=True),
            service("plain"),
            service("headless", clusterIP="None"),
            service("door", **LOCAL),
        ]
    )
    return cluster


def outcomes(cluster: Cluster, *where: object, tries: int = 16) -> set[tuple[str, str]]:
    """All that packets meet, endpoint by endpoint; explain must say the same."""
    seen = set()
    for _ in range(tries):
        probe = cluster.probe(*where)  # type: ignore[arg-type]
        seen.add((probe.verdict.value, probe.outcome.value))
    explained = cluster.explain(*where)  # type: ignore[arg-type]
    said = {(hop.verdict.value, hop.outcome.value) for hop in explained.hops}
    assert seen == (said or {(explained.verdict.value, explained.outcomes[0].value)})
    return seen


def node_address(cluster: Cluster, name: str, index: int = 0) -> str:
    return f"ip:{cluster.get('node', name)['status']['addresses'][index]['address']}"


def node_port(cluster: Cluster) -> int:
    port: int = cluster.get("svc", "door")["spec"]["ports"][0]["nodePort"]
    return port


def test_a_headless_service_is_reached_by_its_name_and_as_itself() -> None:
    cluster = shop("IPv4")
    for target in ("headless.default", "default/headless"):
        assert outcomes(cluster, "default/client", target, 80, tries=1) == {("allow", "connected")}


@pytest.mark.parametrize("source", ["default/client", "default/host"])
@pytest.mark.parametrize("node", ["minik8s-worker", "minik8s-worker2"])
def test_local_external_traffic_is_about_clients_outside_only(source: str, node: str) -> None:
    cluster = shop("IPv4")
    target = node_address(cluster, node)
    assert outcomes(cluster, source, target, node_port(cluster)) == {("allow", "connected")}
    cluster.apply(CLIENTS_ONLY)
    # the pod on the dialled node sees the client: a pod that is let in, a node that is not,
    # unless it is the pod's own; the other pod sees the dialled node
    expected = {("allow", "connected"), ("deny", "timed out")}
    if (source, node) == ("default/host", "minik8s-worker"):
        expected = {("deny", "timed out")}
    assert outcomes(cluster, source, target, node_port(cluster)) == expected


def test_a_cluster_ip_means_nothing_outside() -> None:
    cluster = shop("IPv4")
    address = f"ip:{cluster.get('svc', 'plain')['spec']['clusterIP']}"
    for target in (address, "default/plain"):
        assert outcomes(cluster, OUTSIDE, target, 80, tries=1) == {("allow", "timed out")}
    assert "a clusterIP means nothing outside the cluster" in str(
        cluster.explain(OUTSIDE, address, 80)
    )


def test_a_node_port_stands_on_addresses_of_the_services_ip_families_alone() -> None:
    cluster = shop("IPv4", "IPv6")
    four, six = (node_address(cluster, "minik8s-worker", index) for index in (0, 1))
    assert ":" in six.removeprefix("ip:")
    port = node_port(cluster)
    assert outcomes(cluster, "default/client", four, port, tries=2) == {("allow", "connected")}
    assert outcomes(cluster, "default/client", six, port, tries=2) == {("allow", "refused")}


@pytest.mark.parametrize("source", [OUTSIDE, OUTSIDE6])
def test_ends_without_an_ip_version_in_common_never_meet(source: str) -> None:
    cluster = shop("IPv4", "IPv6")
    addresses = [each["ip"] for each in cluster.get("pod", "web")["status"]["podIPs"]]
    for address in addresses:
        alike = (":" in address) == (source == OUTSIDE6)
        expected = "connected" if alike else "timed out"
        assert cluster.probe(source, f"ip:{address}", 80).outcome == expected
        explained = cluster.explain(source, f"ip:{address}", 80)
        assert [outcome.value for outcome in explained.outcomes] == [expected]
        assert ("no IP version in common" in str(explained)) == (not alike)
