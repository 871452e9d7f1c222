"""Sockets without connections: UDP, and ICMP echo as ping uses it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from minik8s.clock import Clock
from minik8s.network.packet import DEFAULT_TTL, Endpoint, Icmp, Packet, dialled, echo
from minik8s.network.sockets import Wake
from minik8s.network.trace import Trace


class Sender(Protocol):
    """What a socket needs of its host."""

    def transmit(self, packet: Packet, clock: Clock) -> Trace:
        """Send a packet on a clock."""

    def source_for(self, destination: str) -> str:
        """The host's address for a destination, or "" if it has none of that IP version."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """A received UDP datagram and who sent it; `to` is the address that it was sent to.

    Its answer travels on `clock`, that of the sender.
    """

    data: bytes
    source: Endpoint
    to: str
    clock: Clock


class DatagramSocket:
    """A UDP socket; `wake` is called when a datagram or an error has arrived.

    `traces` are those of the last packets sent.
    """

    __slots__ = (
        "_close",
        "_error",
        "_queue",
        "_remote",
        "_sender",
        "clock",
        "local",
        "traces",
        "wake",
    )

    def __init__(
        self,
        sender: Sender,
        local: Endpoint,
        clock: Clock,
        close: Callable[[DatagramSocket], None],
    ) -> None:
        self._sender = sender
        self.local = local
        self.clock = clock
        self.wake: Wake | None = None
        self.traces: deque[Trace] = deque(maxlen=8)
        self._queue: deque[Datagram] = deque()
        self._remote: Endpoint | None = None
        self._error = ""
        self._close = close

    @property
    def remote(self) -> Endpoint | None:
        """The connected end."""
        return self._remote

    def connect(self, address: str, port: int) -> None:
        """Fix the other end: `send` goes there, and ICMP errors come back as `error`."""
        address = dialled(address)
        self._remote = (address, port)
        if not self.local[0]:
            self.local = (self._sender.source_for(address), self.local[1])

    def send(self, data: bytes) -> None:
        """Send to the connected end; raises ValueError without one."""
        if self._remote is None:
            raise ValueError("the socket is not connected")
        self.send_to(data, *self._remote)

    def send_to(self, data: bytes, address: str, port: int) -> None:
        """Send one datagram; without an address of that IP version the error is pending."""
        address = dialled(address)
        source = self.local[0] or self._sender.source_for(address)
        if not source:
            self._error = "network unreachable"
            return
        packet = Packet("UDP", source, address, self.local[1], port, payload=data)
        self.traces.append(self._sender.transmit(packet, self.clock))

    def reply(self, datagram: Datagram, data: bytes) -> None:
        """Answer a datagram from the address and port that it was sent to, on its clock."""
        address, port = datagram.source
        packet = Packet("UDP", datagram.to, address, self.local[1], port, payload=data)
        self.traces.append(self._sender.transmit(packet, datagram.clock))

    def receive(self) -> Datagram | None:
        """The next datagram, or None."""
        return self._queue.popleft() if self._queue else None

    def error(self) -> str:
        """The pending error ("refused", "host unreachable") or ""; reading clears it."""
        error, self._error = self._error, ""
        return error

    def close(self) -> None:
        """Give the port back."""
        self._close(self)

    def takes(self, packet: Packet) -> bool:
        """Whether an arriving datagram is for this socket."""
        if self.local[0] and self.local[0] != packet.destination:
            return False
        return self._remote is None or self._remote == packet.source_endpoint

    def handle(self, packet: Packet, clock: Clock) -> None:
        """A datagram has arrived."""
        source, to = packet.source_endpoint, packet.destination
        self._queue.append(Datagram(packet.payload, source, to, clock))
        self._notify()

    def handle_error(self, packet: Packet) -> None:
        """An ICMP error about a datagram of this socket: only a connected one hears of it."""
        quoted = packet.quoted
        if quoted is None or self._remote != quoted.destination_endpoint:
            return
        self._error = "host unreachable" if packet.icmp is Icmp.HOST_UNREACHABLE else "refused"
        self._notify()

    def _notify(self) -> None:
        if self.wake is not None:
            self.wake()


EchoKind = Literal[
    "reply", "host unreachable", "port unreachable", "protocol unreachable", "time exceeded"
]

_KINDS: dict[Icmp, EchoKind] = {
    Icmp.ECHO_REPLY: "reply",
    Icmp.HOST_UNREACHABLE: "host unreachable",
    Icmp.PORT_UNREACHABLE: "port unreachable",
    Icmp.PROTOCOL_UNREACHABLE: "protocol unreachable",
    Icmp.TIME_EXCEEDED: "time exceeded",
}


@dataclass(frozen=True, slots=True)
class EchoReply:
    """What came back for one echo request: a reply, or an ICMP error from a router.

    `kind` says which; `when` is in seconds of the asker's clock.
    """

    kind: EchoKind
    source: str
    sequence: int
    size: int
    ttl: int
    when: float


class EchoSocket:
    """An ICMP echo socket, as ping opens; `wake` is called when something came back."""

    __slots__ = ("_close", "_queue", "_sender", "clock", "identifier", "traces", "wake")

    def __init__(
        self,
        sender: Sender,
        identifier: int,
        clock: Clock,
        close: Callable[[EchoSocket], None],
    ) -> None:
        self._sender = sender
        self.identifier = identifier
        self.clock = clock
        self.wake: Wake | None = None
        self.traces: deque[Trace] = deque(maxlen=8)
        self._queue: deque[EchoReply] = deque()
        self._close = close

    def send(self, address: str, sequence: int, size: int = 56, ttl: int = DEFAULT_TTL) -> bool:
        """Send one echo request with `size` bytes of data; False if the network is unreachable."""
        address = dialled(address)
        source = self._sender.source_for(address)
        if not source:
            return False
        request = echo(Icmp.ECHO_REQUEST, source, address, self.identifier, sequence, bytes(size))
        request.ttl = ttl
        self.traces.append(self._sender.transmit(request, self.clock))
        return True

    def receive(self) -> EchoReply | None:
        """The next answer, or None."""
        return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Give the identifier back."""
        self._close(self)

    def handle(self, packet: Packet) -> None:
        """A reply has arrived, or an error about a request."""
        about = packet.quoted or packet
        self._queue.append(
            EchoReply(
                _KINDS[packet.icmp or Icmp.ECHO_REPLY],
                packet.source,
                about.seq,
                len(about.payload),
                packet.ttl,
                self.clock.now,
            )
        )
        if self.wake is not None:
            self.wake()
