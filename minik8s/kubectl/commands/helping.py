"""Help: for the root, for each command, and for the flags that every command takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from minik8s.kubectl.call import Call
from minik8s.kubectl.flags import Flag
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.tree import Command, global_flags
from minik8s.kubectl.tree import root as command_tree

_GLOBAL_HINT = (
    'Use "kubectl options" for a list of global command-line options (applies to all commands).\n'
)


def root(call: Call) -> None:
    """`kubectl` alone: the list of commands."""
    show(call)


def show(call: Call) -> None:
    """`--help` of any command."""
    _write(call.command, call.out)


def _write(command: Command, write: Callable[[str], object]) -> None:
    lines = [f"{command.does}.\n"]
    if command.path:
        lines.append(_subcommands("Available Commands", command.children.values()))
        lines.append(_options(command))
    else:
        sections: dict[str, list[Command]] = {}
        for child in command_tree().children.values():
            if child.path not in ("alpha", "options"):
                sections.setdefault(child.section, []).append(child)
        lines += [_subcommands(name, children) for name, children in sections.items()]
    usage = " ".join(filter(None, [command.full, command.usage or "[flags]", "[options]"]))
    lines.append(f"Usage:\n  {usage}\n")
    hint = _GLOBAL_HINT
    if command.children:
        more = f'Use "{command.full} <command> --help" for more information about a given command.'
        hint = f"{more}\n{hint}"
    lines.append(hint)
    write("\n".join(filter(None, lines)))


def options(call: Call) -> None:
    """`kubectl options`: the global flags."""
    call.out("The following options can be passed to any command:\n\n")
    call.out(_flag_list(global_flags().values()))


def _subcommands(title: str, commands: Iterable[Command]) -> str:
    known = sorted(commands, key=lambda command: command.name)
    if not known:
        return ""
    width = max(len(command.name) for command in known)
    rows = [f"  {command.name:<{width}}   {command.does}\n" for command in known]
    return f"{title}:\n{''.join(rows)}"


def _options(command: Command) -> str:
    flags = [flag for flag in command.own.values() if not flag.hidden]
    return f"Options:\n{_flag_list(flags)}" if flags else ""


def _flag_list(flags: Iterable[Flag]) -> str:
    return "\n".join(f"    {_title(flag)}:\n\t{flag.help}.\n" for flag in flags)


def _title(flag: Flag) -> str:
    short = f"-{flag.shorthand}, " if flag.shorthand else ""
    quoted = flag.type in ("string", "Level") and not flag.default.isdigit()
    default = f"'{flag.default}'" if quoted else flag.default
    return f"{short}--{flag.name}={default}"


def require_subcommand(call: Call, write: Callable[[str], None] | None = None) -> int:
    """A command that does nothing by itself: its help (on standard error), and exit code 1."""
    if call.arguments:
        raise call.usage(f"unknown command {quote(' '.join(call.arguments))}")
    text: list[str] = []
    _write(call.command, text.append)
    (write or call.err)("".join(text))
    return 1
