"""One trial flow: what policy says of its first packet, and what becomes of it.

A probe runs on a private timeline. It leaves the cluster's clock alone, and does not wait for
retransmissions: what the first packet meets decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from minik8s.clock import Clock
from minik8s.network import Connection, Fate, Host, Network, Trace
from minik8s.network.sockets import StreamProtocol
from minik8s.policy import Decision, Verdict, Via

PATIENCE = 0.5
"""Seconds in which an answer must come; the first retransmission would follow at 1 s."""


class Outcome(StrEnum):
    """What the program that connects would see."""

    CONNECTED = "connected"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of one trial flow.

    `verdict` means policy alone, listener or not. `decision` is what the policies say of this
    pair, with reasons, whether or not they are enforced; None if the packet found no way.
    """

    source: str
    target: str
    port: int | None
    protocol: str
    verdict: Verdict
    outcome: Outcome
    trace: Trace | None
    decision: Decision | None = None

    def __str__(self) -> str:
        port = self.protocol if self.port is None else f"{self.port}/{self.protocol}"
        where = f"{self.source} -> {self.target} {port}"
        return f"{where}: {self.verdict.value}, {self.outcome.value}"


_OUTCOMES = {
    "established": Outcome.CONNECTED,
    "closed": Outcome.CONNECTED,
    "refused": Outcome.REFUSED,
    "reset": Outcome.REFUSED,
    "unreachable": Outcome.TIMED_OUT,
}


def send_probe(
    network: Network, host: Host, address: str, port: int | None, protocol: str
) -> tuple[Trace | None, Outcome]:
    """Try one flow from a host.

    TCP and SCTP shake hands, UDP sends one datagram, ICMP (which has no port) one echo request.
    """
    clock = network.clock.fork()
    if port is None:
        return _ping(host, clock, address)
    if protocol == "UDP":
        return _send_datagram(host, clock, address, port)
    kind: StreamProtocol = "SCTP" if protocol == "SCTP" else "TCP"
    connection = host.connect(kind, address, port, clock=clock)
    trace = connection.traces[0] if connection.traces else None
    outcome = _watch(connection, clock, trace)
    connection.abort()
    clock.advance(PATIENCE)  # let the other end hear of it, or it would wait for ever
    return trace, outcome


def _watch(connection: Connection, clock: Clock, trace: Trace | None) -> Outcome:
    if trace is None or trace.fate in (Fate.DROPPED, Fate.LOST):
        return _OUTCOMES.get(connection.state, Outcome.TIMED_OUT)
    deadline = clock.now + PATIENCE
    while connection.state == "connecting":
        due = clock.next_event()
        if due is None or due > deadline:
            break
        clock.step()
    return _OUTCOMES.get(connection.state, Outcome.TIMED_OUT)


def _send_datagram(
    host: Host, clock: Clock, address: str, port: int
) -> tuple[Trace | None, Outcome]:
    socket = host.datagram(clock=clock)
    socket.send_to(b"", address, port)
    trace = socket.traces[-1] if socket.traces else None
    socket.close()
    if trace is None:
        return None, Outcome.TIMED_OUT
    if trace.fate is Fate.DELIVERED:
        return trace, Outcome.CONNECTED
    refused = trace.fate in (Fate.REFUSED, Fate.REJECTED)
    return trace, Outcome.REFUSED if refused else Outcome.TIMED_OUT


def _ping(host: Host, clock: Clock, address: str) -> tuple[Trace | None, Outcome]:
    socket = host.echo(clock=clock)
    socket.send(address, 1)
    trace = socket.traces[-1] if socket.traces else None
    clock.advance(PATIENCE)
    answered = socket.receive() is not None
    socket.close()
    return trace, Outcome.CONNECTED if answered else Outcome.TIMED_OUT


def decide(network: Network, trace: Trace, protocol: str) -> Decision:
    """What the policies say of the pair that a trace is about."""
    via = Via.SERVICE if trace.service else Via.ADDRESS
    return network.policies.decide(trace.source, trace.destination, protocol, trace.port, via=via)
