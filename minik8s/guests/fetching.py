"""One HTTP request over a connection of its own, for the simple clients."""

from __future__ import annotations

from dataclasses import dataclass, field

from minik8s.guests import tls
from minik8s.guests.base import Close, Connect, Receive, Send, Steps
from minik8s.guests.errors import failure
from minik8s.guests.http import MalformedMessage, Request, ResponseReader
from minik8s.network import Connection


@dataclass(slots=True)
class Fetched:
    """What came of a request.

    `error` is empty, an error of the network layer, "closed" if the other end gave no whole
    answer, "tls" or "certificate"; `gave_up` if it was the client that waited no longer;
    `unverified` if the other end's certificate is not to be trusted.
    """

    error: str = ""
    gave_up: bool = False
    unverified: bool = False
    connected: bool = False
    reader: ResponseReader = field(default_factory=ResponseReader)
    body: bytes = b""


def connect_and_fetch(
    address: str,
    port: int,
    request: Request,
    *,
    timeout: float | None = None,
    server_name: str = "",
    verify: bool = True,
) -> Steps[Fetched]:
    """Connect, ask and read; `timeout` bounds the connect and each wait for bytes.

    With a server name the connection speaks TLS; `verify` asks for a trusted certificate.
    """
    fetched = Fetched()
    fetched.reader = ResponseReader(head_only=request.method == "HEAD")
    connection = yield Connect("TCP", address, port, timeout)
    if connection.state != "established":
        fetched.gave_up = connection.state == "connecting"
        fetched.error = "timed out" if fetched.gave_up else failure(connection)
        connection.abort()
        return fetched
    fetched.connected = True
    if server_name:
        session = yield from tls.connect(connection, server_name, timeout)
        fetched.unverified = session is not None and bool(session.problem)
        fetched.error = _tls_error(session, verify=verify)
    if not fetched.error:
        yield Send(connection, request.encode())
        yield from _read(fetched, connection, timeout)
    yield Close(connection)
    return fetched


def _read(fetched: Fetched, connection: Connection, timeout: float | None) -> Steps[None]:
    """Read the answer, up to its end or to what is wrong with it."""
    while not fetched.error and not fetched.reader.complete:
        data = yield Receive(connection, timeout)
        if data is None:
            fetched.error, fetched.gave_up = "timed out", True
        elif data == b"":
            if not fetched.reader.end():
                fetched.error = "reset" if connection.state == "reset" else "closed"
            return
        else:
            try:
                fetched.body += fetched.reader.feed(data)
            except MalformedMessage:
                fetched.error = "closed"


def _tls_error(session: tls.Session | None, *, verify: bool) -> str:
    if session is None:
        return "timed out"
    if not session.spoken:
        return "tls"
    return "certificate" if session.problem and verify else ""
