"""`agnhost connect HOST:PORT`: one trial connection, and one word on why it failed.

The words are what Kubernetes' own network policy tests look for (`TIMEOUT`, `REFUSED`, ...).
"""

from __future__ import annotations

import re

from minik8s.guests.addresses import is_address, with_port
from minik8s.guests.base import (
    Close,
    Connect,
    OpenDatagram,
    Process,
    Receive,
    ReceiveFrom,
    Send,
    SendTo,
    Steps,
)
from minik8s.guests.options import option_value
from minik8s.guests.paused import Paused
from minik8s.guests.resolver import NOT_FOUND, TIMED_OUT, Answer, lookup, read_config

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_QUESTION = b"hostname\n"


def go_duration(text: str) -> float:
    """A time span as Go writes it, in seconds; raises ValueError.

    >>> go_duration("1m500ms")
    60.5
    """
    if text == "0":
        return 0.0
    parts = re.findall(r"(\d+\.?\d*)(ns|us|µs|ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


class _Failed(Exception):
    """The line that agnhost prints."""


def connect(process: Process) -> Steps[int]:
    """Try one connection; says nothing if it succeeds."""
    target, protocol, timeout = _parse(process)
    try:
        host, port = _split(target, protocol)
        deadline = process.clock.now + timeout if timeout else None
        address = yield from _resolve(process, host, deadline, protocol)
        left = None if deadline is None else max(0.0, deadline - process.clock.now)
        yield from _TRIALS[protocol](address, port, left)
    except _Failed as failed:
        process.err(f"{failed}\n")
        return 1
    return 0


def _parse(process: Process) -> tuple[str, str, float]:
    words = process.arguments
    protocol = (option_value(words, "protocol") or "tcp").lower()
    try:
        timeout = go_duration(option_value(words, "timeout") or "0")
    except ValueError:
        timeout = 0.0
    operands, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = "=" not in word and word.lstrip("-") in ("timeout", "protocol")
        else:
            operands.append(word)
    return (operands or [""])[0], protocol if protocol in _TRIALS else "tcp", timeout


def _split(target: str, protocol: str) -> tuple[str, int]:
    head = "UNKNOWN" if protocol == "tcp" else "DNS"
    match = re.fullmatch(r"(\[[^\]]+\]|[^:]*):([^:]*)", target)
    if match is None:
        why = "too many colons in address" if target.count(":") > 1 else "missing port in address"
        raise _Failed(f"{head}: address {target}: {why}")
    if not match[2].isdigit():
        raise _Failed(f"DNS: lookup {protocol}/{match[2]}: unknown port")
    return match[1].strip("[]"), int(match[2])


def _resolve(process: Process, host: str, deadline: float | None, protocol: str) -> Steps[str]:
    if is_address(host):
        return host
    task = Paused(lookup(process, host, kind="go"), process.clock)
    finished = yield from task.until(deadline)
    if not finished:
        late = "TIMEOUT" if protocol == "tcp" else f"DNS: lookup {host}: i/o timeout"
        raise _Failed(late)
    answer: Answer = task.result
    if answer.addresses:
        return answer.addresses[0]
    server = with_port(read_config(process).nameservers[0], 53)
    why = {NOT_FOUND: "no such host", TIMED_OUT: "i/o timeout"}.get(answer.reason, "no such host")
    if why == "i/o timeout" and protocol == "tcp":
        raise _Failed("TIMEOUT")
    raise _Failed(f"DNS: lookup {host} on {server}: {why}")


def _try_tcp(address: str, port: int, left: float | None) -> Steps[None]:
    connection = yield Connect("TCP", address, port, left)
    state = connection.state
    if state == "established":
        yield Close(connection)
        return
    connection.abort()
    if state in ("connecting", "timed out"):
        raise _Failed("TIMEOUT")
    if state == "refused":
        raise _Failed("REFUSED")
    place = with_port(address, port)
    raise _Failed(f"UNKNOWN: dial tcp {place}: connect: {connection.error.lower()}")


def _try_udp(address: str, port: int, left: float | None) -> Steps[None]:
    socket = yield OpenDatagram(address, port)
    yield SendTo(socket, _QUESTION)
    reply = yield ReceiveFrom(socket, left)
    flow = f"read udp {with_port(*socket.local)}->{with_port(address, port)}"
    yield Close(socket)
    if reply is None:
        raise _Failed(f"TIMEOUT: {flow}: i/o timeout")
    if isinstance(reply, str):
        refused = reply == "refused"
        raise _Failed(
            f"REFUSED: {flow}: read: connection refused"
            if refused
            else f"UNKNOWN: {flow}: read: no route to host"
        )


def _try_sctp(address: str, port: int, left: float | None) -> Steps[None]:
    association = yield Connect("SCTP", address, port, left)
    state = association.state
    if state == "established":
        yield Send(association, _QUESTION)
        answer = yield Receive(association, left)
        yield Close(association)
        if answer is None:
            raise _Failed("TIMEOUT")
        return
    association.abort()
    if state in ("connecting", "timed out"):
        raise _Failed("TIMEOUT")
    raise _Failed(f"OTHER: {'connection refused' if state == 'refused' else association.error}")


_TRIALS = {"tcp": _try_tcp, "udp": _try_udp, "sctp": _try_sctp}
