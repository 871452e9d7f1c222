"""One clock for a terminal, its clusters and its background jobs.

A *job* is a command list that was started with `&`. It runs on a thread of its own, but never
beside another: exactly one of the foreground and the jobs has the *turn*. Time moves on only
while the foreground waits (a `sleep`, a `curl` into a drop, `wait`); a job that waits gives its
turn away and is taken up again at its moment. So the same script always prints the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from threading import Semaphore, Thread

from minik8s.clock import DEFAULT_START, Clock


class Killed(BaseException):
    """Raised in a job that has been told to end, where it waits."""


class DeadlinePassed(BaseException):
    """Raised where a program waits beyond the deadline that a `timeout` has set."""


class Actor:
    """A thread that runs only when it has the turn.

    `alive` until its work is done; `killed` once it has been told to end. `deadline` is that of
    the program it runs now.
    """

    def __init__(self) -> None:
        self.alive = True
        self.killed = False
        self.deadline: float | None = None
        self._turn = Semaphore(0)
        self._given = Semaphore(0)

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` until it first waits, or ends."""

        def target() -> None:
            _current.set(self)
            self._turn.acquire()
            try:
                work()
            except Killed:
                pass
            finally:
                self.alive = False
                self._given.release()

        # A context of its own: a Ctrl-C for the foreground is not for the job.
        Thread(target=Context().run, args=(target,), daemon=True).start()
        self.resume()

    def resume(self) -> None:
        """Give the actor the turn, and go on when it gives it back; not from its own thread."""
        if self.alive:
            self._turn.release()
            self._given.acquire()

    def wait(self) -> None:
        """Give the turn back until the next `resume`; only from the actor's own threads."""
        self._given.release()
        self._turn.acquire()
        if self.killed:
            raise Killed

    def kill(self) -> None:
        """End the actor where it waits."""
        self.killed = True
        self.resume()


_current: ContextVar[Actor | None] = ContextVar("actor", default=None)
"""The actor whose thread this is; None in the foreground."""


def current_actor() -> Actor | None:
    """The actor that has the turn, None if it is the foreground."""
    return _current.get()


class Timeline(Clock):
    """A clock that only the foreground moves; a job that steps it waits for that.

    `check` is called at each step of the foreground; it may raise, to stop a program that
    goes on for ever.
    """

    __slots__ = ("_foreground_deadline", "_watchers", "check")

    def __init__(self, start: float = DEFAULT_START) -> None:
        super().__init__(start)
        self._watchers: list[Actor] = []
        self._foreground_deadline: float | None = None
        self.check: Callable[[], None] | None = None

    @contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        """Raise DeadlinePassed where the program within waits beyond a moment."""
        actor = current_actor()
        before = self._deadline_of(actor)
        self._set_deadline(actor, deadline)
        if deadline is not None and actor is not None:
            self.call_at(deadline, lambda: None)  # so that something happens then
        try:
            yield
        finally:
            self._set_deadline(actor, before)

    def _deadline_of(self, actor: Actor | None) -> float | None:
        return self._foreground_deadline if actor is None else actor.deadline

    def _set_deadline(self, actor: Actor | None, deadline: float | None) -> None:
        if actor is None:
            self._foreground_deadline = deadline
        else:
            actor.deadline = deadline

    def _check_deadline(self, actor: Actor | None) -> None:
        deadline = self._deadline_of(actor)
        if deadline is None:
            return
        if actor is None and not self._due(deadline):
            self.now = max(self.now, deadline)
        if self.now >= deadline:
            raise DeadlinePassed

    def step(self) -> bool:
        """Move to the next planned call and make it; in a job, wait until that has happened."""
        actor = current_actor()
        self._check_deadline(actor)
        if actor is not None and not self._due(self.now):
            self._watchers.append(actor)
            actor.wait()
            return True
        if actor is None and self.check is not None:
            self.check()
        happened = super().step()
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if watcher is actor:
                self._watchers.append(watcher)
            else:
                watcher.resume()
        return happened

    def run_until(self, deadline: float) -> None:
        """Make every call due up to a moment, and end at that moment."""
        actor = current_actor()
        stop = self._deadline_of(actor)
        if stop is not None and stop < deadline:
            self.run_until(stop)
            self._check_deadline(actor)
        limit = deadline if actor is None else min(deadline, self.now)
        while self._due(limit):
            self.step()
        if actor is None:
            self.now = max(self.now, deadline)
        elif deadline > self.now:
            self.call_at(deadline, actor.resume)
            actor.wait()

    def _due(self, deadline: float) -> bool:
        when = self.next_event()
        return when is not None and when <= deadline
