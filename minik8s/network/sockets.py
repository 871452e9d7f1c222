"""What sockets of every kind have in common, and what they need of their host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol

from minik8s.clock import Clock, Timer
from minik8s.network.packet import Endpoint, Icmp, Packet
from minik8s.network.trace import Trace

Wake = Callable[[], None]

StreamProtocol = Literal["TCP", "SCTP"]

ConnectionState = Literal[
    "connecting", "established", "refused", "timed out", "unreachable", "reset", "closed"
]

Phase = Literal[
    "syn sent",
    "syn received",
    "cookie wait",
    "cookie echoed",
    "open",
    "shutdown sent",
    "over",
]
"""How far the protocol has come: TCP's ways to "open", those of SCTP, then what both share."""

DEFAULT_BACKLOG = 4096
"""How many established connections wait for `accept` (net.core.somaxconn)."""


class AddressInUse(OSError):
    """The port is taken (EADDRINUSE)."""


class Wire(Protocol):
    """What a connection needs of its host."""

    def transmit(self, packet: Packet, clock: Clock) -> Trace:
        """Send a packet on a clock."""

    def release(self, connection: Connection) -> None:
        """Forget a connection that is over."""

    def initial_number(self) -> int:
        """A number to start counting bytes with."""


class Connection(ABC):
    """One TCP connection or SCTP association, seen from one end.

    Nothing blocks: `wake` is called after every change; then look at `state`, `receive()` and
    `eof`. `clock` is the opener's clock; at the other end it is that of the last packet.
    `traces` are those of the packets that opened it, the first attempt first.
    """

    __slots__ = (
        "_inbox",
        "_passive",
        "_phase",
        "_timer",
        "_wire",
        "clock",
        "eof",
        "listener",
        "local",
        "protocol",
        "remote",
        "state",
        "traces",
        "wake",
    )

    def __init__(
        self,
        wire: Wire,
        protocol: StreamProtocol,
        local: Endpoint,
        remote: Endpoint,
        clock: Clock,
        listener: Listener | None,
        phase: Phase,
    ) -> None:
        self._wire = wire
        self.protocol = protocol
        self.local = local
        self.remote = remote
        self.clock = clock
        self.listener = listener
        self._passive = listener is not None
        self.state: ConnectionState = "connecting"
        self.eof = False
        self.wake: Wake | None = None
        self.traces: list[Trace] = []
        self._inbox = bytearray()
        self._phase = phase
        self._timer: Timer | None = None

    @property
    def error(self) -> str:
        """The system's words for why the connection is over, or the empty string."""
        return _ERRORS.get(self.state, "")

    def receive(self) -> bytes:
        """What has arrived and has not been read, possibly nothing."""
        data = bytes(self._inbox)
        self._inbox.clear()
        return data

    @abstractmethod
    def open(self) -> None:
        """Send the first packet of the handshake, and again until it is answered."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Queue bytes; they are retransmitted until the other end has them."""

    @abstractmethod
    def shutdown(self) -> None:
        """Say that there is no more to come (FIN), and go on reading."""

    @abstractmethod
    def close(self) -> None:
        """Send what is queued, then FIN (SCTP: SHUTDOWN); nothing more is read."""

    @abstractmethod
    def abort(self) -> None:
        """Drop everything and tell the other end (RST, ABORT)."""

    def vanish(self) -> None:
        """Drop everything without a word to the other end; its own end hears of it."""
        self._end("closed")

    def handle(self, packet: Packet, clock: Clock) -> None:
        """A packet of this connection has arrived."""
        if self._passive:
            self.clock = clock
        self._arrive(packet)

    def handle_error(self, message: Icmp) -> None:
        """An ICMP error ends a handshake; a connection that stands survives it."""
        if self._phase in ("syn sent", "cookie wait", "cookie echoed"):
            self._end("unreachable" if message is Icmp.HOST_UNREACHABLE else "refused")

    @abstractmethod
    def _arrive(self, packet: Packet) -> None:
        """Do what the protocol prescribes for a packet."""

    def _end(self, state: ConnectionState) -> None:
        if self._phase == "over":
            return
        self._phase = "over"
        self._stop_timer()
        self._wire.release(self)
        if self.state != "closed":
            self.state = state
            self._notify()

    def _at(self, when: float, callback: Callable[[], None]) -> None:
        """Set the connection's one timer."""
        self._stop_timer()
        self._timer = self.clock.call_at(when, callback)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _notify(self) -> None:
        if self.wake is not None:
            self.wake()


_ERRORS = {
    "refused": "Connection refused",
    "timed out": "Connection timed out",
    "unreachable": "No route to host",
    "reset": "Connection reset by peer",
}


class Listener:
    """A listening TCP or SCTP port; `wake` is called when a connection has been established."""

    __slots__ = ("_close", "_queue", "address", "backlog", "port", "protocol", "wake")

    def __init__(
        self,
        protocol: StreamProtocol,
        address: str,
        port: int,
        backlog: int,
        close: Callable[[Listener], None],
    ) -> None:
        self.protocol = protocol
        self.address = address
        self.port = port
        self.backlog = backlog
        self.wake: Wake | None = None
        self._queue: deque[Connection] = deque()
        self._close = close

    @property
    def full(self) -> bool:
        """Whether so many connections wait that a SYN is not even answered."""
        return len(self._queue) > self.backlog

    def accept(self) -> Connection | None:
        """The next established connection, or None."""
        return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Stop listening; connections that were accepted go on, the others are reset."""
        self._close(self)
        while self._queue:
            self._queue.popleft().abort()

    def established(self, connection: Connection) -> None:
        """A handshake is complete."""
        self._queue.append(connection)
        if self.wake is not None:
            self.wake()
