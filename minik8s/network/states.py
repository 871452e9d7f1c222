"""The state machines of nf_conntrack as tables: what each packet makes of an entry.

Taken from what `nf_conntrack_proto_tcp` and `nf_conntrack_proto_sctp` of Linux do. A row is a
kind of packet; its columns are the states that the entry may be in, in the order of the
heading. `--` keeps the state and ignores the packet (it may be right, and the receiver will
tell), `!!` calls it INVALID.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ORIGINAL, REPLY = 0, 1
"""The two directions of an entry: that of the packet that made it, and the other."""

IGNORE = "--"
INVALID = "!!"

_TCP_STATES = {
    "NO": "NONE",
    "SS": "SYN_SENT",
    "SR": "SYN_RECV",
    "ES": "ESTABLISHED",
    "FW": "FIN_WAIT",
    "CW": "CLOSE_WAIT",
    "LA": "LAST_ACK",
    "TW": "TIME_WAIT",
    "CL": "CLOSE",
    "S2": "SYN_SENT2",
}

_TCP_ORIGINAL = """
         NO SS SR ES FW CW LA TW CL S2
SYN      SS SS -- -- -- -- -- SS SS S2
SYN,ACK  !! !! -- -- -- -- -- -- -- SR
FIN      !! !! FW FW LA LA LA TW CL !!
ACK      ES !! ES ES CW CW TW TW CL !!
RST      !! CL CL CL CL CL CL CL CL CL
none     !! !! !! !! !! !! !! !! !! !!
"""

_TCP_REPLY = """
         NO SS SR ES FW CW LA TW CL S2
SYN      !! S2 !! !! !! !! !! SS !! S2
SYN,ACK  !! SR -- -- -- -- -- -- -- SR
FIN      !! !! FW FW LA LA LA TW CL !!
ACK      !! -- SR ES CW CW TW TW CL --
RST      !! CL CL CL CL CL CL CL CL CL
none     !! !! !! !! !! !! !! !! !! !!
"""

_SCTP_STATES = {
    "NO": "NONE",
    "CL": "CLOSED",
    "CW": "COOKIE_WAIT",
    "CE": "COOKIE_ECHOED",
    "ES": "ESTABLISHED",
    "SS": "SHUTDOWN_SENT",
    "SR": "SHUTDOWN_RECD",
    "SA": "SHUTDOWN_ACK_SENT",
    "HS": "HEARTBEAT_SENT",
}

_SCTP_ORIGINAL = """
                   NO CL CW CE ES SS SR SA HS
INIT               CL CL CW CE ES CL CL SA CW
INIT_ACK           CL CL CW CE ES SS SR SA CL
ABORT              CL CL CL CL CL CL CL CL CL
SHUTDOWN           CL CL CW CE SS SS SR SA CL
SHUTDOWN_ACK       SA CL CW CE ES SA SA SA SA
ERROR              CL CL CW CE ES SS SR SA CL
COOKIE_ECHO        CL CL CE CE ES SS SR SA CL
COOKIE_ACK         CL CL CW ES ES SS SR SA CL
SHUTDOWN_COMPLETE  CL CL CW CE ES SS SR CL CL
HEARTBEAT          HS CL CW CE ES SS SR SA HS
HEARTBEAT_ACK      CL CL CW CE ES SS SR SA HS
"""

_SCTP_REPLY = """
                   NO CL CW CE ES SS SR SA HS
INIT               !! CL CW CE ES SS SR SA !!
INIT_ACK           !! CW CW CE ES SS SR SA !!
ABORT              !! CL CL CL CL CL CL CL !!
SHUTDOWN           !! CL CW CE SR SS SR SA !!
SHUTDOWN_ACK       !! CL CW CE ES SA SA SA !!
ERROR              !! CL CW CL ES SS SR SA !!
COOKIE_ECHO        !! CL CE CE ES SS SR SA !!
COOKIE_ACK         !! CL CW ES ES SS SR SA !!
SHUTDOWN_COMPLETE  !! CL CW CE ES SS SR CL !!
HEARTBEAT          !! CL CW CE ES SS SR SA HS
HEARTBEAT_ACK      !! CL CW CE ES SS SR SA ES
"""

Transitions = Mapping[tuple[str, str], str]
"""(kind of packet, state) to the next state, IGNORE or INVALID."""


def _table(text: str, names: Mapping[str, str]) -> Transitions:
    heading, *rows = text.strip("\n").splitlines()
    states = [names[short] for short in heading.split()]
    table = {}
    for row in rows:
        kind, *cells = row.split()
        for state, cell in zip(states, cells, strict=True):
            table[kind, state] = names.get(cell, cell)
    return MappingProxyType(table)


TCP: tuple[Transitions, Transitions] = (
    _table(_TCP_ORIGINAL, _TCP_STATES),
    _table(_TCP_REPLY, _TCP_STATES),
)
"""By direction: the TCP transitions."""

SCTP: tuple[Transitions, Transitions] = (
    _table(_SCTP_ORIGINAL, _SCTP_STATES),
    _table(_SCTP_REPLY, _SCTP_STATES),
)
"""By direction: the SCTP transitions; a chunk without a row (DATA, SACK) changes nothing."""

TIMEOUTS: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("TCP", "SYN_SENT"): 120,
        ("TCP", "SYN_SENT2"): 120,
        ("TCP", "SYN_RECV"): 60,
        ("TCP", "ESTABLISHED"): 432000,
        ("TCP", "FIN_WAIT"): 120,
        ("TCP", "CLOSE_WAIT"): 60,
        ("TCP", "LAST_ACK"): 30,
        ("TCP", "TIME_WAIT"): 120,
        ("TCP", "CLOSE"): 10,
        ("TCP", "unacknowledged"): 300,
        ("UDP", ""): 30,
        ("UDP", "stream"): 120,
        ("SCTP", "CLOSED"): 10,
        ("SCTP", "COOKIE_WAIT"): 3,
        ("SCTP", "COOKIE_ECHOED"): 3,
        ("SCTP", "ESTABLISHED"): 210,
        ("SCTP", "SHUTDOWN_SENT"): 3,
        ("SCTP", "SHUTDOWN_RECD"): 3,
        ("SCTP", "SHUTDOWN_ACK_SENT"): 3,
        ("SCTP", "HEARTBEAT_SENT"): 30,
        ("ICMP", ""): 30,
        ("ICMPv6", ""): 30,
    }
)
"""How long an entry lives after its last packet, in seconds (net.netfilter.nf_conntrack_*)."""

GENERIC_TIMEOUT = 600.0
"""For every other protocol (nf_conntrack_generic_timeout)."""
