"""Packets: what leaves one network namespace and arrives in another.

Vocabulary: a *flow* is the five-tuple of one direction, (protocol, source, sport, destination,
dport); for an ICMP echo the identifier and the message type take the places of
the ports, as nf_conntrack does it. A packet is never changed once sent: address translation
makes another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""Bits of the TCP header (RFC 9293 section 3.1)."""

_FLAG_NAMES = ((SYN, "SYN"), (ACK, "ACK"), (RST, "RST"), (FIN, "FIN"), (PSH, "PSH"))

Flow = tuple[str, str, int, str, int]
"""Protocol, source, source port, destination, destination port."""

Endpoint = tuple[str, int]
"""An address and a port."""


class Icmp(Enum):
    """An ICMP message, whatever its numbers are in the two versions."""

    ECHO_REQUEST = "echo request"
    ECHO_REPLY = "echo reply"
    PORT_UNREACHABLE = "port unreachable"
    HOST_UNREACHABLE = "host unreachable"
    PROTOCOL_UNREACHABLE = "protocol unreachable"
    TIME_EXCEEDED = "time exceeded"


ICMP_NUMBERS: dict[str, dict[Icmp, tuple[int, int]]] = {
    "ICMP": {
        Icmp.ECHO_REQUEST: (8, 0),
        Icmp.ECHO_REPLY: (0, 0),
        Icmp.PORT_UNREACHABLE: (3, 3),
        Icmp.HOST_UNREACHABLE: (3, 1),
        Icmp.PROTOCOL_UNREACHABLE: (3, 2),
        Icmp.TIME_EXCEEDED: (11, 0),
    },
    "ICMPv6": {
        Icmp.ECHO_REQUEST: (128, 0),
        Icmp.ECHO_REPLY: (129, 0),
        Icmp.PORT_UNREACHABLE: (1, 4),
        Icmp.HOST_UNREACHABLE: (1, 3),
        Icmp.PROTOCOL_UNREACHABLE: (4, 1),
        Icmp.TIME_EXCEEDED: (3, 0),
    },
}
"""Type and code of each message (RFC 792, RFC 4443)."""

_ANSWERED_BY = {8: 0, 0: 8, 128: 129, 129: 128}

DEFAULT_TTL = 64


@dataclass(slots=True)
class Packet:
    """One packet. `seq` counts bytes in TCP and requests in an ICMP echo.

    `chunk` names the SCTP chunk (`INIT`, `DATA`, ...); `quoted` is the packet that an ICMP
    error is about, as its last receiver saw it.
    """

    protocol: str
    source: str
    destination: str
    sport: int = 0
    dport: int = 0
    flags: int = 0
    seq: int = 0
    ack: int = 0
    payload: bytes = b""
    chunk: str = ""
    icmp: Icmp | None = None
    quoted: Packet | None = None
    ttl: int = DEFAULT_TTL

    @property
    def flow(self) -> Flow:
        """The five-tuple that connection tracking knows the packet by."""
        return (self.protocol, self.source, self.sport, self.destination, self.dport)

    @property
    def source_endpoint(self) -> Endpoint:
        """Address and port that it comes from."""
        return (self.source, self.sport)

    @property
    def destination_endpoint(self) -> Endpoint:
        """Address and port that it goes to."""
        return (self.destination, self.dport)

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The TCP flags in the order in which tools print them."""
        return tuple(name for bit, name in _FLAG_NAMES if self.flags & bit)

    def translated(
        self, source: str, sport: int, destination: str, dport: int, *, ttl: int
    ) -> Packet:
        """The same packet with other addresses and ports, as it comes out of a router."""
        return Packet(
            self.protocol,
            source,
            destination,
            sport,
            dport,
            self.flags,
            self.seq,
            self.ack,
            self.payload,
            self.chunk,
            self.icmp,
            self.quoted,
            ttl,
        )

    def __str__(self) -> str:
        ends = (self.source_endpoint, self.destination_endpoint)
        if self.icmp is not None:
            ends = ((self.source, 0), (self.destination, 0))
        return f"{self._what()} {joined(ends[0])} > {joined(ends[1])}"

    def _what(self) -> str:
        if self.protocol == "TCP":
            return f"TCP {','.join(self.flag_names)}"
        if self.icmp is not None:
            return f"{self.protocol} {self.icmp.value}"
        return f"{self.protocol} {self.chunk}".rstrip()


def joined(endpoint: Endpoint) -> str:
    """An endpoint as people write it; an IPv6 address stands in brackets.

    >>> joined(("10.0.0.1", 80)), joined(("fd00::1", 80)), joined(("fd00::1", 0))
    ('10.0.0.1:80', '[fd00::1]:80', 'fd00::1')
    """
    address, port = endpoint
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def inverse(flow: Flow) -> Flow:
    """The tuple of the other direction.

    >>> inverse(("UDP", "10.0.0.1", 1024, "10.0.0.2", 53))
    ('UDP', '10.0.0.2', 53, '10.0.0.1', 1024)
    """
    protocol, source, sport, destination, dport = flow
    if protocol == "ICMP" or protocol == "ICMPv6":
        return (protocol, destination, sport, source, _ANSWERED_BY.get(dport, dport))
    return (protocol, destination, dport, source, sport)


@lru_cache(maxsize=65536)
def canonical(address: str) -> str:
    """The one spelling of an address; raises ValueError for what is none.

    >>> canonical("FD00:0::1")
    'fd00::1'
    """
    return str(ip_address(address))


def addresses_among(texts: Iterable[str]) -> Iterator[str]:
    """The addresses among texts that a client may have written as it liked (`status`).

    >>> list(addresses_among(["10.0.0.1", "node.example"]))
    ['10.0.0.1']
    """
    for text in texts:
        with suppress(ValueError):
            yield canonical(text)


def dialled(address: str) -> str:
    """The canonical address that a program means; an unspecified one is its own host.

    >>> dialled("0.0.0.0"), dialled("::"), dialled("10.0.0.1")
    ('127.0.0.1', '::1', '10.0.0.1')
    """
    address = canonical(address)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def is_ipv6(address: str) -> bool:
    """Whether a canonical address is of IP version 6."""
    return ":" in address


def is_loopback(address: str) -> bool:
    """Whether a canonical address never leaves its network namespace."""
    return address.startswith("127.") or address == "::1"


def icmp_protocol(address: str) -> str:
    """The ICMP of an address's IP version."""
    return "ICMPv6" if ":" in address else "ICMP"


def echo(
    message: Icmp, source: str, destination: str, identifier: int, seq: int, payload: bytes
) -> Packet:
    """An echo request or reply; identifier and type stand where the ports are."""
    protocol = icmp_protocol(destination)
    number = ICMP_NUMBERS[protocol][message][0]
    return Packet(
        protocol,
        source,
        destination,
        sport=identifier,
        dport=number,
        seq=seq,
        payload=payload,
        icmp=message,
    )


def icmp_error(message: Icmp, source: str, about: Packet) -> Packet:
    """The ICMP error that a host or router sends back about a packet."""
    return Packet(
        icmp_protocol(about.source),
        source,
        about.source,
        icmp=message,
        quoted=about,
    )
