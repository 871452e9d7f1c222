"""Open connections and policy, against the kernel's rows (truth items 1, 2, 3, 6 and 8)."""

from __future__ import annotations

import json

import pytest
from network_worlds import (
    BACKEND,
    BACKEND_IP,
    FRONTEND,
    World,
    deny_egress,
    deny_ingress,
    kernel_world,
    observed,
    pod,
    policy,
    same_lines,
    serve_http,
    sport_of,
)

from minik8s.network import Fate, Settings
from minik8s.network.tcp import SYN_GIVE_UP, SYN_TIMES

BOTH = pytest.mark.parametrize(("run", "address"), [(1, BACKEND_IP), (2, BACKEND)])
ALLOW_FRONTEND = policy(
    "default/allow",
    pods={"app": "backend"},
    ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "frontend"}}}]}],
)


def words(row: dict, place: int) -> str:
    """One part of an observed list, in the words of `World`."""
    text = json.loads(row["stdout"])[place]
    return "timed out" if text.startswith("TimeoutError") else text


@BOTH
def test_an_open_connection_survives_a_new_deny(run: int, address: str) -> None:
    row, world = observed("a1", run), kernel_world()
    sport = sport_of(row["conntrack"][0])
    connection = world.connect("frontend", address, 8080, sport=sport)
    assert world.head(connection) == words(row, 0)
    world.load(deny_ingress("backend"))
    assert world.head(connection) == words(row, 1)
    assert world.reach("frontend", address, 8080) == words(row, 2)
    same_lines(world.lines(), row["conntrack"])


@BOTH
def test_after_a_flush_the_middle_of_a_connection_is_new(run: int, address: str) -> None:
    row, world, deny = observed("a2b", run), kernel_world(), deny_ingress("backend")
    sport = sport_of(row["conntrack"][0])
    connection = world.connect("frontend", address, 8080, sport=sport)
    world.head(connection)
    world.load(deny)
    world.network.flush_conntrack()
    start, before = world.clock.now, len(world.network.traces)
    assert world.head(connection, wait=2.0) == "timed out"
    assert world.lines() == []
    world.remove_policy(deny)
    assert world.read(connection, wait=2.0).startswith("HTTP/1.1 200 OK")
    same_lines(world.lines(), row["conntrack"])
    sent = [
        trace.time - start
        for trace in list(world.network.traces)[before:]
        if trace.packet.source == FRONTEND and trace.packet.payload
    ]
    theirs = [
        when for when, side, _, flags in row["packets"] if (side, flags) == ("from-pod", "AP")
    ]
    assert len(sent) == len(theirs)
    for ours, real in zip(sent, theirs, strict=True):
        assert ours == pytest.approx(real, abs=0.06)


def test_a_server_that_speaks_first_after_a_flush_turns_the_entry_round() -> None:
    row, world = observed("a3"), kernel_world()
    listener = world.pod("backend").listen("TCP", 7000)
    client = world.connect("frontend", BACKEND, 7000, sport=33446)
    world.clock.advance(0.1)
    server = listener.accept()
    assert server is not None
    world.load(deny_ingress("backend"))
    world.network.flush_conntrack()
    server.send(b"push")
    assert world.read(client) == "push"
    same_lines(world.lines(), row["conntrack"])
    client.send(b"client again")
    assert world.read(server) == "client again"


@pytest.mark.parametrize(("run", "address"), [(1, BACKEND), (2, BACKEND_IP)])
def test_without_loose_pick_up_a_translated_connection_is_lost(run: int, address: str) -> None:
    row, world = observed("a4", run), kernel_world()
    connection = world.connect("frontend", address, 8080)
    world.network.conntrack["node"].loose = False
    world.network.flush_conntrack()
    expected = "timed out" if "TimeoutError" in row["stdout"] else row["stdout"].strip()
    assert world.head(connection) == expected
    assert world.lines() == []


def test_deleting_the_policy_that_allowed_keeps_the_connection() -> None:
    row, world = observed("a5"), kernel_world(deny_ingress("backend"), ALLOW_FRONTEND)
    connection = world.connect("frontend", BACKEND_IP, 8080)
    assert world.head(connection) == words(row, 0)
    world.remove_policy(ALLOW_FRONTEND)
    assert world.head(connection) == words(row, 1)
    assert world.reach("frontend", BACKEND_IP, 8080) == words(row, 2)


def test_a_syn_on_a_closed_connection_is_new() -> None:
    row, world = observed("a6"), kernel_world()
    serve_http(world.pod("backend"), 7001)
    connection = world.connect("frontend", BACKEND, 7001, sport=41000)
    connection.close()
    world.clock.advance(0.5)
    same_lines(world.lines(), row["conntrack"][:1])
    assert row["conntrack"][1:] == ["after:"]
    world.load(deny_ingress("backend"))
    retry = world.connect("frontend", BACKEND, 7001, sport=41000, wait=2.5)
    assert retry.state == "connecting"
    assert world.lines() == []
    dropped = [trace for trace in world.network.traces if trace.fate is Fate.DROPPED]
    assert len(dropped) == row["drops"][0]["packets"]


def test_an_egress_deny_and_a_lost_label_leave_the_connection_alone() -> None:
    for name, change in (
        ("r2", lambda world: world.load(deny_egress("frontend"))),
        ("r3", lambda world: world.load(pod("default/frontend", FRONTEND, app="other"))),
    ):
        row, world = observed(name), kernel_world(*([ALLOW_FRONTEND] if name == "r3" else []))
        connection = world.connect("frontend", BACKEND, 8080)
        assert world.head(connection) == words(row, 0)
        change(world)
        assert world.head(connection) == words(row, 1)
        assert world.reach("frontend", BACKEND, 8080, wait=1.0) == words(row, 2)


def test_replies_pass_an_ingress_deny_by_tracking() -> None:
    row, world = observed("b1"), kernel_world(deny_ingress("frontend"))
    connection = world.connect("frontend", BACKEND_IP, 8080, sport=37226)
    assert world.head(connection) == row["stdout"].strip()
    connection.close()
    world.clock.advance(0.2)
    same_lines(world.lines(), row["conntrack"][:1])


def test_without_tracking_replies_are_dropped() -> None:
    row = observed("b2")
    world = kernel_world(deny_ingress("frontend"), settings=Settings(tracking=False))
    connection = world.connect("frontend", BACKEND_IP, 8080, sport=37242, wait=2.0)
    assert connection.state == "connecting"
    same_lines(world.lines(), row["conntrack"])
    assert connection.traces[0].fate is Fate.DELIVERED
    dropped = [trace for trace in world.network.traces if trace.fate is Fate.DROPPED]
    assert {trace.packet.flag_names for trace in dropped} == {("SYN", "ACK")}
    assert len(dropped) >= row["drops"][0]["packets"]


def test_a_lifted_deny_connects_at_the_next_syn() -> None:
    row, deny = observed("n1"), deny_ingress("backend")
    world = kernel_world(deny)
    world.clock.call_at(2.4, lambda: world.remove_policy(deny))
    connection = world.connect("frontend", BACKEND_IP, 8080, wait=12)
    assert connection.state == "established"
    real = float(row["stdout"].split("connect=")[1].split()[0])
    assert world.clock.now == pytest.approx(real, abs=0.02)
    assert len(connection.traces) - 1 == row["drops"][0]["packets"]


def test_syns_of_a_denied_connection_come_as_the_kernel_sends_them() -> None:
    row, world = observed("n2"), kernel_world(deny_ingress("backend"))
    connection = world.connect("frontend", BACKEND_IP, 8080, wait=5.0)
    sent = [trace.time for trace in connection.traces]
    first = row["packets"][0][0]
    assert sent == pytest.approx([when - first for when, *_ in row["packets"]], abs=0.03)
    assert world.lines() == []


def test_a_connect_without_a_timeout_ends_when_the_kernel_gives_up() -> None:
    world = kernel_world(deny_ingress("backend"))
    connection = world.connect("frontend", BACKEND, 8080, wait=300)
    assert connection.state == "timed out"
    assert connection.error == "Connection timed out"
    assert world.clock.now == pytest.approx(SYN_GIVE_UP)
    timelines = json.loads(observed("long-syn-timeline")["stdout"])
    sent = [trace.time for trace in connection.traces]
    assert [int(when + 0.05) for when in sent] == [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 68]
    assert any(sent == pytest.approx(timeline, abs=0.3) for timeline in timelines)
    assert tuple(sent) == SYN_TIMES
    assert world.clock.now == pytest.approx(
        observed("long-syn-alpinelike-7.66.0-musl")["wall_s"], abs=0.5
    )


def test_a_full_backlog_leaves_half_open_entries_that_are_still_new() -> None:
    row, world = observed("n3"), kernel_world()
    world.pod("backend").listen("TCP", 7100, backlog=0)
    connections = []
    for sport in (34656, 34666, 34670):
        connections.append(world.connect("frontend", BACKEND, 7100, sport=sport, wait=0.1))
        world.clock.advance(0.01)
    world.clock.advance(1.85)
    assert [each.state for each in connections] == ["established", "connecting", "connecting"]
    same_lines(world.lines(), row["conntrack"])
    world.load(deny_ingress("backend"))
    world.clock.advance(2.1)
    row = observed("n4")
    same_lines(world.lines(), row["conntrack"])
    dropped = [trace for trace in world.network.traces if trace.fate is Fate.DROPPED]
    assert len(dropped) == row["drops"][0]["packets"]


def test_a_syn_that_passed_does_not_open_the_door_for_its_retransmission() -> None:
    row, world = observed("u2"), kernel_world()
    world.pod("backend").listen("TCP", 7200, backlog=-1)
    connection = world.connect("frontend", BACKEND, 7200, wait=0.5)
    world.load(deny_ingress("backend"))
    world.clock.advance(4.0)
    assert connection.state == "connecting"
    assert row["stdout"].startswith("not connected")
    assert "SYN_SENT" in world.lines()[0]
    assert "[UNREPLIED]" in world.lines()[0]


def test_a_translated_server_that_speaks_first_after_a_flush_is_reset() -> None:
    row, world = observed("r1"), kernel_world()
    client = world.connect("frontend", BACKEND_IP, 8080)
    world.clock.advance(0.1)
    (server,) = world.pod("backend").connections
    world.network.flush_conntrack()
    before = len(world.network.traces)
    server.send(b"push")
    world.clock.advance(0.1)
    assert client.receive() == b""
    assert server.state == "reset"
    sent = list(world.network.traces)[before:]
    assert [(t.packet.source, t.packet.flag_names[-1]) for t in sent] == [
        (address, {"AP": "PSH", "R": "RST"}[flags]) for _, _, address, flags in row["packets"]
    ]


@pytest.mark.parametrize(
    ("name", "documents", "port"),
    [
        ("i1", [], 9999),
        (
            "i2",
            [policy("default/p", pods={"app": "backend"}, ingress=[{"ports": [{"port": 9999}]}])],
            9999,
        ),
        (
            "i3",
            [policy("default/p", pods={"app": "backend"}, ingress=[{"ports": [{"port": 9999}]}])],
            8080,
        ),
    ],
)
def test_refused_means_nobody_listens_and_denied_means_silence(
    name: str, documents: list, port: int
) -> None:
    row, world = observed(name), kernel_world(*documents)
    expected = {7: "refused", 28: "timed out"}[row["exit"]]
    assert world.reach("frontend", BACKEND, port, wait=3.0) == expected


def test_rejudging_cuts_an_open_connection_and_lets_it_go_on() -> None:
    deny = deny_ingress("backend")
    world = kernel_world(settings=Settings(established="rejudge"))
    connection = world.connect("frontend", BACKEND_IP, 8080)
    assert world.head(connection) == "HTTP/1.1 200 OK"
    (server,) = world.pod("backend").connections
    world.load(deny)
    server.send(b"replies still pass")
    assert world.read(connection) == "replies still pass"
    assert world.head(connection) == "timed out"
    world.remove_policy(deny)
    assert "HTTP/1.1 200 OK" in world.read(connection, wait=4.0)


def test_without_enforcement_policies_do_nothing() -> None:
    world = kernel_world(deny_ingress("backend"), settings=Settings(enforcement=False))
    assert world.reach("frontend", BACKEND_IP, 8080) == "connected"
    world.settings.enforcement = True
    assert world.reach("frontend", BACKEND_IP, 8080) == "timed out"


def test_a_private_clock_leaves_the_clusters_time_and_entries_alone() -> None:
    world = kernel_world(deny_ingress("backend"))
    kept = World.connect(world, "backend", FRONTEND, 80)
    assert kept.state == "refused"
    open_one = world.connect("backend", BACKEND, 8080)
    assert open_one.state == "established"
    for _ in range(100):
        private = world.clock.fork()
        connection = world.pod("frontend").connect("TCP", BACKEND, 8080, clock=private)
        private.run_until(private.now + 5)
        assert connection.state == "connecting"
        connection.close()
        assert len(connection.traces) == 5
    assert world.clock.now < 1
