"""A network namespace: its addresses, its sockets, and what its kernel answers by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from minik8s.clock import Clock
from minik8s.network.datagrams import DatagramSocket, EchoSocket
from minik8s.network.packet import (
    ACK,
    RST,
    SYN,
    Endpoint,
    Flow,
    Icmp,
    Packet,
    canonical,
    dialled,
    echo,
    icmp_error,
    is_ipv6,
    is_loopback,
)
from minik8s.network.sctp import SctpAssociation
from minik8s.network.sockets import (
    DEFAULT_BACKLOG,
    AddressInUse,
    Connection,
    Listener,
    StreamProtocol,
)
from minik8s.network.tcp import TcpConnection
from minik8s.network.topology import Node, Pod
from minik8s.network.trace import Event, Trace

EPHEMERAL_PORTS = (32768, 60999)
"""`net.ipv4.ip_local_port_range`."""

Transmit = Callable[["Host", Packet, Clock], Trace]


class Host:
    """One network namespace: a pod (its containers share it), a node, or an outside host.

    `node` is None outside the cluster; `pod` is None for a node. Addresses may be given in any
    spelling.
    """

    __slots__ = (
        "_connections",
        "_datagrams",
        "_echoes",
        "_listeners",
        "_random",
        "_transmit",
        "addresses",
        "clock",
        "closed",
        "name",
        "node",
        "pod",
    )

    def __init__(
        self,
        name: str,
        addresses: tuple[str, ...],
        transmit: Transmit,
        clock: Clock,
        random: Random,
        *,
        node: Node | None = None,
        pod: Pod | None = None,
    ) -> None:
        self.name = name
        self.addresses = addresses
        self.clock = clock
        self.node = node
        self.pod = pod
        self.closed = False
        self._transmit = transmit
        self._random = random
        self._listeners: dict[tuple[str, int, str], Listener] = {}
        self._connections: dict[Flow, Connection] = {}
        self._datagrams: dict[int, list[DatagramSocket]] = {}
        self._echoes: dict[int, EchoSocket] = {}

    def __repr__(self) -> str:
        return f"Host({self.name!r}, {', '.join(self.addresses)})"

    # -- sockets

    def listen(
        self,
        protocol: StreamProtocol,
        port: int,
        address: str = "",
        *,
        backlog: int = DEFAULT_BACKLOG,
    ) -> Listener:
        """Listen on a port; raises AddressInUse. `address` "" means every address."""
        address = _bound(address)
        if any(_overlap(address, held) for held in self._bound_to(protocol, port)):
            raise AddressInUse(f"{protocol} port {port} is taken on {self.name}")
        listener = Listener(protocol, address, port, backlog, self._stop_listening)
        self._listeners[protocol, port, address] = listener
        return listener

    def bind(self, port: int, address: str = "", *, clock: Clock | None = None) -> DatagramSocket:
        """A UDP server socket; answer with `reply`. Raises AddressInUse."""
        address = _bound(address)
        held = self._datagrams.get(port, ())
        if any(_overlap(address, each.local[0]) for each in held if each.remote is None):
            raise AddressInUse(f"UDP port {port} is taken on {self.name}")
        socket = DatagramSocket(self, (address, port), clock or self.clock, self._close_datagram)
        self._datagrams.setdefault(port, []).append(socket)
        return socket

    def connect(
        self,
        protocol: StreamProtocol,
        address: str,
        port: int,
        *,
        clock: Clock,
        sport: int | None = None,
    ) -> Connection:
        """Start a handshake; its first packets are retransmitted on `clock`."""
        address = dialled(address)
        source = self.source_for(address)
        kind = TcpConnection if protocol == "TCP" else SctpAssociation
        number = sport or self._free_port(protocol, (address, port), source)
        connection = kind(self, (source, number), (address, port), clock)
        if not source:
            connection.state = "unreachable"
            return connection
        self._connections[_key(connection)] = connection
        connection.open()
        return connection

    def datagram(self, *, clock: Clock, port: int | None = None) -> DatagramSocket:
        """A UDP client socket on `clock`; the port is an ephemeral one unless given."""
        if port is not None:
            return self.bind(port, clock=clock)
        while True:
            number = self._random.randint(*EPHEMERAL_PORTS)
            if number not in self._datagrams:
                return self.bind(number, clock=clock)

    def echo(self, *, clock: Clock) -> EchoSocket:
        """A socket for ping."""
        identifier = self._random.randint(1, 65535)
        while identifier in self._echoes:
            identifier = self._random.randint(1, 65535)
        socket = EchoSocket(self, identifier, clock, self._close_echo)
        self._echoes[identifier] = socket
        return socket

    def shut_down(self) -> None:
        """Every process is killed: connections send FIN, listeners and sockets are gone.

        Whoever holds a connection from outside, as the kubelet does for a forwarded port, hears
        of its end.
        """
        for connection in list(self._connections.values()):
            wake, connection.wake = connection.wake, None
            connection.close()
            if wake is not None:
                wake()
        self.close()

    def close(self) -> None:
        """The namespace is gone: every socket in it dies without a word."""
        self.closed = True
        for connection in list(self._connections.values()):
            connection.vanish()
        for table in (self._listeners, self._connections, self._datagrams, self._echoes):
            table.clear()

    @property
    def connections(self) -> list[Connection]:
        """The connections that are not over, the oldest first."""
        return list(self._connections.values())

    @property
    def listeners(self) -> list[Listener]:
        """The listening sockets, the oldest first."""
        return list(self._listeners.values())

    def listens(self, protocol: str, port: int) -> bool:
        """Whether a socket takes what comes to a port, on any address."""
        if protocol == "UDP":
            return any(socket.remote is None for socket in self._datagrams.get(port, ()))
        return next(self._bound_to(protocol, port), None) is not None

    # -- sending

    def source_for(self, destination: str) -> str:
        """The host's address for a destination, or "" if it has none of that IP version."""
        if is_loopback(destination) or destination in self.addresses:
            return destination
        if self.node is not None and self.pod is None:
            return self.node.address_towards(destination)
        for address in self.addresses:
            if is_ipv6(address) == is_ipv6(destination):
                return address
        return ""

    def transmit(self, packet: Packet, clock: Clock) -> Trace:
        """Send a packet on a clock."""
        return self._transmit(self, packet, clock)

    def release(self, connection: Connection) -> None:
        """Forget a connection that is over."""
        key = _key(connection)
        if self._connections.get(key) is connection:
            del self._connections[key]

    def initial_number(self) -> int:
        """A number to start counting bytes with."""
        return self._random.getrandbits(31)

    # -- receiving

    def expect(self, packet: Packet) -> Event:
        """What will become of an arriving packet: a socket takes it, it is refused, or ignored."""
        if packet.quoted is not None or packet.icmp is Icmp.ECHO_REQUEST:
            return Event.ACCEPTED
        if packet.icmp is not None:
            return Event.ACCEPTED if packet.sport in self._echoes else Event.IGNORED
        if packet.protocol == "UDP":
            return Event.REFUSED if self._datagram_for(packet) is None else Event.ACCEPTED
        if packet.flow in self._connections:
            return Event.ACCEPTED
        if packet.flags & RST or packet.chunk in _ENDS:
            return Event.IGNORED
        if _opens(packet) and (listener := self._listener_for(packet)) is not None:
            return Event.IGNORED if listener.full else Event.ACCEPTED
        return Event.REFUSED

    def receive(self, packet: Packet, clock: Clock) -> None:
        """A packet has arrived; whatever answers it goes back on the same clock."""
        if self.closed or self.expect(packet) is Event.IGNORED:
            return
        if packet.quoted is not None:
            self._receive_error(packet, packet.quoted)
        else:
            _RECEIVERS[packet.protocol](self, packet, clock)

    def _receive_stream(self, packet: Packet, clock: Clock) -> None:
        connection = self._connections.get(packet.flow)
        if connection is not None:
            connection.handle(packet, clock)
            return
        listener = self._listener_for(packet) if _opens(packet) else None
        if listener is None:
            self.transmit(_refusal(packet), clock)
        elif packet.protocol == "TCP":
            server = TcpConnection(
                self, packet.destination_endpoint, packet.source_endpoint, clock, listener
            )
            self._connections[packet.flow] = server
            server.answer_syn(packet)
        elif packet.chunk == "INIT":
            self.transmit(_backwards(packet, chunk="INIT_ACK"), clock)
        else:
            association = SctpAssociation(
                self, packet.destination_endpoint, packet.source_endpoint, clock, listener
            )
            self._connections[packet.flow] = association
            association.answer_cookie()

    def _receive_datagram(self, packet: Packet, clock: Clock) -> None:
        socket = self._datagram_for(packet)
        if socket is not None:
            socket.handle(packet, clock)
        else:
            error = icmp_error(Icmp.PORT_UNREACHABLE, packet.destination, packet)
            self.transmit(error, clock)

    def _receive_echo(self, packet: Packet, clock: Clock) -> None:
        if packet.icmp is Icmp.ECHO_REPLY:
            self._echoes[packet.sport].handle(packet)
            return
        number = packet.sport
        reply = echo(
            Icmp.ECHO_REPLY, packet.destination, packet.source, number, packet.seq, packet.payload
        )
        self.transmit(reply, clock)

    def _receive_error(self, packet: Packet, about: Packet) -> None:
        """An ICMP error: its quoted packet is one that was sent from here."""
        if about.icmp is not None:
            if about.sport in self._echoes:
                self._echoes[about.sport].handle(packet)
        elif about.protocol == "UDP":
            for socket in list(self._datagrams.get(about.sport, ())):
                socket.handle_error(packet)
        else:
            sent = (about.protocol, about.destination, about.dport, about.source, about.sport)
            connection = self._connections.get(sent)
            if connection is not None and packet.icmp is not None:
                connection.handle_error(packet.icmp)

    # -- inside

    def _listener_for(self, packet: Packet) -> Listener | None:
        protocol, port, listeners = packet.protocol, packet.dport, self._listeners
        return listeners.get((protocol, port, packet.destination)) or listeners.get(
            (protocol, port, "")
        )

    def _datagram_for(self, packet: Packet) -> DatagramSocket | None:
        """The socket that fits best: a connected one, then one bound to the address."""
        fitting = [each for each in self._datagrams.get(packet.dport, ()) if each.takes(packet)]
        return max(
            fitting,
            key=lambda each: (each.remote is not None, each.local[0] != ""),
            default=None,
        )

    def _bound_to(self, protocol: str, port: int) -> Iterator[str]:
        for held_protocol, held_port, address in self._listeners:
            if (held_protocol, held_port) == (protocol, port):
                yield address

    def _free_port(self, protocol: str, remote: Endpoint, source: str) -> int:
        while True:
            number = self._random.randint(*EPHEMERAL_PORTS)
            if (protocol, *remote, source, number) not in self._connections:
                return number

    def _stop_listening(self, listener: Listener) -> None:
        key = (listener.protocol, listener.port, listener.address)
        if self._listeners.get(key) is listener:
            del self._listeners[key]

    def _close_datagram(self, socket: DatagramSocket) -> None:
        held = self._datagrams.get(socket.local[1], [])
        if socket in held:
            held.remove(socket)
        if not held:
            self._datagrams.pop(socket.local[1], None)

    def _close_echo(self, socket: EchoSocket) -> None:
        self._echoes.pop(socket.identifier, None)


_RECEIVERS: dict[str, Callable[[Host, Packet, Clock], None]] = {
    "TCP": Host._receive_stream,
    "SCTP": Host._receive_stream,
    "UDP": Host._receive_datagram,
    "ICMP": Host._receive_echo,
    "ICMPv6": Host._receive_echo,
}

_ENDS = frozenset({"ABORT", "SHUTDOWN_COMPLETE"})


def _key(connection: Connection) -> Flow:
    """The tuple of the packets that arrive for a connection."""
    return (connection.protocol, *connection.remote, *connection.local)


def _opens(packet: Packet) -> bool:
    if packet.protocol == "TCP":
        return packet.flags & (SYN | ACK) == SYN
    return packet.chunk in ("INIT", "COOKIE_ECHO")


def _backwards(
    packet: Packet, *, flags: int = 0, seq: int = 0, ack: int = 0, chunk: str = ""
) -> Packet:
    return Packet(
        packet.protocol,
        packet.destination,
        packet.source,
        packet.dport,
        packet.sport,
        flags,
        seq,
        ack,
        chunk=chunk,
    )


def _refusal(packet: Packet) -> Packet:
    """RST or ABORT; the RST acknowledges a SYN, and takes the number that an ACK asks for."""
    if packet.protocol == "SCTP":
        return _backwards(packet, chunk="ABORT")
    if packet.flags & ACK:
        return _backwards(packet, flags=RST, seq=packet.ack)
    length = len(packet.payload) + bool(packet.flags & SYN)
    return _backwards(packet, flags=RST | ACK, ack=packet.seq + length)


def _bound(address: str) -> str:
    """The address of a socket; the unspecified addresses mean every address."""
    return "" if address in ("", "0.0.0.0", "::") else canonical(address)


def _overlap(one: str, other: str) -> bool:
    return one == other or "" in (one, other)
