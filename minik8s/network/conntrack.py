"""Connection tracking: what one node remembers of the flows that cross it (nf_conntrack).

An *entry* has an original tuple (that of the packet that made it) and a reply tuple; they
differ by more than their direction when the flow is translated (NAT). A packet is NEW until a
reply has been seen, then ESTABLISHED; an ICMP error about a known flow is RELATED; what fits
no state is INVALID. An entry enters the table only when its first packet has passed every
hook, so a dropped SYN leaves none. Sequence windows are not checked
(`nf_conntrack_tcp_be_liberal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from minik8s.clock import Clock
from minik8s.network.packet import ACK, FIN, RST, SYN, Flow, Icmp, Packet, inverse
from minik8s.network.states import (
    GENERIC_TIMEOUT,
    IGNORE,
    INVALID,
    ORIGINAL,
    REPLY,
    SCTP,
    TCP,
    TIMEOUTS,
)

STREAM_AFTER = 2.0
"""A UDP flow that is still alive after so many seconds counts as a stream (`stream_ts`)."""

TABLE_LIMIT = 65536
"""Entries that one node keeps (`nf_conntrack_max`); past it the oldest make room."""

_FIRST_SWEEP = 1024
_NEVER_FIRST = frozenset({"ABORT", "SHUTDOWN_COMPLETE", "COOKIE_ACK"})
_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132, "ICMP": 1, "ICMPv6": 58}


class CtState(Enum):
    """What a packet is to connection tracking, as `ct state` names it."""

    NEW = "new"
    ESTABLISHED = "established"
    RELATED = "related"
    INVALID = "invalid"


class Entry:
    """One tracked flow; `nat` tells whether an address or port of it is rewritten.

    `service` names the Service port that it was sent to.
    """

    __slots__ = (
        "assured",
        "closing",
        "confirmed",
        "ends",
        "expires",
        "last_direction",
        "last_end",
        "last_kind",
        "nat",
        "original",
        "reply",
        "seen_reply",
        "service",
        "state",
        "stream_at",
        "unacknowledged",
    )

    def __init__(self, original: Flow) -> None:
        self.original = original
        self.reply = inverse(original)
        self.state = "NONE"
        self.service = ""
        self.nat = False
        self.expires = 0.0
        self.seen_reply = self.assured = self.confirmed = self.closing = False
        self.last_kind, self.last_direction, self.last_end = "", ORIGINAL, 0
        self.ends = [0, 0]
        self.unacknowledged = 0
        self.stream_at = 0.0

    @property
    def protocol(self) -> str:
        """The protocol of the flow."""
        return self.original[0]

    @property
    def tuples(self) -> tuple[Flow, Flow]:
        """The tuples by direction."""
        return (self.original, self.reply)

    def translate(self, reply: Flow) -> None:
        """Have the flow rewritten: `reply` is what its answers will carry."""
        self.reply = reply
        self.nat = reply != inverse(self.original)

    def line(self, now: float) -> str:
        """The entry as `conntrack -L` prints it."""
        protocol, state = self.protocol, ""
        if protocol in ("TCP", "SCTP"):
            state = f"{self.state} "
        unreplied = "" if self.seen_reply else "[UNREPLIED] "
        assured = "[ASSURED] " if self.assured else ""
        head = f"{protocol.lower():<8} {_NUMBERS.get(protocol, 0)}"
        return (
            f"{head} {max(0, int(self.expires - now))} {state}{_written(self.original)} "
            f"{unreplied}{_written(self.reply)} {assured}mark=0 use=1"
        )


def _written(flow: Flow) -> str:
    protocol, source, sport, destination, dport = flow
    if protocol in ("ICMP", "ICMPv6"):
        return f"src={source} dst={destination} type={dport} code=0 id={sport}"
    return f"src={source} dst={destination} sport={sport} dport={dport}"


Tracked = tuple[Entry | None, int, CtState]
"""An entry (None if the packet is INVALID), the packet's direction in it, and its state."""

_INVALID: Tracked = (None, ORIGINAL, CtState.INVALID)


class ConntrackTable:
    """The entries of one node. They expire by the cluster's clock.

    `loose` picks up connections in mid-stream (`nf_conntrack_tcp_loose`); `timeouts` may be
    replaced, as sysctl does.
    """

    __slots__ = ("_sweep_at", "_tuples", "clock", "loose", "timeouts")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.loose = True
        self.timeouts: Mapping[tuple[str, str], float] = TIMEOUTS
        self._tuples: dict[Flow, tuple[Entry, int]] = {}
        self._sweep_at = _FIRST_SWEEP

    def track(self, packet: Packet) -> Tracked:
        """Find or make the entry of a packet, and move its state on."""
        if packet.quoted is not None:
            return self._related(packet.quoted)
        flow = (packet.protocol, packet.source, packet.sport, packet.destination, packet.dport)
        now = self.clock.now
        found = self._live(flow, now)
        if found is None:
            return self._first(packet, flow, now)
        entry, direction = found
        verdict = _MOVES.get(packet.protocol, _move_other)(self, entry, direction, packet, now)
        if verdict is _AGAIN:
            return self._first(packet, flow, now)
        if verdict is _BAD:
            return _INVALID
        if direction == REPLY:
            entry.seen_reply = True
        elif not entry.seen_reply:
            return (entry, direction, CtState.NEW)
        return (entry, direction, CtState.ESTABLISHED)

    def confirm(self, entry: Entry) -> None:
        """Put an entry in the table: its first packet has passed."""
        if entry.confirmed:
            return
        if len(self._tuples) >= self._sweep_at:
            self._sweep()
        entry.confirmed = True
        self._tuples[entry.original] = (entry, ORIGINAL)
        self._tuples[entry.reply] = (entry, REPLY)

    def taken(self, flow: Flow) -> bool:
        """Whether a tuple belongs to a live entry."""
        return self._live(flow, self.clock.now) is not None

    def find(self, flow: Flow) -> Entry | None:
        """The live entry that has a tuple, in either direction."""
        found = self._live(flow, self.clock.now)
        return found[0] if found is not None else None

    def entries(self) -> list[Entry]:
        """The live entries, the oldest first."""
        now = self.clock.now
        return [
            entry
            for entry, direction in self._tuples.values()
            if direction == ORIGINAL and entry.expires > now
        ]

    def remove(self, entry: Entry) -> None:
        """Forget one entry (`conntrack -D`)."""
        for flow in entry.tuples:
            found = self._tuples.get(flow)
            if found is not None and found[0] is entry:
                del self._tuples[flow]

    def flush(self) -> None:
        """Forget everything (`conntrack -F`)."""
        self._tuples.clear()

    def __len__(self) -> int:
        return len(self.entries())

    def _live(self, flow: Flow, now: float) -> tuple[Entry, int] | None:
        found = self._tuples.get(flow)
        if found is not None and found[0].expires <= now:
            self.remove(found[0])
            return None
        return found

    def _first(self, packet: Packet, flow: Flow, now: float) -> Tracked:
        """A packet that no entry knows: the entry that it would make, or INVALID."""
        protocol = packet.protocol
        if protocol == "TCP":
            first = TCP[ORIGINAL][_tcp_kind(packet.flags), "NONE"]
            if first == INVALID or (first == "ESTABLISHED" and not self.loose):
                return _INVALID
        elif protocol == "SCTP":
            if packet.chunk in _NEVER_FIRST or (packet.chunk, "NONE") not in SCTP[ORIGINAL]:
                return _INVALID
        elif packet.icmp is not None and packet.icmp is not Icmp.ECHO_REQUEST:
            return _INVALID
        entry = Entry(flow)
        entry.stream_at = now + STREAM_AFTER
        _MOVES.get(protocol, _move_other)(self, entry, ORIGINAL, packet, now)
        return (entry, ORIGINAL, CtState.NEW)

    def _related(self, quoted: Packet) -> Tracked:
        found = self._live(inverse(quoted.flow), self.clock.now)
        if found is None:
            return _INVALID
        return (found[0], found[1], CtState.RELATED)

    def _sweep(self) -> None:
        now = self.clock.now
        self._tuples = {flow: each for flow, each in self._tuples.items() if each[0].expires > now}
        if len(self._tuples) >= 2 * TABLE_LIMIT:
            for entry in self.entries()[: TABLE_LIMIT // 8]:
                self.remove(entry)
        self._sweep_at = max(_FIRST_SWEEP, min(2 * len(self._tuples), 2 * TABLE_LIMIT))


_GOOD, _AGAIN, _BAD = "good", "look up again", "invalid"


def _tcp_kind(flags: int) -> str:
    if flags & RST:
        return "RST"
    if flags & SYN:
        return "SYN,ACK" if flags & ACK else "SYN"
    if flags & FIN:
        return "FIN"
    return "ACK" if flags & ACK else "none"


def _move_tcp(
    table: ConntrackTable, entry: Entry, direction: int, packet: Packet, now: float
) -> str:
    kind, old = _tcp_kind(packet.flags), entry.state
    new = TCP[direction][kind, old]
    if new == INVALID:
        return _BAD
    if new == "SYN_SENT" and old in ("TIME_WAIT", "CLOSE"):
        if entry.closing or (entry.last_kind == "RST" and entry.last_direction == direction):
            table.remove(entry)  # a new connection on the tuple of one that is over
            return _AGAIN
        new = IGNORE
    if new == IGNORE:
        if not _answers_ignored_syn(entry, direction, kind, packet):
            _note(entry, kind, direction, packet)
            return _GOOD
        old, new = "SYN_SENT", "SYN_RECV"
        entry.ends[:] = (0, 0)
        entry.closing, entry.unacknowledged = False, 0
    entry.last_kind, entry.last_direction = kind, direction
    entry.state = new
    if new == "FIN_WAIT" and old != new:
        entry.closing = True
    _acknowledge(entry, direction, packet)
    _refresh_tcp(table, entry, kind, old, now)
    return _GOOD


def _answers_ignored_syn(entry: Entry, direction: int, kind: str, packet: Packet) -> bool:
    """Whether both ends agree on a connection that the entry, being stale, did not see begin."""
    return (
        kind == "SYN,ACK"
        and entry.last_kind == "SYN"
        and entry.last_direction != direction
        and packet.ack == entry.last_end
    )


def _end_of(packet: Packet) -> int:
    flags = packet.flags
    return packet.seq + len(packet.payload) + bool(flags & SYN) + bool(flags & FIN)


def _note(entry: Entry, kind: str, direction: int, packet: Packet) -> None:
    entry.last_kind, entry.last_direction, entry.last_end = kind, direction, _end_of(packet)


def _acknowledge(entry: Entry, direction: int, packet: Packet) -> None:
    """Keep track of data that the other end has not acknowledged (`DATA_UNACKNOWLEDGED`)."""
    end, flags = _end_of(packet), packet.flags
    if end > entry.ends[direction]:
        entry.ends[direction] = end
        if packet.payload or flags & FIN:
            entry.unacknowledged |= 1 << direction
    if flags & ACK and packet.ack >= entry.ends[1 - direction]:
        entry.unacknowledged &= ~(1 << (1 - direction))


def _refresh_tcp(table: ConntrackTable, entry: Entry, kind: str, old: str, now: float) -> None:
    timeouts, new = table.timeouts, entry.state
    timeout = timeouts["TCP", new]
    if entry.unacknowledged:
        timeout = min(timeout, timeouts["TCP", "unacknowledged"])
    if not entry.seen_reply:
        if kind == "RST":
            table.remove(entry)  # nothing but a refusal: there is no connection to remember
            return
        if kind == "SYN" and old == "SYN_SENT":
            return  # a retransmitted SYN does not lengthen the entry's life
        if new == "ESTABLISHED":
            timeout = min(timeout, timeouts["TCP", "unacknowledged"])
    elif new == "ESTABLISHED" and old in ("SYN_RECV", "ESTABLISHED"):
        entry.assured = True
    entry.expires = now + timeout


def _move_udp(
    table: ConntrackTable,
    entry: Entry,
    _direction: int,
    _packet: Packet,
    now: float,
) -> str:
    stream = entry.seen_reply and now > entry.stream_at
    entry.assured = entry.assured or stream
    entry.expires = now + table.timeouts["UDP", "stream" if stream else ""]
    return _GOOD


def _move_sctp(
    table: ConntrackTable, entry: Entry, direction: int, packet: Packet, now: float
) -> str:
    old = entry.state
    new = SCTP[direction].get((packet.chunk, old), old)
    if new == INVALID:
        return _BAD
    entry.state = new
    if old == "COOKIE_ECHOED" and new == "ESTABLISHED" and direction == REPLY:
        entry.assured = True
    entry.expires = now + table.timeouts["SCTP", new]
    return _GOOD


def _move_other(
    table: ConntrackTable,
    entry: Entry,
    _direction: int,
    packet: Packet,
    now: float,
) -> str:
    entry.expires = now + table.timeouts.get((packet.protocol, ""), GENERIC_TIMEOUT)
    return _GOOD


_MOVES = {"TCP": _move_tcp, "UDP": _move_udp, "SCTP": _move_sctp}
