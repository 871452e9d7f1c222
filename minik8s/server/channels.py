"""exec, attach and port-forward over WebSocket messages whose first byte is a channel."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Protocol

from minik8s.apiserver import PortForward
from minik8s.model.metadata import Document
from minik8s.runtime.sessions import ExecSession
from minik8s.server.connection import Pipe
from minik8s.server.encoding import encode
from minik8s.server.forwarding import Tunnel
from minik8s.server.hub import Hub
from minik8s.server.programs import FailedStart, Running, run

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255

PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
"""What exec and attach speak; the close signal is v5's, Status documents begin with v4."""

FORWARD_PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")

CHUNK = 32 * 1024
"""The most bytes of one message to a client."""

SIZE_PATIENCE = 0.25
"""Seconds that a client with a terminal has to tell its size before the end is told.

kubectl complains if the session is over before it has told it, and a program that needs no
real time would be: its waits pass at once.
"""


class Form(Protocol):
    """How a channel and its bytes make a message."""

    def pack(self, channel: int, data: bytes) -> bytes:
        """A message."""

    def unpack(self, message: bytes) -> tuple[int, bytes] | None:
        """Channel and bytes; None for a message that makes no sense."""


class Binary:
    """The channel is a byte."""

    def pack(self, channel: int, data: bytes) -> bytes:
        """A message."""
        return bytes((channel,)) + data

    def unpack(self, message: bytes) -> tuple[int, bytes] | None:
        """Channel and bytes; None for an empty message."""
        return (message[0], message[1:]) if message else None


class Base64:
    """The channel is a digit, the bytes are base64."""

    def pack(self, channel: int, data: bytes) -> bytes:
        """A message."""
        return bytes((0x30 + channel,)) + b64encode(data)

    def unpack(self, message: bytes) -> tuple[int, bytes] | None:
        """Channel and bytes; None for a message that makes no sense."""
        try:
            return (message[0] - 0x30, b64decode(message[1:])) if message else None
        except Base64Error:
            return None


def form_of(protocol: str) -> Form:
    """The form of a subprotocol."""
    return Base64() if "base64" in protocol else Binary()


class ExecChannels:
    """One program over channels."""

    def __init__(
        self,
        hub: Hub,
        session: ExecSession | FailedStart,
        argv: list[str],
        protocol: str,
        done: Done,
        *,
        awaits_size: bool = False,
    ) -> None:
        """`awaits_size` holds the end back for a moment, until the terminal's size is known."""
        self._hub = hub
        self._session = session
        self._argv = argv
        self._form = form_of(protocol)
        self._awaits_size = awaits_size
        self._farewell: Document | None = None
        self._statuses = protocol.startswith(("v4", "v5"))
        self._done = done
        self._pipe: Pipe | None = None
        self._running: Running | None = None

    def opened(self, pipe: Pipe) -> None:
        """Let the program go on, now that somebody listens."""
        self._pipe = pipe
        self.write(STDOUT, b"")  # tells some clients that the connection stands
        self._running = run(self._hub, self._session, self, self._argv)

    def received(self, data: bytes) -> None:
        """A message of the client."""
        unpacked, running = self._form.unpack(data), self._running
        if unpacked is None or running is None:
            return
        channel, content = unpacked
        if channel == STDIN:
            running.type(content)
        elif channel == RESIZE:
            resize(running, content)
            self._size_is_known()
        elif channel == CLOSE and content[:1] == bytes((STDIN,)):
            running.close_input()

    def resumed(self) -> None:
        """The client has read what was sent."""
        if self._running is not None:
            self._running.resume()

    def gone(self) -> None:
        """The client has gone."""
        if self._running is not None:
            self._running.leave()
        self._done()

    @property
    def paused(self) -> bool:
        """Whether the client is slow."""
        return self._pipe is not None and self._pipe.paused

    def write(self, stream: int, data: bytes) -> None:
        """Output of the program."""
        assert self._pipe is not None
        for start in range(0, max(len(data), 1), CHUNK):
            self._pipe.send(self._form.pack(stream, data[start : start + CHUNK]))

    def finish(self, status: Document) -> None:
        """The program has ended."""
        if self._awaits_size:
            self._farewell = status
            asyncio.get_running_loop().call_later(SIZE_PATIENCE, self._size_is_known)
        else:
            self._tell_end(status)

    def _size_is_known(self) -> None:
        """The terminal's size has been told, or nobody waits for it any longer."""
        self._awaits_size = False
        status, self._farewell = self._farewell, None
        if status is not None:
            self._tell_end(status)

    def _tell_end(self, status: Document) -> None:
        assert self._pipe is not None
        text = encode(status) if self._statuses else status.get("message", "").encode()
        self._pipe.send(self._form.pack(ERROR, text))
        self._pipe.close()


def resize(running: Running, content: bytes) -> None:
    """Read `{"Width":80,"Height":24}`; anything else is ignored."""
    try:
        size = json.loads(content)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return
    if 0 < width < 65536 and 0 < height < 65536:
        running.resize(width, height)


class ForwardChannels:
    """The ports of a pod: channels 2i for the i-th port's bytes, 2i+1 for its error."""

    def __init__(
        self, hub: Hub, forward: PortForward, ports: list[int], protocol: str, done: Done
    ) -> None:
        self._hub = hub
        self._forward = forward
        self._ports = ports
        self._form = form_of(protocol)
        self._done = done
        self._pipe: Pipe | None = None
        self._tunnels: list[Tunnel] = []

    def opened(self, pipe: Pipe) -> None:
        """Name the ports, then connect to each."""
        self._pipe = pipe
        for index, port in enumerate(self._ports):
            for channel in (2 * index, 2 * index + 1):
                self._send(channel, port.to_bytes(2, "little"))
        for index, port in enumerate(self._ports):
            self._tunnels.append(self._tunnel(index, port))
        for tunnel in self._tunnels:
            tunnel.open()

    def _tunnel(self, index: int, port: int) -> Tunnel:
        def ended(error: str) -> None:
            if error:
                self._send(2 * index + 1, error.encode())
            if all(tunnel.over for tunnel in self._tunnels) and self._pipe is not None:
                self._pipe.close()

        def show(data: bytes) -> None:
            for start in range(0, len(data), CHUNK):
                self._send(2 * index, data[start : start + CHUNK])

        return Tunnel(self._hub, self._forward, port, show, ended)

    def _send(self, channel: int, data: bytes) -> None:
        if self._pipe is not None:
            self._pipe.send(self._form.pack(channel, data))

    def received(self, data: bytes) -> None:
        """A message of the client."""
        unpacked = self._form.unpack(data)
        if unpacked is None:
            return
        index, is_error = divmod(unpacked[0], 2)
        if not is_error and 0 <= index < len(self._tunnels):
            self._tunnels[index].send(unpacked[1])

    def resumed(self) -> None:
        """The client has read what was sent."""
        for tunnel in self._tunnels:
            tunnel.look()

    def gone(self) -> None:
        """The client has gone."""
        self._pipe = None
        for tunnel in self._tunnels:
            tunnel.abandon()
        self._done()


Done = Callable[[], None]
"""Called once when a session is over."""
