"""What nslookup, dig and host share: questions of any type, and records as text."""

from __future__ import annotations

from minik8s.guests.base import Close, OpenDatagram, Process, ReceiveFrom, SendTo, Steps
from minik8s.network.dns import (
    CNAME,
    NS,
    PTR,
    TXT,
    Message,
    Record,
    Soa,
    Srv,
    decode,
)


def record_data(record: Record) -> str:
    """A record's data as dig prints it."""
    data = record.data
    if isinstance(data, Srv):
        return f"{data.priority} {data.weight} {data.port} {data.target}."
    if isinstance(data, Soa):
        times = f"{data.serial} {data.refresh} {data.retry} {data.expire} {data.minimum}"
        return f"{data.server}. {data.mailbox}. {times}"
    if record.type in (CNAME, NS, PTR):
        return f"{data}."
    return f'"{data}"' if record.type == TXT else data


def exchange(
    process: Process, server: str, port: int, message: bytes, timeout: float
) -> Steps[Message | str]:
    """One question over UDP: the response, "timed out", or "refused"."""
    clock = process.clock
    socket = yield OpenDatagram(server, port)
    yield SendTo(socket, message)
    end = clock.now + timeout
    outcome: Message | str = "timed out"
    while clock.now < end:
        datagram = yield ReceiveFrom(socket, end - clock.now)
        if datagram is None:
            break
        if isinstance(datagram, str):
            outcome = datagram
            break
        try:
            reply = decode(datagram.data)
        except ValueError:
            continue
        if reply.response and message[:2] == datagram.data[:2]:
            outcome = reply
            break
    yield Close(socket)
    return outcome
