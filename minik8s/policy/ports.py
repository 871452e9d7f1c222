"""Ports of rules, and sets of ports as intervals per protocol.

The port space of a connection is (protocol, port) for TCP, UDP and SCTP, plus everything
that has no ports (ICMP and the rest), which only a rule without `ports` lets through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

PROTOCOLS = ("TCP", "UDP", "SCTP")
OTHER = "other"
"""Protocols without ports: ICMP, ICMPv6 and whatever else a packet may carry."""

LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class PortMatch:
    """One entry of `ports`: a protocol with an inclusive range, or with a name.

    The name is looked up on the destination pod together with the protocol. An empty
    `protocol` beside a name (ClusterNetworkPolicy) takes the protocol of the container port.
    """

    protocol: str
    first: int = 0
    last: int = LAST_PORT
    name: str = ""

    def matches(
        self, protocol: str, port: int | None, named: Mapping[tuple[str, str], int]
    ) -> bool:
        """Whether a packet to this port of a pod with these named ports matches."""
        if protocol != self.protocol and self.protocol:
            return False
        if self.name:
            return port is not None and named.get((self.name, protocol)) == port
        if port is None:
            return self.first == 0 and self.last == LAST_PORT
        return self.first <= port <= self.last

    def resolve(self, named: Mapping[tuple[str, str], int]) -> Iterator[PortMatch]:
        """The entry with its name replaced by the numbers that a pod gives it."""
        if not self.name:
            yield self
            return
        for protocol in (self.protocol,) if self.protocol else PROTOCOLS:
            number = named.get((self.name, protocol))
            if number is not None:
                yield PortMatch(protocol, number, number)


@dataclass(frozen=True, slots=True)
class PortSet:
    """A set of (protocol, port) as sorted, disjoint, non-adjacent intervals.

    >>> str(PortSet.of([("TCP", 80, 80), ("TCP", 81, 90), ("UDP", 53, 53)]))
    'TCP 80-90, UDP 53'
    """

    intervals: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, intervals: Iterable[tuple[str, int, int]]) -> PortSet:
        """The union of intervals; `other` stands for protocols without ports."""
        merged: list[tuple[str, int, int]] = []
        order = {protocol: i for i, protocol in enumerate((*PROTOCOLS, OTHER))}
        for protocol, first, last in sorted(intervals, key=lambda i: (order[i[0]], i[1], i[2])):
            if merged and merged[-1][0] == protocol and first <= merged[-1][2] + 1:
                merged[-1] = (protocol, merged[-1][1], max(last, merged[-1][2]))
            else:
                merged.append((protocol, first, last))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __contains__(self, item: tuple[str, int | None]) -> bool:
        protocol, port = item
        if protocol not in PROTOCOLS:
            return any(interval[0] == OTHER for interval in self.intervals)
        return port is not None and any(
            name == protocol and first <= port <= last for name, first, last in self.intervals
        )

    def __or__(self, other: PortSet) -> PortSet:
        return PortSet.of(self.intervals + other.intervals)

    def __and__(self, other: PortSet) -> PortSet:
        return PortSet.of(
            (name, max(first, a), min(last, b))
            for name, first, last in self.intervals
            for protocol, a, b in other.intervals
            if name == protocol and first <= b and a <= last
        )

    def __sub__(self, other: PortSet) -> PortSet:
        left = list(self.intervals)
        for name, first, last in other.intervals:
            left = [piece for part in left for piece in _cut(part, name, first, last)]
        return PortSet.of(left)

    def __str__(self) -> str:
        if self == EVERYTHING:
            return "all"
        return ", ".join(_text(*interval) for interval in self.intervals) or "none"


def _cut(
    part: tuple[str, int, int], protocol: str, first: int, last: int
) -> Iterator[tuple[str, int, int]]:
    name, low, high = part
    if name != protocol or last < low or high < first:
        yield part
        return
    if low < first:
        yield (name, low, first - 1)
    if last < high:
        yield (name, last + 1, high)


def _text(protocol: str, first: int, last: int) -> str:
    if protocol == OTHER:
        return "other protocols"
    if (first, last) == (0, LAST_PORT):
        return protocol
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"


EVERYTHING = PortSet((*((protocol, 0, LAST_PORT) for protocol in PROTOCOLS), (OTHER, 0, 0)))
NOTHING = PortSet()
