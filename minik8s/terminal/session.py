"""One terminal: a shell on a simulated laptop, its programs, jobs and clock."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from random import Random

from minik8s.bash import (
    SCRIPT_BASH,
    TYPED_BASH,
    Background,
    Dialect,
    Files,
    Invocation,
    Limits,
    Outcome,
    Program,
    Shell,
    TimeUp,
)
from minik8s.bash.tools import uname
from minik8s.client import Contexts
from minik8s.terminal.io import Command, Dial, Keys, LaptopIO
from minik8s.terminal.jobs import Job, Jobs
from minik8s.terminal.timeline import DeadlinePassed, Timeline, current_actor

USER = "you"
HOST = "laptop"
HOME = f"/home/{USER}"
CTRL_C = "\x03"
"""What a person's `read_line` gives for that key."""

_INTERRUPTED = 130
_BY_HAND = "interrupted"
_SLICE = 0.05
"""How often a waiting interactive program looks for Ctrl-C, in seconds of real time."""

_UNLIMITED = Limits(10**12, 10**12, None)
"""A person can press Ctrl-C."""

Listener = Callable[[int, str], None]
"""Receives (1 for output or 2 for errors, text) as soon as it is printed."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a script printed: `chunks` keeps the order of the two streams."""

    chunks: tuple[tuple[int, str], ...]
    exit_code: int
    error: str = ""
    exited: bool = False

    @property
    def output(self) -> str:
        """Both streams, as a terminal shows them."""
        return "".join(text for _, text in self.chunks)

    @property
    def stdout(self) -> str:
        """Standard output alone."""
        return "".join(text for stream, text in self.chunks if stream == 1)

    @property
    def stderr(self) -> str:
        """Standard error alone."""
        return "".join(text for stream, text in self.chunks if stream == 2)


class Stopped(BaseException):
    """A program went on for longer than a script may take, or Ctrl-C was pressed."""


@dataclass(slots=True)
class Person:
    """What somebody at a keyboard adds: input for programs, and real time.

    `read_line` gives a line, None at the end of input; `keyboard` gives the keys themselves.
    `pause` really waits.
    """

    read_line: Callable[[], str | None]
    keyboard: Callable[[], AbstractContextManager[Keys]]
    pause: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _Running:
    """The script that is running: what it has printed."""

    chunks: list[tuple[int, str]] = field(default_factory=list)


class Session:
    """A terminal. `commands` are its programs, by name; a name with `__` in front is hidden.

    `tty` says whether programs see a terminal (scripts and cells included); with a `person`
    it is interactive: `-f` goes on until Ctrl-C and `sleep` takes real time.
    """

    def __init__(
        self,
        contexts: Contexts,
        commands: Mapping[str, Command],
        *,
        timeline: Timeline,
        random: Random,
        files: Mapping[str, str | bytes] | None = None,
        tty: bool = True,
        person: Person | None = None,
        dialect: Dialect = TYPED_BASH,
        seconds: float | None = 30.0,
    ) -> None:
        self.contexts = contexts
        self.timeline = timeline
        self.tty = tty
        self.person = person
        self.files = Files(files)
        self.ports: dict[int, Dial] = {}
        self.history: list[str] = []
        self.on_print: Listener | None = None
        self._seconds = None if person else seconds
        self._stop_at: float | None = None
        self._running = _Running()
        self.jobs = Jobs(timeline, self._run_job)
        self.jobs.foreground = self._foreground
        self.shell = self._make_shell(commands, dialect, random)
        timeline.check = self._check
        if dialect is not SCRIPT_BASH:
            self.shell.run("shopt -s expand_aliases")

    def _make_shell(
        self, commands: Mapping[str, Command], dialect: Dialect, random: Random
    ) -> Shell:
        programs = {name: self._program(name, command) for name, command in commands.items()}
        return Shell(
            hostname=HOST,
            username=USER,
            env=_environment(),
            cwd=HOME,
            files=self.files,
            programs={**self._builtins(), **programs},
            now=lambda: self.timeline.now,
            sleep=self.sleep,
            random=random,
            dialect=dialect,
            limits=_UNLIMITED if self.person else Limits(seconds=self._seconds),
            background=self.jobs.start,
            ask=self._ask if self.person else None,
        )

    def _ask(self, prompt: str) -> str | None:
        """A line from the keyboard for the shell; Ctrl-C stops the script."""
        self.show(2, prompt)
        line = self.read_line()
        if line == CTRL_C:
            self.shell.cancel()
            return None
        return line

    @property
    def interactive(self) -> bool:
        """Whether somebody sits at the keyboard."""
        return self.person is not None

    # -- running

    def run(self, script: str) -> Result:
        """Run a script in the terminal's shell; what it sets stays for the next one."""
        running = self._running = _Running()
        if script.strip():
            self.history.append(script.strip("\n"))
        if self._seconds is not None:
            self._stop_at = time.monotonic() + self._seconds
        try:
            ended = self.shell.run(script, on_output=self._heard)
            code, error, exited = ended.exit_code, ended.error, ended.exited
        except Stopped as stopped:
            code, error, exited = _INTERRUPTED, str(stopped), False
            self.shell.exit_code = code
            if error != _BY_HAND:
                self.show(2, f"minik8s: stopped: {error}\n")
        finally:
            self._stop_at = None
        self.jobs.poll()
        self.jobs.raise_failures()
        for line in self.jobs.reports():
            if self.interactive:
                self.show(2, line)
        return Result(tuple(running.chunks), code, error, exited)

    def close(self) -> None:
        """End the background jobs."""
        self.jobs.close()

    def show(self, stream: int, text: str) -> None:
        """Print on the screen."""
        if not text:
            return
        self._running.chunks.append((stream, text))
        if self.on_print is not None:
            self.on_print(stream, text)

    def _heard(self, out: str, err: str) -> None:
        self.show(1, out)
        self.show(2, err)
        self._hear_jobs()

    def _hear_jobs(self) -> None:
        """Between two commands: let the jobs that follow print what has arrived."""
        if current_actor() is None:
            self.jobs.poll()

    def _check(self) -> None:
        """Called whenever simulated time moves: stop what must not go on."""
        if self.shell.interrupted:
            raise Stopped(_BY_HAND)
        if self._stop_at is not None and time.monotonic() > self._stop_at:
            raise Stopped(f"it ran for more than {self._seconds:g} seconds")

    def sleep(self, seconds: float) -> None:
        """Let time pass; in front of a person it takes real time."""
        if self.person is None or current_actor() is not None:
            self.timeline.advance(seconds)
            return
        end = self.timeline.now + seconds
        while self.timeline.now < end:
            step = min(_SLICE, end - self.timeline.now)
            self.person.pause(step)
            self._check()
            self.timeline.advance(step)

    # -- programs

    def _program(self, name: str, command: Command) -> Program:
        def call(invocation: Invocation) -> Outcome:
            io = LaptopIO(self, invocation, direct=invocation.direct)
            try:
                with self.timeline.until(invocation.deadline):
                    code = command(invocation.argv, io)
            except DeadlinePassed as passed:
                raise TimeUp(Outcome(*io.take())) from passed
            finally:
                io.close()
            if invocation.direct:
                self._hear_jobs()
            return Outcome(*io.take(), code)

        call.__name__ = name
        return call

    def _run_job(self, work: Background) -> int:
        actor = current_actor()
        assert isinstance(actor, Job)
        if self.interactive:
            self.show(2, f"[{actor.number}] {actor.pid}\n")
        shell = self.shell.fork(work)
        return shell.run(work.text, on_output=self._heard).exit_code

    def run_inner(self, call: Invocation, words: list[str], user: str | None = None) -> Outcome:
        """Run a command as a process of its own, for `sudo` and the like."""
        command = shlex.join(words)
        result = self.shell.process(call, command, user or USER).run(command, stdin=call.stdin)
        return Outcome(result.stdout, result.stderr, result.exit_code)

    # -- for LaptopIO

    def read_line(self) -> str | None:
        """The next line that the person types."""
        return self.person.read_line() if self.person is not None else None

    def keyboard(self) -> AbstractContextManager[Keys]:
        """The person's keyboard, unseen and unedited."""
        assert self.person is not None
        return self.person.keyboard()

    def follow(self, pump: Callable[[], bool]) -> int:
        """Pump once in a script, again and again in a job, until Ctrl-C for a person."""
        actor = current_actor()
        if isinstance(actor, Job):
            return actor.follow(pump)
        if self.person is None:
            pump()
            return 0
        return self._until_interrupted(pump)

    def _until_interrupted(self, pump: Callable[[], bool]) -> int:
        assert self.person is not None
        while pump():
            self.person.pause(_SLICE)
            if self.shell.interrupted:
                return _INTERRUPTED
            self.timeline.advance(_SLICE)
        return 0

    def _foreground(self, job: Job) -> None:
        """`fg`: show what the job prints, until it ends or Ctrl-C ends it."""
        self.show(1, job.text + "\n")

        def pump() -> bool:
            job.poll()
            return job.alive

        if self.person is None:
            pump()
            while job.alive and not job.follows and self.timeline.step():
                pass
        elif self._until_interrupted(pump) == _INTERRUPTED:
            job.kill()

    def edit(self, text: str, path: str, env: Mapping[str, str]) -> str:
        """Have `$KUBE_EDITOR` or `$EDITOR` change a text; without one it stays as it is."""
        editor = env.get("KUBE_EDITOR") or env.get("EDITOR") or ""
        self.files.write(path, text)
        if editor:
            shell = self.shell.fork(Background("", "", HOME))
            shell.run(f"{editor} {shlex.quote(path)}", on_output=self._heard)
        return self.files.read(path).decode(errors="replace")

    # -- commands of the terminal itself

    def _builtins(self) -> dict[str, Program]:
        tty = Outcome("/dev/pts/0\n") if self.tty else Outcome("not a tty\n", exit_code=1)
        return {
            **self.jobs.programs(),
            "history": self._history,
            "tty": lambda call: tty if call.stdin is None else Outcome("not a tty\n", exit_code=1),
            "clear": lambda _: Outcome("\033[H\033[2J\033[3J" if self.tty else ""),
            "uname": partial(_uname),
        }

    def _history(self, call: Invocation) -> Outcome:
        lines = [f"{number:5d}  {line}\n" for number, line in enumerate(self.history, 1)]
        if call.argv[:1] == ["-c"]:
            self.history.clear()
            return Outcome()
        count = int(call.argv[0]) if call.argv and call.argv[0].isdigit() else len(lines)
        return Outcome("".join(lines[len(lines) - count :]))


def _uname(call: Invocation) -> Outcome:
    return uname(call.argv, HOST)


def _environment() -> dict[str, str]:
    return {
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "LOGNAME": USER,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "SHELL": "/bin/bash",
        "TERM": "xterm-256color",
        "USER": USER,
    }
