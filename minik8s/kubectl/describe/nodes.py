"""Nodes, described: their state, and how much of them their pods have asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal

from minik8s.errors import ApiError, Forbidden
from minik8s.kubectl.describe.base import (
    Subject,
    about,
    amount,
    created,
    heading,
    long_time,
)
from minik8s.kubectl.describe.events import search_events, write_events
from minik8s.kubectl.describe.requests import Amounts, Quantity, pod_amounts, total
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.failures import message_of
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of, uid_of
from minik8s.model.registry import LEASE, POD

_ROLE = "node-role.kubernetes.io/"
_LEASES = "kube-node-lease"
_CONDITION_HEADS = (
    "Type",
    "Status",
    "LastHeartbeatTime",
    "LastTransitionTime",
    "Reason",
    "Message",
)
_INFO = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
)
_STANDARD = ("cpu", "memory", "ephemeral-storage")
_HUGE = "hugepages-"


def node(subject: Subject, out: Writer) -> None:
    """A node."""
    pods = _pods(subject)
    heading(subject, out)
    out.line(0, "Roles:", ",".join(roles(subject.object)) or "<none>")
    about(subject, out)
    created(subject, out)
    taints = sorted(
        subject.spec.get("taints") or (),
        key=lambda taint: f"{taint.get('effect', '')},{taint.get('key', '')}",
    )
    out.values("Taints", map(taint_text, taints))
    out.line(0, "Unschedulable:", go_value(bool(subject.spec.get("unschedulable"))))
    _lease(subject, out)
    _state(subject.status, out)
    _place(subject, out)
    if pods is None:
        out.line(0, "Pods:", "not authorized")
    else:
        _load(subject, out, pods)
    if subject.show_events:
        events = search_events(subject, uid_of(subject.object), "Node")
        events += search_events(subject, subject.name, "Node")
        write_events(subject, out, events)


def _pods(subject: Subject) -> list[Document] | None:
    fields = f"spec.nodeName={subject.name},status.phase!=Succeeded,status.phase!=Failed"
    try:
        return subject.list(POD, "", fieldSelector=fields)
    except Forbidden:
        return None


def roles(document: Document) -> list[str]:
    """The roles that a node's labels give it, sorted."""
    found = set()
    for key, value in labels_of(document).items():
        if key.startswith(_ROLE):
            found.add(key.removeprefix(_ROLE))
        elif key == "kubernetes.io/role":
            found.add(value)
    return sorted(found - {""})


def taint_text(taint: Document) -> str:
    """A taint as `key=value:effect`."""
    key, value, effect = (taint.get(field) or "" for field in ("key", "value", "effect"))
    text = f"{key}={value}" if value else key
    if not effect:
        return f"{text}:" if value else text
    return f"{text}:{effect}"


def _lease(subject: Subject, out: Writer) -> None:
    try:
        lease = subject.client.get(LEASE, subject.name, _LEASES)
    except ApiError as error:
        out.line(0, "Lease:", f"Failed to get lease: {message_of(error)}")
        return
    spec = lease.get("spec") or {}
    out.line(0, "Lease:")
    out.line(1, "HolderIdentity:", spec.get("holderIdentity", "<unset>"))
    for title, field in (("AcquireTime:", "acquireTime"), ("RenewTime:", "renewTime")):
        out.line(1, title, long_time(spec[field]) if spec.get(field) else "<unset>")


def _state(status: Document, out: Writer) -> None:
    entries = status.get("conditions") or []
    if entries:
        out.line(0, "Conditions:")
        out.line(1, *_CONDITION_HEADS)
        out.line(1, *("-" * len(head) for head in _CONDITION_HEADS))
    for entry in entries:
        cells = (
            entry.get("type", ""),
            entry.get("status", ""),
            long_time(entry.get("lastHeartbeatTime")),
            long_time(entry.get("lastTransitionTime")),
            entry.get("reason", ""),
        )
        out.line(1, *(f"{cell} " for cell in cells), entry.get("message", ""))
    out.line(0, "Addresses:")
    for address in status.get("addresses") or ():
        out.line(1, f"{address.get('type', '')}:", address.get("address", ""))
    for field in ("capacity", "allocatable"):
        amounts = status.get(field) or {}
        if amounts:
            out.line(0, f"{field.title()}:")
        for name in sorted(amounts):
            out.line(1, f"{name}:", amount(amounts[name]))


def _place(subject: Subject, out: Writer) -> None:
    info, spec = subject.status.get("nodeInfo") or {}, subject.spec
    out.line(0, "System Info:")
    for title, field in _INFO:
        out.line(1, f"{title}:", info.get(field, ""))
    if spec.get("podCIDR"):
        out.line(0, "PodCIDR:", spec["podCIDR"])
    if spec.get("podCIDRs"):
        out.line(0, "PodCIDRs:", ",".join(spec["podCIDRs"]))
    if spec.get("providerID"):
        out.line(0, "ProviderID:", spec["providerID"])


def _load(subject: Subject, out: Writer, pods: list[Document]) -> None:
    """The pods of the node, and the sums of what they ask for."""
    status = subject.status
    room = status.get("allocatable") or status.get("capacity") or {}
    out.line(0, "Non-terminated Pods:", f"({len(pods)} in total)")
    heads = ("CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")
    out.line(1, "Namespace", "Name", "", *heads)
    out.line(1, "---------", "----", "", *("-" * len(head) for head in heads))
    for pod in pods:
        both = pod_amounts(pod, "requests"), pod_amounts(pod, "limits")
        cells = [_share(amounts, room, name) for name in ("cpu", "memory") for amounts in both]
        age = subject.age(pod["metadata"].get("creationTimestamp"))
        out.line(1, namespace_of(pod), name_of(pod), "", *cells, age)
    out.line(0, "Allocated resources:")
    out.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)")
    out.line(1, "Resource", "Requests", "Limits")
    out.line(1, "--------", "--------", "------")
    requests = total(pod_amounts(pod, "requests") for pod in pods)
    limits = total(pod_amounts(pod, "limits") for pod in pods)
    huge, others = _other_names(room)
    for name in (*_STANDARD, *huge):
        out.line(1, name, _share(requests, room, name), _share(limits, room, name))
    for name in others:
        zero = Quantity(Decimal(0), "decimal")
        out.line(1, name, requests.get(name, zero).text, limits.get(name, zero).text)


def _other_names(room: Iterable[str]) -> tuple[list[str], list[str]]:
    """Huge pages, and resources that only some nodes have."""
    names = sorted(set(room) - {*_STANDARD, "pods"})
    huge = [name for name in names if name.startswith(_HUGE)]
    return huge, [name for name in names if not name.startswith(_HUGE)]


def _share(amounts: Amounts, room: Mapping[str, str], name: str) -> str:
    """An amount, and how much of the node it is: `250m (12%)`."""
    used = amounts.get(name, Quantity(Decimal(0), "decimal"))
    there = Quantity.of(room.get(name, "0")).value
    step = Decimal("0.001") if name == "cpu" else Decimal(1)
    there = there.quantize(step, rounding=ROUND_CEILING)
    part = used.value.quantize(step, rounding=ROUND_CEILING)
    return f"{used.text} ({int(float(part) / float(there) * 100) if there else 0}%)"
