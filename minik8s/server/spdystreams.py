"""exec, attach and port-forward over SPDY streams: raw, or within WebSocket messages.

A client opens one stream for each of `error`, `stdin`, `stdout`, `stderr` and `resize`, or a
pair of `error` and `data` for each forwarded connection; the header `streamtype` says which.
"""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping

from minik8s.apiserver import PortForward
from minik8s.model.metadata import Document
from minik8s.runtime.sessions import ExecSession
from minik8s.server.channels import Done, resize
from minik8s.server.connection import Pipe
from minik8s.server.encoding import encode
from minik8s.server.forwarding import Tunnel
from minik8s.server.hub import Hub
from minik8s.server.programs import FailedStart, Running, run
from minik8s.server.spdy import Data, GoAway, Ping, Reader, Reset, SpdyError, SynStream, Writer

EXEC_PROTOCOLS = (
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
)
"""v4 is what Kubernetes' own servers choose; Status documents begin with it."""

FORWARD_PROTOCOL = "portforward.k8s.io"

PATIENCE = 1.0
"""Seconds that a client has to open the streams that it asked for."""

FAREWELL = 10.0
"""Seconds that a client has to close the connection after the end of its program."""

CHUNK = 32 * 1024
MAX_STREAMS = 2_000
REFUSED_STREAM = 3
_PORT = re.compile("0*[1-9][0-9]{0,4}")


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
            self._close()

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

    def _close(self) -> None:
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


class ExecStreams(Streams):
    """One program. Nothing is sent before the streams are there that the client announced.

    Some clients announce other streams than they open: after a moment what has been opened is
    served, and a stream that comes late gets what there is for it, and its end.
    """

    def __init__(
        self,
        hub: Hub,
        session: ExecSession | FailedStart,
        argv: list[str],
        protocol: str,
        announced: frozenset[str],
        done: Done,
    ) -> None:
        super().__init__(done)
        self._hub = hub
        self._session = session
        self._argv = argv
        self._statuses = protocol.startswith("v4")
        self._announced = announced
        self._ids: dict[str, int] = {}
        self._types: dict[int, str] = {}
        self._running: Running | None = None
        self._unsent: dict[str, bytes] = {}
        self._status: Document | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Wait for the streams."""
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._start)

    def _start(self) -> None:
        if self._timer is not None and self.pipe is not None:
            self._timer.cancel()
            self._timer = None
            self._running = run(self._hub, self._session, self, self._argv)

    def stream(self, stream: int, headers: Mapping[str, str], fin: bool) -> None:
        """A stream was opened."""
        name = headers.get("streamtype", "")
        self._ids[name], self._types[stream] = stream, name
        if name in self._unsent:
            self.send_data(stream, self._unsent.pop(name))
        if self._status is not None:
            self._end_stream(name)
        elif self._announced <= self._ids.keys():
            self._start()
        if fin:
            self.data(stream, b"", fin)

    def data(self, stream: int, data: bytes, fin: bool) -> None:
        """Standard input, or a new size of the terminal."""
        name = self._types.get(stream)
        if name == "stdin":
            self._start()
            if self._running is not None:
                self._running.type(data)
                if fin:
                    self._running.close_input()
        elif name == "resize" and self._running is not None:
            resize(self._running, data)

    def reset(self, stream: int) -> None:
        """Go on: a program does not end because one of its streams is given up."""

    @property
    def paused(self) -> bool:
        """Whether the client is slow."""
        return self.pipe is not None and self.pipe.paused

    def write(self, stream: int, data: bytes) -> None:
        """Output of the program."""
        name = "stdout" if stream == 1 else "stderr"
        if name in self._ids:
            self.send_data(self._ids[name], data)
        else:
            self._unsent[name] = self._unsent.get(name, b"") + data

    def finish(self, status: Document) -> None:
        """The program has ended."""
        self._status = status
        for name in ("stdout", "stderr", "error"):
            if name in self._ids:
                self._end_stream(name)
        asyncio.get_running_loop().call_later(FAREWELL, self._close)

    def _end_stream(self, name: str) -> None:
        status = self._status or {}
        if name in ("stdout", "stderr"):
            self.send_fin(self._ids[name])
        elif name == "error":
            failed = status.get("status") != "Success"
            plain = status.get("message", "").encode() if failed else b""
            self.send_fin(self._ids[name], encode(status) if self._statuses else plain)

    def resumed(self) -> None:
        """The client has read what was sent."""
        if self._running is not None:
            self._running.resume()

    def end(self) -> None:
        """The client has gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self._running is not None:
            self._running.leave()
        elif isinstance(self._session, ExecSession):
            with self._hub.activity():
                self._session.kill()


class ForwardStreams(Streams):
    """Forwarded connections: each is a pair of streams with one `requestID`."""

    def __init__(self, hub: Hub, forward: PortForward, done: Done) -> None:
        super().__init__(done)
        self._hub = hub
        self._forward = forward
        self._errors: dict[str, int] = {}
        self._tunnels: dict[int, Tunnel] = {}

    def begin(self) -> None:
        """Wait: every connection begins with its streams."""

    def resumed(self) -> None:
        """Go on: connections do not pause for a slow client."""

    def stream(self, stream: int, headers: Mapping[str, str], fin: bool) -> None:
        """A stream was opened."""
        request, port = headers.get("requestid", ""), headers.get("port", "")
        if headers.get("streamtype") == "error":
            self._errors[request] = stream
        elif headers.get("streamtype") == "data" and _PORT.fullmatch(port) and int(port) < 65536:
            tunnel = self._tunnel(stream, int(port), request)
            self._tunnels[stream] = tunnel
            tunnel.open()
            if fin:
                tunnel.finish()
        else:
            self.send(self.writer.reset(stream, REFUSED_STREAM))

    def _tunnel(self, stream: int, port: int, request: str) -> Tunnel:
        def ended(error: str) -> None:
            self._tunnels.pop(stream, None)
            self.send_fin(stream)
            failed = self._errors.pop(request, None)
            if failed is not None:
                self.send_fin(failed, error.encode())
                self._open.pop(failed, None)
            self._open.pop(stream, None)

        return Tunnel(
            self._hub, self._forward, port, lambda data: self.send_data(stream, data), ended
        )

    def data(self, stream: int, data: bytes, fin: bool) -> None:
        """The client's bytes for the pod."""
        tunnel = self._tunnels.get(stream)
        if tunnel is not None:
            if data:
                tunnel.send(data)
            if fin:
                tunnel.finish()

    def reset(self, stream: int) -> None:
        """The client has given a connection up."""
        tunnel = self._tunnels.pop(stream, None)
        if tunnel is not None:
            tunnel.abandon()

    def end(self) -> None:
        """The client has gone."""
        for tunnel in self._tunnels.values():
            tunnel.abandon()
        self._tunnels.clear()
