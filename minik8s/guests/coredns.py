"""CoreDNS: the cluster's DNS over UDP and TCP, and its health and metrics pages."""

from __future__ import annotations

from minik8s.guests.base import Bind, Forever, Listen, Process, Steps
from minik8s.guests.container import AnswerDns
from minik8s.guests.http import Response
from minik8s.guests.httpd import HttpServer, Visit, plain
from minik8s.network import Connection, DatagramSocket, Listener

VERSION = "1.13.2"


def coredns(process: Process) -> Steps[int]:
    """Serve DNS on port 53, health on 8080, readiness on 8181 and metrics on 9153."""
    answer = process.container.answer_dns
    socket: DatagramSocket | None = yield Bind(53)
    listener: Listener | None = yield Listen("TCP", 53)
    if answer is None or socket is None or listener is None:
        process.err("listen tcp :53: bind: address already in use\n")
        return 1
    _serve_datagrams(socket, answer)
    _serve_connections(listener, answer)
    server = HttpServer(process, _page)
    for port in (8080, 8181, 9153):
        yield from server.listen(port)
    process.out(".:53\n")
    process.out(f"CoreDNS-{VERSION}\nlinux/amd64, go1.25.5, 1db4568\n")
    yield Forever()
    return 0


def _page(visit: Visit) -> Response:
    path = visit.request.path
    if path in ("/health", "/ready"):
        return plain("OK")
    if path == "/metrics":
        name = "coredns_build_info"
        return plain(f'# TYPE {name} gauge\n{name}{{version="{VERSION}"}} 1\n')
    return plain("404 page not found\n", 404)


def _serve_datagrams(socket: DatagramSocket, answer: AnswerDns) -> None:
    def wake() -> None:
        while (datagram := socket.receive()) is not None:
            reply = answer(datagram.data, "udp")
            if reply:
                socket.reply(datagram, reply)

    socket.wake = wake


def _serve_connections(listener: Listener, answer: AnswerDns) -> None:
    def accept() -> None:
        while (connection := listener.accept()) is not None:
            _Stream(connection, answer).wake()

    listener.wake = accept


class _Stream:
    """One DNS connection: each message has its length in front."""

    __slots__ = ("_answer", "_connection", "_data")

    def __init__(self, connection: Connection, answer: AnswerDns) -> None:
        self._connection = connection
        self._answer = answer
        self._data = b""
        connection.wake = self.wake

    def wake(self) -> None:
        self._data += self._connection.receive()
        while len(self._data) >= 2:
            end = 2 + int.from_bytes(self._data[:2], "big")
            if len(self._data) < end:
                break
            reply = self._answer(self._data[2:end], "tcp")
            self._data = self._data[end:]
            self._connection.send(len(reply).to_bytes(2, "big") + reply)
        if self._connection.eof:
            self._connection.wake = None
            self._connection.close()
