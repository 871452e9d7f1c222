"""`kubectl top`: no metrics server runs here, as on a fresh cluster of kubeadm's."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import Failure

_GROUP = "metrics.k8s.io"


def run(call: Call) -> int:
    """`top` alone."""
    return require_subcommand(call)


def node(call: Call) -> None:
    """Show what nodes use."""
    if len(call.arguments) > 1:
        raise call.usage(f"{' '.join(call.arguments)}")
    if call.arguments and call.flags.text("selector"):
        raise call.usage("only one of NODE or --selector can be provided")
    _check_sort(call)
    _require_metrics(call)


def pod(call: Call) -> None:
    """Show what pods use."""
    if len(call.arguments) > 1:
        raise call.usage(f"{' '.join(call.arguments)}")
    _check_sort(call)
    if call.arguments and (call.flags.text("selector") or call.flags.text("field-selector")):
        raise Failure("only one of NAME or selector can be provided")
    _require_metrics(call)


def _check_sort(call: Call) -> None:
    if call.flags.text("sort-by") not in ("", "cpu", "memory"):
        raise Failure("--sort-by accepts only cpu or memory")


def _require_metrics(call: Call) -> None:
    groups = call.client.request("GET", "/apis").body
    assert isinstance(groups, dict)
    served = [group.get("name") for group in groups.get("groups") or ()]
    if _GROUP not in served:
        raise Failure("Metrics API not available")
    raise Failure("metrics not available yet")
