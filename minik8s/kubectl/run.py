"""From a command line to an exit code."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure, Several, Unreachable, explain
from minik8s.kubectl.flags import FlagError, Flags
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.io import IO
from minik8s.kubectl.tree import root
from minik8s.kubectl.unreachable import unreachable

_COMPARING = "kubectl diff"
"""The command whose exit code 1 means that there is a difference, so that errors have 2."""

_HINTS = {"kubectl options": "Run 'kubectl options' without flags."}
"""What is said of unknown flags, where it is not the usual."""

Handler = Callable[[Call], int | None]


def run(argv: list[str], io: IO) -> int:
    """Find the command, parse its flags, run it, and print what went wrong."""
    try:
        return _run(argv, io)
    except (ApiError, Failure, Several, Exit) as caught:
        error: Exception = caught
    text, code = explain(error)
    io.err(text)
    return code


def _run(argv: list[str], io: IO) -> int:
    if argv[:1] == ["help"]:
        argv = _help_topic(argv[1:], io)
    command, rest = root().find(argv)
    if command is root():
        _reject_unknown(argv, rest)
    flags = Flags(command.flags)
    try:
        flags.parse(rest)
    except FlagError as error:
        if command.full == _COMPARING:
            hint = f"See '{command.full} -h' for help and examples"
            raise Exit(2, f"error: {error}\n{hint}") from None
        hint = _HINTS.get(command.full, f"See '{command.full} --help' for usage.")
        raise Failure(f"{error}\n{hint}") from None
    io.err("".join(flags.notices))
    call = Call(command, flags, io)
    if flags.on("help") or not command.runs:
        return _handler("helping.show")(call) or 0
    if missing := flags.missing():
        names = ", ".join(map(quote, missing))
        raise Failure(f"required flag(s) {names} not set")
    try:
        code = _handler(command.runs)(call) or 0
    except Unreachable as error:
        raise unreachable(call, error) from None
    if call.warnings and flags.on("warnings-as-errors"):
        count = len(call.warnings)
        raise Failure(f"{count} warning{'s' if count > 1 else ''} received")
    return code


def _help_topic(words: list[str], io: IO) -> list[str]:
    """The command line that shows help about a command; says so if there is none."""
    command, rest = root().find(words)
    if command is root() and rest and not rest[0].startswith("-"):
        io.err(f"Unknown help topic [{' '.join(f'`{word}`' for word in words)}]\n")
        return ["--help"]
    return [*words, "--help"]


def _reject_unknown(argv: list[str], rest: list[str]) -> None:
    words = root().words(rest)
    if not words:
        return
    if argv[0].startswith("-"):
        # What is no command could be a plugin, whose name would have to come first.
        raise Exit(1, f"Error: flags cannot be placed before plugin name: {argv[0]}\n")
    text = f"unknown command {quote(words[0])} for {quote('kubectl')}"
    if close := root().suggestions(words[0]):
        text += "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in close)
    raise Failure(text)


def _handler(place: str) -> Handler:
    """The function that runs a command, imported when it is first needed."""
    module, _, function = place.rpartition(".")
    path = f"minik8s.kubectl.commands.{module}"
    try:
        handler: Handler = getattr(import_module(path), function)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise Failure("this command is not part of the simulation") from None
    return handler
