"""`kubectl certificate`: decisions on certificate signing requests."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.clock import rfc3339
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.helping import show
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.model.metadata import Document, name_of

_REQUESTS = "certificatesigningrequests"


@dataclass(frozen=True, slots=True)
class _Decision:
    """One of the two: its condition, that of the other, and how it is called."""

    condition: str
    other: str
    reason: str

    @property
    def word(self) -> str:
        return self.condition.lower()


_APPROVE = _Decision("Approved", "Denied", "KubectlApprove")
_DENY = _Decision("Denied", "Approved", "KubectlDeny")


def run(call: Call) -> None:
    """`certificate` alone."""
    show(call)


def approve(call: Call) -> None:
    """Approve certificate requests."""
    _decide(call, _APPROVE)


def deny(call: Call) -> None:
    """Deny certificate requests."""
    _decide(call, _DENY)


def _decide(call: Call, decision: _Decision) -> None:
    flags = call.flags
    if not (call.arguments or flags.items("filename") or flags.text("kustomize")):
        raise Failure("one or more CSRs must be specified as <name> or -f <filename>")
    names = (_REQUESTS, *call.arguments) if call.arguments else ()
    found: list[Target] = []

    def decide(target: Target) -> None:
        document = target.object
        if not _has(document, decision) or flags.on("force"):
            document = call.client.update(
                target.kind, _decided(call, document, decision), sub="approval"
            )
        found.append(target)
        object_printer(call, decision.word, DryRun.NONE)(document)

    select(Query(call, namespace=call.namespace, arguments=names, latest=True)).visit(decide)
    if not found:
        call.io.out("No resources found\n")


def _has(document: Document, decision: _Decision) -> bool:
    """Whether the decision was taken before; raises Failure if the other one was."""
    types = [each.get("type") for each in _conditions(document)]
    if decision.other in types:
        name = quote(name_of(document))
        raise Failure(f"certificate signing request {name} is already {decision.other}")
    return decision.condition in types


def _decided(call: Call, document: Document, decision: _Decision) -> Document:
    """The request with the decision; one that was taken before stands once."""
    conditions = _conditions(document)
    if not any(each.get("type") == decision.condition for each in conditions):
        conditions.append(
            {
                "lastUpdateTime": rfc3339(call.io.now()),
                "message": f"This CSR was {decision.word} by kubectl certificate "
                f"{'approve' if decision is _APPROVE else 'deny'}.",
                "reason": decision.reason,
                "status": "True",
                "type": decision.condition,
            }
        )
    return {**document, "status": {**(document.get("status") or {}), "conditions": conditions}}


def _conditions(document: Document) -> list[Document]:
    return list((document.get("status") or {}).get("conditions") or ())
