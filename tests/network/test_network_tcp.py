"""TCP between two hosts: data, loss, and every way to end."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_worlds import BACKEND, FRONTEND, kernel_world, serve_http

from minik8s.network import AddressInUse
from minik8s.network.packet import FIN, RST
from minik8s.network.tcp import DATA_RETRIES, RTO, RTO_MAX, SYN_ACK_TIMES


def pair(world=None, port: int = 7000):
    """A world and the two ends of one connection."""
    world = world or kernel_world()
    listener = world.pod("backend").listen("TCP", port)
    client = world.connect("frontend", BACKEND, port)
    world.clock.advance(0.01)
    server = listener.accept()
    assert server is not None
    return world, client, server


def flags(world, start: int = 0) -> list[str]:
    traces = list(world.network.traces)[start:]
    return [",".join(trace.packet.flag_names) for trace in traces]


def test_the_packets_of_one_request() -> None:
    world = kernel_world()
    connection = world.connect("frontend", BACKEND, 8080)
    world.head(connection)
    connection.close()
    world.clock.advance(0.1)
    # as hubble shows one curl (cilium-cli's README): the server's answers carry its ACKs
    assert flags(world) == [
        "SYN",
        "SYN,ACK",
        "ACK",
        "ACK,PSH",
        "ACK,PSH",
        "ACK",
        "ACK,FIN",
        "ACK,FIN",
        "ACK",
    ]
    assert world.pod("frontend").connections == world.pod("backend").connections == []


def test_much_data_arrives_whole() -> None:
    world, client, server = pair()
    data = Random(1).randbytes(300_000)
    client.send(data)
    server.send(data[::-1])
    world.clock.advance(0.5)
    assert server.receive() == data
    assert client.receive() == data[::-1]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.floats(0.05, 0.25),  # with more, fifteen retransmissions in a row may be lost
    st.lists(st.integers(0, 40_000), min_size=1, max_size=6),
)
def test_data_survives_loss(seed: int, share: float, sizes: list[int]) -> None:
    world, client, server = pair()
    random, carry = Random(seed), world.network.transmit
    for host in (world.pod("frontend"), world.pod("backend")):
        host._transmit = lambda host, packet, clock: (
            None if random.random() < share else carry(host, packet, clock)
        )
    sent, got = b"", b""
    for size in sizes:
        chunk = random.randbytes(size)
        client.send(chunk)
        sent += chunk
    client.shutdown()
    while not server.eof and client.state == "established" and world.clock.step():
        got += server.receive()
    got += server.receive()
    assert sent.startswith(got)
    # Each end gives up after fifteen tries, which a third of all packets lost never comes to.
    assert server.eof or share > 1 / 3
    assert got == sent or not server.eof


def test_half_closed_connections_go_on_the_other_way() -> None:
    world, client, server = pair()
    client.shutdown()
    world.clock.advance(0.1)
    assert server.eof
    assert server.state == client.state == "established"
    server.send(b"late answer")
    server.close()
    assert world.read(client) == "late answer"
    world.clock.advance(0.1)
    assert client.eof
    client.send(b"nobody hears this")
    client.close()
    world.clock.advance(0.1)
    assert world.pod("frontend").connections == world.pod("backend").connections == []


def test_data_for_a_closed_end_is_answered_with_a_reset() -> None:
    world, client, server = pair()
    client.close()
    world.clock.advance(0.1)
    server.send(b"too late")
    world.clock.advance(0.1)
    assert server.state == "reset"
    assert server.error == "Connection reset by peer"


def test_an_abort_resets_the_other_end() -> None:
    world, client, server = pair()
    woken: list[str] = []
    client.wake = lambda: woken.append(client.state)
    server.abort()
    world.clock.advance(0.1)
    assert (client.state, woken) == ("reset", ["reset"])


def test_closing_a_connect_in_flight_stops_its_retransmissions() -> None:
    world = kernel_world()
    connection = world.pod("frontend").connect("TCP", "10.244.0.99", 80, clock=world.clock)
    connection.close()
    assert connection.state == "closed"
    world.clock.advance(300)
    assert len(world.network.traces) == 1


def test_a_closed_listener_resets_those_who_wait() -> None:
    world = kernel_world()
    listener = world.pod("backend").listen("TCP", 7000)
    client = world.connect("frontend", BACKEND, 7000)
    world.clock.advance(0.01)
    listener.close()
    world.clock.advance(0.01)
    assert client.state == "reset"
    assert world.reach("frontend", BACKEND, 7000) == "refused"


def test_unanswered_data_times_out_after_the_kernels_retries() -> None:
    world, client, _ = pair()
    world.pod("backend").close()
    world.remove_pod("backend")
    start = len(world.network.traces)
    began = world.clock.now
    client.send(b"is anybody there?")
    world.clock.advance(3600)
    assert client.state == "timed out"
    times = [trace.time - began for trace in list(world.network.traces)[start:]]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(gaps) == DATA_RETRIES
    assert gaps[:4] == pytest.approx([RTO, RTO, 2 * RTO, 4 * RTO])
    assert max(gaps) == pytest.approx(RTO_MAX)


def test_a_server_repeats_its_syn_ack() -> None:
    world = kernel_world()
    world.pod("backend").listen("TCP", 7000)
    client = world.pod("frontend").connect("TCP", BACKEND, 7000, clock=world.clock)
    client.vanish()
    world.pod("frontend").close()
    world.clock.advance(100)
    syn_acks = [t.time for t in world.network.traces if t.packet.source == BACKEND]
    assert [round(when) for when in syn_acks] == [0, *(round(when) for when in SYN_ACK_TIMES)]
    assert world.pod("backend").connections == []


def test_a_stale_connection_is_reset_before_the_port_is_used_again() -> None:
    world, client, server = pair()
    sport = client.local[1]
    client.vanish()
    fresh = world.connect("frontend", BACKEND, 7000, sport=sport, wait=3)
    assert server.state == "reset"
    assert fresh.state == "established"
    assert len(fresh.traces) == 2


def test_ports_cannot_be_taken_twice() -> None:
    world = kernel_world()
    host = world.pod("backend")
    with pytest.raises(AddressInUse):
        host.listen("TCP", 8080)
    host.listen("SCTP", 8080)
    host.listen("TCP", 9000, "127.0.0.1")
    host.listen("TCP", 9000, BACKEND)
    with pytest.raises(AddressInUse):
        host.listen("TCP", 9000, "0.0.0.0")
    host.bind(53)
    with pytest.raises(AddressInUse):
        host.bind(53, BACKEND)


def test_a_listener_on_one_address_does_not_hear_the_others() -> None:
    world = kernel_world()
    world.pod("backend").listen("TCP", 9000, "127.0.0.1")
    assert world.reach("frontend", BACKEND, 9000) == "refused"
    assert world.reach("backend", "127.0.0.1", 9000) == "connected"


def test_both_ends_may_close_at_once() -> None:
    world, client, server = pair()
    client.close()
    server.close()
    world.clock.advance(0.1)
    assert world.pod("frontend").connections == world.pod("backend").connections == []
    kinds = [t.packet.flags & (FIN | RST) for t in world.network.traces]
    assert RST not in kinds


def test_wake_tells_of_data_and_of_the_end() -> None:
    world, client, server = pair()
    seen: list[tuple[bytes, bool]] = []
    client.wake = lambda: seen.append((client.receive(), client.eof))
    server.send(b"one")
    world.clock.advance(0.01)
    server.close()
    world.clock.advance(0.01)
    assert seen == [(b"one", False), (b"", True)]


def test_source_ports_come_from_the_seed() -> None:
    def ports(seed: int) -> list[int]:
        world = kernel_world()
        world.network._random.seed(seed)
        serve_http(world.pod("frontend"), 80)
        return [world.connect("backend", FRONTEND, 80).local[1] for _ in range(5)]

    assert ports(1) == ports(1) != ports(2)
    assert all(32768 <= port <= 60999 for port in ports(3))
