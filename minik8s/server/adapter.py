"""Between ASGI and the API: a request comes in as bytes, an answer goes out as bytes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from minik8s.apiserver import Request, Response
from minik8s.apiserver.server import refusal
from minik8s.errors import ApiError, InternalError
from minik8s.server.answers import Answers, Send
from minik8s.server.connection import LINK, HttpConnection
from minik8s.server.feeds import Feeds
from minik8s.server.hub import Hub
from minik8s.server.limits import Counter, Limits, too_large
from minik8s.server.upgrades import Way, fails_inside, is_streamed, way_of
from minik8s.server.users import Identities

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]

_log = logging.getLogger("minik8s.server")


class ClientHasGone(Exception):
    """The connection ended before the request did; nobody waits for an answer."""


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
        self._answers = Answers()
        self._feeds = Feeds(hub, limits, self._answers)
        self._sessions = Counter("sessions in pods", limits.sessions)

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
        except ClientHasGone:
            return
        except ApiError as error:
            # After a refusal bytes of the old request may follow: no more requests then.
            response, upgraded = refusal(error), True
        except Exception:  # noqa: BLE001 - whatever it was, the client gets a Status
            _log.exception("%s %s", scope["method"], scope["path"])
            response, upgraded = refusal(InternalError.wrap("see the server's log")), True
        if response.stream is not None:
            await self._feeds.watch(response, response.stream, link, send)
        elif response.log is not None:
            await self._feeds.follow(response, response.log, link, send)
        else:
            await self._answers.send(response, link, send, last=upgraded)

    def close(self) -> None:
        """The server ends: let watches and followed logs end first."""
        self._feeds.close()

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
                raise ClientHasGone
            parts.append(message["body"])
            size += len(message["body"])
            if size > limit:
                raise too_large(limit)
            more = message.get("more_body", False)
        return b"".join(parts)

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
