"""exec and attach over SPDY streams: `error`, `stdin`, `stdout`, `stderr` and `resize`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from minik8s.model.metadata import Document
from minik8s.runtime.sessions import ExecSession
from minik8s.server.channels import Done, resize
from minik8s.server.encoding import encode
from minik8s.server.hub import Hub
from minik8s.server.programs import FailedStart, Running, run
from minik8s.server.spdystreams import Streams

EXEC_PROTOCOLS = (
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
)
"""v4 is what Kubernetes' own servers choose; Status documents begin with it."""

PATIENCE = 1.0
"""Seconds that a client has to open the streams that it asked for."""

FAREWELL = 10.0
"""Seconds that a client has to close the connection after the end of its program."""


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
        self._size = b""
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
            if self._running is not None and self._size:
                resize(self._running, self._size)

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
        elif name == "resize":
            self._size = data
            if self._running is not None:
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
        asyncio.get_running_loop().call_later(FAREWELL, self.hang_up)

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
