"""agnhost's servers: `netexec`, `porter` and `serve-hostname`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs

from minik8s.guests.addresses import is_address, with_port
from minik8s.guests.base import (
    Bind,
    Close,
    Connect,
    Forever,
    Input,
    Listen,
    OpenDatagram,
    Process,
    Receive,
    ReceiveFrom,
    Send,
    SendTo,
    Steps,
)
from minik8s.guests.http import Request, Response, ResponseReader
from minik8s.guests.httpd import HttpServer, Visit, plain
from minik8s.guests.options import option_value
from minik8s.guests.resolver import lookup
from minik8s.guests.tls import Certificate
from minik8s.network import Connection, Datagram, DatagramSocket, Listener

Words = Callable[[bytes, tuple[str, int]], bytes]
"""What to answer to bytes from an address."""

_TEXT = "text/plain; charset=utf-8"


def serve_bytes(protocol: str, port: int, words: Words) -> Steps[bool]:
    """Answer each connection (at once) or each datagram; False if the port is taken."""
    if protocol == "UDP":
        socket: DatagramSocket | None = yield Bind(port)
        if socket is None:
            return False
        socket.wake = lambda: _answer_datagrams(socket, words)
        return True
    listener: Listener | None = yield Listen("SCTP" if protocol == "SCTP" else "TCP", port)
    if listener is None:
        return False
    listener.wake = lambda: _answer_connections(listener, words)
    return True


def _answer_datagrams(socket: DatagramSocket, words: Words) -> None:
    while (datagram := socket.receive()) is not None:
        reply = words(datagram.data, datagram.source)
        if reply:
            socket.reply(datagram, reply)


def _answer_connections(listener: Listener, words: Words) -> None:
    while (connection := listener.accept()) is not None:
        connection.send(words(b"", connection.remote))
        connection.close()


# -- porter


def porter(process: Process) -> Steps[int]:
    """Serve the value of each SERVE_..._PORT_N variable on port N."""
    for name, value in process.env.items():
        match = re.fullmatch(r"SERVE_((?:TCP|UDP|SCTP|TLS)_)?PORT_(\d+)", name)
        if match is None:
            continue
        kind = (match[1] or "TCP_")[:-1]
        if not (yield from _serve_value(process, kind, int(match[2]), value)):
            process.err(f"listen :{match[2]}: bind: address already in use\n")
            return 1
    yield Forever()
    return 0


def _serve_value(process: Process, kind: str, port: int, value: str) -> Steps[bool]:
    if kind in ("UDP", "SCTP"):
        return (yield from serve_bytes(kind, port, lambda _data, _peer: value.encode()))
    certificate = Certificate(("localhost",), "localhost") if kind == "TLS" else None
    server = HttpServer(process, lambda _: plain(value, 200, _TEXT), certificate=certificate)
    return (yield from server.listen(port))


# -- serve-hostname


def serve_hostname(process: Process) -> Steps[int]:
    """Answer everybody with the host name, over HTTP (default), TCP or UDP."""
    words = process.arguments
    port = int(option_value(words, "port") or 9376)
    name = process.container.hostname

    def say(_data: bytes, _peer: tuple[str, int]) -> bytes:
        return name.encode()

    done = True
    tcp = option_value(words, "tcp") == "true"
    if option_value(words, "udp") == "true":
        done = yield from serve_bytes("UDP", port, say)
    if tcp:
        done = (yield from serve_bytes("TCP", port, say)) and done
    elif option_value(words, "http") != "false":
        server = HttpServer(process, lambda _: plain(name, 200, _TEXT))
        done = (yield from server.listen(port)) and done
    if not done:
        process.err(f"listen tcp :{port}: bind: address already in use\n")
        return 1
    yield Forever()
    return 0


# -- netexec


def netexec(process: Process) -> Steps[int]:
    """An HTTP server that tells about itself, and UDP and SCTP servers that take commands."""
    words = process.arguments
    http = int(option_value(words, "http-port") or 8080)
    udp = int(option_value(words, "udp-port") or 8081)
    sctp = int(option_value(words, "sctp-port") or -1)
    name = process.container.hostname

    def command(data: bytes, peer: tuple[str, int]) -> bytes:
        return _command(data.decode(errors="replace"), name, peer)

    if not (yield from HttpServer(process, _netexec_page).listen(http)):
        process.err(f"listen tcp :{http}: bind: address already in use\n")
        return 1
    if udp > 0:
        process.out(f"Started UDP server on port  {udp}\n")
        yield from serve_bytes("UDP", udp, command)
    if sctp > 0:
        process.out(f"Started SCTP server on port  {sctp}\n")
        listener = yield Listen("SCTP", sctp)
        if listener is not None:
            listener.wake = lambda: _accept_commands(listener, command)
    process.out(f"Started HTTP server on port {http}\n")
    yield Forever()
    return 0


def _command(text: str, hostname: str, peer: tuple[str, int]) -> bytes:
    word, _, rest = text.strip().partition(" ")
    word = word.lower()
    if word == "echo":
        return rest.encode()
    if word in ("hostname", "clientip"):
        return (hostname if word == "hostname" else with_port(*peer)).encode()
    return b""


def _accept_commands(listener: Listener, words: Words) -> None:
    while (connection := listener.accept()) is not None:
        _talk(connection, words)


def _talk(connection: Connection, words: Words) -> None:
    def wake() -> None:
        data = connection.receive()
        if data:
            connection.send(words(data, connection.remote))
        if connection.eof:
            connection.wake = None
            connection.close()

    connection.wake = wake
    wake()


def _netexec_page(visit: Visit) -> Response:
    path = visit.request.path
    query = {key: values[0] for key, values in parse_qs(visit.request.query).items()}
    if path == "/":
        return plain(f"NOW: {visit.now:.0f}", 200, _TEXT)
    if path in ("/hostname", "/hostName"):
        return plain(visit.hostname, 200, _TEXT)
    if path == "/clientip":
        return plain(with_port(*visit.remote), 200, _TEXT)
    if path == "/echo":
        return plain(query.get("msg", ""), int(query.get("code", 200)), _TEXT)
    if path == "/healthz":
        return plain("", 200, _TEXT)
    if path == "/header":
        return plain(visit.request.header(query.get("key", "")), 200, _TEXT)
    if path == "/dial":
        return _dial(visit, query)
    return plain("404 page not found\n", 404, _TEXT)


def _dial(visit: Visit, query: dict[str, str]) -> Response:
    """`/dial`: ask another server, and tell what it and the network said."""
    outcome: dict[str, list[str]] = {}

    def program(process: Process) -> Steps[int]:
        for _ in range(int(query.get("tries", 1))):
            kind, text = yield from _dial_once(process, query)
            outcome.setdefault(kind, []).append(text)
        return 0

    process = visit.process.child(
        ["dial"], stdin=Input.of(b""), clock=visit.clock, background=False
    )
    process.run_now(process, program, None)
    body = json.dumps(outcome, separators=(",", ":"))
    return plain(body, 200, "application/json")


def _dial_once(process: Process, query: dict[str, str]) -> Steps[tuple[str, str]]:
    host, port = query.get("host", ""), int(query.get("port", 8080))
    request = query.get("request", "hostname")
    answer = yield from lookup(process, host, kind="go")
    if not answer.addresses:
        return "errors", f"lookup {host}: no such host"
    address = host if is_address(host) else answer.addresses[0]
    if query.get("protocol", "http") == "udp":
        return (yield from _dial_udp(address, port, request))
    return (yield from _dial_http(address, port, request))


def _dial_udp(address: str, port: int, request: str) -> Steps[tuple[str, str]]:
    socket = yield OpenDatagram(address, port)
    yield SendTo(socket, request.encode())
    reply = yield ReceiveFrom(socket, 5.0)
    yield Close(socket)
    if isinstance(reply, Datagram):
        return "responses", reply.data.decode(errors="replace")
    why = "i/o timeout" if reply is None else "connection refused"
    return "errors", f"reading from udp connection failed. err:'{why}'"


def _dial_http(address: str, port: int, request: str) -> Steps[tuple[str, str]]:
    connection = yield Connect("TCP", address, port, 5.0)
    place = with_port(address, port)
    if connection.state != "established":
        why = "connection refused" if connection.state == "refused" else "i/o timeout"
        connection.abort()
        return "errors", f'Get "http://{place}/{request}": dial tcp {place}: {why}'
    yield Send(connection, Request("GET", f"/{request}", headers=[("Host", place)]).encode())
    reader, body = ResponseReader(), b""
    while not reader.complete:
        data = yield Receive(connection, 5.0)
        if not data:
            break
        body += reader.feed(data)
    yield Close(connection)
    return "responses", body.decode(errors="replace")
