"""A part of a program that can be left at a deadline and taken up again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minik8s.clock import Clock
from minik8s.guests.base import (
    Accept,
    AwaitConnection,
    Connect,
    Effect,
    FirstOf,
    Forever,
    ReadInput,
    Receive,
    ReceiveEcho,
    ReceiveFrom,
    Sleep,
    Steps,
)
from minik8s.network import Connection

_TIMED = (Connect, AwaitConnection, Receive, ReceiveFrom, ReceiveEcho, Accept, ReadInput, FirstOf)


class Paused:
    """A part of a program that can be left at a deadline and taken up again.

    curl leaves its resolver when `--connect-timeout` is over, and an old curl then waits for
    the resolver's thread all the same.
    """

    def __init__(self, steps: Steps[Any], clock: Clock) -> None:
        self._steps = steps
        self._clock = clock
        self._pending: Effect | None = None
        self._since = 0.0
        self.done = False
        self.result: Any = None

    def until(self, deadline: float | None) -> Steps[bool]:
        """Go on until the end, or until a moment; gives whether the end was reached."""
        if self._pending is None and not self.done:
            self._send(None)
        while self._pending is not None:
            effect = self._pending
            limit = _limit(effect)
            due = None if limit is None else self._since + limit
            cut = deadline is not None and (due is None or due >= deadline)
            stop = deadline if cut else due
            rest = None if stop is None else max(0.0, stop - self._clock.now)
            value = yield _bounded(effect, rest)
            if cut and _in_vain(effect, value):
                if isinstance(value, Connection):
                    self._pending = AwaitConnection(value, limit)
                return False
            self._send(value)
        return True

    def _send(self, value: Any) -> None:
        try:
            self._pending = self._steps.send(value)
            self._since = self._clock.now
        except StopIteration as end:
            self._pending, self.done, self.result = None, True, end.value


def _limit(effect: Effect) -> float | None:
    """How long an effect may take at most; None for ever."""
    if isinstance(effect, Sleep):
        return effect.seconds
    return getattr(effect, "timeout", 0.0)


def _bounded(effect: Effect, limit: float | None) -> Effect:
    """The same effect, waiting no longer than `limit`."""
    if isinstance(effect, Sleep):
        return Sleep(limit or 0.0)
    if isinstance(effect, Forever):
        return effect if limit is None else Sleep(limit)
    if isinstance(effect, _TIMED):
        return replace(effect, timeout=limit)
    return effect


def _in_vain(effect: Effect, value: Any) -> bool:
    """Whether an effect's result says that its time ran out."""
    if isinstance(value, Connection):
        return value.state == "connecting"
    return value is None and isinstance(effect, (Sleep, Forever, *_TIMED))
