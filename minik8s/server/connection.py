"""uvicorn's HTTP connection, and what a connection becomes once it has been upgraded.

uvicorn hands upgrades other than WebSocket to nobody, and its own WebSockets leave no room
for a Status answer of ours. So both kinds come through the application as plain requests, and
an answer 101 takes the connection over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from minik8s.server.limits import DEFAULT

LINK = "minik8s.link"
"""The key of an ASGI scope's extensions under which the connection is found."""


TURN = 64 * 1024
"""How many bytes wait at most for the end of the event loop's turn."""


LINGER = 0.5
"""Seconds that a client is given to read an answer that came before the end of its request.

Whoever closes upon bytes that are still coming takes the answer back: TCP resets the connection.
Go's HTTP server waits as long (rstAvoidanceDelay).
"""


class Pipe(Protocol):
    """A client's connection after the upgrade."""

    @property
    def paused(self) -> bool:
        """Whether the client has not read what was sent before."""

    def send(self, data: bytes) -> None:
        """Send bytes (over WebSocket: one binary message)."""

    def close(self) -> None:
        """Send what is queued, then close."""


class Talk(Protocol):
    """What is spoken on it."""

    def opened(self, pipe: Pipe) -> None:
        """The connection has been upgraded."""

    def received(self, data: bytes) -> None:
        """Bytes have come (over WebSocket: one message)."""

    def resumed(self) -> None:
        """The client has read what was sent."""

    def gone(self) -> None:
        """The connection is over."""


class _Corked:
    """A transport that can hold back what is written: head and body leave as one piece.

    `lingers` says whether to wait before it is closed; what comes meanwhile is nobody's.
    """

    __slots__ = ("_held", "inner", "left", "lingers")

    def __init__(self, transport: asyncio.Transport, lingers: Callable[[], bool]) -> None:
        self.inner = transport
        self.lingers = lingers
        self.left = False
        self._held: list[bytes] | None = None

    def cork(self) -> None:
        self._held = []

    def uncork(self) -> None:
        held, self._held = self._held, None
        if held:
            self.inner.write(b"".join(held))

    def write(self, data: bytes) -> None:
        if self._held is None:
            self.inner.write(data)
        else:
            self._held.append(data)

    def close(self) -> None:
        self.uncork()
        if self.left:
            return
        if not self.lingers():
            self.inner.close()
            return
        self.left = True
        self.inner.resume_reading()
        asyncio.get_running_loop().call_later(LINGER, self.inner.close)

    def is_closing(self) -> bool:
        return self.left or self.inner.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class HttpConnection(HttpToolsProtocol):
    """One connection of a client that speaks HTTP/1.1."""

    limits = DEFAULT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_close: Callable[[], None] | None = None
        self._head = 0
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._corked = _Corked(cast(asyncio.Transport, transport), self._is_amid)
        super().connection_made(cast(asyncio.Transport, self._corked))

    # -- what the application asks for

    def cork(self) -> None:
        """Hold back what is written until `uncork`."""
        self._corked.cork()

    def uncork(self) -> None:
        """Send what was held back."""
        self._corked.uncork()

    @property
    def closed(self) -> bool:
        """Whether the client has gone."""
        return self.transport.is_closing()

    def abort(self) -> None:
        """Drop the client without a word; one that is going has no more answers to wait for."""
        self.cycle.disconnected = True
        self.transport.abort()

    def take_over(self, head: bytes, protocol: Upgraded) -> None:
        """Answer with a head of our own, and hand the connection to another protocol."""
        self._unset_keepalive_if_required()
        self.cycle.disconnected = True  # for uvicorn there is nothing more to say
        self.connections.discard(self)
        protocol.siblings = self.connections
        transport = self._corked.inner
        transport.write(head)
        transport.set_protocol(protocol)
        transport.resume_reading()
        try:
            protocol.connection_made(transport)
        except Exception:
            transport.abort()  # the answer is under way: there is no other way to tell
            raise

    # -- what the client does

    def data_received(self, data: bytes) -> None:
        """Bytes have come: count them as long as they may belong to a head."""
        if self._corked.left:
            return
        if not self._in_body:
            self._head += len(data)
        super().data_received(data)
        if self.closed or self._in_body or self.parser is None:
            return
        if self._head > self.limits.headers:
            self._refuse(431, "RequestHeaderFieldsTooLarge", "the head of the request is too large")

    def _is_amid(self) -> bool:
        """Whether more of a request may come."""
        return self._in_body or self._head > 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        super().connection_lost(exc)
        if self.on_close is not None:
            self.on_close()

    def on_headers_complete(self) -> None:
        """A request can be answered: tell the application where it came from."""
        self._in_body, self._head = True, 0
        super().on_headers_complete()
        self.scope["extensions"] = {LINK: self}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._in_body = False
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Upgrades are none of uvicorn's business here."""

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP."""
        self._refuse(400, "BadRequest", msg)

    def _refuse(self, code: int, reason: str, message: str) -> None:
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        body = json.dumps(status).encode()
        head = (
            f"HTTP/1.1 {code} {reason}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class Upgraded(asyncio.Protocol):
    """A raw connection, as SPDY has it.

    What is sent within one turn of the event loop leaves as one piece: a program's output, its
    end and its status are one TLS record, not ten.
    """

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.paused = False
        self.siblings: set[Any] = set()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._waiting = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection has been handed over."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has another base
        self.siblings.add(self)
        self.talk.opened(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self.talk.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        del exc
        self.siblings.discard(self)
        self._transport = None
        self._out.clear()
        self.talk.gone()

    def pause_writing(self) -> None:
        """The client is slow."""
        self.paused = True

    def resume_writing(self) -> None:
        """The client has read."""
        self.paused = False
        self.talk.resumed()

    def send(self, data: bytes) -> None:
        """Send bytes; nothing is sent to a client that has gone."""
        self._put(data)

    def close(self) -> None:
        """Send what is queued, then close."""
        self._hang_up()

    def shutdown(self) -> None:
        """The server ends, or has no patience any more."""
        if self._transport is not None:
            self._transport.abort()

    def _put(self, data: bytes) -> None:
        if self._transport is None:
            return
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)
        self._waiting += len(data)
        if self._waiting > TURN:
            self._flush()

    def _flush(self) -> None:
        data, self._out, self._waiting = b"".join(self._out), [], 0
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _hang_up(self) -> None:
        self._flush()
        if self._transport is not None:
            self._transport.close()
