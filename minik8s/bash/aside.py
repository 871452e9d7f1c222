"""Work on a thread of its own that leaves some of itself to its owner.

A script may compute for seconds, and bashkit does so without holding up other threads. But the
programs that it calls belong to the thread that owns the cluster. So the script runs *aside*:
what it asks for waits in a line until the owner *attends* to it. What takes simulated time is an
*errand*: the owner takes it up, does other things meanwhile, and reports back.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Abandoned(Exception):
    """Raised in work whose owner has given it up."""


class _Ask(Generic[R]):
    """Something that the owner is to do while the work waits for it."""

    def __init__(self, what: Callable[[], R]) -> None:
        self._what = what
        self._done = threading.Event()
        self._found: list[R] = []
        self._failure: BaseException | None = None

    def carry_out(self) -> None:
        try:
            self._found.append(self._what())
        except BaseException as failure:  # noqa: BLE001 - raised where it was asked for
            self._failure = failure
        self._done.set()

    def refuse(self) -> None:
        self._failure = Abandoned()
        self._done.set()

    def wait(self) -> R:
        self._done.wait()
        if self._failure is not None:
            raise self._failure
        return self._found[0]


class Errand(_Ask[R]):
    """Something that takes the owner some time; the work waits for `done` or `failed`."""

    def __init__(self, what: Callable[[], R]) -> None:
        super().__init__(what)
        self.what = what

    def done(self, value: Any) -> None:
        """Give the work what the errand has brought."""
        self._found.append(value)
        self._done.set()

    def failed(self, failure: BaseException) -> None:
        """Raise something in the work."""
        self._failure = failure
        self._done.set()


class Aside(Generic[T]):
    """One piece of work after another, each on a thread of its own.

    `cancel` tells the work to stop; Ctrl-C while the owner waits does that. `ended` says that
    there is no work, or that it has ended and everything is done that it asked for.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel
        self.ended = True
        self._line: deque[Callable[[], object]] = deque()
        self._errand: Errand[Any] | None = None
        self._asks: set[_Ask[object]] = set()
        self._news = threading.Condition()
        self._listener: Callable[[], None] | None = None
        self._results: list[T] = []
        self._failure: BaseException | None = None
        self._abandoned = False
        self._over = True

    # -- the owner

    def begin(self, work: Callable[[], T]) -> None:
        """Start work; the work before has ended."""
        assert self.ended
        self._over = self.ended = False
        self._results.clear()
        self._failure = None
        run = contextvars.copy_context().run
        threading.Thread(
            target=run, args=(self._work, work), name="minik8s-shell", daemon=True
        ).start()

    def attend(self) -> bool:
        """Do what has been asked for until now; never waits.

        Says whether the owner has something to do: an errand, or to look at what has ended.
        """
        over = self._over
        for _ in range(len(self._line)):
            if self._errand is not None:
                return True
            self._line.popleft()()
        self.ended = over and not self._line and self._errand is None
        return self.ended or self._errand is not None

    def errand(self) -> Errand[Any] | None:
        """The errand that the work waits for, once; None if there is none."""
        taken, self._errand = self._errand, None
        return taken

    def wait(self, seconds: float | None = None) -> bool:
        """Attend until `attend` says so, or for some real seconds; whether it has said so."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self.attend():
            left = None if until is None else until - time.monotonic()
            try:
                with self._news:
                    if not self._news.wait_for(self._has_news, left):
                        return False
            except KeyboardInterrupt:
                self.cancel()
        return True

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Have somebody called once, on any thread, when there is something to attend to."""
        with self._news:
            self._listener = listener
            told = self._has_news()
        if told:
            self._tell()

    def result(self) -> T:
        """What the work gave; raises what it raised."""
        if self._failure is not None:
            raise self._failure
        return self._results[0]

    def abandon(self) -> None:
        """Nobody wants the work any more: what it asks for raises Abandoned in it."""
        with self._news:
            self._abandoned = True
            self._listener = None
            self._line.clear()
            asks = tuple(self._asks)
        for ask in asks:
            ask.refuse()
        self.cancel()

    # -- the work

    def call(self, what: Callable[[], R]) -> R:
        """Have the owner do something, and wait for it; at once if no work is going on."""
        if self._over:
            return what()
        ask: _Ask[R] = _Ask(what)
        self._put(ask.carry_out, ask)
        try:
            return ask.wait()
        finally:
            self._asks.discard(ask)

    @property
    def working(self) -> bool:
        """Whether there is work that has not ended."""
        return not self._over

    def send(self, what: Callable[[], R]) -> Any:
        """Send the owner on an errand, and wait for what it brings; only while `working`."""
        errand = Errand(what)
        self._put(partial(setattr, self, "_errand", errand), errand)
        try:
            return errand.wait()
        finally:
            self._asks.discard(errand)

    def post(self, what: Callable[[], object]) -> None:
        """Have the owner do something in its turn, without waiting for it."""
        if self._over:
            what()
        else:
            self._put(what)

    def _put(self, what: Callable[[], object], ask: _Ask[R] | None = None) -> None:
        with self._news:
            if self._abandoned:
                raise Abandoned
            if ask is not None:
                self._asks.add(ask)  # type: ignore[arg-type]
            self._line.append(what)
            self._news.notify_all()
        self._tell()

    def _work(self, work: Callable[[], T]) -> None:
        try:
            self._results.append(work())
        except BaseException as failure:  # noqa: BLE001 - raised by `result`
            self._failure = failure
        with self._news:
            self._over = True
            self._news.notify_all()
        self._tell()

    def _has_news(self) -> bool:
        return bool(self._line) or self._over

    def _tell(self) -> None:
        with self._news:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener()
