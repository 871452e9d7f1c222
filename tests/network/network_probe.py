"""Trial flows: one connect, datagram or ping, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from minik8s.clock import Clock
from minik8s.network import Event, Fate, Host, Network, Trace
from minik8s.network.packet import Endpoint, canonical
from minik8s.network.sockets import StreamProtocol
from minik8s.policy import Verdict

Outcome = Literal["connected", "refused", "timed out"]

ProbeProtocol = Literal["TCP", "UDP", "SCTP", "ICMP"]

PATIENCE = 0.9
"""How long an answer may take, in seconds: less than the first retransmission."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a trial flow.

    `verdict` is policy's alone, `outcome` what a program would see. `traces` are those of all
    packets of the flow, the first one first.
    """

    source: str
    protocol: str
    destination: Endpoint
    verdict: Verdict
    outcome: Outcome
    traces: tuple[Trace, ...]

    @property
    def trace(self) -> Trace:
        """The way of the first packet."""
        return self.traces[0]


def probe(
    network: Network, source: Host, protocol: ProbeProtocol, address: str, port: int = 0
) -> Probe:
    """Try to reach an address from a host, on a private clock: the cluster's does not move.

    A UDP flow counts as connected if a socket takes the datagram, answered or not. Raises
    LookupError if the source has no address of the destination's IP version.
    """
    address = canonical(address)
    if not source.source_for(address):
        raise LookupError(f"{source.name} has no address to reach {address} from")
    traces: list[Trace] = []
    clock = network.clock.fork()
    network.observe(traces.append)
    try:
        if protocol == "ICMP":
            outcome = _ping(source, address, clock)
        elif protocol == "UDP":
            outcome = _send(source, address, port, clock)
        else:
            outcome = _connect(source, protocol, address, port, clock)
    finally:
        network.unobserve(traces.append)
    dropped = any(trace.fate is Fate.DROPPED for trace in traces)
    verdict = Verdict.DROP if dropped else Verdict.ALLOW
    return Probe(source.name, protocol, (address, port), verdict, outcome, tuple(traces))


def _connect(
    source: Host, protocol: StreamProtocol, address: str, port: int, clock: Clock
) -> Outcome:
    connection = source.connect(protocol, address, port, clock=clock)
    deadline = clock.now + PATIENCE
    while connection.state == "connecting" and _step(clock, deadline):
        pass
    state = connection.state
    connection.abort()
    clock.run_until(deadline)
    if state == "established":
        return "connected"
    return "refused" if state == "refused" else "timed out"


def _send(source: Host, address: str, port: int, clock: Clock) -> Outcome:
    socket = source.datagram(clock=clock)
    socket.connect(address, port)
    socket.send(b"probe")
    clock.advance(PATIENCE)
    error = socket.error()
    socket.close()
    if error:
        return "refused"
    return "connected" if _was_taken(socket.traces[0]) else "timed out"


def _ping(source: Host, address: str, clock: Clock) -> Outcome:
    socket = source.echo(clock=clock)
    socket.send(address, 1)
    clock.advance(PATIENCE)
    reply = socket.receive()
    socket.close()
    if reply is None:
        return "timed out"
    return "connected" if reply.kind == "reply" else "refused"


def _step(clock: Clock, deadline: float) -> bool:
    due = clock.next_event()
    return due is not None and due <= deadline and clock.step()


def _was_taken(trace: Trace) -> bool:
    return trace.hops[-1].event is Event.ACCEPTED
