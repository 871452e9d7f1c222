"""`kubectl alpha`: nothing is being tried out in this version."""

from __future__ import annotations

from minik8s.kubectl.call import Call


def run(call: Call) -> None:
    """Say so."""
    call.err("No alpha commands are available in this version of kubectl\n")
