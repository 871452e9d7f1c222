"""Which way a client wants to stream: WebSocket channels, SPDY, or SPDY within WebSocket.

The way is settled before the request is carried out, so that nothing runs in vain; what the
API refuses is refused as an ordinary answer, alike for GET and POST.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from minik8s.apiserver import PortForward, Request, Response
from minik8s.errors import ApiError, BadRequest
from minik8s.runtime.sessions import ExecSession
from minik8s.server import channels
from minik8s.server.channels import Done, ExecChannels, ForwardChannels
from minik8s.server.connection import Talk, Upgraded
from minik8s.server.hub import Hub
from minik8s.server.programs import FailedStart
from minik8s.server.spdyexec import EXEC_PROTOCOLS, ExecStreams
from minik8s.server.spdyforward import FORWARD_PROTOCOL, ForwardStreams
from minik8s.server.websocket import WebSocket, chosen, handshake

_DIGITS = re.compile("[0-9]{1,5}")

STREAMED = ("exec", "attach", "portforward")
TUNNEL = "SPDY/3.1+portforward.k8s.io"
"""The subprotocol of a WebSocket that carries the bytes of a SPDY connection."""


class NoCommonProtocol(ApiError):
    """403: the client speaks none of our stream protocols."""

    code, reason = 403, "Forbidden"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to stream: the head that accepts it, and what is spoken then."""

    head: bytes
    connection: Callable[[Talk], Upgraded]
    talk: Callable[[Hub, Request, Response, Done], Talk]


def is_streamed(path: str) -> bool:
    """Whether a path leads into a pod."""
    return path.rpartition("/")[2] in STREAMED and "/pods/" in path


def fails_inside(response: Response) -> bool:
    """Whether a program could not be started, which a kubelet tells on the error stream.

    It has upgraded the connection by then, so a client must not take it for a refusal.
    """
    body = response.body
    message = body.get("message", "") if isinstance(body, dict) else ""
    return response.code == 500 and "error executing command in container" in message


def way_of(request: Request, offered: list[str]) -> Way:
    """The way that a client asks for; `offered` are its X-Stream-Protocol-Version headers.

    Raises BadRequest for a plain request, NoCommonProtocol for a way that is not ours.
    """
    headers = request.headers
    asks = "upgrade" in headers.get("connection", "").lower()
    upgrade = headers.get("upgrade", "").lower() if asks else ""
    forwards = request.path.endswith("/portforward")
    if upgrade == "websocket":
        return _websocket(request, forwards)
    if upgrade == "spdy/3.1":
        return _spdy(offered, forwards)
    raise BadRequest("Upgrade request required")


def _websocket(request: Request, forwards: bool) -> Way:
    offered = request.headers.get("sec-websocket-protocol", "")
    known = (TUNNEL, *channels.FORWARD_PROTOCOLS) if forwards else channels.PROTOCOLS
    protocol = chosen(offered, known)
    if protocol is None:
        if offered:
            raise NoCommonProtocol(
                f"none of the subprotocols {offered} is known; known are {', '.join(known)}"
            )
        protocol = ""
    head = handshake(request.headers, protocol)
    text = "base64" in protocol

    def connection(talk: Talk) -> Upgraded:
        return WebSocket(talk, text=text)

    if protocol == TUNNEL:
        return Way(head, connection, _forward_streams)
    if forwards:
        ports_of(request)
        return Way(head, connection, lambda *a: _forward_channels(protocol, *a))
    return Way(head, connection, lambda *a: _exec_channels(protocol, *a))


def _spdy(offered: list[str], forwards: bool) -> Way:
    known = (FORWARD_PROTOCOL,) if forwards else EXEC_PROTOCOLS
    words = [word.strip() for line in offered for word in line.split(",")]
    protocol = next((word for word in known if word in words), None)
    if protocol is None:
        if words:
            raise NoCommonProtocol(
                f"unable to negotiate protocol: client supports {words}, "
                f"server accepts {list(known)}"
            )
        protocol = known[-1]
    head = (
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        f"X-Stream-Protocol-Version: {protocol}\r\n\r\n"
    ).encode("ascii")
    if forwards:
        return Way(head, Upgraded, _forward_streams)
    return Way(head, Upgraded, lambda *a: _exec_streams(protocol, *a))


def _exec_channels(
    protocol: str, hub: Hub, request: Request, response: Response, done: Done
) -> Talk:
    session = _program(response)
    tty = request.flag("tty")
    return ExecChannels(hub, session, _argv(request), protocol, done, awaits_size=tty)


def _exec_streams(
    protocol: str, hub: Hub, request: Request, response: Response, done: Done
) -> Talk:
    names = [name for name in ("stdin", "stdout", "stderr") if request.flag(name)]
    if request.flag("tty"):
        names = [name for name in names if name != "stderr"]
    announced = frozenset(("error", *names))
    return ExecStreams(hub, _program(response), _argv(request), protocol, announced, done)


def _forward_streams(hub: Hub, _request: Request, response: Response, done: Done) -> Talk:
    assert isinstance(response.session, PortForward)
    return ForwardStreams(hub, response.session, done)


def _forward_channels(
    protocol: str, hub: Hub, request: Request, response: Response, done: Done
) -> Talk:
    assert isinstance(response.session, PortForward)
    return ForwardChannels(hub, response.session, ports_of(request), protocol, done)


def ports_of(request: Request) -> list[int]:
    """The ports that a query names (`ports=80&ports=443`, or `ports=80,443`)."""
    words = [word for text in request.query.get("ports", ()) for word in text.split(",")]
    ports = [int(word) for word in words if _DIGITS.fullmatch(word)]
    if not ports or len(ports) < len(words) or not all(0 < port < 65536 for port in ports):
        raise BadRequest('query parameter "ports" is required: a port from 1 to 65535')
    if len(ports) > 127:
        raise BadRequest("at most 127 ports can be forwarded over one connection")
    return ports


def _program(response: Response) -> ExecSession | FailedStart:
    session = response.session
    if session is None:
        assert isinstance(response.body, dict)
        return FailedStart(response.body)
    assert isinstance(session, ExecSession)
    return session


def _argv(request: Request) -> list[str]:
    return list(request.query.get("command", ()))
