"""ping, in the forms of BusyBox and of iputils."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt

from minik8s.guests.addresses import is_address
from minik8s.guests.base import (
    Close,
    Interrupted,
    OpenEcho,
    Process,
    ReceiveEcho,
    SendEcho,
    Sleep,
    Steps,
)
from minik8s.guests.options import OptionError, getopt
from minik8s.guests.resolver import lookup
from minik8s.network import EchoReply, EchoSocket

ENDLESS = 10
"""How many requests are sent when no end was asked for: simulated time waits for no Ctrl-C."""


@dataclass(slots=True)
class _Plan:
    """What the command line asks for."""

    host: str = ""
    count: int = 0
    interval: float = 1.0
    wait: float = 10.0
    deadline: float = 0.0
    size: int = 56
    ttl: int = 64
    quiet: bool = False
    family: str = ""


@dataclass(slots=True)
class _Tally:
    """What has been sent and has come back; times in milliseconds."""

    start: float = 0.0
    last: float = 0.0
    sent: int = 0
    errors: int = 0
    times: list[float] = field(default_factory=list)
    departures: dict[int, float] = field(default_factory=dict)

    @property
    def loss(self) -> int:
        """Lost requests in percent."""
        return (self.sent - len(self.times)) * 100 // self.sent if self.sent else 0


Show = Callable[[EchoReply, float], None]


def _parse(process: Process, short: str) -> _Plan:
    """The plan; raises OptionError, or ValueError for a bad number."""
    options, operands = getopt(process.arguments, short)
    plan = _Plan()
    for name, value in options:
        if name == "c":
            plan.count = int(value)
        elif name == "i":
            plan.interval = float(value)
        elif name == "W":
            plan.wait = float(value)
        elif name == "w":
            plan.deadline = float(value)
        elif name == "s":
            plan.size = int(value)
        elif name == "t":
            plan.ttl = int(value)
        elif name == "q":
            plan.quiet = True
        elif name in "46":
            plan.family = f"ipv{name}"
    plan.host = operands[-1] if operands else ""
    if not plan.count and not plan.deadline and not process.background:
        plan.count = ENDLESS
    return plan


def _run(process: Process, plan: _Plan, to: str, show: Show) -> Steps[_Tally]:
    """Send and listen until the plan is done or Ctrl-C is pressed."""
    clock = process.clock
    socket = yield OpenEcho()
    tally = _Tally(start=clock.now, last=clock.now)
    end = clock.now + plan.deadline if plan.deadline else float("inf")
    sequence = 0
    try:
        while clock.now < end and (not plan.count or tally.sent < plan.count):
            yield SendEcho(socket, to, sequence + 1, plan.size, plan.ttl)
            sequence += 1
            tally.sent, tally.last = sequence, clock.now
            tally.departures[sequence] = clock.now
            final = bool(plan.count) and tally.sent == plan.count
            until = min(end, clock.now + (plan.wait if final else plan.interval))
            yield from _listen(process, socket, tally, until, show, final=final)
    except Interrupted:
        pass
    yield Close(socket)
    return tally


def _listen(
    process: Process, socket: EchoSocket, tally: _Tally, until: float, show: Show, *, final: bool
) -> Steps[None]:
    clock = process.clock
    while clock.now < until:
        if final and len(tally.times) + tally.errors >= tally.sent:
            return
        reply = yield ReceiveEcho(socket, until - clock.now)
        if reply is None:
            return
        sent = tally.departures.pop(reply.sequence, None)
        if sent is None:
            continue
        tally.last = clock.now
        elapsed = max(0.0, (reply.when - sent) * 1000)
        if reply.kind == "reply":
            tally.times.append(elapsed)
        else:
            tally.errors += 1
        show(reply, elapsed)
    if not final and clock.now < until:
        yield Sleep(until - clock.now)


# -- BusyBox

_BUSYBOX_USAGE = """\
BusyBox v1.37.0 () multi-call binary.

Usage: ping [OPTIONS] HOST

Send ICMP ECHO_REQUESTs to HOST

	-4,-6		Force IP or IPv6 name resolution
	-c CNT		Send only CNT pings
	-s SIZE		Send SIZE data bytes in packets (default 56)
	-i SECS		Interval
	-I IFACE/IP	Source interface or IP address
	-W SEC		Seconds to wait for the first response (default 10)
			(after all -c CNT packets are sent)
	-w SEC		Seconds until ping exits (default:infinite)
			(can exit earlier with -c CNT)
	-q		Quiet, only display output at start/finish
"""


def busybox_ping(process: Process) -> Steps[int]:
    """ping of BusyBox."""
    try:
        plan = _parse(process, "c:s:i:I:W:w:t:qAnv46")
    except OptionError as error:
        process.err(f"ping: {error.busybox}\n{_BUSYBOX_USAGE}")
        return 1
    except ValueError:
        process.err("ping: invalid number\n")
        return 1
    if not plan.host:
        process.err(_BUSYBOX_USAGE)
        return 1
    answer = yield from lookup(process, plan.host, plan.family)
    if not answer.addresses:
        process.err(f"ping: bad address '{plan.host}'\n")
        return 1
    to = answer.addresses[0]
    process.out(f"PING {plan.host} ({to}): {plan.size} data bytes\n")

    def show(reply: EchoReply, elapsed: float) -> None:
        if reply.kind == "reply" and not plan.quiet:
            process.out(
                f"{reply.size + 8} bytes from {reply.source}: seq={reply.sequence - 1} "
                f"ttl={reply.ttl} time={elapsed:.3f} ms\n"
            )

    tally = yield from _run(process, plan, to, show)
    process.out(_busybox_summary(plan.host, tally))
    return 0 if tally.times else 1


def _busybox_summary(host: str, tally: _Tally) -> str:
    text = (
        f"\n--- {host} ping statistics ---\n{tally.sent} packets transmitted, "
        f"{len(tally.times)} packets received, {tally.loss}% packet loss\n"
    )
    if tally.times:
        low, high = min(tally.times), max(tally.times)
        mean = sum(tally.times) / len(tally.times)
        text += f"round-trip min/avg/max = {low:.3f}/{mean:.3f}/{high:.3f} ms\n"
    return text


# -- iputils


_ERRORS = {
    "host unreachable": "Destination Host Unreachable",
    "port unreachable": "Destination Port Unreachable",
    "protocol unreachable": "Destination Protocol Unreachable",
    "time exceeded": "Time to live exceeded",
}


def _milliseconds(elapsed: float) -> str:
    if elapsed >= 100:
        return f"{elapsed:.0f}"
    return f"{elapsed:.1f}" if elapsed >= 10 else f"{elapsed:.{2 if elapsed >= 1 else 3}f}"


def ping(process: Process) -> Steps[int]:
    """ping of iputils."""
    try:
        plan = _parse(process, "c:s:i:I:W:w:t:p:Q:qAnvDOU46")
    except OptionError as error:
        process.err(f"ping: {error.gnu}\n\nUsage\n  ping [options] <destination>\n")
        return 2
    except ValueError:
        process.err("ping: invalid argument\n")
        return 1
    if not plan.host:
        process.err("ping: usage error: Destination address required\n")
        return 1
    answer = yield from lookup(process, plan.host, plan.family)
    if not answer.addresses:
        process.err(f"ping: {plan.host}: {answer.gai_error}\n")
        return 2
    to = answer.addresses[0]
    name = plan.host if is_address(plan.host) else answer.name.rstrip(".") or plan.host
    process.out(f"PING {name} ({to}) {plan.size}({plan.size + 28}) bytes of data.\n")
    tally = yield from _run(process, plan, to, lambda reply, ms: _show(process, plan, reply, ms))
    process.out(_summary(name, tally))
    complete = not plan.count or not plan.deadline or len(tally.times) >= plan.count
    return 0 if tally.times and complete else 1


def _show(process: Process, plan: _Plan, reply: EchoReply, elapsed: float) -> None:
    if plan.quiet:
        return
    if reply.kind == "reply":
        process.out(
            f"{reply.size + 8} bytes from {reply.source}: icmp_seq={reply.sequence} "
            f"ttl={reply.ttl} time={_milliseconds(elapsed)} ms\n"
        )
    else:
        what = _ERRORS[reply.kind]
        process.out(f"From {reply.source} icmp_seq={reply.sequence} {what}\n")


def _summary(name: str, tally: _Tally) -> str:
    errors = f"+{tally.errors} errors, " if tally.errors else ""
    text = (
        f"\n--- {name} ping statistics ---\n"
        f"{tally.sent} packets transmitted, {len(tally.times)} received, {errors}"
        f"{tally.loss}% packet loss, time {int((tally.last - tally.start) * 1000)}ms\n"
    )
    if not tally.times:
        return text + "\n"
    times = tally.times
    mean = sum(times) / len(times)
    spread = sqrt(max(0.0, sum(time * time for time in times) / len(times) - mean * mean))
    return text + (
        f"rtt min/avg/max/mdev = {min(times):.3f}/{mean:.3f}/{max(times):.3f}/{spread:.3f} ms\n"
    )
