"""Services, NodePorts and source NAT against the kernel's rows (truth items 7 and 10)."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from network_worlds import (
    BACKEND,
    BACKEND_IP,
    FRONTEND,
    GATEWAY,
    NODE,
    WEB,
    World,
    deny_egress,
    deny_ingress,
    endpoint_slice,
    kernel_world,
    node,
    observed,
    pod,
    policy,
    same_lines,
    serve_http,
    service,
    sport_of,
)

from minik8s.network import Event, Fate, Hook
from minik8s.policy import Direction, Verdict


def curl(world: World, source, address: str, port: int, sport: int | None = None) -> str:
    """The peer that the server saw, or how the connect ended."""
    connection = world.connect(source, address, port, sport=sport)
    if connection.state != "established":
        return "timed out" if connection.state == "connecting" else connection.state
    connection.send(b"HEAD / HTTP/1.1\r\n\r\n")
    text = world.read(connection)
    connection.close()
    world.clock.advance(0.1)
    return text.split("X-Peer: ")[1].strip()


def expected(row: dict) -> str:
    if row["exit"] == 0:
        return row["stdout"].split("X-Peer: ")[1].strip() if "X-Peer" in row["stdout"] else "ok"
    return {7: "refused", 28: "timed out"}[row["exit"]]


def check(world: World, name: str, source, address: str, port: int, run: int = 1) -> None:
    row = observed(name, run)
    lines = row.get("conntrack", [])
    got = curl(world, source, address, port, sport_of(lines[0]) if lines else None)
    want = expected(row)
    assert got == want or (want == "ok" and got not in ("refused", "timed out")), name
    if lines:
        same_lines([line for line in world.lines() if line.startswith("tcp")], lines)


EGRESS = {"pods": {"app": "frontend"}, "policyTypes": ["Egress"]}
ALLOW_IN = policy("default/in", pods={"app": "backend"}, ingress=[{}])
ALLOW_OUT = policy("default/out", pods={"app": "frontend"}, egress=[{}], policyTypes=["Egress"])


@pytest.mark.parametrize(
    ("name", "documents"),
    [
        ("e1", [ALLOW_IN, deny_egress("frontend")]),
        ("e2", [deny_ingress("backend"), ALLOW_OUT]),
        ("e3", [deny_ingress("backend"), deny_egress("frontend")]),
        ("e4", [ALLOW_IN, ALLOW_OUT]),
    ],
)
def test_both_ends_must_allow_and_egress_comes_first(name: str, documents: list) -> None:
    row, world = observed(name), kernel_world(*documents)
    check(world, name, "frontend", BACKEND, 8080)
    for drop in row.get("drops", ()):
        side = Direction.EGRESS if "DROP egress" in drop["comment"] else Direction.INGRESS
        dropped = [t for t in world.network.traces if t.fate is Fate.DROPPED]
        decisions = {t.dropped_at.decision.direction for t in dropped}
        assert decisions == {side}
        assert len(dropped) == drop["packets"] or len(dropped) == drop["packets"] + 1


def block(cidr: str, *cut: str) -> dict:
    return policy(
        "default/b", egress=[{"to": [{"ipBlock": {"cidr": cidr, "except": list(cut)}}]}], **EGRESS
    )


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("f1", block(f"{BACKEND_IP}/32")),
        ("f2", block("10.96.0.0/12")),
        ("f3", block(f"{BACKEND}/32")),
        ("f4", block("0.0.0.0/0", "10.244.0.0/16")),
    ],
)
def test_policy_sees_the_pod_behind_the_service(name: str, document: dict) -> None:
    check(kernel_world(document), name, "frontend", BACKEND_IP, 8080)


@pytest.mark.parametrize(("name", "port"), [("f5", 80), ("f6", 8080)])
def test_policy_sees_the_target_port(name: str, port: int) -> None:
    world = kernel_world(
        policy("default/p", egress=[{"ports": [{"port": port}]}], **EGRESS),
        service("default/web", "10.96.105.102", 80, target=8080),
        endpoint_slice("default/web", 8080, (BACKEND, "node")),
    )
    check(world, name, "frontend", "10.96.105.102", 80)


def test_a_pod_reaches_itself_through_its_service_as_any_other() -> None:
    check(kernel_world(), "g1", "backend", BACKEND_IP, 8080)
    both = [deny_ingress("backend"), deny_egress("backend")]
    check(kernel_world(*both), "g4", "backend", BACKEND_IP, 8080)
    self_in = policy(
        "default/self-in",
        pods={"app": "backend"},
        ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "backend"}}}]}],
    )
    self_out = policy(
        "default/self-out",
        pods={"app": "backend"},
        policyTypes=["Egress"],
        egress=[{"to": [{"podSelector": {"matchLabels": {"app": "backend"}}}]}],
    )
    check(kernel_world(*both, self_in, self_out), "g2", "backend", BACKEND_IP, 8080)


def test_a_pod_reaches_its_own_address_without_leaving() -> None:
    world = kernel_world(deny_ingress("backend"), deny_egress("backend"))
    check(world, "g3", "backend", BACKEND, 8080)
    assert world.lines() == []
    assert {hop.hook for trace in world.network.traces for hop in trace.hops} == {
        Hook.LOOPBACK,
        Hook.SOCKET,
    }
    assert world.reach("backend", "127.0.0.1", 8080) == "connected"
    assert world.reach("backend", "127.0.0.1", 81) == "refused"
    assert world.reach("backend", "0.0.0.0", 8080) == "connected"


def test_without_hairpin_source_nat_the_pod_drops_the_martian() -> None:
    row, world = observed("g5"), kernel_world()
    world.load(node("node", ""))
    connection = world.connect("backend", BACKEND_IP, 8080, sport=51292)
    assert connection.state == "connecting"
    same_lines(world.lines(), row["conntrack"])
    assert connection.traces[0].hops[-1].event is Event.IGNORED


def node_port(**spec) -> list:
    return [
        service("default/door", "10.96.0.80", 8080, type="NodePort", node_port=30080, **spec),
        endpoint_slice("default/door", 8080, (BACKEND, "node")),
    ]


def from_block(address: str) -> dict:
    return policy(
        "default/b",
        pods={"app": "backend"},
        ingress=[{"from": [{"ipBlock": {"cidr": f"{address}/32"}}]}],
    )


@pytest.mark.parametrize(
    ("name", "traffic", "allowed"),
    [("h1", "Local", WEB), ("h2", "Cluster", WEB), ("h3", "Cluster", GATEWAY)],
)
def test_node_port_on_the_pods_node(name: str, traffic: str, allowed: str) -> None:
    world = kernel_world(from_block(allowed), *node_port(externalTrafficPolicy=traffic))
    check(world, name, world.network.outside.host(WEB), NODE, 30080)


@pytest.mark.parametrize(("name", "allowed"), [("h4", "198.51.100.80"), ("h5", "192.168.77.2")])
def test_node_port_on_another_node_hides_the_client(name: str, allowed: str) -> None:
    world = kernel_world(
        from_block(allowed),
        *node_port(),
        node("other", "192.168.77.2", more=("198.51.100.1",)),
    )
    client = world.network.outside.host("198.51.100.80")
    row = observed(name)
    assert curl(world, client, "198.51.100.1", 30080) == expected(row)
    if row["exit"] == 0:
        shapes = [" ".join(line.split("[")[0].split()[4:6]) for line in world.lines()]
        assert shapes == [" ".join(row["conntrack"][0].split()[4:6])]


def test_local_traffic_to_a_node_without_endpoints_is_dropped() -> None:
    world = kernel_world(*node_port(externalTrafficPolicy="Local"), node("other", "192.168.77.2"))
    client = world.network.outside.host("198.51.100.80")
    assert world.reach(client, "192.168.77.2", 30080) == "timed out"
    assert world.network.traces[-1].hops[-1].event is Event.NO_LOCAL_ENDPOINT
    assert world.reach("frontend", "192.168.77.2", 30080) == "connected"


@pytest.mark.parametrize("traffic", ["Cluster", "Local"])
def test_load_balancer(traffic: str) -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}
    world = kernel_world(
        service(
            "default/lb",
            "10.96.0.81",
            80,
            target=8080,
            type="LoadBalancer",
            node_port=30081,
            externalTrafficPolicy=traffic,
            status=status,
        ),
        endpoint_slice("default/lb", 8080, (BACKEND, "node")),
        node("other", "192.168.77.2"),
    )
    client = world.network.outside.host("198.51.100.80")
    seen = {curl(world, client, "192.0.2.10", 80) for _ in range(12)}
    if traffic == "Local":
        assert seen == {"198.51.100.80"}
    else:
        assert seen == {GATEWAY, "192.168.77.2"}
    assert curl(world, "frontend", "192.0.2.10", 80) in (FRONTEND, GATEWAY)


@pytest.mark.parametrize(("name", "address"), [("h6", WEB), ("h7", "203.0.113.53")])
def test_leaving_the_cluster_gets_the_nodes_address_after_policy(name: str, address: str) -> None:
    world = kernel_world(block("203.0.113.0/24", "203.0.113.53/32"))
    check(world, name, "frontend", address, 80)


def test_the_pods_own_node_always_gets_in() -> None:
    world = kernel_world(deny_ingress("backend"))
    check(world, "h8", world.network.node_host("node"), BACKEND, 8080)
    world.load(node("other", "192.168.77.2"), pod("default/agent", NODE, host_network=True))
    assert world.reach("default/agent", BACKEND, 8080) == "connected"
    assert world.reach(world.network.node_host("other"), BACKEND, 8080) == "timed out"


def test_a_node_reaches_a_service_that_it_serves_itself() -> None:
    world = kernel_world(
        service("default/kubernetes", "10.96.0.1", 443, target=6443),
        endpoint_slice("default/kubernetes", 6443, (NODE, "node")),
        node("other", "192.168.77.2"),
    )
    serve_http(world.network.node_host("node"), 6443)
    for name in ("node", "other"):
        assert world.reach(world.network.node_host(name), "10.96.0.1", 443) == "connected"
    assert world.reach("frontend", "10.96.0.1", 443) == "connected"


def test_a_port_that_the_service_does_not_have_is_silent() -> None:
    world = kernel_world()
    assert observed("i4")["exit"] == 28
    assert world.reach("frontend", BACKEND_IP, 9999, wait=3.0) == "timed out"
    trace = world.network.traces[-1]
    assert (trace.fate, trace.verdict) == (Fate.LOST, Verdict.ALLOW)


@pytest.mark.parametrize("documents", [[], [deny_egress("frontend")]])
@pytest.mark.parametrize("slices", [[], [endpoint_slice("default/empty", 80)]])
def test_a_service_without_endpoints_is_refused_even_under_a_deny(
    documents: list, slices: list
) -> None:
    assert observed("i5")["exit"] == observed("i6")["exit"] == 7
    world = kernel_world(service("default/empty", "10.96.0.90", 80), *slices, *documents)
    assert world.reach("frontend", "10.96.0.90", 80) == "refused"
    assert world.lines() == []


def test_a_service_whose_target_port_is_closed_is_refused() -> None:
    world = kernel_world(
        service("default/closed", "10.96.0.91", 80, target=9999),
        endpoint_slice("default/closed", 9999, (BACKEND, "node")),
    )
    assert expected(observed("i7")) == world.reach("frontend", "10.96.0.91", 80)


TWO = [
    pod("default/b2", "10.244.0.7"),
    endpoint_slice("default/backend", 8080, (BACKEND, "node"), ("10.244.0.7", "node")),
]


def test_there_is_no_fail_over_from_an_endpoint_that_drops() -> None:
    outcomes = json.loads(observed("r4")["stdout"])
    assert len(outcomes) == 2
    world = kernel_world(*TWO, deny_ingress("b2"))
    serve_http(world.pod("b2"), 8080)
    seen: Counter[str] = Counter()
    for _ in range(sum(outcomes.values())):
        connection = world.connect("frontend", BACKEND_IP, 8080, wait=0.5)
        seen[connection.traces[0].destination.address] += 1
        assert (connection.state == "established") == (
            connection.traces[0].destination.address == BACKEND
        )
        connection.close()
    assert min(seen[BACKEND], seen["10.244.0.7"]) >= 3


def test_each_retransmitted_syn_chooses_again() -> None:
    drops = (
        observed("r5")["drops"]
        if "drops" in observed("r5")
        else json.loads(observed("r5")["stdout"])
    )
    assert all(drop["packets"] for drop in drops)
    world = kernel_world(*TWO, deny_ingress("b2"), deny_ingress("backend"))
    chosen: Counter[str] = Counter()
    for _ in range(4):
        connection = world.connect("frontend", BACKEND_IP, 8080, wait=4.5)
        assert len(connection.traces) == sum(drop["packets"] for drop in drops)
        chosen.update(trace.destination.address for trace in connection.traces)
        connection.close()
    assert set(chosen) == {BACKEND, "10.244.0.7"}


def test_an_endpoint_that_is_not_ready_gets_nothing() -> None:
    world = kernel_world(
        pod("default/b2", "10.244.0.7"),
        {
            **endpoint_slice(
                "default/backend", 8080, ("10.244.0.7", "node"), conditions={"ready": False}
            ),
            "metadata": {
                "name": "second",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "backend"},
            },
        },
    )
    for _ in range(20):
        connection = world.connect("frontend", BACKEND_IP, 8080)
        assert connection.traces[0].destination.address == BACKEND
        connection.close()


def test_a_terminating_endpoint_serves_if_no_other_is_left() -> None:
    conditions = {"ready": False, "serving": True, "terminating": True}
    world = kernel_world(
        endpoint_slice("default/backend", 8080, (BACKEND, "node"), conditions=conditions)
    )
    assert world.reach("frontend", BACKEND_IP, 8080) == "connected"


def test_session_affinity_keeps_a_client_for_its_time() -> None:
    sticky = service(
        "default/backend",
        BACKEND_IP,
        8080,
        sessionAffinity="ClientIP",
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
    )
    world = kernel_world(*TWO, sticky)
    serve_http(world.pod("b2"), 8080)

    def endpoint() -> str:
        connection = world.connect("frontend", BACKEND_IP, 8080)
        connection.close()
        world.clock.advance(0.1)
        return connection.traces[0].destination.address

    first = endpoint()
    assert {endpoint() for _ in range(20)} == {first}
    later = set()
    for _ in range(12):
        world.clock.advance(61)
        later.add(endpoint())
    assert later == {BACKEND, "10.244.0.7"}


def test_replies_of_a_service_come_from_its_address() -> None:
    world = kernel_world()
    connection = world.connect("frontend", BACKEND_IP, 8080)
    syn_ack = next(t for t in world.network.traces if t.packet.flag_names == ("SYN", "ACK"))
    assert syn_ack.packet.source == BACKEND
    assert syn_ack.reply
    assert syn_ack.hops[-3].endpoint == (BACKEND_IP, 8080) or any(
        hop.hook is Hook.SNAT and hop.endpoint == (BACKEND_IP, 8080) for hop in syn_ack.hops
    )
    assert connection.remote == (BACKEND_IP, 8080)
    assert connection.traces[0].service == "default/backend"


def test_two_ways_to_the_same_pod_do_not_share_a_tuple() -> None:
    world = kernel_world()
    through = world.connect("frontend", BACKEND_IP, 8080, sport=50000)
    direct = world.connect("frontend", BACKEND, 8080, sport=50000)
    assert {through.state, direct.state} == {"established"}
    assert world.head(through) == world.head(direct) == "HTTP/1.1 200 OK"


def test_named_ports_mean_the_number_of_each_pod() -> None:
    for name, direction in (("j1", "ingress"), ("j2", "egress")):
        rule = {"ports": [{"port": "http"}]}
        document = policy(
            "default/np",
            **(
                {"pods": {"tier": "web"}, "ingress": [rule]}
                if direction == "ingress"
                else {"egress": [rule], **EGRESS}
            ),
        )
        world = kernel_world(
            document,
            pod("default/web-a", "10.244.0.7", ports=(("http", 8081),), tier="web"),
            pod("default/web-b", "10.244.0.8", ports=(("http", 9091),), tier="web"),
        )
        for host, port in (("web-a", 8081), ("web-a", 9091), ("web-b", 8081), ("web-b", 9091)):
            serve_http(world.pod(host), port)
            want = json.loads(observed(name)["stdout"])[f"{host}:{port}"]
            got = world.reach("frontend", world.pod(host).addresses[0], port, wait=1.0)
            assert got == ("connected" if want.startswith("connected") else "timed out")
