"""An HTTP/1.1 server over simulated connections; what it answers is a handler's business.

The server works by callbacks, on the clock of whoever asks, so that a client with a private
timeline gets its answer there. The program that started it just waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minik8s.clock import Clock
from minik8s.guests import tls
from minik8s.guests.base import Listen, Process, Steps
from minik8s.guests.http import MalformedMessage, Request, Response, http_date, parse_request
from minik8s.network import Connection, Listener


@dataclass(frozen=True, slots=True)
class Visit:
    """One request as a handler gets it: who asks, over which connection, on which clock."""

    request: Request
    process: Process
    remote: tuple[str, int]
    local: tuple[str, int]
    clock: Clock

    @property
    def now(self) -> float:
        """When the request came."""
        return self.clock.now

    @property
    def hostname(self) -> str:
        """The host name of the pod that answers."""
        return self.process.container.hostname


Handler = Callable[[Visit], Response]
Logger = Callable[[Visit, Response], str]


def plain(text: str, status: int = 200, kind: str = "text/plain; charset=utf-8") -> Response:
    """A response with a text and its length."""
    body = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    return Response(status, headers, body)


class HttpServer:
    """Answers the requests of every connection to its ports.

    `certificate` makes it speak TLS. `log` gives the line to print for each answer.
    """

    def __init__(
        self,
        process: Process,
        handler: Handler,
        *,
        log: Logger | None = None,
        certificate: tls.Certificate | None = None,
        bad_request: Callable[[], Response] = lambda: plain("400 Bad Request", 400),
    ) -> None:
        self.process = process
        self.handler = handler
        self.log = log
        self.certificate = certificate
        self.bad_request = bad_request

    def listen(self, port: int, address: str = "") -> Steps[bool]:
        """Open a port; False if it is taken."""
        listener: Listener | None = yield Listen("TCP", port, address)
        if listener is None:
            return False
        listener.wake = lambda: self._accept(listener)
        return True

    def _accept(self, listener: Listener) -> None:
        while (connection := listener.accept()) is not None:
            _Talk(self, connection).start()

    def answer(self, request: Request, connection: Connection) -> Response:
        """The handler's answer, with what every answer carries."""
        visit = Visit(request, self.process, connection.remote, connection.local, connection.clock)
        response = self.handler(visit)
        if not any(name == "Date" for name, _ in response.headers):
            response.headers.append(("Date", http_date(visit.now)))
        if self.log is not None:
            self.process.out(self.log(visit, response) + "\n")
        return response


class _Talk:
    """One connection of a server."""

    __slots__ = ("_buffer", "_connection", "_secure", "_server")

    def __init__(self, server: HttpServer, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._buffer = b""
        self._secure = False

    def start(self) -> None:
        self._connection.wake = self._wake
        self._wake()

    def _wake(self) -> None:
        self._buffer += self._connection.receive()
        certificate = self._server.certificate
        if certificate is not None and not self._secure:
            accepted = tls.accept(self._buffer, certificate)
            if accepted is not None:
                self._connection.send(accepted[0])
                self._buffer, self._secure = accepted[1], True
            elif self._buffer and not tls.is_hello(self._buffer):
                text = "Client sent an HTTP request to an HTTPS server.\n"
                self._refuse(plain(text, 400))
                return
        if certificate is None or self._secure:
            self._serve()
        if self._connection.eof:
            self._close()

    def _serve(self) -> None:
        while True:
            try:
                parsed = parse_request(self._buffer)
            except MalformedMessage:
                self._refuse(self._server.bad_request())
                return
            if parsed is None:
                if tls.is_hello(self._buffer):
                    self._refuse(self._server.bad_request())
                return
            request, self._buffer = parsed
            response = self._server.answer(request, self._connection)
            self._connection.send(response.encode(head_only=request.method == "HEAD"))
            if not request.keeps_alive:
                self._close()
                return

    def _refuse(self, response: Response) -> None:
        kept = [each for each in response.headers if each[0].lower() != "connection"]
        response.headers = [*kept, ("Connection", "close")]
        self._connection.send(response.encode())
        self._close()

    def _close(self) -> None:
        self._connection.wake = None
        self._connection.close()
