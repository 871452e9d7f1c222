"""The adapter of bashkit; no other module knows it.

Three of bashkit's habits shape this one. It cannot be entered twice on one thread, so every
script runs on a thread of its own. It holds callbacks where the garbage collector does not see
them, so they must not keep their shell alive. And it reaches the machine only through what it
is given here: a file tree in memory, and commands in Python.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal
from weakref import ref

from minik8s.bash.files import Files
from minik8s.bash.values import Invocation, Limits, Outcome

if TYPE_CHECKING:
    from bashkit import Bash, BuiltinContext, BuiltinResult, ExecResult, FileSystem, ShellState

Take = Callable[[str, str], None]

_running: contextvars.ContextVar[Engine | None] = contextvars.ContextVar("engine", default=None)
"""The engine whose program this is: a Ctrl-C for it stops the engines within as well."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an engine starts with.

    `errors` says how output that is no UTF-8 is decoded, as for `bytes.decode`: "replace" at
    once, "surrogateescape" (nothing is lost) at the end of the script.
    """

    hostname: str
    username: str
    cwd: str
    env: Mapping[str, str]
    files: Files
    limits: Limits
    errors: Literal["replace", "surrogateescape"] = "replace"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: the exit code, and the engine's own words if it gave up."""

    exit_code: int
    error: str = ""


class Engine:
    """One interpreter, made on first use.

    `answer` is asked for each command named in `commands`. What it raises comes out of `run`,
    and the script stops there.
    """

    def __init__(
        self, setup: Setup, answer: Callable[[Invocation], Outcome], commands: Collection[str]
    ) -> None:
        self._setup = setup
        self._answer = ref(answer.__self__)  # type: ignore[attr-defined]
        self._answer_name = answer.__name__
        self._commands = set(commands)
        self._bash: Bash | None = None
        self._state: ShellState | None = None
        self._raised: BaseException | None = None
        self._interrupted = threading.Event()
        self._within: list[Engine] = []

    # -- running

    def run(self, text: str, take: Take, before: str = "") -> Ended:
        """Run a script, and another `before` it in silence; `take` gets (stdout, stderr)."""
        self._raised = None
        self._interrupted.clear()
        outer = _running.get()
        if outer is not None:
            outer._within.append(self)
        try:
            ended = self._in_a_thread(lambda: self._execute(text, take, before))
        finally:
            if outer is not None:
                outer._within.remove(self)
        if self._raised is not None:
            raise self._raised
        return Ended(ended.exit_code, ended.error or "")

    def cancel(self) -> None:
        """Stop the script that is running, and those that its programs run."""
        self._interrupted.set()
        for engine in list(self._within):
            engine.cancel()
        if self._bash is not None:
            self._bash.cancel()

    @property
    def interrupted(self) -> bool:
        """Whether the running script has been told to stop."""
        return self._interrupted.is_set()

    def _execute(self, text: str, take: Take, before: str) -> ExecResult:
        bash = self._made()
        bash.clear_cancel()
        if self.interrupted:
            bash.cancel()
        if before:
            bash.execute_sync(before)
        if self._setup.errors == "replace":
            ended = bash.execute_sync(text, take)
        else:
            exact = _Exact(take)
            ended = bash.execute_sync(text, exact.take)
            exact.end(ended)
        self._state = bash.shell_state()
        return ended

    def _in_a_thread(self, execute: Callable[[], ExecResult]) -> ExecResult:
        # The calling thread stays free: if it is the main one, it hears of Ctrl-C.
        results: list[ExecResult] = []
        failures: list[BaseException] = []
        done = threading.Event()

        def target() -> None:
            _running.set(self)
            try:
                results.append(execute())
            except BaseException as failure:  # noqa: BLE001 - handed to the caller below
                failures.append(failure)
            done.set()

        run_in_context = contextvars.copy_context().run
        threading.Thread(target=run_in_context, args=(target,), daemon=True).start()
        # Not `join`: it takes a thread for ended when Ctrl-C breaks into it.
        while not done.is_set():
            try:
                done.wait()
            except KeyboardInterrupt:
                self.cancel()
        if failures:
            raise failures[0]
        return results[0]

    # -- state (what a script left behind; the engine cannot be asked while one runs)

    @property
    def state(self) -> ShellState | None:
        """Variables, folder and aliases after the last script; None before the first."""
        return self._state

    def snapshot(self) -> bytes:
        """Variables and functions, without files."""
        return bytes(self._made().snapshot(exclude_filesystem=True))

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot."""
        self._made().restore_snapshot(snapshot)

    def change(self, name: str, *, answered: bool) -> None:
        """From now on a command is answered by us, or is the engine's own again."""
        (self._commands.add if answered else self._commands.discard)(name)
        if self._bash is None:
            return
        if answered:
            self._bash.add_builtin(name, _Callback(self))  # type: ignore[attr-defined]
        else:
            self._bash.remove_builtin(name)  # type: ignore[attr-defined]

    def mount(self) -> None:
        """Show what the files have mounted since the engine was made."""
        if self._bash is not None:
            self._mount_folders(self._bash)

    def _mount_folders(self, bash: Bash) -> None:
        for path, tree in self._setup.files.mounts.items():
            bash.mount(path, tree, read_only=True)

    # -- inside

    def _made(self) -> Bash:
        if self._bash is None:
            self._bash = self._make()
        return self._bash

    def _make(self) -> Bash:
        # Imported late: a cluster in whose pods nobody runs a shell does without bashkit, and
        # so does a platform that has none.
        from bashkit import Bash, ExecutionProfile

        setup = self._setup
        setup.files.make_folder(setup.cwd)
        setup.files.make_folder("/tmp")
        bash = Bash(
            username=setup.username,
            hostname=setup.hostname,
            cwd=setup.cwd,
            env=setup.env,
            max_commands=setup.limits.commands,
            max_loop_iterations=setup.limits.loop_turns,
            timeout_seconds=setup.limits.seconds,
            # The other profiles allow 100,000 commands in the life of an engine.
            profile=ExecutionProfile.Interactive,
            custom_builtins=dict.fromkeys(self._commands, _Callback(self)),
        )
        bash.mount("/", setup.files.tree)
        self._mount_folders(bash)
        return bash

    def _call(self, context: BuiltinContext) -> BuiltinResult:
        from bashkit import BuiltinResult

        env = dict(sorted(context.env.items()))  # the engine's own order is another each time
        invocation = Invocation(context.name, list(context.argv), context.stdin, env, context.cwd)
        try:
            outcome: Outcome = getattr(self._answer(), self._answer_name)(invocation)
        except BaseException as failure:  # noqa: BLE001 - raised again at the end of `run`
            self._raised = failure
            self._made().cancel()
            outcome = Outcome(exit_code=130)
        return BuiltinResult(outcome.stdout, outcome.stderr, outcome.exit_code)


class _Exact:
    """Hands output on as it comes, and holds back a stream from its first odd byte on.

    While a script runs, bashkit gives its output as text in which an odd byte is U+FFFD; only in
    the end does it give the bytes.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._sent = [0, 0]
        self._held = [False, False]

    def take(self, out: str, err: str) -> None:
        """Receive what one command has printed."""
        out, err = self._passed(0, out), self._passed(1, err)
        if out or err:
            self._take(out, err)

    def _passed(self, stream: int, text: str) -> str:
        if self._held[stream] or "\ufffd" in text:
            self._held[stream] = True
            return ""
        self._sent[stream] += len(text.encode())
        return text

    def end(self, result: ExecResult) -> None:
        """Hand on what was held back."""
        streams: tuple[bytes, bytes] = (
            result.stdout_bytes,  # type: ignore[attr-defined]
            result.stderr_bytes,  # type: ignore[attr-defined]
        )
        if any(self._held):
            out, err = (
                streams[i][self._sent[i] :].decode(errors="surrogateescape")
                if self._held[i]
                else ""
                for i in (0, 1)
            )
            self._take(out, err)


class _Callback:
    """What bashkit holds: it does not keep the engine alive."""

    def __init__(self, engine: Engine) -> None:
        self._engine = ref(engine)

    def __call__(self, context: BuiltinContext) -> BuiltinResult:
        engine = self._engine()
        assert engine is not None
        return engine._call(context)


@cache
def program_folder(names: frozenset[str]) -> FileSystem:
    """The files of /usr/bin; read-only, so that shells with the same programs share them."""
    files = Files.bare()
    for name in sorted(names):
        files.write(f"/{name}", f'#!/bin/sh\nexec {name} "$@"\n', 0o755)
    return files.tree


def real_folder(path: str) -> FileSystem:
    """A folder of this machine as a tree; links do not lead out of it."""
    from bashkit import FileSystem

    return FileSystem.real(path)
