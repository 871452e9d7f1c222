"""What passes between a shell and the programs that it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a program: what it was given.

    `argv` leaves the name out. `stdin` is all of standard input, or None where nothing is
    piped or redirected into the program (then it is the terminal, or closed). `background`
    says that the command stands before an `&`. `deadline` is the moment at which a `timeout`
    around it ends; a program that waits stops there and leaves with 124. `direct`: its output
    goes where the shell's own goes, not into a pipe, file or variable (known for the shell's
    `programs` only; False may also mean unknown).
    """

    name: str
    argv: list[str]
    stdin: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    background: bool = False
    deadline: float | None = None
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program leaves behind."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0


class TimeUp(Exception):
    """The deadline of an invocation has come; `outcome` is what was printed until then.

    Raised by a program, it ends the script under `timeout`, which leaves with 124.
    """

    def __init__(self, outcome: Outcome = Outcome()) -> None:
        super().__init__()
        self.outcome = outcome


Program: TypeAlias = Callable[[Invocation], Outcome]
"""A command of a shell; it may call `Shell.run` of another shell, to any depth."""

OnOutput: TypeAlias = Callable[[str, str], None]
"""Receives (stdout, stderr) after each command, in the order of the commands."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a script printed, its exit code, and why it was stopped, if it was.

    `error` is empty, or a sentence: a limit was reached, or somebody pressed Ctrl-C (then the
    exit code is 130, and the output is what had been printed until then). `exited` says that
    the script itself ended the shell (`exit`, `set -e`).
    """

    stdout: str
    stderr: str
    exit_code: int
    error: str = ""
    exited: bool = False


@dataclass(frozen=True, slots=True)
class Background:
    """A command list that stands before an `&`, and what it needs to run on its own.

    `state` is a script that restores the variables, functions and aliases of the shell at
    that moment.
    """

    text: str
    state: str
    cwd: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a shell words its complaints.

    `unknown` is the whole line for a command that is not there; `{where}` stands for the
    place, as in `bash: line 1`.
    """

    name: str = "bash"
    where: str = "{name}: line {line}"
    unknown: str = "{where}: {command}: command not found"


SCRIPT_BASH = Dialect()
"""bash with `-c` or a file."""

TYPED_BASH = Dialect(where="{name}")
"""bash at a prompt: no line numbers."""

ASH = Dialect("sh", "{name}", "{where}: {command}: not found")
"""busybox's shell, as Alpine has it."""

DASH = Dialect("sh", "{name}: {line}", "{where}: {command}: not found")
"""Debian's /bin/sh."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a script is stopped: loop turns, commands, seconds of real time (None: never)."""

    loop_turns: int = 10_000
    commands: int = 200_000
    seconds: float | None = 30.0


DEFAULT_LIMITS = Limits()
