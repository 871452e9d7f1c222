"""Why a script was stopped: the engine's words in those of a shell."""

from __future__ import annotations

import re

from minik8s.bash.output import Output
from minik8s.bash.values import Limits

_LIMIT = re.compile(r"(?:resource limit exceeded|execution error|budget validation failed): (.*)")
_PARSE = re.compile(r"parse error at line (\d+), column \d+: (.*)", re.DOTALL)
INTERRUPTED = "interrupted"


def explain(error: str, output: Output, limits: Limits) -> tuple[int, str]:
    """Print the message of a script that did not reach its end.

    Gives the exit code, and the reason unless the script itself is at fault.
    """
    parse = _PARSE.fullmatch(error)
    if parse is not None:
        output.complain(parse.group(2).rstrip("\n"), int(parse.group(1)), syntax=True)
        return 2, ""
    if "cancelled" in error:
        return 130, INTERRUPTED
    why = match.group(1) if (match := _LIMIT.match(error)) else error
    if "function depth" in why:
        output.complain("maximum function nesting level exceeded (16)", 1)
        return 1, why
    output.take("", f"minik8s: stopped: {_reason(why, limits)}\n")
    return 130, why


def _reason(why: str, limits: Limits) -> str:
    if "timeout" in why:
        return f"it ran for more than {limits.seconds:g} seconds"
    if "loop" in why:
        return f"a loop went round more than {limits.loop_turns:,} times"
    if "command" in why:
        return f"it ran more than {limits.commands:,} commands"
    return why
