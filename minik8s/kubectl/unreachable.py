"""What kubectl says when no server answers: first its discovery's complaints, then its own.

Each command asks the server what it serves a few times before it gives up (measured with 1.37.1).
"""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure, Unreachable
from minik8s.kubectl.files import STDIN
from minik8s.kubectl.gotext import quote

_ATTEMPTS = {
    5: "annotate autoscale cluster-info delete describe edit expose get label patch scale",
    4: "attach cordon debug drain exec logs port-forward rollout set uncordon wait",
    2: "explain taint",
    1: "api-resources api-versions diff run",
}
"""How often a command asks in vain, by its first word."""

_STOP = "if you choose to ignore these errors, turn validation off with --validate=false"


def unreachable(call: Call, error: Unreachable) -> Exception:
    """Print the complaints of discovery, and give the command's own error."""
    words = call.command.full.split()[1:]
    asked = _asked(error)
    if call.flags.knows("raw") and call.flags.text("raw"):
        return error
    files = call.flags.items("filename") if call.flags.knows("filename") else []
    if files and _validates(call, words):
        return _unvalidated(files[0], error)
    complain(call, error, 1 if files else _attempts(words[0]))
    if files:
        return _unrecognized(words[0], files[0], asked)
    if words[0] == "api-versions":
        return Failure(f"couldn't get available api versions from server: {asked}")
    return error


def complain(call: Call, error: Unreachable, times: int) -> None:
    """Log that discovery asked in vain."""
    for _ in range(times):
        call.log(
            f'"Couldn\'t get current server API group list" err={quote(_asked(error))}',
            "memcache.go:381",
            "E",
        )


def _asked(error: Unreachable) -> str:
    return error.asked("Get", "/api?timeout=32s")


def _validates(call: Call, words: list[str]) -> bool:
    """Whether a command looks at the manifest's structure before anything else."""
    if words not in (["create"], ["apply"], ["replace"]) or call.validation() == "Ignore":
        return False
    return not (words == ["replace"] and call.flags.on("force"))


def _unrecognized(command: str, path: str, asked: str) -> Exception:
    text = f"unable to recognize {quote(_name(path))}: {asked}"
    if command == "get":
        return Exit(1, text)
    return Exit(2, f"error: {text}") if command == "diff" else Failure(text)


def _name(path: str) -> str:
    return STDIN if path == "-" else path


def _attempts(command: str) -> int:
    return next((count for count, text in _ATTEMPTS.items() if command in text.split()), 0)


def _unvalidated(path: str, error: Unreachable) -> Failure:
    """The error of a command that wants to check a manifest first."""
    asked = error.asked("Get", "/openapi/v2?timeout=32s")
    return Failure(
        f"error validating {quote(_name(path))}: error validating data: failed to download "
        f"openapi: {asked}; {_STOP}"
    )
