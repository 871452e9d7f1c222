"""The adapter of bashkit: one shell with its own files, environment and programs."""

from __future__ import annotations

import contextvars
import re
import shlex
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING
from weakref import ref

from minik8s.bash.commands import HARMLESS, ODD, SHELL_BUILTINS
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

if TYPE_CHECKING:
    from bashkit import (
        Bash,
        BuiltinContext,
        BuiltinResult,
        ExecResult,
        FileSystem,
        ShellState,
    )

_LIMIT = re.compile(r"(?:resource limit exceeded|execution error|budget validation failed): (.*)")
_PARSE = re.compile(r"parse error at line (\d+), column \d+: (.*)", re.DOTALL)
_KEPT_OPTIONS = ("errexit", "nounset", "pipefail", "xtrace", "noglob", "noclobber", "allexport")

_canceller: contextvars.ContextVar[Shell | None] = contextvars.ContextVar("shell", default=None)
"""The shell whose program is running: a Ctrl-C for it ends the shells within as well."""


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
    marks the invocations.
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
    ) -> None:
        self.hostname = hostname
        self.username = username
        self.files = files if isinstance(files, Files) else Files(files)
        self.now, self.sleep, self.random = now, sleep, random
        self.dialect, self.limits = dialect, limits
        self.background = background
        self.keep = HARMLESS if keep is None else frozenset(keep)
        self.deadline: float | None = None
        self.exit_code = 0
        self._env = {"HOME": cwd, "USER": username, **(env or {})}
        self._cwd = cwd
        self._own = dict(programs or {})
        self.programs: Mapping[str, Program] = {**tools(self), **self._own}
        self._rewrite = Rewriter(jobs=background is not None, programs=self._announced)
        self._helper = Helper(self, self._rewrite)
        self._options: set[str] = set()
        self._state = ""
        self._after: ShellState | None = None
        self._output: Output | None = None
        self._noted = [(0.0, now())]
        self._raised: BaseException | None = None
        self._interrupted = threading.Event()
        self._within: list[Shell] = []
        self._callback = _Callback(self)
        self._engine: Bash | None = None

    # -- running ---------------------------------------------------------------------------

    def run(
        self, script: str, *, on_output: OnOutput | None = None, stdin: str | None = None
    ) -> Result:
        """Run a script to its end; variables, functions and files stay for the next one.

        `on_output` hears of each command's (stdout, stderr) as it ends. Exceptions of
        programs come out here. A KeyboardInterrupt stops the script: exit code 130.
        """
        output = Output(self.dialect, on_output, self._helper.originals)
        self._raised = None
        self._interrupted.clear()
        self._helper.begin(stdin)
        self._noted.append((time.time(), self.now()))
        text, watched = self._prepared(script, stdin is not None)
        outer = _canceller.get()
        if outer is not None:
            outer._within.append(self)
        try:
            ended = self._in_a_thread(lambda: self._execute(text, output))
        finally:
            if outer is not None:
                outer._within.remove(self)
        if isinstance(self._raised, TimeUp):
            return Result(output.stdout, output.stderr, 124)
        if self._raised is not None:
            raise self._raised
        return self._result(ended, output, watched)

    def _execute(self, text: str, output: Output) -> ExecResult:
        self._output = output
        if self._engine is None:
            self._engine = self._make()
        self._engine.clear_cancel()
        if self._interrupted.is_set():
            self._engine.cancel()
        if self._state:
            self._engine.execute_sync(self._state)
            self._state = ""
        ended = self._engine.execute_sync(text, output.take)
        self._after = self._engine.shell_state()
        return ended

    def cancel(self) -> None:
        """Stop the script that is running, as Ctrl-C does; callable from any thread."""
        self._interrupted.set()
        for shell in list(self._within):
            shell.cancel()
        if self._engine is not None:
            self._engine.cancel()

    @property
    def interrupted(self) -> bool:
        """Whether the running script has been told to stop; programs that wait look here."""
        return self._interrupted.is_set()

    def _in_a_thread(self, execute: Callable[[], ExecResult]) -> ExecResult:
        # The engine cannot be entered twice on one thread, and programs run other shells.
        # The main thread stays free to hear of Ctrl-C.
        results: list[ExecResult] = []
        failures: list[BaseException] = []
        done = threading.Event()

        def target() -> None:
            _canceller.set(self)
            try:
                results.append(execute())
            except BaseException as failure:  # noqa: BLE001 - handed to the caller below
                failures.append(failure)
            done.set()

        thread = threading.Thread(target=contextvars.copy_context().run, args=(target,))
        thread.daemon = True
        thread.start()
        # Not `join`: it takes a thread for ended when Ctrl-C breaks into it.
        while not done.is_set():
            try:
                done.wait()
            except KeyboardInterrupt:
                self.cancel()
        if failures:
            raise failures[0]
        return results[0]

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

    def _result(self, ended: ExecResult, output: Output, watched: bool) -> Result:
        code, error, exited = ended.exit_code, "", False
        alive = self._helper.alive
        if ended.error:
            code, error = self._failure(ended.error, output)
        elif alive is not None:
            code, self._options = alive[0], set(alive[1].split(":")) & set(_KEPT_OPTIONS)
        else:
            unbound = code == 1 and output.stderr.endswith(": unbound variable\n")
            code, exited = (127, False) if unbound else (code, watched)
        self.exit_code = code
        return Result(output.stdout, output.stderr, code, error, exited)

    def _failure(self, error: str, output: Output) -> tuple[int, str]:
        parse = _PARSE.fullmatch(error)
        if parse is not None:
            output.complain(parse.group(2).rstrip("\n"), int(parse.group(1)), syntax=True)
            return 2, ""
        if self.interrupted or "cancelled" in error:
            return 130, "interrupted"
        why = match.group(1) if (match := _LIMIT.match(error)) else error
        if "function depth" in why:
            output.complain("maximum function nesting level exceeded (16)", 1)
            return 1, why
        output.take("", f"minik8s: stopped: {_reason(why, self.limits)}\n")
        return 130, why

    # -- the engine ------------------------------------------------------------------------

    def _bash(self) -> Bash:
        """The engine, for a caller outside of any run."""
        if self._engine is None:
            self._engine = self._make()
        return self._engine

    def _make(self) -> Bash:
        from bashkit import Bash, ExecutionProfile

        self.files.make_folder(self._cwd)
        self.files.make_folder("/tmp")
        self._offer_programs()
        names = set(self.programs) | self.keep | ODD | HARMLESS | {HELPER}
        engine = Bash(
            username=self.username,
            hostname=self.hostname,
            cwd=self._cwd,
            env=self._env,
            max_commands=self.limits.commands,
            max_loop_iterations=self.limits.loop_turns,
            timeout_seconds=self.limits.seconds,
            profile=ExecutionProfile.Interactive,
            custom_builtins={
                name: self._callback for name in names if name == HELPER or self._overrides(name)
            },
        )
        engine.mount("/", self.files.tree)
        self._mount_folders(engine)
        return engine

    def _mount_folders(self, engine: Bash) -> None:
        for path, tree in self.files.mounts.items():
            engine.mount(path, tree, read_only=True)

    def _offer_programs(self) -> None:
        """Show the programs as files in /usr/bin and /bin."""
        visible = {name for name in self._own if not name.startswith("__")}
        programs = _program_folder(frozenset(self.keep | visible))
        for path in ("/usr/bin", "/bin"):
            self.files.mount(path, programs)

    def _overrides(self, name: str) -> bool:
        """Whether a command is answered in Python: a program, or a tool to be hidden."""
        if name in SHELL_BUILTINS:
            return name in self._own
        return name in self.programs or not self.offers(name)

    def offers(self, name: str) -> bool:
        """Whether a command of this name can be run (shell builtins aside)."""
        return name in self._own or name in self.keep

    def _answer(self, context: BuiltinContext) -> BuiltinResult:
        from bashkit import BuiltinResult

        try:
            outcome = self._call(context)
        except TimeUp as up:
            outcome = self._stop(up)
            if self._output is not None:
                self._output.take(up.outcome.stdout, up.outcome.stderr)
        except BaseException as failure:  # noqa: BLE001 - raised again at the end of `run`
            outcome = self._stop(failure)
        return BuiltinResult(outcome.stdout, outcome.stderr, outcome.exit_code)

    def _stop(self, why: BaseException) -> Outcome:
        self._raised = why
        if self._engine is not None:
            self._engine.cancel()
        return Outcome(exit_code=130)

    def _call(self, context: BuiltinContext) -> Outcome:
        env = dict(context.env)
        background = env.pop(JOB, None) is not None
        direct = env.pop(DIRECT, None) is not None
        invocation = Invocation(
            context.name,
            list(context.argv),
            context.stdin,
            env,
            context.cwd,
            background,
            self.deadline,
            direct,
        )
        if context.name == HELPER:
            return self._helper(invocation)
        if self.deadline is not None and self.now() >= self.deadline:
            raise TimeUp
        if not self.offers(context.name) and context.name not in SHELL_BUILTINS:
            return Outcome(stderr=self.unknown(context.name), exit_code=127)
        return self.programs[context.name](invocation)

    def _announced(self, name: str) -> bool:
        """Whether a command is a program of ours, directly or through an alias or a file."""
        name = self.aliases.get(name, name).split(" ")[0]
        return name in self._own or f"__{name}" in self._own

    def hides(self, name: str) -> bool:
        """Whether the engine has a command of this name that is not offered here."""
        return name in HARMLESS | ODD and not self.offers(name)

    def read_script(self, path: str) -> str:
        """The text of a file; raises OSError."""
        return self.files.read(path).decode(errors="replace")

    def moment(self, host_time: float) -> float:
        """When, on the shell's clock, the machine's clock stood at a moment.

        The engine stamps its files with the machine's time; `run` notes what both clocks
        showed at its start.
        """
        at = bisect_right(self._noted, (host_time, float("inf"))) - 1
        return self._noted[max(at, 0)][1]

    def unknown(self, command: str, line: int = 1) -> str:
        """The complaint about a command that is not there."""
        where = self.dialect.where.format(name=self.dialect.name, line=line)
        return self.dialect.unknown.format(where=where, command=command) + "\n"

    # -- state: cwd, env, variables and aliases are as they were after the last script ---

    def register(self, name: str, program: Program) -> None:
        """Add a command, or replace one."""
        self._own[name] = program
        self.programs = {**self.programs, name: program}
        self._changed(name)

    def unregister(self, name: str) -> None:
        """Take a command away."""
        self._own.pop(name, None)
        self.programs = {**tools(self), **self._own}
        self._changed(name)

    def mount(self, path: str, folder: str) -> None:
        """Show a folder of this machine at `path`, read-only."""
        from bashkit import FileSystem

        self.files.mount(path, FileSystem.real(folder))
        if self._engine is not None:
            self._mount_folders(self._engine)

    def _changed(self, name: str) -> None:
        """Tell the engine that a command has come or gone."""
        if self._engine is None:
            return
        if name in SHELL_BUILTINS and name not in self._own:
            self._engine.remove_builtin(name)  # type: ignore[attr-defined]
        else:
            self._engine.add_builtin(name, self._callback)  # type: ignore[attr-defined]
        self._offer_programs()
        self._mount_folders(self._engine)

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

    def under_deadline(self, deadline: float, call: Invocation, command: str) -> Outcome:
        """Run a command as a process of its own that ends at a moment (`timeout`)."""
        exports = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in call.env.items())
        shell = self.fork(Background(command, exports, call.cwd))
        shell.deadline = deadline if self.deadline is None else min(deadline, self.deadline)
        result = shell.run(command, stdin=call.stdin)
        if self.deadline is not None and self.now() >= self.deadline:
            raise TimeUp(Outcome(result.stdout, result.stderr))
        return Outcome(result.stdout, result.stderr, result.exit_code)

    @property
    def cwd(self) -> str:
        """The working directory."""
        return self._cwd if self._after is None else str(self._after.cwd)

    @property
    def env(self) -> Mapping[str, str]:
        """The exported variables."""
        return self._env if self._after is None else self._after.env

    @property
    def variables(self) -> Mapping[str, str]:
        """All variables, exported or not."""
        if self._after is None:
            return self._env
        return {**self._after.env, **self._after.variables}

    @property
    def aliases(self) -> Mapping[str, str]:
        """The aliases."""
        return {} if self._after is None else self._after.aliases

    def snapshot(self) -> Snapshot:
        """Variables, functions and files, for `restore`; not from within a program."""
        state = bytes(self._bash().snapshot(exclude_filesystem=True))
        return Snapshot(state, self.files.contents())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot; not from within a program."""
        self._bash().restore_snapshot(snapshot.state)
        self.files.replace(snapshot.files)

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


def _reason(why: str, limits: Limits) -> str:
    if "timeout" in why:
        return f"it ran for more than {limits.seconds:g} seconds"
    if "loop" in why:
        return f"a loop went round more than {limits.loop_turns:,} times"
    if "command" in why:
        return f"it ran more than {limits.commands:,} commands"
    return why


class _Callback:
    """Answers the engine for a shell without keeping it alive.

    The garbage collector cannot see through the engine, so a cycle would never be freed.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = ref(shell)

    def __call__(self, context: BuiltinContext) -> BuiltinResult:
        shell = self._shell()
        assert shell is not None
        return shell._answer(context)


@cache
def _program_folder(names: frozenset[str]) -> FileSystem:
    """The files in /usr/bin; read-only, so that shells with the same programs share them."""
    files = Files.bare()
    for name in sorted(names):
        files.write(f"/{name}", f'#!/bin/sh\nexec {name} "$@"\n', 0o755)
    return files.tree
