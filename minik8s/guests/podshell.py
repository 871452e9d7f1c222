"""The shell engine inside a container: its files, environment, host name and programs.

Each shell process has variables of its own; all shells of a container share its files, which
move into the shell's file system when the first one starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from shlex import quote
from weakref import ref

from minik8s.bash import (
    ASH,
    DASH,
    DEFAULT_LIMITS,
    SCRIPT_BASH,
    TYPED_BASH,
    Aside,
    Dialect,
    Errand,
    Files,
    Invocation,
    Limits,
    OnOutput,
    Outcome,
    Result,
    Shell,
)
from minik8s.bash import Program as ShellProgram
from minik8s.bash.aside import Abandoned
from minik8s.bash.commands import SHELL_BUILTINS
from minik8s.bash.values import TimeUp
from minik8s.guests.base import Compute, Input, Interrupted, Process, Sleep, Steps, read_all
from minik8s.guests.container import Container
from minik8s.guests.programs import find_program

_DIALECTS = {"ash": ASH, "dash": DASH}

_ENGINES_OWN = frozenset(("cat", "date", "env", "id", "printenv", "sh", "sleep", "tail", "whoami"))
"""Programs that the engine runs well itself, on the shell's clock and files."""


class SharedFiles:
    """The container's files in the shell's file system, as the other programs see them."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        """What a file holds, or None."""
        if not self.files.exists(path) or self.files.is_folder(path):
            return None
        return self.files.read(path)

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file."""
        self.files.write(path, data)

    def list(self, path: str) -> list[str] | None:
        """The names in a folder, or None."""
        return self.files.list(path) if self.files.is_folder(path) else None


def shared_files(container: Container) -> Files:
    """The container's file system, moved into the shell engine's if it is not there yet."""
    disk = container.disk
    if isinstance(disk, SharedFiles):
        return disk.files
    files = Files(container.all_files())
    for folder in ("/root", "/proc", "/sys", "/var", "/usr", "/lib", "/sbin", "/opt", "/run"):
        files.make_folder(folder)
    container.mount(SharedFiles(files))
    return files


class PodShell(Shell):
    """The shell of a process; `typed` if somebody sits at a prompt.

    Its scripts compute aside; the programs that they call run where the process does.
    """

    def __init__(self, process: Process, *, typed: bool = False) -> None:
        container = process.container
        image = container.image
        self._aside: Aside[Result] = Aside(self.cancel)
        # The thread that a script waits on keeps this shell; it is not to keep the cluster.
        whose = ref(process)
        super().__init__(
            hostname=container.hostname,
            username=image.user,
            env={"HOME": "/root", "PWD": process.cwd, **process.env},
            cwd=process.cwd,
            files=shared_files(container),
            programs=_programs(process, self._aside),
            now=lambda: _living(whose).clock.now,
            sleep=_sleeper(whose, self._aside),
            random=container.random("shell"),
            keep=image.tools | (image.programs.keys() & _ENGINES_OWN),
            dialect=_dialect(process, typed=typed),
            limits=_UNHURRIED if process.background else DEFAULT_LIMITS,
            errors="surrogateescape",
        )

    def script(
        self, text: str, on_output: OnOutput | None = None, stdin: str | None = None
    ) -> Steps[Result]:
        """Run a script as `run` does, and let others go on while it computes.

        A signal stops the script; it is raised again once the script has ended.
        """
        aside, caught = self._aside, None
        reader = None if on_output is None else _Reader(on_output)
        show = None if reader is None else _shower(ref(reader), aside)
        aside.begin(lambda: self.run(text, on_output=show, stdin=stdin))
        try:
            while not aside.ended:
                try:
                    yield Compute(aside)
                    if (errand := aside.errand()) is not None:
                        yield from _carry_out(errand)
                except Interrupted as signal:
                    caught = signal
                    self.cancel()
        finally:
            if not aside.ended:
                aside.abandon()
        if caught is not None:
            raise caught
        return aside.result()


_UNHURRIED = Limits(seconds=None)
"""A container's own script may take its time: it is there for as long as the pod."""


class _Reader:
    """Who gets the output of a script."""

    def __init__(self, put: OnOutput) -> None:
        self.put = put


def _shower(whose: ref[_Reader], aside: Aside[Result]) -> OnOutput:
    def show(out: str, err: str) -> None:
        reader = whose()
        if reader is not None:
            aside.post(partial(reader.put, out, err))

    return show


def _living(whose: ref[Process]) -> Process:
    """The process of a shell; raises Abandoned if its cluster is gone."""
    process = whose()
    if process is None:
        raise Abandoned
    return process


def _sleeper(whose: ref[Process], aside: Aside[Result]) -> Callable[[float], None]:
    """How a shell sleeps. Nobody steps the clock for a container's own: it waits as others do."""

    def sleep(seconds: float) -> None:
        if _living(whose).background and aside.working:
            aside.send(lambda: _pause(seconds))
        else:
            aside.call(lambda: _living(whose).pause(seconds))

    return sleep


def _pause(seconds: float) -> Steps[None]:
    yield Sleep(seconds)


def _carry_out(errand: Errand[Steps[object]]) -> Steps[None]:
    """Run an errand of the script as a part of this program."""
    try:
        value = yield from errand.what()
    except GeneratorExit:
        raise  # the script is abandoned, and hears of it
    except BaseException as failure:
        errand.failed(failure)
        raise
    errand.done(value)


def _dialect(process: Process, *, typed: bool) -> Dialect:
    """How this shell words its complaints: it names itself as it was called."""
    name = process.name.rpartition("/")[2] or "sh"
    if name == "bash" or process.container.image.shell == "bash":
        return TYPED_BASH if typed else SCRIPT_BASH
    dialect = _DIALECTS.get(process.container.image.shell, ASH)
    return Dialect(
        process.name if name in ("sh", "ash", "dash") else "sh", dialect.where, dialect.unknown
    )


def _programs(process: Process, aside: Aside[Result]) -> Mapping[str, ShellProgram]:
    hidden = SHELL_BUILTINS | _ENGINES_OWN
    names = process.container.image.programs.keys() - hidden
    whose = ref(process)
    walks = process.background

    def call(invocation: Invocation) -> Outcome:
        if walks and aside.working and invocation.deadline is None:
            outcome: Outcome = aside.send(lambda: _walked(_living(whose), invocation))
            return outcome
        return aside.call(lambda: _run_at_once(_living(whose), invocation))

    return {name: call for name in sorted(names) if "/" not in name}


class _Called:
    """A program that a script has called, and what it writes."""

    def __init__(self, process: Process, invocation: Invocation) -> None:
        self.out: list[bytes] = []
        self.err: list[bytes] = []
        program = find_program(process.container.image, invocation.name)
        assert program is not None
        self.program = program
        stdin = process.stdin if invocation.stdin is None else Input.of(invocation.stdin.encode())
        self.process = process.child(
            [invocation.name, *invocation.argv],
            own_env=dict(invocation.env),
            cwd=invocation.cwd,
            stdin=stdin,
            output=lambda stream, data: (self.out if stream == 1 else self.err).append(data),
            tty=process.tty and invocation.direct,
            interactive=process.interactive and invocation.stdin is None,
        )

    def outcome(self, code: int) -> Outcome:
        """How it ended."""
        return Outcome(_text(self.out), _text(self.err), code)


def _walked(process: Process, invocation: Invocation) -> Steps[Outcome]:
    """Run a program of a container's own script step by step."""
    called = _Called(process, invocation)
    code = yield from called.program(called.process)
    return called.outcome(code)


def _run_at_once(process: Process, invocation: Invocation) -> Outcome:
    """Run a program to its end, with the process's own clock."""
    called = _Called(process, invocation)
    code = process.run_now(called.process, called.program, invocation.deadline)
    outcome = called.outcome(code)
    if invocation.deadline is not None and process.clock.now >= invocation.deadline:
        raise TimeUp(outcome)
    return outcome


def _text(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode(errors="replace")


_READERS = frozenset(
    (
        *("awk", "base64", "cut", "egrep", "fgrep", "fold", "grep", "gunzip", "gzip", "head"),
        *("hexdump", "jq", "less", "md5sum", "more", "nl", "od", "paste", "rev", "sed"),
        *("sha256sum", "sha512sum", "sort", "strings", "tac", "tee", "tr", "uniq", "wc"),
        *("xargs", "xxd"),
    )
)
"""Tools that read standard input when they are given no file."""


def tool(process: Process) -> Steps[int]:
    """A tool that only the shell engine has, run by itself."""
    name = process.name.rpartition("/")[2]
    text = b""
    if name in _READERS and not _names_a_file(process):
        text = yield from read_all(process)
    shell = PodShell(process)

    def show(out: str, err: str) -> None:
        process.out(out)
        process.err(err)

    words = [name, *process.arguments]
    result = yield from shell.script(
        " ".join(quote(word) for word in words),
        show,
        text.decode(errors="replace") if text else None,
    )
    return result.exit_code


def _names_a_file(process: Process) -> bool:
    disk = process.container.disk
    return any(disk.read(process.resolve(word)) is not None for word in process.arguments)
