"""uptime: the time, how long the node has been up, and that it is idle."""

from __future__ import annotations

from datetime import UTC, datetime

from minik8s.guests.base import Process, Steps

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def uptime(process: Process) -> Steps[int]:
    """One line, as BusyBox and procps print it; simulated nodes have no load."""
    yield from ()
    now = process.clock.now
    shown = datetime.fromtimestamp(now, UTC).strftime("%H:%M:%S")
    process.out(
        f" {shown} up {_lasted(now - process.container.booted)},"
        "  0 users,  load average: 0.00, 0.00, 0.00\n"
    )
    return 0


def _lasted(seconds: float) -> str:
    days, rest = divmod(int(seconds), _DAY)
    hours, minutes = rest // _HOUR, rest % _HOUR // _MINUTE
    text = f"{days} day{'s' if days != 1 else ''}, " if days else ""
    return text + (f"{hours:2}:{minutes:02}" if hours else f"{minutes} min")
