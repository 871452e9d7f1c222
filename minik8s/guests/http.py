"""HTTP/1.1 messages as values and bytes (RFC 9112), for the clients and servers in pods."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import formatdate

REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    418: "I'm a teapot",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

Headers = list[tuple[str, str]]


def find_header(headers: Iterable[tuple[str, str]], name: str, default: str = "") -> str:
    """The first header of a name, whatever its case."""
    name = name.lower()
    return next((value for key, value in headers if key.lower() == name), default)


def http_date(moment: float) -> str:
    """A moment as the Date header writes it.

    >>> http_date(0)
    'Thu, 01 Jan 1970 00:00:00 GMT'
    """
    return formatdate(moment, usegmt=True)


class MalformedMessage(ValueError):
    """Bytes that are no HTTP message."""


@dataclass(slots=True)
class Request:
    """What a client asks."""

    method: str
    target: str
    version: str = "HTTP/1.1"
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str, default: str = "") -> str:
        """The first header of a name."""
        return find_header(self.headers, name, default)

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection goes on after the answer."""
        wish = self.header("Connection").lower()
        return wish == "keep-alive" if self.version == "HTTP/1.0" else wish != "close"

    def encode(self) -> bytes:
        """The request on the wire."""
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(slots=True)
class Response:
    """What a server answers."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    reason: str = ""

    def encode(self, *, head_only: bool = False) -> bytes:
        """The response on the wire; without its body for a HEAD request."""
        reason = self.reason or REASONS.get(self.status, "")
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = "\r\n".join([*lines, "", ""]).encode()
        return head if head_only else head + self.body


_HEAD_END = re.compile(rb"\r?\n\r?\n")


def _split_head(data: bytes) -> tuple[list[str], int] | None:
    """The lines of a head and where the body starts; bare line feeds will do (RFC 9112, 2.2)."""
    end = _HEAD_END.search(data)
    if end is None:
        return None
    return data[: end.start()].decode("latin-1").replace("\r\n", "\n").split("\n"), end.end()


def _parse_headers(lines: Iterable[str]) -> Headers:
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedMessage(line)
        headers.append((name, value.strip()))
    return headers


def parse_request(data: bytes) -> tuple[Request, bytes] | None:
    """The first request of a stream and the bytes behind it; None if it is not complete.

    Raises MalformedMessage, as servers do at the first line that is none of HTTP's.

    >>> parse_request(b"hello")
    >>> parse_request(b"hello\\n")
    Traceback (most recent call last):
    minik8s.guests.http.MalformedMessage: hello
    """
    split = _split_head(data)
    if split is None:
        line, feed, _ = data.partition(b"\n")
        if feed:
            _request_line(line.decode("latin-1").removesuffix("\r"))
        return None
    (first, *rest), start = split
    parts = _request_line(first)
    request = Request(parts[0], parts[1], parts[2], _parse_headers(rest))
    if request.header("Transfer-Encoding").lower() == "chunked":
        return _chunked_request(request, data[start:])
    length = request.header("Content-Length", "0")
    if not length.isdigit():
        raise MalformedMessage(length)
    end = start + int(length)
    if len(data) < end:
        return None
    request.body = data[start:end]
    return request, data[end:]


def _request_line(line: str) -> list[str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/"):
        raise MalformedMessage(line)
    return parts


def _chunked_request(request: Request, data: bytes) -> tuple[Request, bytes] | None:
    chunks = Chunks()
    request.body = chunks.feed(data)
    return (request, chunks.rest) if chunks.done else None


class Chunks:
    """Takes the chunked transfer coding off a body, as it comes in."""

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Add bytes and get what they hold; raises MalformedMessage."""
        self.rest += data
        body = b""
        while not self.done:
            line, separator, behind = self.rest.partition(b"\r\n")
            if not separator:
                break
            size = self._size(line)
            if len(behind) < size + 2:
                break
            body += behind[:size]
            self.rest = behind[size + 2 :]
            self.done = size == 0
        return body

    @staticmethod
    def _size(line: bytes) -> int:
        try:
            return int(line.split(b";")[0], 16)
        except ValueError:
            raise MalformedMessage("chunk size") from None


class ResponseReader:
    """Reads one response from a stream of bytes.

    `feed` gives the body's bytes that it brought, `raw` counts them before any coding was taken
    off. `head` is the raw head once it is there; `complete` says whether the response has ended,
    `length` the announced size of the body.
    """

    def __init__(self, *, head_only: bool = False) -> None:
        self.head = b""
        self.version = ""
        self.status = 0
        self.reason = ""
        self.headers: Headers = []
        self.length: int | None = None
        self.received = 0
        self.raw = 0
        self.complete = False
        self._head_only = head_only
        self._data = b""
        self._chunks: Chunks | None = None

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self._chunks is not None

    def header(self, name: str, default: str = "") -> str:
        """The first header of a name."""
        return find_header(self.headers, name, default)

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection can be used again."""
        wish = self.header("Connection").lower()
        if self.version == "HTTP/1.0":
            return wish == "keep-alive"
        bodiless = self._head_only or self.status in (204, 304)
        return wish != "close" and (self.length is not None or self.chunked or bodiless)

    def feed(self, data: bytes) -> bytes:
        """Add bytes; gives those of the body. Raises MalformedMessage if this is not HTTP."""
        if not self.head:
            self._data += data
            if self._data and not b"HTTP/".startswith(self._data[:5]):
                raise MalformedMessage("HTTP/0.9")
            split = _split_head(self._data)
            if split is None:
                return b""
            lines, start = split
            self.head, data = self._data[:start], self._data[start:]
            self._read_head(lines)
        return self._read_body(data)

    def _read_head(self, lines: list[str]) -> None:
        version, _, rest = lines[0].partition(" ")
        code, _, reason = rest.partition(" ")
        if not code.isdigit():
            raise MalformedMessage(lines[0])
        self.version, self.status, self.reason = version, int(code), reason
        self.headers = _parse_headers(lines[1:])
        length = self.header("Content-Length")
        if self._head_only or self.status in (204, 304):
            self.complete = True
        elif self.header("Transfer-Encoding").lower() == "chunked":
            self._chunks = Chunks()
        if length.isdigit():
            self.length = int(length)
            self.complete = self.complete or self.length == 0

    def _read_body(self, data: bytes) -> bytes:
        self.raw = len(data)
        if self.complete:
            return b""
        if self._chunks is not None:
            data = self._chunks.feed(data)
            self.complete = self._chunks.done
        elif self.length is not None:
            data = data[: self.length - self.received]
            self.complete = self.received + len(data) == self.length
        self.received += len(data)
        return data

    def end(self) -> bool:
        """The stream has ended: whether the response is whole."""
        if self.head and self.length is None and self._chunks is None:
            self.complete = True
        return self.complete
