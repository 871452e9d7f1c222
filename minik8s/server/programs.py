"""Programs that clients reach by exec and attach: run without keeping anybody else waiting.

A program goes on in slices. What it waits for passes at once on its private clock, while its
patience lasts; then, and where it waits for somebody outside, it goes on with the wall. One
that `attach` reaches lives on a clock that others move: it only gets what is typed.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from minik8s.errors import InternalError
from minik8s.model.metadata import Document
from minik8s.runtime.sessions import ExecSession
from minik8s.server.hub import Hub
from minik8s.server.timing import PrivateClock

SLICE = 0.005
"""Real seconds after which a program gives way to others."""

BROKEN = InternalError.wrap("see the server's log")
"""What is told of a program that a mistake of ours has ended."""

SUCCESS: Document = {"metadata": {}, "status": "Success"}


class Sink(Protocol):
    """Where a program's output goes: the client's connection."""

    @property
    def paused(self) -> bool:
        """Whether the client has not read what was sent before."""

    def write(self, stream: int, data: bytes) -> None:
        """Output: stream 1 or 2."""

    def finish(self, status: Document) -> None:
        """The program has ended; nothing follows."""


class FailedStart:
    """A program that could not be started; `status` says why."""

    def __init__(self, status: Document) -> None:
        self.status = status


def run(
    hub: Hub, session: ExecSession | FailedStart, sink: Sink, argv: list[str]
) -> Running | None:
    """Let a program go on, now that somebody listens; None if it has not been started."""
    if isinstance(session, FailedStart):
        sink.finish(session.status)
        return None
    running = Running(hub, session, sink, argv)
    running.start()
    return running


class Running:
    """One program and one client."""

    def __init__(self, hub: Hub, session: ExecSession, sink: Sink, argv: list[str]) -> None:
        self._hub = hub
        self._session = session
        self._sink = sink
        self._argv = argv
        self._loop = asyncio.get_running_loop()
        clock = session.clock
        self._clock = clock if isinstance(clock, PrivateClock) else None
        self._timer: asyncio.Handle | None = None
        self._held: list[tuple[int, bytes]] = []
        self._computing = False
        self._over = False

    # -- what the client does

    def start(self) -> None:
        """Run for the first time."""
        self._hub.parked.add(self._look)
        self._go_on()

    def type(self, data: bytes) -> None:
        """Standard input."""
        if data and not self._over:
            with self._hub.activity():
                self._session.write_stdin(data)
            self._refresh()

    def close_input(self) -> None:
        """The end of standard input."""
        if not self._over:
            with self._hub.activity():
                self._session.close_stdin()
            self._refresh()

    def resize(self, width: int, height: int) -> None:
        """The terminal has another size."""
        self._session.resize(width, height)

    def resume(self) -> None:
        """The client has read again."""
        if not self._over:
            self._go_on()

    def leave(self) -> None:
        """The client has gone."""
        if not self._over:
            with self._hub.activity():
                self._session.kill()
            self._end()

    # -- inside

    def _refresh(self) -> None:
        if self._clock is not None:
            self._clock.refresh()
        self._go_on()

    def _look(self) -> None:
        """Something has happened in the cluster: has the program heard of it?"""
        session = self._session
        computed = self._computing and not session.computing
        if session.exit_code is not None or session.has_output or computed:
            self._plan(0.0)

    def _plan(self, delay: float | None) -> None:
        """Go on after a while, sooner than planned before or later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if delay is None or self._over:
            return
        if delay <= 0:
            self._timer = self._loop.call_soon(self._go_on)
        else:
            self._timer = self._loop.call_later(delay, self._go_on)

    def _go_on(self) -> None:
        self._plan(None)
        if self._sink.paused or self._over:
            return
        with self._hub.activity():
            delay = self._slice()
            self._held += self._session.output()
        lead = self._lead()
        if lead > 0.01:
            self._plan(lead)
            return
        held, self._held = self._held, []
        for stream, data in held:
            self._sink.write(stream, data)
        code = self._session.exit_code
        if code is None:
            self._plan(delay)
        else:
            self._end()
            failed = self._session.failed
            self._sink.finish(BROKEN.status() if failed else status_of(code, self._argv))

    def _lead(self) -> float:
        """How long output is held back: what a shell ran in one go has really waited, too."""
        clock = self._clock
        return clock.lead if clock is not None and not self._hub.patience else 0.0

    def _slice(self) -> float | None:
        """Run for a moment; gives when to go on, None if others must do something first."""
        session, clock = self._session, self._clock
        if clock is None:
            while session.pump():
                pass
            return None
        until, busy = time.monotonic() + SLICE, False
        clock.catch_up()
        while session.exit_code is None and not busy:
            if not (session.stands_still or session.computing) and clock.leap():
                busy = time.monotonic() > until
            elif not session.pump():
                break
        if self._hub.patience:
            clock.follow()
        self._computing = session.computing
        return 0.0 if busy else clock.due_in()

    def _end(self) -> None:
        self._over = True
        self._hub.parked.discard(self._look)
        self._plan(None)
        if self._clock is not None and self._session.exit_code is not None:
            self._hub.linger(self._clock)


def status_of(code: int, argv: list[str]) -> Document:
    """The Status document that ends a session (remotecommand's exit code protocol)."""
    if code == 0:
        return SUCCESS
    command = f"error executing command [{' '.join(argv)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {command}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
