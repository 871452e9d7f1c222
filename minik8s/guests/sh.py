"""sh, ash, dash and bash: `-c`, script files, scripts on standard input, and a prompt."""

from __future__ import annotations

import re
from contextlib import suppress

from minik8s.bash import is_complete
from minik8s.bash.commands import SHELL_BUILTINS
from minik8s.guests.base import Interrupted, Process, Program, ReadInput, Steps
from minik8s.guests.podshell import PodShell
from minik8s.guests.programs import find_program
from minik8s.guests.script import Exited, Script

_PLAIN = re.compile(r"[\w ./:@%+,=-]+")


def sh(process: Process) -> Steps[int]:
    """Run a shell."""
    flags, rest = _flags(process.arguments)
    typed = process.interactive and "c" not in flags and not rest
    if "c" in flags and rest and (plain := plain_command(process, rest[0])) is not None:
        return (yield from plain[0](process.child(plain[1])))
    shell = PodShell(process, typed=typed)
    _set_options(shell, flags)
    if "c" in flags:
        if not rest:
            process.err(f"{process.name}: -c requires an argument\n")
            return 2
        _set_parameters(shell, rest[2:])
        return (yield from _run(process, shell, rest[0]))
    if rest:
        return (yield from _run_file(process, shell, rest))
    if typed:
        return (yield from _prompt(process, shell))
    return (yield from _run_input(process, shell))


def plain_command(process: Process, text: str) -> tuple[Program, list[str]] | None:
    """The program and words of a script that is one plain command: no engine is needed."""
    if not _PLAIN.fullmatch(text):
        return None
    words = text.split()
    if words[:1] == ["exec"]:
        words = words[1:]
    if not words or words[0] in SHELL_BUILTINS or "=" in words[0]:
        return None
    program = find_program(process.container.image, words[0])
    return None if program is None else (program, words)


def _flags(arguments: list[str]) -> tuple[set[str], list[str]]:
    flags: set[str] = set()
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        flags |= set(word.lstrip("-")) if not word.startswith("--") else {word[2:]}
    return flags, rest


def _set_options(shell: PodShell, flags: set[str]) -> None:
    letters = "".join(sorted(flags & set("efux")))
    if letters:
        shell.run(f"set -{letters}")


def _set_parameters(shell: PodShell, words: list[str]) -> None:
    if words:
        quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        shell.run(f"set -- {quoted}")


def _run(process: Process, shell: PodShell, text: str) -> Steps[int]:
    with suppress(Exited):
        yield from Script(process, shell, text).run()
    return shell.exit_code


def _run_input(process: Process, shell: PodShell) -> Steps[int]:
    """Run the script on standard input: its whole commands as they come, the rest at its end."""
    waiting = b""
    with suppress(Exited):
        while more := (yield ReadInput(process.stdin)):
            waiting += more
            end = waiting.rfind(b"\n") + 1
            text = waiting[:end].decode(errors="replace")
            if process.stdin.closed or not text.strip() or not is_complete(text):
                continue
            waiting = waiting[end:]
            yield from Script(process, shell, text).run()
        if waiting.strip():
            yield from Script(process, shell, waiting.decode(errors="replace")).run()
    return shell.exit_code


def _run_file(process: Process, shell: PodShell, words: list[str]) -> Steps[int]:
    text = process.container.read(process.resolve(words[0]))
    if text is None:
        process.err(f"{process.name}: can't open '{words[0]}': No such file or directory\n")
        return 2
    _set_parameters(shell, words[1:])
    return (yield from _run(process, shell, text.decode(errors="replace")))


def _primary(process: Process, shell: PodShell) -> str:
    """The prompt: Debian's bash names user and host, others show less."""
    image = process.container.image
    mark = "#" if image.user == "root" else "$"
    if _is_bash(process):
        if image.libc == "musl":
            return f"bash-5.3{mark} "
        return f"{image.user}@{process.container.hostname}:{_shown(shell)}{mark} "
    return f"{mark} " if image.shell == "dash" else f"{_shown(shell)} {mark} "


def _is_bash(process: Process) -> bool:
    return process.name.endswith("bash") or process.container.image.shell == "bash"


def _shown(shell: PodShell) -> str:
    home = shell.env.get("HOME", "")
    cwd = shell.cwd
    return "~" + cwd[len(home) :] if home not in ("", "/") and cwd.startswith(home) else cwd


def _prompt(process: Process, shell: PodShell) -> Steps[int]:
    """Ask for commands until `exit` or the end of input."""
    waiting = b""
    while True:
        process.out(_primary(process, shell) if not waiting else "> ")
        try:
            line = yield ReadInput(process.stdin)
            if not line:
                return _leave(process, shell)
            waiting += line
            text = waiting.decode(errors="replace")
            if not is_complete(text):
                continue
            waiting = b""
            if text.strip():
                yield from Script(process, shell, text).run()
        except Interrupted as signal:
            if signal.signal != "SIGINT":
                return signal.exit_code
            waiting = b""
            shell.exit_code = signal.exit_code
            process.out("\n")
        except Exited:
            return shell.exit_code


def _leave(process: Process, shell: PodShell) -> int:
    if _is_bash(process):
        process.out("exit\n")
    return shell.exit_code
