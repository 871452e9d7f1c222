"""Time on a served cluster: its clock keeps to the wall, a program's own may run ahead.

The *wall* is the machine's clock, moved by an offset if the cluster lives at another date. A
*private clock* is a program's own: it leaps over the program's waits, until it has leapt so
often that the program must be a loop; from then on it *follows* the wall, and so it does while
the program waits for somebody outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from minik8s.clock import Clock
from minik8s.guests.base import Interrupted

Now = Callable[[], float]
"""Gives seconds since 1970 by the machine's clock."""

PATIENCE = 200
"""How many long waits of a program pass at once, before it waits really: no program but an
endless loop (`ping` without a count, `while true; do curl …; sleep 1; done`) has more."""

LONG_WAIT = 0.25
"""From how many seconds on a wait is long; packets and DNS answers are on their way less."""

NESTED_LIMIT = 5_000
"""How many long waits programs may have that a shell runs in one go. They cannot be made to
wait really, so what goes beyond is killed."""


class Wall:
    """The moment that the cluster's clock should show."""

    def __init__(self, clock: Clock, *, now: Now = time.time, keep_date: bool = False) -> None:
        """`keep_date` leaves the cluster's date as it is, and only lets it go on."""
        self._now = now
        self.offset = clock.now - now() if keep_date else 0.0

    def now(self) -> float:
        """Seconds since 1970, at the cluster."""
        return self._now() + self.offset


class PrivateClock(Clock):
    """A timeline of one program. With a patience of 0 it never leaps: all waits are real."""

    __slots__ = ("__weakref__", "_ahead", "_nested", "_patience", "_wall", "left")

    def __init__(self, start: float, wall: Wall, patience: int = PATIENCE) -> None:
        super().__init__(start)
        self._wall = wall
        self._patience = self.left = patience
        self._ahead = start - wall.now()
        self._nested = 0

    def refresh(self) -> None:
        """Somebody has typed something: what the program does now is nothing endless."""
        self.left = self._patience
        self._nested = 0

    def follow(self) -> None:
        """Move with the wall from now on, from wherever this clock stands."""
        self._ahead = self.now - self._wall.now()

    def catch_up(self) -> None:
        """Make the calls that are due by the wall."""
        self.run_until(self._wall.now() + self._ahead)

    def due_in(self) -> float | None:
        """How many real seconds the next call is away; None if there is none."""
        due = self.next_event()
        return None if due is None else due - self._ahead - self._wall.now()

    @property
    def lead(self) -> float:
        """How many seconds the clock is ahead of where following would have brought it."""
        return self.now - self._ahead - self._wall.now()

    def leap(self) -> bool:
        """Make the next call at once, if there is one and patience allows it."""
        due = self.next_event()
        if due is None:
            return False
        if due - self.now >= LONG_WAIT:
            if self.left <= 0:
                return False
            self.left -= 1
        return super().step()

    def step(self) -> bool:
        """A wait of a program that a shell runs in one go; raises Interrupted at the limit."""
        due = self.next_event()
        if due is not None and due - self.now >= LONG_WAIT:
            self._nested += 1
            if self._nested > NESTED_LIMIT:
                raise Interrupted("SIGKILL")
        return super().step()

    def run_until(self, deadline: float) -> None:
        """Make every call due up to a moment, and end at that moment."""
        while (when := self.next_event()) is not None and when <= deadline:
            super().step()
        self.now = max(self.now, deadline)

    def fork(self) -> PrivateClock:
        """Another timeline from here, with the same wall and patience."""
        return PrivateClock(self.now, self._wall, self._patience)
