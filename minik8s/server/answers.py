"""Answers as ASGI messages: the head with its warnings, and the body in bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from minik8s.apiserver import Response
from minik8s.model.metadata import Document
from minik8s.server.connection import HttpConnection
from minik8s.server.encoding import Encoder, encode

Send: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]


class Answers:
    """Sends answers; stored documents are encoded once for all of them."""

    def __init__(self) -> None:
        self.encoder = Encoder()

    async def send(
        self, response: Response, link: HttpConnection, send: Send, *, last: bool = False
    ) -> None:
        """Send a whole answer; after the `last` one the connection is closed."""
        body = self._bytes(response.body)
        headers = headers_out(response)
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
                return self.encoder.document(body)  # one object, as it is stored
            return encode(body)
        if isinstance(body, str):
            return body.encode("utf-8", errors="replace")
        return body or b""


def head_of(response: Response) -> Mapping[str, Any]:
    """The message that begins an answer whose body comes in pieces."""
    return {
        "type": "http.response.start",
        "status": response.code,
        "headers": headers_out(response),
    }


def headers_out(response: Response) -> list[tuple[bytes, bytes]]:
    """The headers of an answer."""
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
