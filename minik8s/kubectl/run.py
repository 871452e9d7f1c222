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
from minik8s.kubectl.tree import Command, root
from minik8s.kubectl.unreachable import unreachable

_COMPARING = "kubectl diff"
"""The command whose exit code 1 means that there is a difference, so that errors have 2."""

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
        argv = [*argv[1:], "--help"]
    command, rest = root().find(argv)
    if command is root():
        _reject_unknown(rest)
    flags = Flags(command.flags)
    try:
        flags.parse(rest)
    except FlagError as error:
        if command.full == _COMPARING:
            hint = f"See '{command.full} -h' for help and examples"
            raise Exit(2, f"error: {error}\n{hint}") from None
        raise Failure(f"{error}\nSee '{command.full} --help' for usage.") from None
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


def _reject_unknown(rest: list[str]) -> None:
    words = root().words(rest)
    if not words:
        return
    text = f"unknown command {quote(words[0])} for {quote('kubectl')}"
    if close := root().suggestions(words[0]):
        text += "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in close)
    raise Failure(text)


def _handler(place: str) -> Handler:
    """The function that runs a command, imported when it is first needed."""
    module, _, function = place.rpartition(".")
    handler: Handler = getattr(import_module(f"minik8s.kubectl.commands.{module}"), function)
    return handler


def runnable(command: Command) -> bool:
    """Whether a command does something by itself."""
    return bool(command.runs)
