"""`kubectl top`: which no cluster here can answer, for want of a metrics server."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import Failure

_GROUP = "metrics.k8s.io"


def run(call: Call) -> int:
    """`top` alone."""
    return require_subcommand(call)


def node(call: Call) -> None:
    """Show the use of nodes."""
    _measure(call, "--selector")


def pod(call: Call) -> None:
    """Show the use of pods."""
    _measure(call, "selector")


def _measure(call: Call, selector: str) -> None:
    """Check the command line; then there is nobody to ask (metricsutil)."""
    flags = call.flags
    if len(call.arguments) > 1:
        raise call.usage(f"{call.command.name} {call.command.usage}")
    if flags.text("sort-by") not in ("", "cpu", "memory"):
        raise Failure("--sort-by accepts only cpu or memory")
    if call.arguments and flags.text("selector"):
        raise Failure(f"only one of NAME or {selector} can be provided")
    if all(kind.group != _GROUP for kind in call.client.kinds(refresh=True)):
        raise Failure("Metrics API not available")
    raise Failure("metrics not available yet")
