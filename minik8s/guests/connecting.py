"""Connect to the first of several addresses that answers (RFC 8305, as curl does it)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minik8s.guests.base import AwaitConnection, Connect, FirstOf, Process, Steps
from minik8s.guests.errors import failure
from minik8s.network import Connection

HEAD_START = 0.2
"""How long the first address family is alone, in seconds."""


@dataclass(slots=True)
class _Attempt:
    connection: Connection
    family: bool
    limit: float


class Attempts:
    """Tries addresses until one is connected (`connection`) or all have failed (`error`).

    Each family goes through its addresses one by one; while others wait behind it, an address
    gets half of the time that is left. `tried` lists the connections that failed.
    """

    def __init__(
        self,
        process: Process,
        addresses: Sequence[str],
        port: int,
        deadline: float,
        *,
        on_try: Callable[[str], None] = lambda _: None,
        sport: int | None = None,
    ) -> None:
        self.connection: Connection | None = None
        self.error = ""
        self.tried: list[Connection] = []
        self._process = process
        self._port = port
        self._sport = sport
        self._deadline = deadline
        self._on_try = on_try
        self._active: list[_Attempt] = []
        self._queues: dict[bool, list[str]] = {}
        for address in addresses:
            self._queues.setdefault(":" in address, []).append(address)
        now = process.clock.now
        self._starts = {
            family: now + number * HEAD_START for number, family in enumerate(self._queues)
        }

    def until(self, moment: float) -> Steps[bool]:
        """Go on until connected, failed for good, or a moment; False at the moment."""
        clock = self._process.clock
        while self.connection is None:
            yield from self._open_due()
            if not self._active and not any(self._queues.values()):
                return True
            ends = [moment, *self._alarms()]
            waits = tuple(AwaitConnection(attempt.connection) for attempt in self._active)
            result = yield FirstOf(waits, max(0.0, min(ends) - clock.now))
            if result is not None:
                self._settle(self._active[result[0]])
            elif clock.now >= moment:
                return False
            self._drop_late()
        return True

    def abandon(self) -> None:
        """Give up every attempt that is under way."""
        for attempt in self._active:
            attempt.connection.abort()
        self._active.clear()

    def _alarms(self) -> list[float]:
        busy = {attempt.family for attempt in self._active}
        waiting = [self._starts[f] for f, queue in self._queues.items() if queue and f not in busy]
        return waiting + [attempt.limit for attempt in self._active]

    def _open_due(self) -> Steps[None]:
        busy = {attempt.family for attempt in self._active}
        for family, queue in self._queues.items():
            alone = not self._active
            if queue and family not in busy and (alone or self._starts[family] <= self._now):
                address = queue.pop(0)
                self._on_try(address)
                connection = yield Connect("TCP", address, self._port, 0.0, self._sport)
                left = self._deadline - self._now
                limit = self._now + left / 2 if queue else float("inf")
                self._active.append(_Attempt(connection, family, limit))

    @property
    def _now(self) -> float:
        return self._process.clock.now

    def _settle(self, attempt: _Attempt) -> None:
        self._active.remove(attempt)
        if attempt.connection.state == "established":
            self.abandon()
            self.connection = attempt.connection
        else:
            self.error = failure(attempt.connection)
            self.tried.append(attempt.connection)

    def _drop_late(self) -> None:
        for attempt in [a for a in self._active if a.limit <= self._now]:
            attempt.connection.abort()
            self._active.remove(attempt)
            self.error = "timed out"
            self.tried.append(attempt.connection)
