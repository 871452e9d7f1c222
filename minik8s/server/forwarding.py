"""One forwarded connection: a client's stream on one side, a pod's port on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from minik8s.apiserver import PortForward
from minik8s.network import Connection
from minik8s.server.hub import Hub

_ERRORS = {
    "refused": "connect: connection refused",
    "timed out": "connect: connection timed out",
    "unreachable": "connect: no route to host",
    "reset": "read: connection reset by peer",
}


class Tunnel:
    """`show` gets the pod's bytes; `ended` is called once, with an error or the empty string."""

    def __init__(
        self,
        hub: Hub,
        forward: PortForward,
        port: int,
        show: Callable[[bytes], None],
        ended: Callable[[str], None],
    ) -> None:
        self._hub = hub
        self._forward = forward
        self._port = port
        self._show = show
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._planned = False
        self.over = False

    def open(self) -> None:
        """Connect to the pod's port."""
        try:
            with self._hub.activity():
                connection = self._forward.dial(self._port)
        except LookupError:  # the pod is gone
            self.over = True
            self._ended(self._forward.complaint(self._port, ""))
            return
        assert isinstance(connection, Connection)
        self._connection = connection
        connection.wake = self._woken
        self.look()

    def send(self, data: bytes) -> None:
        """The client's bytes."""
        if self._connection is not None and not self.over:
            with self._hub.activity():
                self._connection.send(data)

    def finish(self) -> None:
        """The client sends no more."""
        if self._connection is not None and not self.over:
            with self._hub.activity():
                self._connection.shutdown()

    def abandon(self) -> None:
        """The client has gone."""
        if self._connection is not None and not self.over:
            self.over = True
            with self._hub.activity():
                self._connection.wake = None
                self._connection.close()

    def _woken(self) -> None:
        """Something has changed; this may come from the thread of the cluster's owner."""
        if not self._planned:
            self._planned = True
            self._loop.call_soon_threadsafe(self.look)

    def look(self) -> None:
        """Pass on what the pod has sent."""
        self._planned = False
        connection = self._connection
        if connection is None or self.over:
            return
        with self._hub.activity():
            data = connection.receive()
            state, eof = connection.state, connection.eof
        if data:
            self._show(data)
        if state in _ERRORS:
            self._end(self._forward.complaint(self._port, _ERRORS[state]))
        elif eof or state == "closed":
            self._end("")

    def _end(self, error: str) -> None:
        self.over = True
        assert self._connection is not None
        with self._hub.activity():
            self._connection.wake = None
            self._connection.close()
        self._ended(error)
