"""`kubectl completion`: a script for a shell that wants to complete kubectl's words."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.gotext import quote

_SHELLS = ("bash", "fish", "powershell", "zsh")
_SCRIPT = """\
# kubectl completion for {shell}
#
# The terminal of minik8s completes kubectl's commands, flags, resources and names by itself, so
# there is nothing to define: this script may be sourced anywhere and changes nothing.
"""


def run(call: Call) -> None:
    """Print the script of a shell."""
    if not call.arguments:
        raise call.usage("Shell not specified.")
    if len(call.arguments) > 1:
        raise call.usage("Too many arguments. Expected only the shell type.")
    (shell,) = call.arguments
    if shell not in _SHELLS:
        raise call.usage(f"Unsupported shell type {quote(shell)}.")
    call.out(_SCRIPT.format(shell=shell))
