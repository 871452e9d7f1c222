"""UDP, ping and SCTP against the kernel's rows (truth items 4 and 5)."""

from __future__ import annotations

import json
import re

import pytest
from network_worlds import (
    BACKEND,
    DNS,
    FRONTEND,
    World,
    deny_ingress,
    endpoint_slice,
    kernel_world,
    observed,
    parsed,
    pod,
    policy,
    same_lines,
    serve_http,
    serve_udp,
    service,
    sport_of,
)

from minik8s.network import DatagramSocket, Fate
from minik8s.network.states import TIMEOUTS

SHORT = {**TIMEOUTS, ("UDP", ""): 2, ("UDP", "stream"): 3}


def udp_service(world: World) -> None:
    world.load(
        service("default/udp", "10.96.0.77", 5353, protocol="UDP"),
        endpoint_slice("default/udp", 5353, (BACKEND, "node"), protocol="UDP"),
    )


def client(world: World, address: str, port: int, sport: int | None = None) -> DatagramSocket:
    socket = world.pod("frontend").datagram(clock=world.clock, port=sport)
    socket.connect(address, port)
    return socket


def test_a_udp_reply_passes_an_ingress_deny() -> None:
    row, world = observed("c1"), kernel_world(deny_ingress("frontend"))
    world.load(
        service("kube-system/kube-dns", "10.96.0.10", 53, protocol="UDP"),
        endpoint_slice("kube-system/kube-dns", 53, (DNS, "node"), protocol="UDP"),
    )
    serve_udp(world.pod("kube-system/coredns"), 53)
    socket = client(world, "10.96.0.10", 53, sport_of(row["conntrack"][0]))
    assert world.ask(socket, b"q") == "q"
    same_lines(world.lines(), row["conntrack"])


@pytest.mark.parametrize(("run", "after"), [(1, 1.0), (2, 3.5)])
def test_a_late_reply_to_an_isolated_client_is_a_new_flow(run: int, after: float) -> None:
    row, world = observed("c2", run), kernel_world(deny_ingress("frontend"))
    world.network.conntrack["node"].timeouts = SHORT
    serve_udp(world.pod("backend"), 5353, after=after)
    socket = client(world, BACKEND, 5353, sport_of(row["conntrack"][0]))
    socket.send(b"q")
    world.clock.advance(0.5)
    same_lines(world.lines(), row["conntrack"][:1])
    expected = "q" if "b'q'" in row["stdout"] else "timed out"
    assert world.listen(socket, wait=4.5) == expected
    assert row["conntrack"][1] == "at the end:"
    same_lines(world.lines(), row["conntrack"][2:])
    dropped = [trace for trace in world.network.traces if trace.fate is Fate.DROPPED]
    assert len(dropped) == sum(drop["packets"] for drop in row.get("drops", ()))


def test_a_late_reply_passes_as_a_flow_of_the_server() -> None:
    row, world = observed("c3"), kernel_world()
    world.network.conntrack["node"].timeouts = SHORT
    serve_udp(world.pod("backend"), 5353, after=3.5)
    socket = client(world, BACKEND, 5353, 56119)
    assert world.ask(socket, b"q", wait=5) == "q"
    same_lines(world.lines(), row["conntrack"])


def test_a_late_reply_of_a_service_comes_from_a_stranger() -> None:
    row, world = observed("c4"), kernel_world()
    udp_service(world)
    world.network.conntrack["node"].timeouts = SHORT
    serve_udp(world.pod("backend"), 5353, after=3.5)
    socket = client(world, "10.96.0.77", 5353, 58353)
    assert world.ask(socket, b"q", wait=5) == "timed out"
    reply, error = list(world.network.traces)[-2:]
    assert reply.packet.source == row["packets"][0][2]
    assert reply.fate is Fate.REFUSED
    assert error.packet.source == row["packets"][1][2]
    assert error.packet.icmp is not None
    assert error.packet.icmp.value == "port unreachable"
    same_lines(world.lines(), row["conntrack"])


def test_the_life_of_a_udp_entry() -> None:
    row, world = observed("c5"), kernel_world()
    table = world.network.conntrack["node"]
    table.timeouts = SHORT
    serve_udp(world.pod("backend"), 5353)
    socket = client(world, BACKEND, 5353, 45597)
    for text in row["stdout"].splitlines():
        match = re.fullmatch(r"t=([\d.]+) (after exchange \d+|idle): (.*)", text)
        assert match
        moment, line = float(match[1]), match[3]
        world.clock.run_until(moment)
        if match[2] != "idle":
            assert world.ask(socket, b"x", wait=0.1) == "x"
        if line == "(none)":
            assert world.lines() == []
        else:
            same_lines(world.lines(), [line], seconds=1)


def test_a_replied_flow_survives_a_deny_until_the_flush() -> None:
    row, world = observed("c6"), kernel_world()
    serve_udp(world.pod("backend"), 5353)
    socket = client(world, BACKEND, 5353)
    answers = [world.ask(socket, b"1")]
    world.load(deny_ingress("backend"))
    answers.append(world.ask(socket, b"2"))
    world.network.flush_conntrack()
    answers.append(world.ask(socket, b"3"))
    assert answers == [_word(each) for each in json.loads(row["stdout"])]


def test_an_unreplied_flow_is_still_new() -> None:
    row, world = observed("c7"), kernel_world()
    listener = world.pod("backend").bind(5354)
    socket = client(world, BACKEND, 5354, 41146)
    socket.send(b"1")
    assert world.listen(listener) == "1"
    world.load(deny_ingress("backend"))
    socket.send(b"2")
    assert world.listen(listener) == "timed out"
    same_lines(world.lines(), row["conntrack"])


def test_an_icmp_error_passes_an_ingress_deny_as_related() -> None:
    row, world = observed("d1"), kernel_world(deny_ingress("frontend"))
    socket = client(world, BACKEND, 9, 58287)
    assert world.ask(socket, b"x") == "refused"
    assert "ConnectionRefusedError" in row["stdout"]
    same_lines(world.lines(), row["conntrack"])


def test_an_icmp_error_finds_its_way_back_through_a_service() -> None:
    world = kernel_world(deny_ingress("frontend"))
    udp_service(world)
    assert world.ask(client(world, "10.96.0.77", 5353), b"x") == "refused"


def ping(world: World, source: str, address: str, **more: int) -> str:
    socket = world.pod(source).echo(clock=world.clock)
    socket.send(address, 1, **more)
    found: list[str] = []

    def arrived() -> bool:
        reply = socket.receive()
        if reply is not None:
            found.append(f"{reply.kind} from {reply.source} ttl={reply.ttl}")
        return reply is not None

    return found[0] if world.until(arrived, 2.0) else "nothing"


def expected_ping(row: dict) -> str:
    text = row["stdout"]
    if match := re.search(r"bytes from (\S+): icmp_seq=1 ttl=(\d+)", text):
        return f"reply from {match[1]} ttl={match[2]}"
    if match := re.search(r"From (\S+) icmp_seq=1 Time to live exceeded", text):
        return f"time exceeded from {match[1]} ttl=64"
    return "nothing"


ONLY_8080 = policy(
    "default/p",
    pods={"app": "backend"},
    ingress=[
        {
            "from": [{"podSelector": {"matchLabels": {"app": "frontend"}}}],
            "ports": [{"port": 8080}],
        }
    ],
)
EVERY_PORT = policy(
    "default/p",
    pods={"app": "backend"},
    ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "frontend"}}}]}],
)


@pytest.mark.parametrize(
    ("name", "documents", "source", "address", "more"),
    [
        ("d2", [deny_ingress("frontend")], "frontend", BACKEND, {}),
        ("d3", [deny_ingress("frontend")], "backend", FRONTEND, {}),
        ("d4", [ONLY_8080], "frontend", BACKEND, {}),
        ("d5", [EVERY_PORT], "frontend", BACKEND, {}),
        ("d6", [deny_ingress("frontend")], "frontend", BACKEND, {"ttl": 1}),
    ],
)
def test_ping(name: str, documents: list, source: str, address: str, more: dict) -> None:
    world = kernel_world(*documents)
    assert ping(world, source, address, **more) == expected_ping(observed(name))


def test_the_entry_of_a_ping() -> None:
    row, world = observed("d2"), kernel_world(deny_ingress("frontend"))
    ping(world, "frontend", BACKEND)
    (line,) = world.lines()
    shape = re.sub(r"id=\d+", "id=N", parsed(line)[3])
    assert shape == re.sub(r"id=\d+", "id=N", parsed(row["conntrack"][0])[3])
    world.clock.advance(31)
    assert world.lines() == []


def test_sctp_entries_go_through_the_kernels_states() -> None:
    row, world = observed("l1"), kernel_world()
    listener = world.pod("backend").listen("SCTP", 7777)
    seen: list[str] = []
    world.network.observe(lambda trace: seen.append(parsed(world.lines()[-1])[2]))
    connection = world.connect("frontend", BACKEND, 7777, protocol="SCTP")
    assert connection.state == "established"
    assert seen == ["CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED"]
    assert parsed(row["conntrack"][0])[2] == seen[0]
    assert "[ASSURED]" in world.lines()[0]
    world.clock.advance(0.1)
    server = listener.accept()
    assert server is not None
    connection.send(b"hello")
    assert world.read(server) == "hello"
    connection.close()
    world.clock.advance(0.1)
    assert server.eof
    assert seen[-3:] == ["SHUTDOWN_SENT", "SHUTDOWN_ACK_SENT", "CLOSED"]
    assert server.state == "closed"


@pytest.mark.parametrize(
    ("protocol", "port", "outcome"),
    [("TCP", 7777, "timed out"), ("SCTP", 7777, "connected"), ("SCTP", 7778, "timed out")],
)
def test_sctp_ports_are_not_tcp_ports(protocol: str, port: int, outcome: str) -> None:
    allow = policy(
        "default/p",
        pods={"app": "backend"},
        ingress=[{"ports": [{"protocol": "SCTP", "port": 7777}]}],
    )
    world = kernel_world(allow)
    for each in (7777, 7778):
        world.pod("backend").listen("SCTP", each)
        world.pod("backend").listen("TCP", each)
    assert world.reach("frontend", BACKEND, port, protocol=protocol) == outcome


def test_sctp_without_a_listener_is_refused() -> None:
    assert kernel_world().reach("frontend", BACKEND, 7777, protocol="SCTP") == "refused"


@pytest.mark.parametrize("way", ["finished", "silent"])
def test_entries_outlive_the_pod(way: str) -> None:
    run = 1 if way == "finished" else 2
    world = kernel_world(pod("default/old", "10.244.0.7"))
    serve_http(world.pod("old"), 8080)
    serve_udp(world.pod("old"), 5353, prefix="old:")
    connection = world.connect("frontend", "10.244.0.7", 8080, sport=42000)
    socket = client(world, "10.244.0.7", 5353, 42001)
    assert world.head(connection) == "HTTP/1.1 200 OK"
    answers = [world.ask(socket, b"1")]
    if way == "silent":
        world.pod("old").close()
    world.remove_pod("old")
    world.clock.advance(0.01)
    first = json.loads(observed("o1", run)["stdout"])
    assert world.head(connection, wait=1.0) == _word(first[1])
    states = {parsed(line)[0]: parsed(line)[2] for line in world.lines()}
    assert states["tcp"] == {"finished": "CLOSE_WAIT", "silent": "ESTABLISHED"}[way]
    new = pod("default/new", "10.244.0.7")
    world.load(new, deny_ingress("new"))
    serve_http(world.pod("new"), 8080)
    serve_udp(world.pod("new"), 5353, prefix="new:")
    assert world.read(connection, wait=2.0) == {"finished": "EOF", "silent": "reset"}[way]
    assert parsed(observed("o2", run)["conntrack"][0])[2] == "CLOSE"
    world.clock.advance(2.0)
    answers.append(world.ask(socket, b"2"))
    assert answers == [_word(each) for each in json.loads(observed("o3", run)["stdout"])]
    assert world.reach("frontend", "10.244.0.7", 8080, wait=1.0) == "timed out"
    assert world.ask(client(world, "10.244.0.7", 5353), b"3", wait=1.0) == "timed out"


@pytest.mark.parametrize(("run", "sport"), [(1, 43000), (2, 43100)])
def test_a_syn_on_a_stale_entry_passes_a_deny(run: int, sport: int) -> None:
    row, address = observed("o5", run), {1: "10.244.0.9", 2: "10.244.0.10"}[run]
    world = kernel_world(pod("default/old", address))
    serve_http(world.pod("old"), 8080)
    connection = world.connect("frontend", address, 8080, sport=sport)
    world.clock.advance(0.01)
    if run == 1:
        world.pod("old").close()
        connection.close()  # its FIN meets nobody
    world.pod("frontend").connections[0].vanish()
    world.pod("old").close()
    world.remove_pod("old")
    new = pod("default/new", address)
    world.load(new, deny_ingress("new"))
    serve_http(world.pod("new"), 8080)
    same_lines(world.lines(), row["conntrack"][:1])
    fresh = world.connect("frontend", address, 8080, sport=sport)
    assert fresh.state == "established"
    assert world.head(fresh) == "HTTP/1.1 200 OK"
    fresh.close()
    world.clock.advance(0.1)
    assert row["conntrack"][1] == "after:"
    same_lines(world.lines(), row["conntrack"][2:])


def _word(text: str) -> str:
    if text.startswith("TimeoutError"):
        return "timed out"
    return text.removeprefix("b'").removesuffix("'")
