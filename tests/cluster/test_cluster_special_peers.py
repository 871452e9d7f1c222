"""Dual stack, and peers that are not plain pods: what policy sees, by packets of a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cluster_worlds import container, pod, service, workload

from minik8s import Cluster, Verdict
from minik8s.errors import Invalid
from minik8s.model.workloads import pod_addresses

Document = dict[str, Any]
FAMILIES = [("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")]
CLIENT = "198.51.100.80"
TOOLS = container(image="nicolaka/netshoot", command=["sleep", "infinity"])


def allow(name: str, labels: Document, **spec: Any) -> Document:
    spec = {"podSelector": {"matchLabels": labels}, **spec}
    metadata = {"name": name, "namespace": "default"}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": spec}


def from_blocks(*cidrs: str) -> Document:
    peers = [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]
    return allow("blocks", {"app": "api"}, ingress=[{"from": peers}])


def host_block(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def shop(*families: str, **spec: Any) -> Cluster:
    """A server with a Service, and a client, on different nodes."""
    cluster = Cluster(ip_families=families)
    ports = [{"containerPort": 8080, "protocol": protocol} for protocol in ("TCP", "UDP", "SCTP")]
    serving = container(image="registry.k8s.io/e2e-test-images/agnhost:2.53", ports=ports)
    cluster.apply([
        pod("api", labels={"app": "api"}, containers=[serving], nodeName="minik8s-worker"),
        pod("web", labels={"app": "web"}, nodeName="minik8s-worker2"),
        service("api", ports=[{"port": 80, "targetPort": 8080}], **spec),
    ])  # fmt: skip
    for protocol in ("TCP", "SCTP"):
        host = cluster.network.pod_host("default", "api")
        if not host.listens(protocol, 8080):
            host.listen(protocol, 8080)
    return cluster


def same(
    cluster: Cluster, source: str, target: str, port: int | None, protocol: str = "TCP"
) -> Any:
    """What a probe meets; the explanation must say the same."""
    probe = cluster.probe(source, target, port, protocol)
    named = target if target.startswith("ip:") else f"default/{target}"
    explained = cluster.explain(source, named, port, protocol)
    assert explained.verdict is probe.verdict, str(explained)
    if protocol != "ICMP":
        assert probe.outcome.value in {outcome.value for outcome in explained.outcomes}
    return probe


# -- families


@pytest.mark.parametrize("families", FAMILIES, ids="+".join)
def test_a_cluster_of_each_kind_works(families: tuple[str, ...]) -> None:
    cluster = shop(*families)
    addresses = pod_addresses(cluster.pods["api"].document)
    assert tuple("IPv6" if ":" in each else "IPv4" for each in addresses) == families
    spec = cluster.get("svc", "api")["spec"]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == ([families[0]], "SingleStack")
    assert (":" in spec["clusterIP"]) is (families[0] == "IPv6")
    assert cluster.probe("web", "default/api", 8080).outcome == "connected"
    assert cluster.probe("web", f"ip:{spec['clusterIP']}", 80).outcome == "connected"
    for address in addresses:
        assert same(cluster, "web", f"ip:{address}", 8080).outcome == "connected"
    cluster.apply(allow("deny", {"app": "api"}))
    for address in (*addresses, spec["clusterIP"]):
        port = 80 if address == spec["clusterIP"] else 8080
        assert same(cluster, "web", f"ip:{address}", port).verdict is Verdict.DROP


@pytest.mark.parametrize("families", FAMILIES, ids="+".join)
def test_names_lead_to_addresses_of_each_family(families: tuple[str, ...]) -> None:
    cluster = shop(*families, ipFamilyPolicy="PreferDualStack")
    spec = cluster.get("svc", "api")["spec"]
    assert spec["ipFamilies"] == list(families)
    assert len(spec["clusterIPs"]) == len(families)
    slices = cluster.objects("endpointslices", "default")
    mine = [s for s in slices if s["metadata"]["name"].startswith("api-")]
    assert {s["addressType"] for s in mine} == set(families)
    cluster.apply(pod("tools", containers=[TOOLS]))
    for kind, family in (("A", "IPv4"), ("AAAA", "IPv6")):
        answer = cluster.pods["tools"].exec(f"dig +short {kind} api.default.svc.cluster.local")
        found = [a for a in spec["clusterIPs"] if (":" in a) is (kind == "AAAA")]
        assert answer.stdout.split() == found
        assert bool(found) is (family in families)
    for address in spec["clusterIPs"]:
        assert same(cluster, "web", f"ip:{address}", 80).outcome == "connected"


def test_blocks_of_one_version_say_nothing_of_the_other() -> None:
    cluster = shop("IPv4", "IPv6", ipFamilyPolicy="RequireDualStack")
    four, six = cluster.get("svc", "api")["spec"]["clusterIPs"]
    cluster.apply(from_blocks("0.0.0.0/0"))
    assert same(cluster, "web", f"ip:{four}", 80).verdict is Verdict.ALLOW
    assert same(cluster, "web", f"ip:{six}", 80).verdict is Verdict.DROP
    cluster.apply(from_blocks("::/0"))
    assert same(cluster, "web", f"ip:{four}", 80).verdict is Verdict.DROP
    assert same(cluster, "web", f"ip:{six}", 80).verdict is Verdict.ALLOW


def test_a_service_gains_and_loses_a_family() -> None:
    cluster = shop("IPv4", "IPv6")
    first = cluster.get("svc", "api")["spec"]["clusterIP"]
    cluster.kubectl(
        ["patch", "svc", "api", "-p", '{"spec": {"ipFamilyPolicy": "PreferDualStack"}}']
    )
    spec = cluster.get("svc", "api")["spec"]
    assert spec["ipFamilies"] == ["IPv4", "IPv6"]
    assert spec["clusterIPs"][0] == first
    second = spec["clusterIPs"][1]
    assert same(cluster, "web", f"ip:{second}", 80).outcome == "connected"
    cluster.kubectl(["patch", "svc", "api", "-p", '{"spec": {"ipFamilyPolicy": "SingleStack"}}'])
    spec = cluster.get("svc", "api")["spec"]
    assert (spec["ipFamilies"], spec["clusterIPs"]) == (["IPv4"], [first])
    assert cluster.probe("web", f"ip:{second}", 80).outcome == "timed out"
    cluster.apply(service("next", clusterIP=second, ipFamilies=["IPv6"]))


def test_families_that_the_cluster_lacks() -> None:
    cluster = Cluster()
    with pytest.raises(Invalid, match="this cluster is not configured for dual-stack services"):
        cluster.apply(service("a", ipFamilyPolicy="RequireDualStack"))
    with pytest.raises(Invalid, match=r'ipFamilies\[0\]: Invalid value: "IPv6": not configured'):
        cluster.apply(service("a", ipFamilies=["IPv6"]))
    cluster.apply(service("a", clusterIP="None", ipFamilyPolicy="PreferDualStack"))
    assert cluster.get("svc", "a")["spec"]["ipFamilies"] == ["IPv4"]


# -- peers


def test_a_pod_on_the_host_network_is_its_node(cluster: Cluster) -> None:
    serving = [container(ports=[{"containerPort": 8080}])]
    cluster.apply([
        pod("host", labels={"app": "host"}, containers=serving, hostNetwork=True,
            nodeName="minik8s-worker"),
        pod("api", labels={"app": "api"}, containers=serving, nodeName="minik8s-worker2"),
        pod("near", labels={"app": "api"}, containers=serving, nodeName="minik8s-worker"),
        allow("host", {"app": "host"}),
        allow("hosts", {"app": "api"}, ingress=[
            {"from": [{"podSelector": {"matchLabels": {"app": "host"}}}]}
        ]),
    ])  # fmt: skip
    assert same(cluster, "api", "host", 8080).outcome == "connected"
    assert same(cluster, "host", "api", 8080).verdict is Verdict.DROP
    assert same(cluster, "host", "near", 8080).verdict is Verdict.ALLOW
    node = cluster.pods["host"].ip
    cluster.apply(from_blocks(host_block(node)))
    assert same(cluster, "host", "api", 8080).outcome == "connected"


def _published(cluster: Cluster, traffic: str, kind: str) -> int:
    spec = {"type": kind, "externalTrafficPolicy": traffic, "selector": {"app": "api"}}
    cluster.apply(service("door", ports=[{"port": 80, "targetPort": 8080}], **spec))
    port: int = cluster.get("svc", "door")["spec"]["ports"][0]["nodePort"]
    return port


def _node(cluster: Cluster, name: str) -> str:
    address: str = cluster.get("node", name)["status"]["addresses"][0]["address"]
    return address


def test_node_port_shows_the_client_only_on_the_pods_own_node() -> None:
    cluster = shop("IPv4")
    port = _published(cluster, "Cluster", "NodePort")
    own, other = _node(cluster, "minik8s-worker"), _node(cluster, "minik8s-worker2")
    cluster.apply(from_blocks(host_block(CLIENT)))
    assert same(cluster, f"ip:{CLIENT}", f"ip:{own}", port).outcome == "connected"
    assert same(cluster, f"ip:{CLIENT}", f"ip:{other}", port).verdict is Verdict.DROP
    cluster.apply(from_blocks(host_block(other)))
    assert same(cluster, f"ip:{CLIENT}", f"ip:{own}", port).verdict is Verdict.DROP
    assert same(cluster, f"ip:{CLIENT}", f"ip:{other}", port).outcome == "connected"


def test_node_port_with_local_traffic_keeps_the_client() -> None:
    cluster = shop("IPv4")
    port = _published(cluster, "Local", "NodePort")
    own, other = _node(cluster, "minik8s-worker"), _node(cluster, "minik8s-worker2")
    cluster.apply(from_blocks(host_block(CLIENT)))
    assert same(cluster, f"ip:{CLIENT}", f"ip:{own}", port).outcome == "connected"
    silent = cluster.probe(f"ip:{CLIENT}", f"ip:{other}", port)
    assert (silent.verdict, silent.outcome) == (Verdict.ALLOW, "timed out")


@pytest.mark.parametrize(
    ("families", "outside", "client"),
    [(("IPv4",), "192.0.2.10", CLIENT), (("IPv6",), "2001:db8:1::10", "2001:db8:9::80")],
)
def test_load_balancer(families: tuple[str, ...], outside: str, client: str) -> None:
    cluster = shop(*families)
    for traffic, seen in (("Local", [client]), ("Cluster", [])):
        _published(cluster, traffic, "LoadBalancer")
        status = {"status": {"loadBalancer": {"ingress": [{"ip": outside}]}}}
        cluster.kubectl(["patch", "svc", "door", "--subresource=status", "--type=merge", "-p",
                         json.dumps(status)])  # fmt: skip
        nodes = [_node(cluster, f"minik8s-{name}") for name in ("control-plane", "worker2")]
        cluster.apply(from_blocks(*map(host_block, seen or [*nodes, client])))
        for _ in range(6):
            probe = cluster.probe(f"ip:{client}", f"ip:{outside}", 80)
            assert probe.outcome == "connected", str(probe.trace)
        if traffic == "Cluster":
            cluster.apply(from_blocks(host_block(client)))
            sources = {
                cluster.probe(f"ip:{client}", f"ip:{outside}", 80).verdict for _ in range(12)
            }
            assert sources == {Verdict.ALLOW, Verdict.DROP}


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_protocols_are_told_apart(family: str) -> None:
    cluster = shop(family)
    for protocol in ("TCP", "UDP", "SCTP"):
        rule = {"ports": [{"protocol": protocol, "port": 8080}]}
        cluster.apply(allow("one", {"app": "api"}, ingress=[rule]))
        for tried in ("TCP", "UDP", "SCTP"):
            probe = same(cluster, "web", "api", 8080, tried)
            assert (probe.verdict is Verdict.ALLOW) is (tried == protocol)
        assert same(cluster, "web", "api", None, "ICMP").verdict is Verdict.DROP
    cluster.apply(allow("one", {"app": "api"}, ingress=[{"from": [{"podSelector": {}}]}]))
    assert same(cluster, "web", "api", None, "ICMP").outcome == "connected"
    assert same(cluster, "web", "api", 8080, "SCTP").outcome == "connected"
    with pytest.raises(ValueError, match="ICMP has no port"):
        cluster.probe("web", "api", 8080, "ICMP")


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_a_headless_service_leads_to_its_pods(family: str) -> None:
    cluster = Cluster(ip_families=[family])
    ports = [container(ports=[{"containerPort": 8080}])]
    labels = {"app": "db"}
    cluster.apply([
        workload("StatefulSet", "db", replicas=2, containers=ports, serviceName="db"),
        service("db", clusterIP="None", ports=[{"port": 8080}]),
        pod("tools", containers=[TOOLS]),
    ])  # fmt: skip
    kind = "AAAA" if family == "IPv6" else "A"
    dig = f"dig +short {kind} "
    tools = cluster.pods["tools"]
    found = tools.exec(f"{dig} db.default.svc.cluster.local").stdout.split()
    assert sorted(found) == sorted(each.ip for each in cluster.pods.of("db"))
    one = tools.exec(f"{dig} db-1.db.default.svc.cluster.local").stdout.split()
    assert one == [cluster.pods["db-1"].ip]
    cluster.apply(allow("one", labels, ingress=[{"ports": [{"port": 8080}]}]))
    for address in found:
        assert same(cluster, "tools", f"ip:{address}", 8080).outcome == "connected"
        assert same(cluster, "tools", f"ip:{address}", 8081).verdict is Verdict.DROP
    explained = cluster.explain("tools", "db", 8080)
    assert {hop.target.address for hop in explained.hops} == set(found)
