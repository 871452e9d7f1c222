"""SPDY streams of one connection: raw, or within WebSocket messages.

A client opens one stream for each of `error`, `stdin`, `stdout`, `stderr` and `resize`
(`spdyexec`), or a pair of `error` and `data` for each forwarded connection (`spdyforward`); the
header `streamtype` says which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from minik8s.server.channels import Done
from minik8s.server.connection import Pipe
from minik8s.server.spdy import Data, GoAway, Ping, Reader, Reset, SpdyError, SynStream, Writer

CHUNK = 32 * 1024
MAX_STREAMS = 2_000
REFUSED_STREAM = 3


class Streams(ABC):
    """The frames of one connection; subclasses say what the streams are."""

    def __init__(self, done: Done) -> None:
        self.pipe: Pipe | None = None
        self.writer = Writer()
        self._reader = Reader()
        self._done = done
        self._open: dict[int, Mapping[str, str]] = {}

    def opened(self, pipe: Pipe) -> None:
        """The connection has been upgraded."""
        self.pipe = pipe
        self.begin()

    def received(self, data: bytes) -> None:
        """Bytes of the client."""
        try:
            for frame in self._reader.feed(data):
                self._handle(frame)
        except SpdyError:
            self.hang_up()

    def _handle(self, frame: Data | SynStream | Reset | Ping | GoAway) -> None:
        match frame:
            case SynStream(stream, headers, fin):
                self._accept(stream, headers, fin)
            case Data(stream, data, fin) if stream in self._open:
                self.data(stream, data, fin)
            case Reset(stream, _):
                if self._open.pop(stream, None) is not None:
                    self.reset(stream)
            case Ping(number):
                self.send(self.writer.ping(number))

    def _accept(self, stream: int, headers: Mapping[str, str], fin: bool) -> None:
        if len(self._open) >= MAX_STREAMS or stream in self._open:
            self.send(self.writer.reset(stream, REFUSED_STREAM))
            return
        self._open[stream] = headers
        self.send(self.writer.syn_reply(stream))
        self.stream(stream, headers, fin)

    def send(self, data: bytes) -> None:
        """Bytes to the client."""
        if self.pipe is not None:
            self.pipe.send(data)

    def send_data(self, stream: int, data: bytes) -> None:
        """Bytes of a stream, in pieces."""
        for start in range(0, len(data), CHUNK):
            self.send(self.writer.data(stream, data[start : start + CHUNK]))

    def send_fin(self, stream: int, data: bytes = b"") -> None:
        """The last bytes of a stream."""
        self.send(self.writer.data(stream, data, fin=True))

    def hang_up(self) -> None:
        """Close the connection."""
        if self.pipe is not None:
            self.pipe.close()

    def gone(self) -> None:
        """The connection is over."""
        self.pipe = None
        self.end()
        self._done()

    # -- for subclasses

    @abstractmethod
    def begin(self) -> None:
        """The connection stands."""

    @abstractmethod
    def stream(self, stream: int, headers: Mapping[str, str], fin: bool) -> None:
        """A stream was opened."""

    @abstractmethod
    def data(self, stream: int, data: bytes, fin: bool) -> None:
        """Bytes have come on a stream."""

    @abstractmethod
    def reset(self, stream: int) -> None:
        """The client has given a stream up."""

    @abstractmethod
    def resumed(self) -> None:
        """The client has read what was sent."""

    @abstractmethod
    def end(self) -> None:
        """The client has gone."""
