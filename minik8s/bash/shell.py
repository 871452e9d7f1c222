"""A bash of one's own: files, environment and programs, on a given clock."""

from __future__ import annotations

import shlex
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from minik8s.bash.commands import HARMLESS, ODD, SHELL_BUILTINS
from minik8s.bash.endings import INTERRUPTED, explain
from minik8s.bash.engine import Ended, Engine, Setup, program_folder, real_folder
from minik8s.bash.files import Files
from minik8s.bash.helper import Helper
from minik8s.bash.output import Output
from minik8s.bash.rewrite import DIRECT, HELPER, JOB, Rewriter
from minik8s.bash.syntax import read
from minik8s.bash.tools import tools
from minik8s.bash.values import (
    DEFAULT_LIMITS,
    SCRIPT_BASH,
    Background,
    Dialect,
    Invocation,
    Limits,
    OnOutput,
    Outcome,
    Program,
    Result,
    TimeUp,
)
from minik8s.bash.words import Incomplete, Unreadable

_KEPT_OPTIONS = ("errexit", "nounset", "pipefail", "xtrace", "noglob", "noclobber", "allexport")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a shell: the engine's own bytes, and all files with their modes."""

    state: bytes
    files: Mapping[str, tuple[bytes, int]]


class Shell:
    """A bash of one's own.

    `programs` are commands in Python; `keep` limits the engine's own tools to those named
    (None: all harmless ones). `now` and `sleep` are the clock, `random` feeds `$RANDOM`.
    `files` can be shared with other shells. With `background` a list before an `&` is handed
    over, and its result is what `$!` gives; without it the engine runs the list at once and
    marks the invocations. `ask` is somebody at the keyboard: it gets the prompt of a `read` and
    gives a line, None at the end of input. `errors` decodes output that is no UTF-8, as in
    `bytes.decode`; "surrogateescape" loses nothing, but holds such output back to the end.

    `cwd`, `env`, `variables` and `aliases` are what the last script left behind. Within a
    program only `files`, `fork` and other shells may be used.
    """

    def __init__(
        self,
        *,
        hostname: str = "localhost",
        username: str = "user",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        files: Files | Mapping[str, str | bytes] | None = None,
        programs: Mapping[str, Program] | None = None,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        random: Random,
        keep: Collection[str] | None = None,
        dialect: Dialect = SCRIPT_BASH,
        limits: Limits = DEFAULT_LIMITS,
        background: Callable[[Background], int] | None = None,
        ask: Callable[[str], str | None] | None = None,
        errors: Literal["replace", "surrogateescape"] = "replace",
    ) -> None:
        self.hostname, self.username = hostname, username
        self.files = files if isinstance(files, Files) else Files(files)
        self.now, self.sleep, self.random = now, sleep, random
        self.dialect, self.limits = dialect, limits
        self.background, self.ask = background, ask
        self.errors = errors
        self.keep = HARMLESS if keep is None else frozenset(keep)
        self.deadline: float | None = None
        self.exit_code = 0
        self._env = {"HOME": cwd, "USER": username, **(env or {})}
        self._cwd = cwd
        self._own = dict(programs or {})
        self.programs: Mapping[str, Program] = {**tools(self), **self._own}
        self._rewrite = Rewriter(
            jobs=background is not None, programs=self._announced, person=ask is not None
        )
        self._helper = Helper(self, self._rewrite)
        self._options: set[str] = set()
        self._state = ""
        self._noted = [(0.0, now())]
        self._made: Engine | None = None

    @property
    def _engine(self) -> Engine:
        if self._made is None:
            self._offer_programs()
            names = {*self.programs, *self.keep, *ODD, *HARMLESS}
            answered = {name for name in names if self._overrides(name)} | {HELPER}
            setup = Setup(
                self.hostname,
                self.username,
                self._cwd,
                self._env,
                self.files,
                self.limits,
                self.errors,
            )
            self._made = Engine(setup, self._call, answered)
        return self._made

    # -- running

    def run(
        self, script: str, *, on_output: OnOutput | None = None, stdin: str | None = None
    ) -> Result:
        """Run a script to its end; variables, functions and files stay for the next one.

        `on_output` hears of each command's (stdout, stderr) as it ends. Exceptions of
        programs come out here. A KeyboardInterrupt stops the script: exit code 130.
        """
        output = Output(self.dialect, on_output, self._helper.originals, self.exit_code)
        self._helper.begin(stdin)
        self._noted.append((time.time(), self.now()))
        text, watched = self._prepared(script, stdin is not None)
        before, self._state = self._state, ""
        try:
            ended = self._engine.run(text, output.take, before)
        except TimeUp as up:
            output.take(up.outcome.stdout, up.outcome.stderr)
            return Result(output.stdout, output.stderr, 124)
        return self._result(ended, output, watched)

    def cancel(self) -> None:
        """Stop the script that is running, as Ctrl-C does; callable from any thread."""
        self._engine.cancel()

    @property
    def interrupted(self) -> bool:
        """Whether the running script has been told to stop; programs that wait look here."""
        return self._engine.interrupted

    def _prepared(self, script: str, piped: bool) -> tuple[str, bool]:
        """The text for the engine, and whether it reports its end."""
        try:
            text = self._rewrite.rewrite(read(script))
        except (Incomplete, Unreadable, RecursionError):
            return script, False
        options = " ".join(f"-o {name}" for name in sorted(self._options))
        start = f"set {options}; " if options else ""
        if self.exit_code and "errexit" not in self._options:
            start += f"(exit {self.exit_code}); "
        text = f'{start}{text}\n{HELPER} alive $? "$SHELLOPTS"'
        if piped:
            text = f"{HELPER} give-stdin | {{ {text}\n}}"
        return text, True

    def _result(self, ended: Ended, output: Output, watched: bool) -> Result:
        code, error, exited = ended.exit_code, "", False
        alive = self._helper.alive
        if self.interrupted:
            code, error = 130, INTERRUPTED
        elif ended.error:
            code, error = explain(ended.error, output, self.limits)
        elif alive is not None:
            code, self._options = alive[0], set(alive[1].split(":")) & set(_KEPT_OPTIONS)
        else:
            unbound = code == 1 and output.stderr.endswith(": unbound variable\n")
            code, exited = (127, False) if unbound else (code, watched)
        self.exit_code = code
        return Result(output.stdout, output.stderr, code, error, exited)

    # -- commands

    def _call(self, call: Invocation) -> Outcome:
        env = dict(call.env)
        background = env.pop(JOB, None) is not None
        direct = env.pop(DIRECT, None) is not None
        call = replace(call, env=env, background=background, deadline=self.deadline, direct=direct)
        if call.name == HELPER:
            return self._helper(call)
        if self.deadline is not None and self.now() >= self.deadline:
            raise TimeUp
        if not self.offers(call.name) and call.name not in SHELL_BUILTINS:
            return Outcome(stderr=self.unknown(call.name), exit_code=127)
        return self.programs[call.name](call)

    def _overrides(self, name: str) -> bool:
        """Whether a command is answered in Python: a program, or a tool to be hidden."""
        if name in SHELL_BUILTINS:
            return name in self._own
        return name in self.programs or not self.offers(name)

    def _announced(self, name: str) -> bool:
        """Whether a command is a program of ours, directly or through an alias or a file."""
        name = self.aliases.get(name, name).split(" ")[0]
        return name in self._own or f"__{name}" in self._own

    def offers(self, name: str) -> bool:
        """Whether a command of this name can be run (shell builtins aside)."""
        return name in self._own or name in self.keep

    def hides(self, name: str) -> bool:
        """Whether the engine has a command of this name that is not offered here."""
        return name in HARMLESS | ODD and not self.offers(name)

    def unknown(self, command: str, line: int = 1) -> str:
        """The complaint about a command that is not there."""
        where = self.dialect.where.format(name=self.dialect.name, line=line)
        return self.dialect.unknown.format(where=where, command=command) + "\n"

    def register(self, name: str, program: Program) -> None:
        """Add a command, or replace one."""
        self._own[name] = program
        self._changed(name)

    def unregister(self, name: str) -> None:
        """Take a command away."""
        self._own.pop(name, None)
        self._changed(name)

    def _changed(self, name: str) -> None:
        self.programs = {**tools(self), **self._own}
        self._engine.change(name, answered=self._overrides(name))
        self._offer_programs()
        self._engine.mount()

    def _offer_programs(self) -> None:
        """Show the programs as files in /usr/bin and /bin."""
        visible = {name for name in self._own if not name.startswith("__")}
        programs = program_folder(frozenset(self.keep | visible))
        for path in ("/usr/bin", "/bin"):
            self.files.mount(path, programs)

    # -- other shells

    def fork(self, job: Background) -> Shell:
        """A shell of its own with the same files and programs, in the state of `job`."""
        shell = Shell(
            hostname=self.hostname,
            username=self.username,
            env=self._env,
            cwd=job.cwd,
            files=self.files,
            programs=self._own,
            now=self.now,
            sleep=self.sleep,
            random=self.random,
            keep=self.keep,
            dialect=self.dialect,
            limits=Limits(self.limits.loop_turns, self.limits.commands, None),
        )
        shell._state = job.state
        shell.deadline = self.deadline
        return shell

    def process(self, call: Invocation, command: str, user: str = "") -> Shell:
        """A shell for a command that a program starts as a process of its own."""
        exports = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in call.env.items())
        shell = self.fork(Background(command, exports, call.cwd))
        shell.username = user or self.username
        return shell

    def under_deadline(self, deadline: float, call: Invocation, command: str) -> Outcome:
        """Run a command as a process of its own that ends at a moment (`timeout`)."""
        shell = self.process(call, command)
        shell.deadline = deadline if self.deadline is None else min(deadline, self.deadline)
        result = shell.run(command, stdin=call.stdin)
        if self.deadline is not None and self.now() >= self.deadline:
            raise TimeUp(Outcome(result.stdout, result.stderr))
        return Outcome(result.stdout, result.stderr, result.exit_code)

    # -- state

    @property
    def cwd(self) -> str:
        """The working directory."""
        state = self._engine.state
        return self._cwd if state is None else str(state.cwd)

    @property
    def env(self) -> Mapping[str, str]:
        """The exported variables."""
        state = self._engine.state
        return self._env if state is None else state.env

    @property
    def variables(self) -> Mapping[str, str]:
        """All variables, exported or not."""
        state = self._engine.state
        return self._env if state is None else {**state.env, **state.variables}

    @property
    def aliases(self) -> Mapping[str, str]:
        """The aliases."""
        state = self._engine.state
        return {} if state is None else state.aliases

    def snapshot(self) -> Snapshot:
        """Variables, functions and files, for `restore`."""
        return Snapshot(self._engine.snapshot(), self.files.contents())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        self._engine.restore(snapshot.state)
        self.files.replace(snapshot.files)

    # -- files

    def mount(self, path: str, folder: str) -> None:
        """Show a folder of this machine at `path`, read-only."""
        self.files.mount(path, real_folder(folder))
        self._engine.mount()

    def moment(self, host_time: float) -> float:
        """When, on the shell's clock, the machine's clock stood at a moment.

        The engine stamps its files with the machine's time; `run` notes what both clocks
        showed at its start.
        """
        at = bisect_right(self._noted, (host_time, float("inf"))) - 1
        return self._noted[max(at, 0)][1]

    def read_script(self, path: str) -> str:
        """The text of a file; raises OSError."""
        return self.files.read(path).decode(errors="replace")

    def read_file(self, path: str) -> bytes:
        """A file's bytes; raises FileNotFoundError or IsADirectoryError."""
        return self.files.read(path)

    def write_file(self, path: str, data: str | bytes) -> None:
        """Write a file, making the folders above it."""
        self.files.write(path, data)

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        return self.files.exists(path)

    def list_dir(self, path: str) -> list[str]:
        """The names in a folder; raises FileNotFoundError or NotADirectoryError."""
        return self.files.list(path)
