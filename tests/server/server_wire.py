"""Clients of the tests' own that write the bytes themselves: HTTP, WebSocket, SPDY/3.1."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

DICTIONARY = b64decode(
    (Path(__file__).parents[2] / "minik8s" / "data" / "spdy-dictionary.txt").read_text()
)

PODS = "/api/v1/namespaces/default/pods"
BOX = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "box"},
    "spec": {
        "containers": [{"name": "box", "image": "busybox", "command": ["sleep", "1000000"]}],
        "terminationGracePeriodSeconds": 0,
    },
}
"""A pod in which programs are run."""


class Wire:
    """One connection to a server."""

    def __init__(self, server: Any, *, token: str | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        pair = server.options.pair
        self.socket: socket.socket = plain
        if pair is not None:
            context = ssl.create_default_context(cadata=pair.ca)
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.token = server.token if token is None else token
        self.buffer = b""

    def send(self, method: str, path: str, *headers: str, body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def head(self) -> tuple[int, dict[str, str]]:
        first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return int(first.split(" ")[1]), headers

    def answer(self) -> tuple[int, dict[str, str], Any]:
        code, headers = self.head()
        body = self.exactly(int(headers.get("content-length", 0)))
        if headers.get("content-type", "").startswith("application/json"):
            return code, headers, json.loads(body)
        return code, headers, body

    def call(self, method: str, path: str, *headers: str, body: Any = None) -> tuple[int, Any]:
        raw = b""
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send(method, path, *headers, body=raw)
        code, _, answer = self.answer()
        return code, answer

    def chunk(self) -> bytes:
        size = int(self.until(b"\r\n"), 16)
        data = self.exactly(size)
        self.exactly(2)
        return data

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WebSocket(Wire):
    """A client of RFC 6455, unmasked masks and all."""

    def open(self, path: str, protocol: str = "") -> dict[str, str]:
        lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        self.send("GET", path, *lines)
        code, headers = self.head()
        assert code == 101, (code, self.buffer)
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        return headers

    def write(self, data: bytes, opcode: int = 2, *, fin: bool = True) -> None:
        mask = b"\x11\x22\x33\x44"
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        self.socket.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked)

    def read(self) -> tuple[int, bytes]:
        first, size = self.exactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", self.exactly(2))
        return first & 15, self.exactly(size)

    def channels(self) -> tuple[dict[int, bytes], bytes]:
        """All that comes until the Close, by channel, and the Close's payload."""
        texts: dict[int, bytes] = {}
        while True:
            opcode, data = self.read()
            if opcode == 8:
                return texts, data
            if opcode in (1, 2) and data:
                texts[data[0]] = texts.get(data[0], b"") + data[1:]


class Spdy(Wire):
    """A client of SPDY/3.1, as client-go speaks it."""

    def open(self, path: str, *protocols: str, method: str = "POST") -> dict[str, str]:
        lines = ["Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0"]
        lines += [f"X-Stream-Protocol-Version: {protocol}" for protocol in protocols]
        self.send(method, path, *lines)
        code, headers = self.head()
        assert code == 101, (code, self.buffer)
        self.deflate = zlib.compressobj(zdict=DICTIONARY)
        self.inflate = zlib.decompressobj(zdict=DICTIONARY)
        return headers

    def stream(self, number: int, *, fin: bool = False, **headers: str) -> None:
        block = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for word in (name, value):
                block += struct.pack(">I", len(word)) + word.encode()
        packed = self.deflate.compress(block) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">IIBB", number, 0, 0, 0) + packed
        self.control(1, body, 1 if fin else 0)

    def control(self, kind: int, body: bytes, flags: int = 0) -> None:
        self.socket.sendall(struct.pack(">HHI", 0x8003, kind, flags << 24 | len(body)) + body)

    def write(self, stream: int, data: bytes, *, fin: bool = False) -> None:
        self.socket.sendall(struct.pack(">II", stream, (1 << 24 if fin else 0) | len(data)) + data)

    def frame(self) -> tuple[str, int, bytes, bool]:
        """The next frame: its type, stream (or ping's number), bytes, and whether it is final."""
        first, second = struct.unpack(">II", self.exactly(8))
        data, fin = self.exactly(second & 0xFFFFFF), bool(second >> 24 & 1)
        if not first >> 31:
            return "data", first, data, fin
        kind, (number,) = first & 0xFFFF, struct.unpack_from(">I", data)
        if kind == 2:
            assert self.inflate.decompress(data[4:]) == b"\0\0\0\0", "no headers in a reply"
        names = {2: "reply", 3: "reset", 6: "ping", 7: "goaway"}
        return names[kind], number, data[4:], fin

    def until_closed(self, *streams: int) -> dict[int, bytes]:
        """What comes on streams until all of them have ended."""
        texts: dict[int, bytes] = {}
        left = set(streams)
        while left:
            kind, stream, data, fin = self.frame()
            if kind == "data":
                texts[stream] = texts.get(stream, b"") + data
                if fin:
                    left.discard(stream)
        return texts
