"""Addresses and blocks as integers, parsed once.

An IPv4 block never covers an IPv6 address, nor the reverse
(NetworkPolicy `ipBlock`: `cidr` minus `except`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range
from typing import TypeAlias

Address: TypeAlias = tuple[int, int]
"""Version (4 or 6) and value."""

Span: TypeAlias = tuple[int, int]
"""First and last value, both included."""


_OCTETS = frozenset(map(str, range(256)))


@lru_cache(maxsize=1 << 17)
def parse_address(text: str) -> Address:
    """Version and value of an address; an unusable text gives version 0, in no block.

    >>> parse_address("10.0.0.1")
    (4, 167772161)
    """
    octets = text.split(".")
    if len(octets) == 4 and all(map(_OCTETS.__contains__, octets)):
        a, b, c, d = map(int, octets)
        return (4, a << 24 | b << 16 | c << 8 | d)
    try:
        address = ip_address(text)
    except ValueError:
        return (0, 0)
    return (address.version, int(address))


def parse_cidr(text: str) -> tuple[int, Span] | None:
    """Version and span of a CIDR; host bits and leading zeros pass, as older servers let them.

    >>> parse_cidr("10.1.2.3/8")
    (4, (167772160, 184549375))
    """
    try:
        network = ip_network(_plain(text), strict=False)
    except ValueError:
        return None
    first = int(network.network_address)
    return (network.version, (first, first + network.num_addresses - 1))


def _plain(text: str) -> str:
    """An IPv4 CIDR without leading zeros (net.ParseCIDRSloppy reads them as decimal)."""
    if ":" in text:
        return text
    head, slash, bits = text.partition("/")
    octets = [octet.lstrip("0") or "0" if octet.isdigit() else octet for octet in head.split(".")]
    return ".".join(octets) + slash + bits


@dataclass(frozen=True, slots=True)
class Block:
    """An `ipBlock`: a span of one IP version with holes."""

    version: int
    span: Span
    holes: tuple[Span, ...] = ()

    @classmethod
    def of(cls, cidr: str, exceptions: Iterable[str] = ()) -> Block | None:
        """The block of a CIDR and its `except` list; None if the CIDR cannot be read."""
        parsed = parse_cidr(cidr)
        if parsed is None:
            return None
        version, span = parsed
        holes = [
            hole[1] for text in exceptions if (hole := parse_cidr(text)) and hole[0] == version
        ]
        return cls(version, span, tuple(holes))

    def covers(self, address: Address) -> bool:
        """Whether the address lies in the CIDR, exceptions left aside."""
        return address[0] == self.version and self.span[0] <= address[1] <= self.span[1]

    def hole_at(self, address: Address) -> int | None:
        """The index of the exception that holds the address."""
        for index, (first, last) in enumerate(self.holes):
            if first <= address[1] <= last:
                return index
        return None

    def __contains__(self, address: Address) -> bool:
        return self.covers(address) and self.hole_at(address) is None

    def hole_text(self, index: int) -> str:
        """An exception as CIDR."""
        return ",".join(cidrs(self.version, self.holes[index]))

    def __str__(self) -> str:
        return ",".join(cidrs(self.version, self.span))

    def spans(self) -> list[Span]:
        """The block as disjoint spans in order, the holes cut out."""
        spans: list[Span] = []
        start = self.span[0]
        for first, last in sorted(self.holes):
            if first > start:
                spans.append((start, min(first - 1, self.span[1])))
            start = max(start, last + 1)
        if start <= self.span[1]:
            spans.append((start, self.span[1]))
        return spans


def cidrs(version: int, span: Span) -> Iterator[str]:
    """A span as the fewest CIDRs.

    >>> list(cidrs(4, (167772160, 167772162)))
    ['10.0.0.0/31', '10.0.0.2/32']
    """
    first, last = span
    if version == 4:
        yield from map(str, summarize_address_range(IPv4Address(first), IPv4Address(last)))
    else:
        yield from map(str, summarize_address_range(IPv6Address(first), IPv6Address(last)))
