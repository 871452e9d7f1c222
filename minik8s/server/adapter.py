"""Between ASGI and the API: a request comes in as bytes, an answer goes out as bytes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from minik8s.apiserver import EventStream, LogStream, Request, Response
from minik8s.apiserver.server import refusal
from minik8s.errors import ApiError, InternalError
from minik8s.model.metadata import Document
from minik8s.server.connection import LINK, HttpConnection
from minik8s.server.encoding import Encoder, encode
from minik8s.server.hub import Hub
from minik8s.server.limits import Counter, Limits, too_large
from minik8s.server.upgrades import Way, fails_inside, is_streamed, way_of
from minik8s.server.users import Identities

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]

LOG_PAUSE = 0.05
"""Seconds between two looks at a followed log."""

WATCH_PAUSE = 0.01
"""Seconds between two looks at a watch that has much to tell."""

PIECE = 256 * 1024

_log = logging.getLogger("minik8s.server")


class Adapter:
    """The application: every path of the API, every method."""

    def __init__(
        self,
        hub: Hub,
        identities: Identities,
        limits: Limits,
        durable: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.hub = hub
        self.identities = identities
        self.limits = limits
        self._durable = durable
        self._ending = False
        self._encoder = Encoder()
        self._watches = Counter("watches", limits.watches)
        self._sessions = Counter("sessions in pods", limits.sessions)
        self._follows = Counter("followed logs", limits.follows)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        link: HttpConnection = scope["extensions"][LINK]
        upgraded = False
        try:
            request = await self._request(scope, receive)
            upgraded = "upgrade" in request.headers
            if is_streamed(request.path):
                streamed = self._stream(request, scope, link)
                if streamed is None:
                    return
                response, upgraded = streamed, True
            else:
                response = self.hub.handle(request)
            if self._durable is not None and request.method != "GET":
                await self._durable()
        except ApiError as error:
            # After a refusal bytes of the old request may follow: no more requests then.
            response, upgraded = refusal(error), True
        except Exception:  # noqa: BLE001 - whatever it was, the client gets a Status
            _log.exception("%s %s", scope["method"], scope["path"])
            response, upgraded = refusal(InternalError.wrap("see the server's log")), True
        if response.stream is not None:
            await self._watch(response, response.stream, link, send)
        elif response.log is not None:
            await self._follow(response, response.log, link, send)
        else:
            await self._answer(response, link, send, last=upgraded)

    def close(self) -> None:
        """The server ends: let watches and followed logs end first."""
        self._ending = True
        self.hub.tell_all()

    # -- in

    async def _request(self, scope: Scope, receive: Receive) -> Request:
        headers = _headers_in(scope["headers"])
        path: str = scope["raw_path"].decode("latin-1")
        user = self.identities.of(headers.get("authorization", ""), path)
        text: bytes = scope["query_string"]
        query = (
            parse_qs(text.decode("latin-1"), keep_blank_values=True, errors="replace")
            if text
            else {}
        )
        method: str = scope["method"]
        body = None
        if method != "GET" and ("content-length" in headers or "transfer-encoding" in headers):
            body = await self._body(headers, receive)
        return Request(method, path, query, headers, body or None, user)

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        length, limit = headers.get("content-length", ""), self.limits.body
        if length.isdigit() and int(length) > limit:
            raise too_large(limit)
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            parts.append(message["body"])
            size += len(message["body"])
            if size > limit:
                raise too_large(limit)
            more = message.get("more_body", False)
        return b"".join(parts)

    # -- out

    async def _answer(
        self, response: Response, link: HttpConnection, send: Send, *, last: bool
    ) -> None:
        body = self._bytes(response.body)
        headers = _headers(response)
        headers.append((b"content-length", b"%d" % len(body)))
        if last:
            headers.append((b"connection", b"close"))
        link.cork()
        try:
            await send({"type": "http.response.start", "status": response.code, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        finally:
            link.uncork()

    def _bytes(self, body: Document | str | bytes | None) -> bytes:
        if isinstance(body, dict):
            metadata = body.get("metadata")
            if isinstance(metadata, dict) and "uid" in metadata:
                return self._encoder.document(body)  # one object, as it is stored
            return encode(body)
        if isinstance(body, str):
            return body.encode("utf-8", errors="replace")
        return body or b""

    async def _watch(
        self, response: Response, stream: EventStream, link: HttpConnection, send: Send
    ) -> None:
        """Send events, a line for each; whoever does not read them is dropped."""
        try:
            counter = self._watches.__enter__()
        except ApiError as error:
            stream.close()
            await self._answer(refusal(error), link, send, last=False)
            return
        listener = self.hub.listen(stream.kind.plural)  # type: ignore[attr-defined]
        link.on_close = listener.told.set
        try:
            await send(_start(response))
            while not link.closed:
                with self.hub.lock:
                    events = stream.poll()
                if events and not await self._send_lines(events, link, send):
                    return
                if stream.closed or self._ending:
                    await send({"type": "http.response.body", "body": b""})
                    return
                await listener.wait()
                if events:
                    await asyncio.sleep(WATCH_PAUSE)
        finally:
            link.on_close = None
            self.hub.forget(listener)
            stream.close()
            counter.__exit__()

    async def _send_lines(self, events: list[Document], link: HttpConnection, send: Send) -> bool:
        """Send events in pieces; False if the client is too slow."""
        lines: list[bytes] = []
        size = 0
        for event in events:
            line = self._encoder.event(event)
            lines.append(line)
            size += len(line)
            if size > PIECE:
                if not await self._send_piece(b"".join(lines), link, send):
                    return False
                lines, size = [], 0
        return await self._send_piece(b"".join(lines), link, send)

    async def _send_piece(self, data: bytes, link: HttpConnection, send: Send) -> bool:
        try:
            async with asyncio.timeout(self.limits.slow):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            link.abort()
            return False
        return True

    async def _follow(
        self, response: Response, stream: LogStream, link: HttpConnection, send: Send
    ) -> None:
        """Send a container's output as it comes."""
        try:
            counter = self._follows.__enter__()
        except ApiError as error:
            stream.close()
            await self._answer(refusal(error), link, send, last=False)
            return
        listener = self.hub.listen("")
        link.on_close = listener.told.set
        try:
            await send(_start(response))
            while not link.closed:
                with self.hub.activity():
                    data = stream.poll()
                if data and not await self._send_piece(data, link, send):
                    return
                if stream.closed or self._ending:
                    await send({"type": "http.response.body", "body": b""})
                    return
                await listener.wait()
                await asyncio.sleep(LOG_PAUSE)
        finally:
            link.on_close = None
            self.hub.forget(listener)
            stream.close()
            counter.__exit__()

    # -- into pods

    def _stream(self, request: Request, scope: Scope, link: HttpConnection) -> Response | None:
        """Carry out exec, attach or port-forward; None if the connection was taken over."""
        way = self._way(request, scope)
        if isinstance(way, Response):
            return way
        counter = self._sessions.__enter__()
        try:
            response = self.hub.handle(request)
            if response.session is None and not fails_inside(response):
                counter.__exit__()
                return response
            talk = way.talk(self.hub, request, response, counter.__exit__)
        except BaseException:
            counter.__exit__()
            raise
        link.take_over(way.head, way.connection(talk))
        return None

    def _way(self, request: Request, scope: Scope) -> Way | Response:
        """The way to stream; what is wrong with the pod is told before a wrong way."""
        offered = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"x-stream-protocol-version"
        ]
        try:
            return way_of(request, offered)
        except ApiError as error:
            pod = request.path.rpartition("/")[0]
            found = self.hub.handle(Request("GET", pod, user=request.user))
            return found if found.code >= 400 else refusal(error)


def _headers_in(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers of a request; of those that say whom to act as, each value is a line."""
    headers: dict[str, str] = {}
    for raw, value in pairs:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        if name in headers and name.startswith("impersonate-"):
            text = f"{headers[name]}\n{text}"
        headers[name] = text
    return headers


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", response.content_type.encode("latin-1"))]
    headers += [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.items()
    ]
    headers += [(b"warning", warning_header(text)) for text in response.warnings]
    return headers


def warning_header(text: str) -> bytes:
    """A warning as a header (RFC 7234 section 5.5, code 299)."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    clean = "".join(char if char >= " " and char != "\x7f" else " " for char in quoted)
    return f'299 - "{clean}"'.encode("utf-8", errors="replace")


def _start(response: Response) -> Mapping[str, Any]:
    headers = _headers(response)
    return {"type": "http.response.start", "status": response.code, "headers": headers}
