"""IPv6 and dual stack: the same rules on the other addresses."""

from __future__ import annotations

import pytest
from network_probe import probe
from network_worlds import (
    World,
    deny_egress,
    deny_ingress,
    endpoint_slice,
    namespace,
    node,
    pod,
    policy,
    serve_http,
    serve_udp,
    service,
)

from minik8s.network import Fate, Icmp
from minik8s.network.dns import AAAA, decode, query
from minik8s.policy import Verdict

WEB, API, ONLY4 = "fd00:10::5", "fd00:11::6", "10.244.0.9"


def dual(*more: dict) -> World:
    """Two nodes with both versions; `web` and `api` have both, `old` has IPv4 only."""
    api = service("default/api", "10.96.0.60", 80, target=8080, type="NodePort", node_port=30080)
    api["spec"]["clusterIPs"] = ["10.96.0.60", "fd00:96::60"]
    world = World(
        [
            namespace("default"),
            node("one", "172.18.0.2", "10.244.0.0/24", "fd00:10::/64", more=("fc00::2",)),
            node("two", "172.18.0.3", "10.244.1.0/24", "fd00:11::/64", more=("fc00::3",)),
            pod("default/web", "10.244.0.5", WEB, node="one"),
            pod("default/api", "10.244.1.6", API, node="two"),
            pod("default/old", ONLY4, node="one"),
            api,
            endpoint_slice("default/api", 8080, ("10.244.1.6", "two")),
            endpoint_slice("default/api", 8080, (API, "two")),
            *more,
        ]
    )
    serve_http(world.pod("api"), 8080)
    return world


@pytest.mark.parametrize("address", ["10.244.1.6", API, "fd00:11:0::6"])
def test_both_versions_reach_a_pod(address: str) -> None:
    assert dual().reach("web", address, 8080) == "connected"


@pytest.mark.parametrize("address", ["10.96.0.60", "fd00:96::60"])
def test_a_service_translates_within_its_version(address: str) -> None:
    world = dual()
    connection = world.connect("web", address, 80)
    assert connection.state == "established"
    target = connection.traces[0].destination.address
    assert (":" in target) == (":" in address)
    assert connection.traces[0].port == 8080


def test_denied_refused_and_rejected() -> None:
    assert dual().reach("web", API, 81) == "refused"
    assert dual(deny_ingress("api")).reach("web", API, 8080) == "timed out"
    assert dual(deny_egress("web")).reach("web", "fd00:96::60", 80) == "timed out"
    empty = service("default/empty", "fd00:96::90", 80)
    assert dual(empty, deny_egress("web")).reach("web", "fd00:96::90", 80) == "refused"


def test_blocks_of_one_version_do_not_cover_the_other() -> None:
    rule = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
    world = dual(policy("default/v4", pods={"app": "api"}, ingress=[rule]))
    assert world.reach("web", "10.244.1.6", 8080) == "connected"
    assert world.reach("web", API, 8080) == "timed out"


def test_a_pod_without_ipv6_cannot_even_try() -> None:
    world = dual()
    connection = world.connect("old", API, 8080)
    assert (connection.state, connection.error) == ("unreachable", "No route to host")
    assert connection.traces == []
    socket = world.pod("old").datagram(clock=world.clock)
    socket.send_to(b"x", API, 53)
    assert socket.error() == "network unreachable"
    assert not world.pod("old").echo(clock=world.clock).send(API, 1)
    with pytest.raises(LookupError):
        probe(world.network, world.pod("old"), "TCP", API, 80)


def test_ping_and_errors_speak_icmpv6() -> None:
    world = dual()
    result = probe(world.network, world.pod("web"), "ICMP", API)
    assert result.outcome == "connected"
    assert {trace.packet.protocol for trace in result.traces} == {"ICMPv6"}
    assert world.network.conntrack["two"].entries()[0].original == (
        "ICMPv6",
        WEB,
        result.trace.packet.sport,
        API,
        128,
    )
    refused = probe(world.network, world.pod("web"), "UDP", API, 9)
    assert refused.outcome == "refused"
    assert refused.traces[-1].packet.icmp is Icmp.PORT_UNREACHABLE
    assert refused.traces[-1].packet.protocol == "ICMPv6"


def test_node_ports_and_masquerading() -> None:
    world = dual()
    client = world.network.outside.host("2001:db8::80")
    connection = world.connect(client, "fc00::2", 30080)
    assert connection.state == "established"
    assert world.pod("api").connections[0].remote[0] == "fc00::2"
    assert world.reach(client, "172.18.0.2", 30080) == "unreachable"


def test_leaving_the_cluster_gets_the_nodes_ipv6_address() -> None:
    world = dual()
    address = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
    assert world.reach("web", address, 80) == "connected"
    snat = [hop for hop in world.network.traces[0].hops if hop.endpoint and hop.endpoint[1] > 1024]
    assert [hop.endpoint[0] for hop in snat] == ["fc00::2"]


def test_udp_and_dns() -> None:
    world = dual()
    serve_udp(world.pod("api"), 53)
    socket = world.pod("web").datagram(clock=world.clock)
    socket.connect("FD00:11:0:0::6", 53)
    assert world.ask(socket, b"q") == "q"
    answer = decode(
        world.network.zone.answer(query(1, "api.default.svc.cluster.local", AAAA), "udp")
    )
    assert [record.data for record in answer.answers] == ["fd00:96::60"]


def test_established_connections_survive_on_both_nodes() -> None:
    world = dual()
    connection = world.connect("web", "fd00:96::60", 80)
    assert world.head(connection) == "HTTP/1.1 200 OK"
    world.load(deny_ingress("api"), deny_egress("web"))
    assert world.head(connection) == "HTTP/1.1 200 OK"
    result = probe(world.network, world.pod("web"), "TCP", API, 8080)
    assert (result.verdict, result.trace.fate) == (Verdict.DROP, Fate.DROPPED)
