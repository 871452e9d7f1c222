"""Tools that the engine would answer with facts of the machine it runs on."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import Protocol
from uuid import UUID

from minik8s.bash.dates import date
from minik8s.bash.files import Files
from minik8s.bash.helper import duration
from minik8s.bash.listing import ls
from minik8s.bash.stat import stat
from minik8s.bash.values import Invocation, Outcome, Program, TimeUp

_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
KERNEL = "6.8.0-52-generic"


class Host(Protocol):
    """What these tools need of their shell."""

    hostname: str
    username: str
    files: Files
    random: Random
    now: Callable[[], float]
    sleep: Callable[[float], None]

    def moment(self, host_time: float) -> float:
        """When, on the shell's clock, the machine's clock stood at a moment."""

    def under_deadline(self, deadline: float, call: Invocation, command: str) -> Outcome:
        """Run a command as a process of its own that ends at a moment."""


def tools(shell: Host) -> Mapping[str, Program]:
    """The tools of one shell, by name."""
    return {
        "date": lambda call: date(call.argv, shell.now()),
        "sleep": lambda call: _sleep(shell, call),
        "timeout": lambda call: _timeout(shell, call),
        "whoami": lambda _: Outcome(shell.username + "\n"),
        "logname": lambda _: Outcome(shell.username + "\n"),
        "id": lambda call: _id(shell.username, call.argv),
        "groups": lambda _: Outcome(shell.username + "\n"),
        "hostname": lambda call: _hostname(shell.hostname, call.argv),
        "uname": lambda call: uname(call.argv, shell.hostname),
        "nproc": lambda _: Outcome("4\n"),
        "tty": lambda _: Outcome("not a tty\n", exit_code=1),
        "ls": lambda call: ls(shell, call),
        "stat": lambda call: stat(shell, call),
        "which": lambda call: _which(shell.files, call),
        "mktemp": lambda call: _mktemp(shell, call),
        "shuf": lambda call: _shuf(shell, call),
        "uuidgen": lambda _: Outcome(f"{UUID(int=shell.random.getrandbits(128), version=4)}\n"),
    }


def _sleep(shell: Host, call: Invocation) -> Outcome:
    seconds = 0.0
    if not call.argv:
        return Outcome(stderr="sleep: missing operand\n", exit_code=1)
    for word in call.argv:
        amount = duration(word) if word != "infinity" else 1e9
        if amount is None:
            return Outcome(stderr=f"sleep: invalid time interval ‘{word}’\n", exit_code=1)
        seconds += amount
    if call.deadline is not None and shell.now() + seconds > call.deadline:
        shell.sleep(max(0.0, call.deadline - shell.now()))
        raise TimeUp
    shell.sleep(seconds)
    return Outcome()


def _timeout(shell: Host, call: Invocation) -> Outcome:
    """`timeout [OPTION] DURATION COMMAND...`."""
    rest = list(call.argv)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        if rest.pop(0) in ("-s", "-k", "--signal", "--kill-after") and rest:
            rest.pop(0)
    if len(rest) < 2:
        hint = "Try 'timeout --help' for more information.\n"
        return Outcome(stderr=f"timeout: missing operand\n{hint}", exit_code=125)
    seconds = duration(rest[0])
    if seconds is None:
        return Outcome(stderr=f"timeout: invalid time interval ‘{rest[0]}’\n", exit_code=125)
    deadline = shell.now() + seconds if seconds else float("inf")
    return shell.under_deadline(deadline, call, shlex.join(rest[1:]))


def _id(user: str, options: Collection[str]) -> Outcome:
    number = 0 if user == "root" else 1000
    letters = "".join(word.lstrip("-") for word in options)
    if set(letters) & set("ugG"):
        return Outcome(f"{user if 'n' in letters else number}\n")
    return Outcome(f"uid={number}({user}) gid={number}({user}) groups={number}({user})\n")


def _hostname(name: str, options: list[str]) -> Outcome:
    if options and not options[0].startswith("-"):
        return Outcome(stderr="hostname: you must be root to change the host name\n", exit_code=1)
    return Outcome(name + "\n")


def uname(options: list[str], hostname: str, kernel: str = KERNEL) -> Outcome:
    """`uname` of a Linux on x86_64."""
    fields = {
        "s": "Linux",
        "n": hostname,
        "r": kernel,
        "v": "#1 SMP PREEMPT_DYNAMIC",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    letters = "".join(word.lstrip("-") for word in options) or "s"
    chosen = [text for letter, text in fields.items() if letter in letters or "a" in letters]
    return Outcome(" ".join(chosen) + "\n")


def _which(files: Files, call: Invocation) -> Outcome:
    found, code = [], 0
    for name in call.argv:
        if name.startswith("-"):
            continue
        folders = [""] if "/" in name else call.env.get("PATH", DEFAULT_PATH).split(":")
        for folder in folders:
            path = posixpath.normpath(posixpath.join(call.cwd, folder, name))
            if is_program(files, path):
                found.append(path)
                break
        else:
            code = 1
    return Outcome("".join(path + "\n" for path in found), exit_code=code)


DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


def is_program(files: Files, path: str) -> bool:
    """Whether a path is an executable file."""
    return files.exists(path) and not files.is_folder(path) and bool(files.mode(path) & 0o111)


def _mktemp(shell: Host, call: Invocation) -> Outcome:
    folder = any(word in ("-d", "--directory") for word in call.argv)
    names = [word for word in call.argv if not word.startswith("-")]
    template = names[0] if names else "/tmp/tmp.XXXXXXXXXX"
    bare = template.rstrip("X")
    if len(template) - len(bare) < 3:
        return Outcome(stderr=f"mktemp: too few X's in template ‘{template}’\n", exit_code=1)
    letters = [shell.random.choice(_NAME_LETTERS) for _ in range(len(template) - len(bare))]
    path = bare + "".join(letters)
    full = posixpath.join(call.cwd, path)
    if folder:
        shell.files.make_folder(full)
    elif "-u" not in call.argv:
        shell.files.write(full, b"", 0o600)
    return Outcome(path + "\n")


def _shuf(shell: Host, call: Invocation) -> Outcome:
    rest, lines, count, again = list(call.argv), None, None, False
    while rest:
        word = rest.pop(0)
        if word in ("-n", "--head-count") and rest:
            count = int(rest.pop(0))
        elif word.startswith("-n") and word[2:].isdigit():
            count = int(word[2:])
        elif word in ("-i", "--input-range") and rest:
            low, _, high = rest.pop(0).partition("-")
            lines = [str(number) for number in range(int(low), int(high) + 1)]
        elif word in ("-e", "--echo"):
            lines, rest = rest, []
        elif word in ("-r", "--repeat"):
            again = True
        elif word != "-":
            path = posixpath.join(call.cwd, word)
            if not shell.files.exists(path):
                return Outcome(stderr=f"shuf: {word}: No such file or directory\n", exit_code=1)
            lines = shell.files.read(path).decode(errors="replace").splitlines()
    if lines is None:
        lines = (call.stdin or "").splitlines()
    if again:
        lines = [shell.random.choice(lines) for _ in range(count or 0)] if lines else []
    else:
        lines = shell.random.sample(lines, len(lines))[:count]
    return Outcome("".join(line + "\n" for line in lines))
