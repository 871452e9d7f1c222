"""curl's progress meter: one row when a transfer starts, one a second, one at the end."""

from __future__ import annotations

from minik8s.guests.base import Process

HEADER = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n"
)
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


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0


class Meter:
    """The meter of one transfer; writes to standard error while it is shown."""

    def __init__(self, process: Process, *, shown: bool) -> None:
        self._process = process
        self._shown = shown
        self._start = process.clock.now
        self._next = self._start + 1.0
        self.total: int | None = None
        self.received = 0
        self.upload = 0

    def begin(self) -> None:
        """The header and the first row."""
        if self._shown:
            self._process.err(HEADER)
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
        elapsed = self._process.clock.now - self._start
        ms = max(1, round(elapsed * 1000))
        down, up = self.received * 1000 // ms, self.upload * 1000 // ms
        total = self.total if self.total is not None else self.received
        expected, moved = total + self.upload, self.received + self.upload
        share = _percent(self.received, self.total or 0)
        left = "--:--:--"
        whole = "--:--:--"
        if self.total and down and elapsed >= 1:
            seconds = self.total // down
            whole, left = clock_text(seconds), clock_text(seconds - int(elapsed))
        self._process.err(
            f"\r{_percent(moved, expected):3d} {amount_text(expected)}"
            f"  {share:3d} {amount_text(self.received)}"
            f"  {100 if self.upload else 0:3d} {amount_text(self.upload)}"
            f"  {amount_text(down)}  {amount_text(up)}"
            f" {whole} {clock_text(elapsed)} {left} {amount_text(down + up)}"
        )
