"""`kubectl certificate`: decisions on certificate requests, which no cluster here takes."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import show
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.resources import kind_named

_REQUESTS = "certificatesigningrequests"


def run(call: Call) -> None:
    """`certificate` alone."""
    show(call)


def approve(call: Call) -> None:
    """Approve certificate requests."""
    _decide(call)


def deny(call: Call) -> None:
    """Deny certificate requests."""
    _decide(call)


def _decide(call: Call) -> None:
    """Look for the requests; raises NoSuchResource, for the API has no such kind."""
    flags = call.flags
    if not (call.arguments or flags.items("filename") or flags.text("kustomize")):
        raise Failure("one or more CSRs must be specified as <name> or -f <filename>")
    kind = kind_named(call.client, _REQUESTS)
    raise Failure(f"no decision can be made on {kind.plural}")
