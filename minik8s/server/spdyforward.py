"""Port-forward over SPDY streams: a pair of `error` and `data` for each connection."""

from __future__ import annotations

import re
from collections.abc import Mapping

from minik8s.apiserver import PortForward
from minik8s.server.channels import Done
from minik8s.server.forwarding import Tunnel
from minik8s.server.hub import Hub
from minik8s.server.spdystreams import REFUSED_STREAM, Streams

FORWARD_PROTOCOL = "portforward.k8s.io"

_PORT = re.compile("0*[1-9][0-9]{0,4}")


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
