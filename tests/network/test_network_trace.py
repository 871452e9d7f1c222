"""What a trace tells: hooks in order, reasons, and what hubble needs."""

from __future__ import annotations

from itertools import pairwise

from network_probe import probe
from network_worlds import (
    BACKEND,
    BACKEND_IP,
    FRONTEND,
    World,
    deny_egress,
    deny_ingress,
    endpoint_slice,
    kernel_world,
    namespace,
    node,
    pod,
    policy,
    serve_http,
    service,
)

from minik8s.network import CtState, Event, Fate, Hook, Trace
from minik8s.network.network import TRACES_KEPT
from minik8s.policy import Direction, Reason, Verdict

WEB, API = "10.244.0.5", "10.244.1.6"


def two_nodes(*more: dict) -> World:
    world = World(
        [
            namespace("default"),
            node("one", "172.18.0.2", "10.244.0.0/24"),
            node("two", "172.18.0.3", "10.244.1.0/24"),
            pod("default/web", WEB, node="one"),
            pod("default/api", API, node="two"),
            service("default/api", "10.96.0.60", 80, target=8080),
            endpoint_slice("default/api", 8080, (API, "two")),
            *more,
        ]
    )
    serve_http(world.pod("api"), 8080)
    return world


ALLOW = policy(
    "default/api",
    pods={"app": "api"},
    ingress=[
        {"from": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]},
        {
            "from": [{"podSelector": {"matchLabels": {"app": "web"}}}],
            "ports": [{"port": 81}, {"port": 8080}],
        },
    ],
)


def test_a_packet_meets_the_hooks_in_the_contracts_order() -> None:
    world = two_nodes(ALLOW)
    trace = probe(world.network, world.pod("web"), "TCP", "10.96.0.60", 80).trace
    assert [(hop.node, hop.hook, hop.event) for hop in trace.hops] == [
        ("one", Hook.INTERFACE, Event.SENT),
        ("one", Hook.CONNTRACK, Event.TRACKED),
        ("one", Hook.SERVICE, Event.TRANSLATED),
        ("one", Hook.EGRESS, Event.ALLOWED),
        ("one", Hook.ROUTE, Event.TO_OTHER_NODE),
        ("two", Hook.CONNTRACK, Event.TRACKED),
        ("two", Hook.ROUTE, Event.TO_POD),
        ("two", Hook.INGRESS, Event.ALLOWED),
        ("default/api", Hook.SOCKET, Event.ACCEPTED),
    ]
    assert trace.state is CtState.NEW
    assert trace.packet.destination == "10.96.0.60"
    assert (trace.destination.key, trace.port) == ("default/api", 8080)
    assert (trace.source.key, trace.service, trace.reply) == ("default/web", "default/api", False)


def test_decisions_carry_their_reasons() -> None:
    world = two_nodes(ALLOW)
    trace = probe(world.network, world.pod("web"), "TCP", API, 8080).trace
    egress, ingress = trace.decisions
    assert (egress.direction, egress.reason) == (Direction.EGRESS, Reason.NOT_SELECTED)
    assert ingress.reason is Reason.RULE
    matched = ingress.matched
    assert matched is not None
    assert (str(matched.policy), matched.index, matched.peer, matched.port) == (
        "default/api",
        1,
        0,
        1,
    )
    assert trace.decision(Direction.INGRESS) is ingress


def test_a_drop_names_its_hop_policy_and_node() -> None:
    world = two_nodes(deny_ingress("api"))
    trace = probe(world.network, world.pod("web"), "TCP", "10.96.0.60", 80).trace
    hop = trace.dropped_at
    assert hop is not None
    assert (hop.node, hop.hook, hop.event) == ("two", Hook.INGRESS, Event.DENIED)
    assert hop.decision is not None
    assert [ref.name for ref in hop.decision.selecting] == ["deny-api"]
    assert (trace.fate, trace.verdict) == (Fate.DROPPED, Verdict.DROP)
    assert "denied (no rule of the selecting policies matches: default/deny-api)" in str(trace)


def test_replies_are_marked_and_keep_pods_behind_the_service() -> None:
    world = two_nodes(ALLOW)
    seen: list[Trace] = []
    world.network.observe(seen.append)
    connection = world.connect("web", "10.96.0.60", 80)
    world.head(connection)
    connection.close()
    world.clock.advance(0.1)
    assert {(trace.source.key, trace.destination.key, trace.reply) for trace in seen} == {
        ("default/web", "default/api", False),
        ("default/api", "default/web", True),
    }
    assert {trace.packet.sport if trace.reply else trace.port for trace in seen} == {8080}
    asked = [trace for trace in seen if trace.decisions]
    assert [trace.packet.flag_names for trace in asked] == [("SYN",)]
    assert all(earlier.time <= later.time for earlier, later in pairwise(seen))


def test_each_retransmission_has_its_trace_and_time() -> None:
    world = two_nodes(deny_ingress("api"))
    seen: list[Trace] = []
    world.network.observe(seen.append)
    private = world.clock.fork()
    world.pod("web").connect("TCP", API, 8080, clock=private)
    private.advance(5)
    assert [round(trace.time - private.now + 5) for trace in seen] == [0, 1, 2, 3, 4]
    assert {trace.fate for trace in seen} == {Fate.DROPPED}
    world.network.unobserve(seen.append)
    private.advance(5)
    assert len(seen) == 5


def test_fates() -> None:
    world = kernel_world(deny_egress("frontend"), service("default/empty", "10.96.0.90", 80))
    network, frontend = world.network, world.pod("frontend")

    def fate(source, address: str, port: int) -> Fate:
        return probe(network, source, "TCP", address, port).trace.fate

    assert fate(frontend, BACKEND, 8080) is Fate.DROPPED
    assert fate(frontend, "10.96.0.90", 80) is Fate.REJECTED
    assert fate(world.pod("backend"), FRONTEND, 80) is Fate.REFUSED
    assert fate(world.pod("backend"), BACKEND_IP, 8080) is Fate.DELIVERED
    assert fate(world.pod("backend"), "10.244.0.99", 80) is Fate.LOST


def test_an_error_of_a_node_has_a_trace_of_its_own() -> None:
    world = kernel_world(service("default/empty", "10.96.0.90", 80))
    result = probe(world.network, world.pod("frontend"), "TCP", "10.96.0.90", 80)
    request, error = result.traces
    assert result.outcome == "refused"
    assert request.service == "default/empty"
    assert error.packet.quoted is not None
    assert error.source.node == "node"
    assert error.decisions[0].reason is Reason.OWN_NODE or error.hops[-1].event is Event.ACCEPTED


def test_only_the_last_traces_are_kept() -> None:
    world = kernel_world()
    socket = world.pod("frontend").datagram(clock=world.clock)
    for _ in range(TRACES_KEPT + 10):
        socket.send_to(b"", "10.244.0.99", 9)
    assert len(world.network.traces) == TRACES_KEPT


def test_a_probe_leaves_nothing_open_and_the_clock_alone() -> None:
    world = two_nodes()
    for _ in range(3):
        result = probe(world.network, world.pod("web"), "TCP", "10.96.0.60", 80)
        assert (result.outcome, result.verdict) == ("connected", Verdict.ALLOW)
    assert world.clock.now == 0
    assert world.pod("web").connections == world.pod("api").connections == []
    assert world.network._observers == []


def test_without_tracking_the_dropped_answer_counts_against_the_probe() -> None:
    world = two_nodes(deny_ingress("web"))
    world.settings.tracking = False
    result = probe(world.network, world.pod("web"), "TCP", API, 8080)
    assert (result.outcome, result.verdict) == ("timed out", Verdict.DROP)
    assert result.trace.fate is Fate.DELIVERED
    world.settings.tracking = True
    result = probe(world.network, world.pod("web"), "TCP", API, 8080)
    assert (result.outcome, result.verdict) == ("connected", Verdict.ALLOW)
