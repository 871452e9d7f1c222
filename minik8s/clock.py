"""Simulated time: the moment that has been reached, and the events still to come.

All waiting in a cluster goes through one `Clock`. Nothing here sleeps: moving on
costs no real time. Seconds are simulated seconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from heapq import heappop, heappush

DEFAULT_START = datetime(2026, 3, 8, 9, 0, tzinfo=UTC).timestamp()


class Timer:
    """A planned call, which can still be cancelled; ordered by time, priority and serial."""

    __slots__ = ("callback", "priority", "serial", "when")

    def __init__(
        self, when: float, priority: int, serial: int, callback: Callable[[], object]
    ) -> None:
        self.when = when
        self.priority = priority
        self.serial = serial
        self.callback: Callable[[], object] | None = callback

    def __lt__(self, other: Timer) -> bool:
        return (self.when, self.priority, self.serial) < (
            other.when,
            other.priority,
            other.serial,
        )

    def cancel(self) -> None:
        """Forget the call; does nothing if it has already been made."""
        self.callback = None


class Clock:
    """A queue of events in simulated time.

    >>> clock = Clock(start=0)
    >>> _ = clock.call_later(5, lambda: print("five seconds later"))
    >>> clock.advance(10)
    five seconds later
    >>> clock.now
    10
    """

    __slots__ = ("_queue", "_serial", "now")

    def __init__(self, start: float = DEFAULT_START) -> None:
        self.now = start
        self._queue: list[Timer] = []
        self._serial = 0

    def call_at(self, when: float, callback: Callable[[], object], priority: int = 0) -> Timer:
        """Plan a call at a moment; one in the past is made at the next step."""
        self._serial += 1
        timer = Timer(max(when, self.now), priority, self._serial, callback)
        heappush(self._queue, timer)
        return timer

    def call_later(self, delay: float, callback: Callable[[], object], priority: int = 0) -> Timer:
        """Plan a call after a number of simulated seconds."""
        return self.call_at(self.now + delay, callback, priority)

    def next_event(self) -> float | None:
        """When the next planned call is due, or None if there is none."""
        while self._queue and self._queue[0].callback is None:
            heappop(self._queue)
        return self._queue[0].when if self._queue else None

    def step(self) -> bool:
        """Move to the next planned call and make it; False if there is none."""
        if self.next_event() is None:
            return False
        timer = heappop(self._queue)
        self.now = max(self.now, timer.when)
        callback, timer.callback = timer.callback, None
        if callback is not None:
            callback()
        return True

    def run_until(self, deadline: float) -> None:
        """Make every call due up to a moment, and end at that moment."""
        while (when := self.next_event()) is not None and when <= deadline:
            self.step()
        self.now = max(self.now, deadline)

    def advance(self, seconds: float) -> None:
        """Let a number of simulated seconds pass."""
        self.run_until(self.now + seconds)

    def fork(self) -> Clock:
        """A private timeline that starts now and moves this clock no further.

        A served cluster runs each program's waiting on such a fork: the program sees its
        deadline pass, while ages and time-outs of the cluster stand still.
        """
        return Clock(self.now)


@lru_cache(maxsize=256)
def rfc3339(seconds: float) -> str:
    """A moment as the API writes it (metav1.Time: whole seconds, UTC).

    >>> rfc3339(0)
    '1970-01-01T00:00:00Z'
    """
    return _whole_second(int(seconds))


@lru_cache(maxsize=256)
def _whole_second(seconds: int) -> str:
    # On a served cluster each request has a moment of its own, but the second is often the same.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> float:
    """The moment that an API timestamp names, in seconds; raises ValueError.

    >>> parse_rfc3339("1970-01-01T00:01:00Z")
    60.0
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
