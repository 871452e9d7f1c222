"""The world outside: public hosts behind source NAT."""

from __future__ import annotations

import pytest
from network_worlds import NODE, WEB, World, kernel_world, observed

from minik8s.network import Connection
from minik8s.network.dns import NXDOMAIN, A, Question
from minik8s.network.outside import resolve

KUBERNETES = "34.107.204.206"


def get(world: World, address: str, port: int = 80, method: str = "HEAD", path: str = "/") -> str:
    connection = world.connect("frontend", address, port)
    assert connection.state == "established"
    connection.send(f"{method} {path} HTTP/1.1\r\nHost: kubernetes.io\r\n\r\n".encode())
    text = world.read(connection)
    connection.close()
    world.clock.advance(0.1)
    return text


def test_kubernetes_io_moves_everybody_to_https() -> None:
    (record,) = resolve(Question("kubernetes.io", A)).answers
    text = get(kernel_world(), str(record.data), path="/docs/")
    lines = text.split("\r\n")
    assert lines[0] == observed("h6")["stdout"].splitlines()[0] == "HTTP/1.1 301 Moved Permanently"
    assert "Location: https://kubernetes.io/docs/" in lines
    assert "Date: Thu, 01 Jan 1970 00:00:00 GMT" in lines


def test_outside_sees_the_nodes_address() -> None:
    world = kernel_world()
    get(world, KUBERNETES)
    lines = [line for line in world.lines() if f"dst={KUBERNETES}" in line]
    assert f"src={KUBERNETES} dst={NODE} sport=80" in lines[0]
    assert world.network.traces[-1].fate.value == "delivered"


def test_a_body_only_for_get() -> None:
    world = kernel_world()
    got = get(world, "93.184.215.14", method="GET")
    head = get(world, "93.184.215.14")
    assert "<title>Example Domain</title>" in got
    assert head.endswith("\r\n\r\n")
    length = int(got.split("Content-Length: ")[1].split("\r\n")[0])
    assert len(got.split("\r\n\r\n", 1)[1]) == length
    assert f"Content-Length: {length}" in head


def test_one_connection_takes_several_requests_and_closes_when_told() -> None:
    world = kernel_world()
    connection = world.connect("frontend", KUBERNETES, 80)
    for _ in range(3):
        assert world.head(connection) == "HTTP/1.1 301 Moved Permanently"
    connection.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    world.clock.advance(0.1)
    assert connection.eof


def test_https_wants_a_hello() -> None:
    world = kernel_world()
    assert get(world, KUBERNETES, 443).startswith("HTTP/1.1 400 ")


def test_https_shakes_hands_with_the_programs_in_pods() -> None:
    tls = pytest.importorskip("minik8s.guests.tls")
    world = kernel_world()
    connection = world.connect("frontend", KUBERNETES, 443)
    steps = tls.connect(connection, "kubernetes.io", 5.0)
    connection.send(next(steps).data)
    steps.send(None)
    with pytest.raises(StopIteration) as end:
        steps.send(receive(world, connection))
    session = end.value.value
    assert (session.spoken, session.problem) == (True, "")
    assert "kubernetes.io" in session.certificate.names
    assert world.head(connection) == "HTTP/1.1 200 OK"


def receive(world: World, connection: Connection) -> bytes:
    world.clock.advance(0.1)
    return connection.receive()


def test_everybody_else_is_silent_or_refuses() -> None:
    world = kernel_world()
    assert world.reach("frontend", "198.51.100.77", 80, wait=1) == "timed out"
    assert world.reach("frontend", WEB, 9999, wait=1) == "refused"
    assert resolve(Question("nobody.example.net", A)).rcode == NXDOMAIN


def test_hosts_outside_reach_each_other_but_no_cluster_address() -> None:
    world = kernel_world()
    stranger = world.network.outside.host("198.51.100.80")
    assert world.reach(stranger, KUBERNETES, 80) == "connected"
    assert world.reach(stranger, "10.96.105.101", 8080, wait=1) == "timed out"
