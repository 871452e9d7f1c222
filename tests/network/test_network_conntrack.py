"""The table of one node: names, time-outs, bounds, and the rows of its state machine."""

from __future__ import annotations

import json

import pytest
from network_worlds import BACKEND, FRONTEND, kernel_world, observed

from minik8s.clock import Clock
from minik8s.network.conntrack import TABLE_LIMIT, ConntrackTable, CtState
from minik8s.network.packet import ACK, FIN, PSH, RST, SYN, Icmp, Packet, icmp_error
from minik8s.network.states import GENERIC_TIMEOUT, IGNORE, INVALID, SCTP, TCP, TIMEOUTS

A, B = "10.0.0.1", "10.0.0.2"


def forth(flags: int, **more: int) -> Packet:
    return Packet("TCP", A, B, 1000, 80, flags, **more)


def back(flags: int, **more: int) -> Packet:
    return Packet("TCP", B, A, 80, 1000, flags, **more)


def run(*packets: Packet) -> tuple[ConntrackTable, list[str]]:
    """A table that has seen some packets, and what it called each of them."""
    table, seen = ConntrackTable(Clock(start=0)), []
    for packet in packets:
        entry, _, state = table.track(packet)
        if entry is not None:
            table.confirm(entry)
        live = table.find(packet.flow)
        seen.append(f"{state.name} {live.state if live else '-'}")
    return table, seen


def test_timeouts_are_the_kernels() -> None:
    sysctl = json.loads(observed("env")["stdout"])["sysctl"]
    names = {
        ("UDP", ""): "udp_timeout",
        ("UDP", "stream"): "udp_timeout_stream",
        ("ICMP", ""): "icmp_timeout",
        ("ICMPv6", ""): "icmpv6_timeout",
        ("TCP", "SYN_SENT2"): "tcp_timeout_syn_sent",
        ("TCP", "unacknowledged"): "tcp_timeout_unacknowledged",
    }
    for (protocol, state), seconds in TIMEOUTS.items():
        default = f"{protocol.lower()}_timeout_{state.lower()}"
        name = f"nf_conntrack_{names.get((protocol, state), default)}"
        assert float(sysctl[name]) == seconds, name
    assert float(sysctl["nf_conntrack_generic_timeout"]) == GENERIC_TIMEOUT


def test_an_ordinary_connection() -> None:
    table, seen = run(
        forth(SYN, seq=1),
        back(SYN | ACK, seq=9, ack=2),
        forth(ACK, seq=2, ack=10),
        forth(ACK | PSH, seq=2, ack=10),
        back(ACK, seq=10, ack=2),
        forth(ACK | FIN, seq=2, ack=10),
        back(ACK, seq=10, ack=3),
        back(ACK | FIN, seq=10, ack=3),
        forth(ACK, seq=3, ack=11),
    )
    assert seen == [
        "NEW SYN_SENT",
        "ESTABLISHED SYN_RECV",
        "ESTABLISHED ESTABLISHED",
        "ESTABLISHED ESTABLISHED",
        "ESTABLISHED ESTABLISHED",
        "ESTABLISHED FIN_WAIT",
        "ESTABLISHED CLOSE_WAIT",
        "ESTABLISHED LAST_ACK",
        "ESTABLISHED TIME_WAIT",
    ]
    assert table.entries()[0].assured


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ([forth(RST)], ["INVALID -"]),
        ([forth(FIN | ACK)], ["INVALID -"]),
        ([forth(SYN | ACK)], ["INVALID -"]),
        ([forth(0)], ["INVALID -"]),
        ([forth(ACK)], ["NEW ESTABLISHED"]),
        ([forth(SYN), forth(ACK)], ["NEW SYN_SENT", "INVALID SYN_SENT"]),
        ([forth(SYN), back(RST | ACK)], ["NEW SYN_SENT", "ESTABLISHED -"]),
        ([forth(SYN), back(SYN)], ["NEW SYN_SENT", "ESTABLISHED SYN_SENT2"]),
        (
            [forth(SYN), back(SYN), back(SYN | ACK)],
            ["NEW SYN_SENT", "ESTABLISHED SYN_SENT2", "ESTABLISHED SYN_RECV"],
        ),
        (
            [forth(ACK), back(ACK), back(RST)],
            ["NEW ESTABLISHED", "ESTABLISHED ESTABLISHED", "ESTABLISHED CLOSE"],
        ),
        (
            [forth(ACK), back(ACK), back(RST), forth(SYN)],
            [
                "NEW ESTABLISHED",
                "ESTABLISHED ESTABLISHED",
                "ESTABLISHED CLOSE",
                "ESTABLISHED CLOSE",
            ],
        ),
        (
            [forth(ACK), back(ACK), forth(RST), forth(SYN)],
            [
                "NEW ESTABLISHED",
                "ESTABLISHED ESTABLISHED",
                "ESTABLISHED CLOSE",
                "NEW SYN_SENT",
            ],
        ),
    ],
)
def test_unusual_connections(packets: list[Packet], expected: list[str]) -> None:
    assert run(*packets)[1] == expected


def test_every_state_has_a_row_for_every_packet_and_a_timeout() -> None:
    for protocol, tables in (("TCP", TCP), ("SCTP", SCTP)):
        for table in tables:
            kinds = {kind for kind, _ in table}
            states = {state for _, state in table}
            assert set(table) == {(kind, state) for kind in kinds for state in states}
            for following in set(table.values()) - {IGNORE, INVALID}:
                assert (protocol, following) in TIMEOUTS


def test_mid_stream_entries_live_five_minutes_until_answered() -> None:
    table, _ = run(forth(ACK, seq=5, ack=7))
    assert table.entries()[0].expires == 300
    table, _ = run(forth(ACK, seq=5, ack=7), back(ACK, seq=7, ack=5), forth(ACK, seq=5, ack=7))
    assert table.entries()[0].expires == 432000


def test_unacknowledged_data_shortens_a_connections_life() -> None:
    shake = (
        forth(SYN, seq=1),
        back(SYN | ACK, seq=9, ack=2),
        forth(ACK, seq=2, ack=10),
    )
    data = Packet("TCP", A, B, 1000, 80, ACK | PSH, 2, 10, b"hello")
    assert run(*shake)[0].entries()[0].expires == 432000
    assert run(*shake, data)[0].entries()[0].expires == 300
    assert run(*shake, data, back(ACK, seq=10, ack=7))[0].entries()[0].expires == 432000


def test_a_retransmitted_syn_does_not_lengthen_the_entry() -> None:
    table, _ = run(forth(SYN))
    table.clock.advance(50)
    table.track(forth(SYN))
    assert table.entries()[0].expires == 120


def test_entries_expire_by_the_clock_of_the_cluster() -> None:
    table, _ = run(forth(SYN))
    table.clock.advance(119.9)
    assert len(table) == 1
    table.clock.advance(0.1)
    assert len(table) == 0
    assert table.track(forth(SYN))[2] is CtState.NEW


def test_errors_about_unknown_flows_are_invalid() -> None:
    table, _ = run(forth(SYN))
    known = icmp_error(Icmp.PORT_UNREACHABLE, B, forth(SYN))
    assert table.track(known)[1:] == (1, CtState.RELATED)
    stranger = icmp_error(Icmp.PORT_UNREACHABLE, B, Packet("UDP", A, B, 5, 6))
    assert table.track(stranger)[2] is CtState.INVALID
    reply = Packet("ICMP", B, A, 7, 0, icmp=Icmp.ECHO_REPLY)
    assert table.track(reply)[2] is CtState.INVALID


def test_a_table_stays_within_its_limit() -> None:
    table = ConntrackTable(Clock(start=0))
    for number in range(TABLE_LIMIT + 5000):
        entry, *_ = table.track(Packet("UDP", f"10.{number >> 16}.0.1", B, number & 0xFFFF, 53))
        assert entry is not None
        table.confirm(entry)
    assert len(table) <= TABLE_LIMIT + 1
    last = Packet("UDP", f"10.{number >> 16}.0.1", B, number & 0xFFFF, 53)
    assert table.find(last.flow) is not None


def test_expired_entries_do_not_pile_up() -> None:
    table = ConntrackTable(Clock(start=0))
    for number in range(20_000):
        entry, *_ = table.track(Packet("UDP", A, B, number, 53))
        assert entry is not None
        table.confirm(entry)
        table.clock.advance(0.1)
    assert len(table._tuples) < 4096


def test_one_entry_can_be_removed() -> None:
    world = kernel_world()
    world.connect("frontend", BACKEND, 8080)
    table = world.network.conntrack["node"]
    (entry,) = table.entries()
    assert table.find(entry.reply) is entry
    table.remove(entry)
    assert world.lines() == []
    assert entry.original[1] == FRONTEND
