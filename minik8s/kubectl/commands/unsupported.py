"""The commands that this kubectl leaves to the real one."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure


def run(call: Call) -> None:
    """Say that the command is left out, and what to use instead."""
    raise Failure(
        f"{call.command.full!r} is not part of minik8s's own kubectl; the real kubectl has it: "
        "start 'minik8s serve' and point it there"
    )
