"""Network namespaces and their sockets, non-blocking: what a program in a pod talks to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from minik8s.clock import Clock

Endpoint = tuple[str, int]
"""An address and a port."""

Wake = Callable[[], None]

ConnectionState = Literal["connecting", "established", "refused", "timed out", "reset", "closed"]


class Connection:
    """One TCP connection or SCTP association, seen from one end.

    Nothing blocks: `wake` is called after every change; then look at `state`, `receive()`
    and `eof`. `error` is the errno text of a failed connection.
    """

    state: ConnectionState
    local: Endpoint
    remote: Endpoint
    eof: bool
    error: str
    clock: Clock
    wake: Wake | None

    def send(self, data: bytes) -> None:
        """Queue bytes; they are retransmitted until the other end has them."""
        raise NotImplementedError

    def receive(self) -> bytes:
        """What has arrived and has not been read, possibly nothing."""
        raise NotImplementedError

    def close(self) -> None:
        """Send what is queued, then FIN (SCTP: SHUTDOWN)."""
        raise NotImplementedError

    def abort(self) -> None:
        """Drop everything and send RST (SCTP: ABORT)."""
        raise NotImplementedError


class Listener:
    """A listening TCP or SCTP port; `wake` is called when a connection has been established."""

    protocol: str
    address: str
    port: int
    wake: Wake | None

    def accept(self) -> Connection | None:
        """The next established connection, or None."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop listening; connections that were accepted go on."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Datagram:
    """A received UDP datagram and who sent it; `to` is the address that it was sent to."""

    data: bytes
    source: Endpoint
    to: str


class DatagramSocket:
    """A UDP socket; `wake` is called when a datagram or an error has arrived."""

    local: Endpoint
    clock: Clock
    wake: Wake | None

    def connect(self, address: str, port: int) -> None:
        """Fix the other end: `send` goes there, and ICMP errors come back as `error`."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Send to the connected end."""
        raise NotImplementedError

    def send_to(self, data: bytes, address: str, port: int) -> None:
        """Send one datagram."""
        raise NotImplementedError

    def reply(self, datagram: Datagram, data: bytes) -> None:
        """Answer a datagram from the address and port that it was sent to, on its clock."""
        raise NotImplementedError

    def receive(self) -> Datagram | None:
        """The next datagram, or None."""
        raise NotImplementedError

    def error(self) -> str:
        """The pending error ("refused", "host unreachable") or ""; reading clears it."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the port back."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class EchoReply:
    """What came back for one echo request: a reply, or an ICMP error from a router."""

    kind: Literal["reply", "host unreachable", "port unreachable"]
    source: str
    sequence: int
    size: int
    ttl: int
    when: float


class EchoSocket:
    """An ICMP echo socket, as ping opens; `wake` is called when something came back."""

    identifier: int
    clock: Clock
    wake: Wake | None

    def send(self, address: str, sequence: int, size: int = 56) -> None:
        """Send one echo request with `size` bytes of data."""
        raise NotImplementedError

    def receive(self) -> EchoReply | None:
        """The next answer, or None."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the identifier back."""
        raise NotImplementedError


class Host:
    """One network namespace: a pod (its containers share it), a node, or an outside host."""

    name: str
    addresses: tuple[str, ...]

    def listen(self, protocol: Literal["TCP", "SCTP"], port: int, address: str = "") -> Listener:
        """Listen on a port; raises AddressInUse. `address` "" means every address."""
        raise NotImplementedError

    def bind(self, port: int, address: str = "") -> DatagramSocket:
        """A UDP server socket; answer with `reply`. Raises AddressInUse."""
        raise NotImplementedError

    def connect(
        self,
        protocol: Literal["TCP", "SCTP"],
        address: str,
        port: int,
        *,
        clock: Clock,
        sport: int | None = None,
    ) -> Connection:
        """Start a handshake; SYNs are retransmitted on `clock`."""
        raise NotImplementedError

    def datagram(self, *, clock: Clock, port: int | None = None) -> DatagramSocket:
        """A UDP client socket on `clock`; the port is an ephemeral one unless given."""
        raise NotImplementedError

    def echo(self, *, clock: Clock) -> EchoSocket:
        """A socket for ping."""
        raise NotImplementedError

    def close(self) -> None:
        """The namespace is gone: every socket in it dies without a word."""
        raise NotImplementedError
