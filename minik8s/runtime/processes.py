"""Run programs: tasks, and the clock that drives them.

A *task* is one started program. It goes on until it must wait, and is taken up again by the
event that it waits for (a packet, a timer, input), whoever steps the clock. `Task.finish`
steps the clock itself until the task has ended, or waits for somebody else.
"""

from __future__ import annotations

from collections.abc import Callable

from minik8s.bash import Aside
from minik8s.clock import Timer
from minik8s.guests.base import (
    Accept,
    AwaitConnection,
    Compute,
    Connect,
    Effect,
    FirstOf,
    Forever,
    Interrupted,
    LookAgain,
    Process,
    Program,
    ReadInput,
    Signal,
    Steps,
    WaitsForEver,
)
from minik8s.runtime.waits import PENDING, Kernel, Wait

QUIET = 20.0
"""How long a foreground program without a time-out of its own is given to hear something.

Enough for every retransmission of data; after that it would wait for ever, and says so."""

TIMED_OUT = 124
"""The exit code of a program that `timeout` has ended."""


def run_now(process: Process, program: Program, deadline: float | None = None) -> int:
    """Run a program to its end on its own clock.

    One that would wait for ever is interrupted (130); in the background WaitsForEver is raised.
    """
    task = Task(process, program)
    task.start()
    if not task.finish(deadline):
        task.interrupt("SIGINT")
        if not task.finish():
            task.interrupt("SIGKILL")
        if process.background:
            raise WaitsForEver
    return task.exit_code or 0


GRACE = 0.01
"""How many real seconds a program may compute before others go on meanwhile."""

BROKEN = 1
"""The exit code of a program in which something of ours has failed."""

OnError = Callable[[Exception], None]
"""Hears of an exception that no program should raise."""

CallSoon = Callable[[Callable[[], None]], None]
"""Has something called on the thread that owns the cluster; callable on any thread."""


class Task:
    """One started program; `exit_code` is None while it runs.

    `on_end` is called with the exit code, once. With `call_soon` a program may compute while
    its caller goes on; without it, the caller waits for the computing. An exception that is a
    mistake of ours goes to `on_error`, and the program has `failed`; without `on_error` it goes
    on to whoever made the program go on.
    """

    __slots__ = (
        "_call_soon",
        "_kernel",
        "_on_error",
        "_running",
        "_steps",
        "_timer",
        "_wait",
        "exit_code",
        "failed",
        "on_end",
        "process",
    )

    def __init__(
        self,
        process: Process,
        program: Program,
        on_end: Callable[[int], None] | None = None,
        *,
        call_soon: CallSoon | None = None,
        on_error: OnError | None = None,
    ) -> None:
        self.process = process
        self.on_end = on_end
        self.failed = False
        self.exit_code: int | None = None
        self._steps: Steps[int] = program(process)
        self._wait: Wait | None = None
        self._timer: Timer | None = None
        self._running = False
        self._call_soon = call_soon
        self._on_error = on_error
        self._kernel = Kernel(process, None if call_soon is None else GRACE)

    def start(self) -> None:
        """Run until the first wait."""
        self._go(lambda: self._steps.send(None))

    def finish(self, deadline: float | None = None) -> bool:
        """Step the clock until the program has ended; False if it waits for the outside.

        At a deadline the program is ended, as `timeout` does: 124.
        """
        clock = self.process.clock
        while self.exit_code is None:
            if self._computed():
                continue
            if deadline is not None:
                due = clock.next_event()
                if due is None or due > deadline:
                    clock.run_until(deadline)
                    self._time_out()
                    return True
            elif self.waits_outside:
                return False
            if not clock.step():
                return False
        return True

    def proceed(self, seconds: float | None = None) -> bool:
        """Step the clock until the program has ended or waits for the outside.

        With `seconds` for no longer than that; False if it could go on at once.
        """
        if seconds is None:
            self.finish()
            return True
        clock = self.process.clock
        end = clock.now + seconds
        while self.exit_code is None and not self.waits_outside:
            if self._computed():
                continue
            due = clock.next_event()
            if due is None:
                return True
            if due > end:
                clock.run_until(end)
                return False
            clock.step()
        return True

    @property
    def computing(self) -> bool:
        """Whether the program computes, so that no passing of time will make it go on."""
        return self._wait is not None and isinstance(self._wait.effect, Compute)

    def _computed(self) -> bool:
        """Wait for a computing program to go on; False if it does not compute."""
        if self._wait is None or not isinstance(self._wait.effect, Compute):
            return False
        self._wait.effect.aside.wait()
        self._woken()
        return True

    def _time_out(self) -> None:
        if self.exit_code is None:
            self.interrupt("SIGKILL")
            self.exit_code = TIMED_OUT

    @property
    def waiting(self) -> str:
        """What an unfinished task waits for: "input", or "" for anything else."""
        effects = _parts(self._wait.effect) if self._wait is not None else ()
        return "input" if any(isinstance(effect, ReadInput) for effect in effects) else ""

    def interrupt(self, signal: Signal = "SIGINT") -> None:
        """Send the program a signal; it may clean up, after SIGKILL it has no chance to."""
        if self.exit_code is not None or self._running:
            return
        self._disarm()
        interrupted = Interrupted(signal)
        if signal == "SIGKILL":
            self._steps.close()
            self._end(interrupted.exit_code)
        else:
            self._go(lambda: self._steps.throw(interrupted))

    @property
    def waits_outside(self) -> bool:
        """Whether only somebody else can make the program go on, however long it waits."""
        wait = self._wait
        if wait is not None and isinstance(wait.effect, LookAgain):
            return True
        if wait is None or wait.timeout is not None:
            return False
        if isinstance(wait.effect, ReadInput | Forever | Accept):
            return True
        if isinstance(wait.effect, Connect | AwaitConnection | Compute):
            return False  # the kernel gives up by itself, a script has its limits
        due = self.process.clock.next_event()
        return due is None or due > wait.since + QUIET

    def _go(self, resume: Callable[[], Effect]) -> None:
        self._running = True
        try:
            effect = resume()
            while True:
                wait = self._kernel.open(effect)
                value = wait.poll()
                if value is PENDING:
                    break
                effect = self._steps.send(value)
        except StopIteration as end:
            self._end(end.value or 0)
            return
        except Interrupted as signal:
            self._end(signal.exit_code)
            return
        except WaitsForEver:
            wait = self._kernel.open(Forever())
        except (ValueError, OSError) as error:  # an argument that nobody checks
            self.process.err(f"{self.process.name}: {error}\n")
            self._end(1)
            return
        except Exception as error:
            if self._on_error is None:
                raise
            self._on_error(error)
            self.failed = True
            self._end(BROKEN)
            return
        finally:
            self._running = False
        self._arm(wait)

    def _end(self, code: int) -> None:
        self.exit_code = code
        self._kernel.close_all()
        if self.on_end is not None:
            self.on_end(code)

    def _arm(self, wait: Wait) -> None:
        self._wait = wait
        for source in wait.sources:
            source.wake = self._woken
        if wait.timeout is not None:
            self._timer = self.process.clock.call_later(max(0.0, wait.timeout), self._late)
        if isinstance(wait.effect, Compute):
            self._hear_of(wait.effect.aside)

    def _hear_of(self, aside: Aside[object]) -> None:
        """Attend to work when it asks for something."""
        call_soon = self._call_soon
        assert call_soon is not None
        aside.listen(lambda: call_soon(self._attend))

    def _attend(self) -> None:
        wait = self._wait
        if self._running or wait is None or not isinstance(wait.effect, Compute):
            return
        self._woken()
        if self._wait is wait:
            self._hear_of(wait.effect.aside)

    def _disarm(self) -> None:
        if self._wait is not None:
            for source in self._wait.sources:
                source.wake = None
        if self._timer is not None:
            self._timer.cancel()
        self._wait = self._timer = None

    def _woken(self) -> None:
        if self._running or self._wait is None:
            return
        value = self._wait.poll()
        if value is not PENDING:
            self._disarm()
            self._go(lambda: self._steps.send(value))

    def _late(self) -> None:
        if self._wait is None:
            return
        value = self._wait.poll()
        if value is PENDING:
            value = self._wait.late()
        self._disarm()
        self._go(lambda: self._steps.send(value))


def _parts(effect: Effect) -> tuple[Effect, ...]:
    return effect.effects if isinstance(effect, FirstOf) else (effect,)
