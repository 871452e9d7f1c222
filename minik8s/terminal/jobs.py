"""The background jobs of a terminal: `&`, `jobs`, `fg`, `bg`, `kill`, `wait`, `disown`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

from minik8s.bash import Background, Invocation, Outcome, Program
from minik8s.terminal.timeline import Actor, Killed, Timeline, current_actor

FIRST_PID = 4217
_PID_STEP = 3
_TERMINATED = 143


class Job(Actor):
    """One command list that was started with `&`.

    `follows` while it has nothing to do but to pass on what arrives (`-f`, `-w`,
    `port-forward`): it then never ends by itself.
    """

    def __init__(self, number: int, pid: int, text: str) -> None:
        super().__init__()
        self.number = number
        self.pid = pid
        self.text = text
        self.exit_code: int | None = None
        self.failure: Exception | None = None
        self.follows = False
        self.reported = False

    @property
    def state(self) -> str:
        """How `jobs` names the state."""
        if self.exit_code is None:
            return "Running"
        if self.killed:
            return "Terminated"
        return "Done" if self.exit_code == 0 else f"Exit {self.exit_code}"

    def line(self, mark: str, *, pid: bool = False) -> str:
        """The job as `jobs` lists it."""
        end = " &" if self.exit_code is None else ""
        number = f"{self.pid} " if pid else ""
        return f"[{self.number}]{mark}  {number}{self.state:<24}{self.text}{end}\n"

    def poll(self) -> None:
        """Let a job that follows pass on what has arrived."""
        if self.follows:
            self.resume()

    def follow(self, pump: Callable[[], bool]) -> int:
        """Pass on what arrives until there will be no more; called by the job itself."""
        self.follows = True
        try:
            while pump():
                self.wait()
        finally:
            self.follows = False
        return 0


class Jobs:
    """All jobs of one terminal; `foreground` is what `fg` does with one."""

    def __init__(self, timeline: Timeline, runner: Callable[[Background], int]) -> None:
        self._timeline = timeline
        self._runner = runner
        self._jobs: list[Job] = []
        self._pid = FIRST_PID - _PID_STEP
        self.foreground: Callable[[Job], None] = lambda job: job.poll()

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def start(self, work: Background) -> int:
        """Start a job and give its process number."""
        self._pid += _PID_STEP
        number = max((job.number for job in self._jobs if job.alive), default=0) + 1
        job = Job(number, self._pid, " ".join(work.text.split()))
        self._jobs.append(job)

        def run() -> None:
            job.exit_code = _TERMINATED if (code := self._code_of(job, work)) is None else code

        job.start(run)
        return job.pid

    def _code_of(self, job: Job, work: Background) -> int | None:
        """Run a job to its end; an error in our own programs comes out in the foreground."""
        try:
            return self._runner(work)
        except Killed:
            return None
        except Exception as error:  # noqa: BLE001 - raised again by `raise_failures`
            job.failure = error
            return 1

    def raise_failures(self) -> None:
        """Raise what went wrong in a job, once."""
        for job in self._jobs:
            failure, job.failure = job.failure, None
            if failure is not None:
                raise failure

    def poll(self) -> None:
        """Let every job that follows pass on what has arrived."""
        for job in list(self._jobs):
            job.poll()

    def close(self) -> None:
        """End all jobs."""
        for job in self._jobs:
            job.kill()

    def reports(self) -> list[str]:
        """The lines about jobs that have ended since the last call; they are forgotten."""
        ended = [job for job in self._jobs if not job.alive]
        lines = [job.line(self._mark(job)) for job in ended if not job.reported]
        self._jobs = [job for job in self._jobs if job.alive]
        return lines

    def programs(self) -> dict[str, Program]:
        """The shell commands about jobs."""
        return {
            "jobs": self._list,
            "fg": self._fg,
            "bg": self._bg,
            "kill": self._kill,
            "wait": self._wait,
            "disown": self._disown,
        }

    # -- commands

    def _mark(self, job: Job) -> str:
        if job is self._jobs[-1]:
            return "+"
        return "-" if job is self._jobs[-2] else " "

    def _find(self, name: str) -> Job | None:
        if not name.startswith("%"):
            return next((job for job in self._jobs if str(job.pid) == name), None)
        if name in ("%%", "%+", "%"):
            alive = [job for job in self._jobs if job.alive]
            return alive[-1] if alive else None
        spec = name[1:]
        for job in self._jobs:
            if str(job.number) == spec or (not spec.isdigit() and job.text.startswith(spec)):
                return job
        return None

    def _list(self, call: Invocation) -> Outcome:
        if "-p" in call.argv:
            return Outcome("".join(f"{job.pid}\n" for job in self._jobs))
        lines = [job.line(self._mark(job), pid="-l" in call.argv) for job in self._jobs]
        for job in self._jobs:
            job.reported = not job.alive
        self._jobs = [job for job in self._jobs if job.alive]
        return Outcome("".join(lines))

    def _fg(self, call: Invocation) -> Outcome:
        name = call.argv[0] if call.argv else "%+"
        job = self._find(name if name.startswith("%") else f"%{name}")
        if job is None or not job.alive:
            what = "current" if name == "%+" else name
            return Outcome(stderr=f"bash: fg: {what}: no such job\n", exit_code=1)
        self.foreground(job)
        return Outcome(exit_code=job.exit_code or 0)

    def _bg(self, call: Invocation) -> Outcome:
        job = self._find(call.argv[0] if call.argv else "%+")
        if job is None:
            what = call.argv[0] if call.argv else "current"
            return Outcome(stderr=f"bash: bg: {what}: no such job\n", exit_code=1)
        message = f"bash: bg: job {job.number} already in background\n"
        return Outcome(stderr=message)

    def _kill(self, call: Invocation) -> Outcome:
        names, errors = list(call.argv), []
        if names[:1] == ["-l"]:
            return Outcome(" ".join(_signals()) + "\n")
        if names and names[0] in ("-s", "-n"):
            names = names[2:]
        elif names and names[0].startswith("-") and names[0] != "--":
            names = names[1:]
        if not names:
            usage = "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ..."
            return Outcome(stderr=usage + "\n", exit_code=2)
        for name in names:
            job = self._find(name)
            if job is None or not job.alive:
                errors.append(_no_process(name))
            elif job is not current_actor():
                job.kill()
        return Outcome(stderr="".join(errors), exit_code=1 if errors else 0)

    def _wait(self, call: Invocation) -> Outcome:
        names = [word for word in call.argv if not word.startswith("-")]
        chosen = [self._find(name) for name in names] if names else list(self._jobs)
        code = 0
        for name, job in zip(names or [""] * len(chosen), chosen, strict=True):
            if job is None:
                message = f"bash: wait: pid {name} is not a child of this shell\n"
                return Outcome(stderr=message, exit_code=127)
            self._await(job)
            if name:
                code = job.exit_code or 0
            job.reported = not job.alive
        return Outcome(exit_code=code)

    def _await(self, job: Job) -> None:
        """Let time pass until a job ends; one that follows is not waited for in a script."""
        while job.alive and not job.follows and job is not current_actor():
            if not self._timeline.step():
                return

    def _disown(self, call: Invocation) -> Outcome:
        for name in call.argv or ["%+"]:
            job = self._find(name)
            if job is not None:
                job.reported = True
        return Outcome()


def _signals() -> list[str]:
    return [name.name.removeprefix("SIG") for name in signal.Signals]


def _no_process(name: str) -> str:
    if name.startswith("%"):
        return f"bash: kill: {name}: no such job\n"
    if name.lstrip("-").isdigit():
        return f"bash: kill: ({name}) - No such process\n"
    return f"bash: kill: {name}: arguments must be process or job IDs\n"
