"""The cluster as the server drives it: one lock, the time, and who hears of changes.

Everything that touches the cluster happens within an *activity*: the lock is held, the
cluster's clock has caught up with the wall, and afterwards those who wait are told: watches,
followed logs, programs that wait for somebody else, and the journal. All of it runs on the
event loop's thread; only the owner of a `Cluster` that is served may come from another one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from weakref import WeakSet

from minik8s.apiserver import ApiServer, Request, Response
from minik8s.clock import Clock
from minik8s.runtime import Runtime
from minik8s.server.timing import PATIENCE, PrivateClock, Wall
from minik8s.store import StoreEvent

PULSE = 1.0
"""How often watches and logs are looked at even if nothing happens: they have time-outs."""

LINGER = 120.0
"""How long the clock of an ended program is kept going for what it has left under way."""


_log = logging.getLogger("minik8s.server")


class Listener:
    """Somebody who waits for changes; `told` is set when there may be some."""

    __slots__ = ("_asked", "_loop", "resource", "told")

    def __init__(self, resource: str = "") -> None:
        self.resource = resource
        self.told = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._asked = False

    def tell_soon(self) -> None:
        """Have `told` set in the event loop's next turn; callable on any thread."""
        if not self._asked:
            self._asked = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._asked = False
        self.told.set()

    async def wait(self) -> None:
        """Until there may be something new."""
        await self.told.wait()
        self.told.clear()


class Hub:
    """One cluster behind one server. `patience` 0 makes programs wait really."""

    def __init__(
        self,
        runtime: Runtime,
        wall: Wall,
        *,
        patience: int = PATIENCE,
        lock: threading.RLock | None = None,
    ) -> None:
        self.runtime = runtime
        self.wall = wall
        self.patience = patience
        self.lock = lock if lock is not None else threading.RLock()
        self.api = ApiServer(runtime, new_clock=self.private_clock, on_error=_logged)
        self.keep: Callable[[list[StoreEvent]], None] | None = None
        self.parked: set[Callable[[], None]] = set()
        self._depth = 0
        self._listeners: dict[str, set[Listener]] = {}
        self._changed: set[str] = set()
        self._events: list[StoreEvent] = []
        self._called = False
        self._mains: WeakSet[PrivateClock] = WeakSet()
        self._lingering: dict[PrivateClock, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tick_at = 0.0
        self._pulse = 0.0
        runtime.store.subscribe(self._observe)
        runtime.containers.new_clock = self._main_clock
        runtime.containers.call_soon = self.call_soon
        runtime.containers.on_error = _program_failed

    # -- activities

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        with self.activity():
            return self.api.handle(request)

    @contextmanager
    def activity(self) -> Iterator[None]:
        """Do something with the cluster."""
        with self.lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._catch_up()
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    self._publish()

    def _catch_up(self) -> None:
        """Make the calls that are due; one that fails keeps nobody from the others."""
        while True:
            try:
                return self.runtime.clock.run_until(self.wall.now())
            except Exception:  # noqa: BLE001 - a mistake of ours, told in the log
                _log.exception("a call that was due has failed")

    def _observe(self, event: StoreEvent) -> None:
        self._changed.add(event.kind.plural)
        if self.keep is not None:
            self._events.append(event)
        if not self._depth and not self._called and self._loop is not None:
            self._called = True  # this is the owner's thread: tell the others from the loop's
            self._loop.call_soon_threadsafe(self._owner_wrote)

    def _owner_wrote(self) -> None:
        self._called = False
        with self.activity():
            pass

    def _publish(self) -> None:
        """Tell those who wait, and plan the next tick."""
        changed = self._changed
        if changed:
            for resource in changed:
                for listener in self._listeners.get(resource, ()):
                    listener.told.set()
            changed.clear()
        if self._events and self.keep is not None:
            events, self._events = self._events, []
            self.keep(events)
        for look in tuple(self.parked):
            look()
        self._plan()

    def call_soon(self, what: Callable[[], None]) -> None:
        """Do something with the cluster in the event loop's next turn; callable on any thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(self._do, what)

    def _do(self, what: Callable[[], None]) -> None:
        with self.activity():
            what()

    # -- those who wait

    def listen(self, resource: str) -> Listener:
        """Hear of the writes to a resource (a plural), or with "" only of the pulse."""
        listener = Listener(resource)
        self._listeners.setdefault(resource, set()).add(listener)
        return listener

    def forget(self, listener: Listener) -> None:
        """Stop listening."""
        self._listeners.get(listener.resource, set()).discard(listener)

    def tell_all(self) -> None:
        """Have everybody look, whether something has changed or not."""
        for group in self._listeners.values():
            for listener in group:
                listener.told.set()

    # -- time

    def private_clock(self) -> PrivateClock:
        """The clock of a program that `exec` starts."""
        return PrivateClock(self.runtime.clock.now, self.wall, self.patience)

    def _main_clock(self) -> Clock:
        """The clock of a container's own program that somebody may type at."""
        clock = self.private_clock()
        clock.follow()
        self._mains.add(clock)
        return clock

    def linger(self, clock: PrivateClock) -> None:
        """A program has ended: let what it sent arrive, and what waits go on by the wall."""
        clock.run_until(clock.now + 1.0)
        if clock.next_event() is not None:
            clock.follow()
            self._lingering[clock] = self.wall.now() + LINGER

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to keep time."""
        self._loop = loop
        self._plan()

    def stop(self) -> None:
        """Leave the cluster alone."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None
        self.keep = None
        self.runtime.store.unsubscribe(self._observe)
        self.runtime.containers.new_clock = None
        self.runtime.containers.call_soon = None
        self.runtime.containers.on_error = None

    def _plan(self) -> None:
        loop = self._loop
        if loop is None:
            return
        now = self.wall.now()
        delay = PULSE
        due = self.runtime.clock.next_event()
        if due is not None:
            delay = min(delay, due - now)
        for clock in (*self._mains, *self._lingering):
            away = clock.due_in()
            if away is not None:
                delay = min(delay, away)
        when = loop.time() + max(delay, 0.001)
        if self._timer is not None:
            if self._tick_at <= when:
                return
            self._timer.cancel()
        self._tick_at = when
        self._timer = loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        with self.activity():
            now = self.wall.now()
            for clock in (*self._mains, *self._lingering):
                clock.catch_up()
            for clock, end in tuple(self._lingering.items()):
                if clock.next_event() is None or now > end:
                    del self._lingering[clock]
            if now - self._pulse >= PULSE:
                self._pulse = now
                self.tell_all()


def _logged(request: Request, error: Exception) -> None:
    _log.error("%s %s", request.method, request.path, exc_info=error)


def _program_failed(error: Exception) -> None:
    _log.error("a program in a pod has failed", exc_info=error)
