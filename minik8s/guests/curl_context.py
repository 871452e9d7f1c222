"""What the parts of one curl transfer share: settings, clockwork, report and talk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from minik8s.guests.base import Process
from minik8s.guests.curl_meter import Meter
from minik8s.guests.curl_options import Settings
from minik8s.guests.curl_texts import Failure, Texts
from minik8s.guests.curl_writeout import Report
from minik8s.guests.resolver import Answer
from minik8s.network import Connection

TICK = 0.001
"""The step of curl's event loop, in seconds.

The loop looks at a resolver often enough to see a deadline on time, and sees that of a
connection one tick late: hence 5000 and 5001 milliseconds.
"""

CONNECT_LIMIT = 300.0
"""How long curl waits for a connection when nothing is said."""


class TransferError(Exception):
    """The transfer ends here."""

    def __init__(self, why: Failure) -> None:
        super().__init__(why.text)
        self.why = why


@dataclass(slots=True)
class Pool:
    """The connections and names that one command has learned."""

    names: dict[str, Answer] = field(default_factory=dict)
    connections: dict[tuple[str, str, int], tuple[Connection, int]] = field(default_factory=dict)
    opened: int = 0

    def drain(self) -> Iterator[Connection]:
        """Every connection that is still open, taken out."""
        while self.connections:
            yield self.connections.popitem()[1][0]


@dataclass(slots=True)
class Context:
    """One transfer: `start` is its beginning, `single` that of the fetch under way."""

    process: Process
    settings: Settings
    texts: Texts
    pool: Pool
    report: Report
    meter: Meter
    start: float
    single: float

    @property
    def now(self) -> float:
        """The moment on the process's clock."""
        return self.process.clock.now

    def ms(self) -> int:
        """Whole milliseconds since this fetch began."""
        return int(round((self.now - self.single) * 1e6) // 1000)

    def spent(self) -> float:
        """Seconds since the transfer began; never nothing."""
        return max(1e-6, self.now - self.start)

    def deadline(self) -> float | None:
        """When `-m` ends the transfer."""
        limit = self.settings.max_time
        return self.start + limit if limit else None

    def connect_deadline(self) -> float:
        """When the connection must be there."""
        own = self.single + (self.settings.connect_timeout or CONNECT_LIMIT)
        whole = self.deadline()
        return own if whole is None else min(own, whole)

    def next_stop(self, deadline: float) -> float:
        """A deadline, or the moment of the meter's next row if that is sooner.

        A row that would come within a tick of the deadline is the last row.
        """
        row = self.meter.next_row
        return deadline if row is None or row + 1.5 * TICK > deadline else row

    def say(self, text: str) -> None:
        """What `-v` shows."""
        if self.settings.verbose:
            self.process.err(text)
