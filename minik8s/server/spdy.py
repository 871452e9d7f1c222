"""The frames of SPDY/3.1, as far as Kubernetes' streams use them; no socket in here.

Bytes go in and frames come out, frames go in and bytes come out. A header block is compressed
with the dictionary of SPDY/3 and one state for each direction. There is no flow control:
client-go neither needs nor sends window updates.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files

VERSION = 3
FIN = 0x01
MAX_FRAME = 1 << 20
"""A frame may be 16 MiB long; nobody sends more than this, and we need not hold it."""

MAX_HEADERS = 1 << 16
"""The most bytes of one header block after decompression."""

_CONTROL = 0x8000


class FrameType(IntEnum):
    """The types of control frames that are acted upon."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    PING = 6
    GOAWAY = 7
    HEADERS = 8


class SpdyError(Exception):
    """The other end does not speak SPDY/3.1; the connection is over."""


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; with `fin` its last."""

    stream: int
    data: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class SynStream:
    """A stream is opened."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """A stream is over (RST_STREAM)."""

    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered with the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """The other end will open no more streams."""

    last: int


Frame = Data | SynStream | Reset | Ping | GoAway


@lru_cache(maxsize=1)
def dictionary() -> bytes:
    """The dictionary of SPDY/3 header blocks (draft 3, section 2.6.10.1)."""
    text = (files("minik8s") / "data" / "spdy-dictionary.txt").read_text("ascii")
    return b64decode(text)


@dataclass(slots=True)
class Reader:
    """Turns bytes into frames."""

    _buffer: bytearray = field(default_factory=bytearray)
    _inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now; raises SpdyError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            head, rest = struct.unpack_from(">II", self._buffer)
            length = rest & 0xFFFFFF
            if length > MAX_FRAME:
                raise SpdyError(f"a frame of {length} bytes")
            if len(self._buffer) < 8 + length:
                return
            body = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            frame = self._frame(head, rest >> 24, body)
            if frame is not None:
                yield frame

    def _frame(self, head: int, flags: int, body: bytes) -> Frame | None:
        if not head >> 31:
            return Data(head & 0x7FFFFFFF, body, bool(flags & FIN))
        version, kind = (head >> 16) & 0x7FFF, head & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"version {version}")
        try:
            return self._control(kind, flags, body)
        except struct.error:
            raise SpdyError(f"a control frame of type {kind} is too short") from None

    def _control(self, kind: int, flags: int, body: bytes) -> Frame | None:
        match kind:
            case FrameType.SYN_STREAM:
                (stream,) = struct.unpack_from(">I", body)
                if len(body) < 10:
                    raise SpdyError("SYN_STREAM is too short")
                headers = self._headers(body[10:])
                return SynStream(stream & 0x7FFFFFFF, headers, bool(flags & FIN))
            case FrameType.SYN_REPLY | FrameType.HEADERS:
                self._headers(body[4:])  # keeps the decompressor in step
                return None
            case FrameType.RST_STREAM:
                stream, status = struct.unpack_from(">II", body)
                return Reset(stream & 0x7FFFFFFF, status)
            case FrameType.PING:
                return Ping(struct.unpack_from(">I", body)[0])
            case FrameType.GOAWAY:
                return GoAway(struct.unpack_from(">I", body)[0])
        return None  # settings, windows, and what a later version may bring

    def _headers(self, block: bytes) -> dict[str, str]:
        if self._inflate is None:
            self._inflate = zlib.decompressobj(zdict=dictionary())
        try:
            text = self._inflate.decompress(block, MAX_HEADERS)
        except zlib.error as error:
            raise SpdyError(f"header block: {error}") from None
        if self._inflate.unconsumed_tail:
            raise SpdyError("a header block is too long")
        return parse_headers(text)


def parse_headers(text: bytes) -> dict[str, str]:
    """The names, in lower case, and values of a block; raises SpdyError."""
    try:
        (count,) = struct.unpack_from(">I", text)
        place, headers = 4, {}
        for _ in range(min(count, 100)):
            name, place = _string(text, place)
            value, place = _string(text, place)
            headers[name.lower()] = value
    except struct.error:
        raise SpdyError("a header block is too short") from None
    return headers


def _string(text: bytes, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">I", text, place)
    end = place + 4 + length
    if end > len(text):
        raise SpdyError("a header is longer than its block")
    return text[place + 4 : end].decode("latin-1"), end


@dataclass(slots=True)
class Writer:
    """Turns frames into bytes."""

    _deflate: zlib._Compress | None = None

    def data(self, stream: int, data: bytes, *, fin: bool = False) -> bytes:
        """Bytes of a stream."""
        flags = FIN << 24 if fin else 0
        return struct.pack(">II", stream, flags | len(data)) + data

    def syn_reply(self, stream: int) -> bytes:
        """Accept a stream, without headers."""
        return _control(FrameType.SYN_REPLY, struct.pack(">I", stream) + self._no_headers())

    def reset(self, stream: int, status: int) -> bytes:
        """End a stream at once; 5 is "cancel"."""
        return _control(FrameType.RST_STREAM, struct.pack(">II", stream, status))

    def ping(self, number: int) -> bytes:
        """A ping, or the answer to it."""
        return _control(FrameType.PING, struct.pack(">I", number))

    def _no_headers(self) -> bytes:
        if self._deflate is None:
            # 32 kB are allocated for each open connection even so.
            self._deflate = zlib.compressobj(1, wbits=12, memLevel=3, zdict=dictionary())
        count = struct.pack(">I", 0)
        return self._deflate.compress(count) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def _control(kind: FrameType, body: bytes) -> bytes:
    return struct.pack(">HHI", _CONTROL | VERSION, kind, len(body)) + body
