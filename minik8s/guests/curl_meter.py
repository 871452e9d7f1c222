"""curl's progress meter: one row when a transfer starts, one a second, one at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minik8s.guests.base import Process

_UNITS = "kMGTP"


def clock_text(seconds: float) -> str:
    """Seconds as the meter shows them.

    >>> clock_text(0.9), clock_text(61)
    ('--:--:--', ' 0:01:01')
    """
    whole = int(seconds)
    if whole <= 0:
        return "--:--:--"
    hours, rest = divmod(whole, 3600)
    if hours > 99:
        return f"{hours // 24:3d}d {hours % 24:02d}h"
    return f"{hours:2d}:{rest // 60:02d}:{rest % 60:02d}"


def amount_text(count: int) -> str:
    """A number of bytes in five columns.

    >>> amount_text(6), amount_text(200704)
    ('    6', ' 196k')
    """
    if count < 100000:
        return f"{count:5d}"
    for unit in _UNITS:
        if count < 10000 * 1024:
            return f"{count // 1024:4d}{unit}"
        if count < 100 * 1024 * 1024:
            return f"{count / 1024 / 1024:4.1f}{_UNITS[_UNITS.index(unit) + 1]}"
        count //= 1024
    return "  lots"


def wide_clock_text(seconds: float) -> str:
    """Seconds as the meter of curl 8.18 and later shows them, in seven columns.

    >>> wide_clock_text(0.9), wide_clock_text(61), wide_clock_text(3661)
    ('       ', '  01:01', '1:01:01')
    """
    whole = int(seconds)
    if whole <= 0:
        return " " * 7
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"  {minutes:02d}:{rest:02d}"
    return f"{minutes // 60:1d}:{minutes % 60:02d}:{rest:02d}"


def wide_amount_text(count: int) -> str:
    """A number of bytes in six columns, as curl 8.18 and later shows it.

    >>> wide_amount_text(615), wide_amount_text(156979), wide_amount_text(3984589)
    ('   615', '153.3k', ' 3.80M')
    """
    if count < 100000:
        return f"{count:6d}"
    amount = float(count)
    for unit in _UNITS:
        amount /= 1024
        if amount < 10:
            return f"{amount:5.2f}{unit}"
        if amount < 1000:
            return f"{amount:5.1f}{unit}"
    return "  lots"


@dataclass(frozen=True, slots=True)
class Look:
    """How a version of curl draws its meter."""

    header: str
    row: str
    amount: Callable[[int], str]
    clock: Callable[[float], str]


OLD = Look(
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n",
    "\r{0:3d} {1}  {2:3d} {3}  {4:3d} {5}  {6}  {7} {8} {9} {10} {11}",
    amount_text,
    clock_text,
)
NEW = Look(
    "  % Total    % Received % Xferd  Average Speed  Time    Time    Time   Current\n"
    "                                 Dload  Upload  Total   Spent   Left   Speed\n",
    "\r{0:3d} {1} {2:3d} {3} {4:3d} {5} {6} {7} {8} {9} {10} {11}",
    wide_amount_text,
    wide_clock_text,
)


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0


class Meter:
    """The meter of one transfer; writes to standard error while it is shown."""

    def __init__(self, process: Process, look: Look, *, shown: bool) -> None:
        self._process = process
        self._look = look
        self._shown = shown
        self._start = process.clock.now
        self._next = self._start + 1.0
        self.total: int | None = None
        self.received = 0
        self.upload = 0

    def begin(self) -> None:
        """The header and the first row."""
        if self._shown:
            self._process.err(self._look.header)
            self._row()

    @property
    def next_row(self) -> float | None:
        """When the next row is due, if rows are shown."""
        return self._next if self._shown else None

    def tick(self) -> None:
        """Show a row if one is due."""
        while self._shown and self._process.clock.now >= self._next:
            self._row()
            self._next += 1.0

    def end(self) -> None:
        """The last row, and the end of the line."""
        if self._shown:
            self._row()
            self._process.err("\n")

    def _row(self) -> None:
        amount, clock = self._look.amount, self._look.clock
        elapsed = self._process.clock.now - self._start
        ms = max(1, round(elapsed * 1000))
        down, up = self.received * 1000 // ms, self.upload * 1000 // ms
        total = self.total if self.total is not None else self.received
        expected, moved = total + self.upload, self.received + self.upload
        whole = left = 0.0
        if self.total and down and elapsed >= 1:
            whole = self.total / down
            left = whole - int(elapsed)
        cells = (
            _percent(moved, expected),
            amount(expected),
            _percent(self.received, self.total or 0),
            amount(self.received),
            100 if self.upload else 0,
            amount(self.upload),
            *(amount(down), amount(up), clock(whole), clock(elapsed), clock(left)),
            amount(down + up),
        )
        self._process.err(self._look.row.format(*cells))
