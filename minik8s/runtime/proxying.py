"""HTTP from the API server's host into the cluster, for the proxy subresources.

The request crosses the network like any other packet: a policy of the pod may be in its way.
It has a private timeline, as the kubelet's probes have: the cluster's clock stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.clock import Clock
from minik8s.errors import ServiceUnavailable
from minik8s.guests import tls
from minik8s.guests.base import Receive, Send, Steps
from minik8s.guests.http import Headers, MalformedMessage, ResponseReader
from minik8s.network import Connection, Host

DIAL = 30.0
"""Seconds in which a connection must stand (net.Dialer of the API server's transport)."""

PATIENCE = 60.0
"""Seconds in which an answer must be whole (--request-timeout)."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What a web server answered; `body` is free of transfer codings."""

    status: int
    headers: Headers
    body: bytes


def fetch(
    host: Host, clock: Clock, scheme: str, address: str, port: int, message: bytes, head_only: bool
) -> HttpReply:
    """Send one request and read its answer; raises ServiceUnavailable."""
    connection = _dial(host, clock, address, port)
    try:
        if scheme == "https":
            _shake_hands(connection, address)
        connection.send(message)
        return _read(connection, head_only)
    finally:
        connection.abort()
        clock.advance(1)  # the other end hears of it


def _dial(host: Host, clock: Clock, address: str, port: int) -> Connection:
    connection = host.connect("TCP", address, port, clock=clock)
    deadline = clock.now + DIAL
    while connection.state == "connecting" and _step(clock, deadline):
        pass
    if connection.state == "established":
        return connection
    refused = connection.state == "refused"
    connection.abort()
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    raise _unreachable(
        f"dial tcp {where}: {'connect: connection refused' if refused else 'i/o timeout'}"
    )


def _step(clock: Clock, deadline: float) -> bool:
    """Go on to the next thing that happens; False if there is none in time."""
    due = clock.next_event()
    if due is None or due > deadline:
        return False
    clock.step()
    return True


def _shake_hands(connection: Connection, address: str) -> None:
    """TLS without a look at the certificate: the proxy trusts every pod."""
    session = _run(connection, tls.connect(connection, address, PATIENCE))
    if session is None:
        raise _unreachable("net/http: TLS handshake timeout")
    if not session.spoken:
        raise _unreachable("http: server gave HTTP response to HTTPS client")


def _run(connection: Connection, steps: Steps[tls.Session | None]) -> tls.Session | None:
    """Carry out the few effects of a handshake."""
    answer: bytes | None = None
    try:
        while True:
            effect = steps.send(answer)
            answer = None
            if isinstance(effect, Send):
                connection.send(effect.data)
            elif isinstance(effect, Receive):
                answer = _receive(connection)
    except StopIteration as stop:
        session: tls.Session | None = stop.value
        return session


def _receive(connection: Connection) -> bytes | None:
    """What comes next; empty at the end, None if nothing does."""
    deadline = connection.clock.now + PATIENCE
    while True:
        data = connection.receive()
        if data or connection.eof:
            return data
        if not _step(connection.clock, deadline):
            return None


def _read(connection: Connection, head_only: bool) -> HttpReply:
    reader, body = ResponseReader(head_only=head_only), b""
    try:
        while not reader.complete:
            data = _receive(connection)
            if data is None:
                raise _unreachable("context deadline exceeded")
            if not data and not reader.end():
                raise _unreachable("unexpected EOF" if reader.head else "EOF")
            body += reader.feed(data) if data else b""
    except MalformedMessage as error:
        raise _unreachable(f'net/http: HTTP/1.x transport connection broken: "{error}"') from None
    return HttpReply(reader.status, reader.headers, body)


def _unreachable(problem: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"error trying to reach service: {problem}")
