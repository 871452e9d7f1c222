"""SCTP associations between two hosts: data, loss, and every way to end."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_worlds import BACKEND, World, deny_ingress, kernel_world

from minik8s.network import Connection
from minik8s.network.sctp import HANDSHAKE_RETRIES, RTO_INITIAL, RTO_MAX


def pair() -> tuple[World, Connection, Connection]:
    world = kernel_world()
    listener = world.pod("backend").listen("SCTP", 7000)
    client = world.connect("frontend", BACKEND, 7000, protocol="SCTP")
    world.clock.advance(0.01)
    server = listener.accept()
    assert server is not None
    return world, client, server


def test_the_chunks_of_one_message() -> None:
    world, client, server = pair()
    client.send(b"hello")
    world.clock.advance(0.01)
    assert server.receive() == b"hello"
    client.close()
    world.clock.advance(0.01)
    assert [trace.packet.chunk for trace in world.network.traces] == [
        "INIT",
        "INIT_ACK",
        "COOKIE_ECHO",
        "COOKIE_ACK",
        "DATA",
        "SACK",
        "SHUTDOWN",
        "SHUTDOWN_ACK",
        "SHUTDOWN_COMPLETE",
    ]
    assert (client.state, server.state, server.eof) == ("closed", "closed", True)
    assert world.pod("frontend").connections == world.pod("backend").connections == []


def test_messages_wait_for_the_handshake() -> None:
    world = kernel_world()
    listener = world.pod("backend").listen("SCTP", 7000)
    client = world.pod("frontend").connect("SCTP", BACKEND, 7000, clock=world.clock)
    client.send(b"early")
    world.clock.advance(0.1)
    server = listener.accept()
    assert server is not None
    assert server.receive() == b"early"


def test_an_init_is_repeated_until_the_kernel_gives_up() -> None:
    world = kernel_world(deny_ingress("backend"))
    client = world.connect("frontend", BACKEND, 7000, protocol="SCTP", wait=1000)
    waits = [min(RTO_INITIAL * 2**number, RTO_MAX) for number in range(HANDSHAKE_RETRIES + 1)]
    sent = [trace.time for trace in client.traces]
    assert sent == pytest.approx([sum(waits[:number]) for number in range(len(waits))])
    assert client.state == "timed out"
    assert world.clock.now == pytest.approx(sum(waits))
    assert world.lines() == []


def test_a_lifted_deny_lets_the_next_init_through() -> None:
    deny = deny_ingress("backend")
    world = kernel_world(deny)
    world.pod("backend").listen("SCTP", 7000)
    world.clock.call_at(2.0, lambda: world.remove_policy(deny))
    client = world.connect("frontend", BACKEND, 7000, protocol="SCTP", wait=10)
    assert client.state == "established"
    assert world.clock.now == pytest.approx(3.0, abs=0.1)


def test_an_abort_resets_the_other_end() -> None:
    world, client, server = pair()
    server.abort()
    world.clock.advance(0.01)
    assert client.state == "reset"
    assert world.pod("frontend").connections == world.pod("backend").connections == []


def test_silence_ends_an_association() -> None:
    world, client, _ = pair()
    world.pod("backend").close()
    world.remove_pod("backend")
    client.send(b"is anybody there?")
    world.clock.advance(1000)
    assert client.state == "timed out"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.05, 0.35), st.integers(1, 8))
def test_messages_survive_loss(seed: int, share: float, number: int) -> None:
    world, client, server = pair()
    random, carry = Random(seed), world.network.transmit
    for host in (world.pod("frontend"), world.pod("backend")):
        host._transmit = lambda host, packet, clock: (
            None if random.random() < share else carry(host, packet, clock)
        )
    messages = [random.randbytes(random.randint(1, 500)) for _ in range(number)]
    for message in messages:
        client.send(message)
    world.clock.advance(600)
    assert server.receive() == b"".join(messages)
