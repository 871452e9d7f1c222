"""WebSockets (RFC 6455) on a connection that was taken over; `websockets` does the framing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Side
from websockets.protocol import Protocol as Framing
from websockets.utils import accept_key

from minik8s.errors import BadRequest
from minik8s.server.connection import Talk, Upgraded

MAX_MESSAGE = 1 << 20
FAREWELL = 5.0
"""Seconds that a client has to answer a Close."""


class WebSocket(Upgraded):
    """A client's WebSocket; each message is handed to a talk as bytes."""

    def __init__(self, talk: Talk, *, text: bool = False) -> None:
        """`text` sends text messages instead of binary ones."""
        super().__init__(talk)
        self._text = text
        self._framing = Framing(Side.SERVER, state=OPEN, max_size=MAX_MESSAGE)
        self._parts: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._framing.reader.eof:
            return
        self._framing.receive_data(data)
        self._frames()
        for event in self._framing.events_received():
            if isinstance(event, Frame) and event.opcode in _MESSAGES:
                self._parts.append(bytes(event.data))
                if event.fin:
                    message, self._parts = b"".join(self._parts), []
                    self.talk.received(message)
        self._frames()

    def send(self, data: bytes) -> None:
        """Send one message."""
        if self._framing.state is not OPEN:
            return
        if self._text:
            self._framing.send_text(data)
        else:
            self._framing.send_binary(data)
        self._frames()

    def close(self) -> None:
        """Say farewell; the client closes the connection, or we do after a while."""
        if self._framing.state is OPEN:
            self._framing.send_close(1000)
            self._frames()
            asyncio.get_running_loop().call_later(FAREWELL, self.shutdown)

    def _frames(self) -> None:
        for data in self._framing.data_to_send():
            if data:
                self._put(data)
            else:
                self._hang_up()


_MESSAGES = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)


def handshake(headers: Mapping[str, str], protocol: str) -> bytes:
    """The head that accepts a WebSocket; raises BadRequest for one that is none."""
    key = headers.get("sec-websocket-key", "")
    if headers.get("sec-websocket-version") != "13" or len(key) != 24:
        raise BadRequest("websocket: the handshake is not one of version 13")
    head = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n"
    )
    if protocol:
        head += f"Sec-WebSocket-Protocol: {protocol}\r\n"
    return (head + "\r\n").encode("ascii")


def chosen(offered: str, known: Sequence[str]) -> str | None:
    """The first protocol of ours that the client offers; None if there is none."""
    words = [word.strip() for word in offered.split(",")]
    return next((word for word in known if word in words), None)
