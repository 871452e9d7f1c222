"""Namespaces with their limits, ServiceAccounts, Secrets and ConfigMaps, described."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from minik8s.errors import NotFound
from minik8s.kubectl.describe.base import Subject, about, amount, heading, long_time
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.writer import Writer
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import KINDS, Kind

_QUOTA = next(kind for kind in KINDS if kind.kind == "ResourceQuota")
_LIMITS = next(kind for kind in KINDS if kind.kind == "LimitRange")
_LIMIT_HEADS = (
    "Type",
    "Resource",
    "Min",
    "Max",
    "Default Request",
    "Default Limit",
    "Max Limit/Request Ratio",
)
_LIMIT_FIELDS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
_SCOPES = {
    "Terminating": "Matches all pods that have an active deadline. These pods have a limited "
    "lifespan on a node before being actively terminated by the system.",
    "NotTerminating": "Matches all pods that do not have an active deadline. These pods usually "
    "include long running pods whose container command is not expected to terminate.",
    "BestEffort": "Matches all pods that do not have resource requirements set. These pods have a "
    "best effort quality of service.",
    "NotBestEffort": "Matches all pods that have at least one resource requirement set. These "
    "pods have a burstable or guaranteed quality of service.",
}
_TOKEN = "kubernetes.io/service-account-token"


def namespace(subject: Subject, out: Writer) -> None:
    """A namespace, with the quotas and limits that hold in it."""
    heading(subject, out)
    about(subject, out)
    out.line(0, "Status:", subject.status.get("phase", ""))
    entries = subject.status.get("conditions") or []
    if entries:
        out.line(0, "Conditions:")
        heads = ("Type", "Status", "LastTransitionTime", "Reason", "Message")
        out.line(1, *heads)
        out.line(1, *("-" * len(head) for head in heads))
    for entry in entries:
        moment = long_time(entry.get("lastTransitionTime"))
        reason, message = entry.get("reason", ""), entry.get("message", "")
        out.line(1, entry.get("type", ""), entry.get("status", ""), moment, reason, message)
    quotas = _inside(subject, _QUOTA)
    if quotas is not None:
        out.line(0)
        _quotas(out, quotas)
    limits = _inside(subject, _LIMITS)
    if limits is not None:
        out.line(0)
        _limit_ranges(out, limits)


def _inside(subject: Subject, kind: Kind) -> list[Document] | None:
    try:
        return subject.list(kind, subject.name)
    except NotFound:
        return None


def _quotas(out: Writer, quotas: list[Document]) -> None:
    out.line(0, "Resource Quotas" if quotas else "No resource quota.")
    for quota in sorted(quotas, key=name_of):
        out.line(1, "Name:", name_of(quota))
        _scopes(out, quota, 1, "* ")
        out.line(1, "Resource", "Used", "Hard")
        out.line(1, "--------", "---", "---")
        _used(out, quota, 1)


def _scopes(out: Writer, quota: Document, level: int, bullet: str) -> None:
    scopes = sorted((quota.get("spec") or {}).get("scopes") or ())
    if scopes:
        out.line(level, "Scopes:", ", ".join(scopes))
    for scope in scopes:
        if scope in _SCOPES:
            out.line(level, f"{bullet}{_SCOPES[scope]}")


def _used(out: Writer, quota: Document, level: int) -> None:
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    for name in sorted(hard):
        out.line(level, name, amount(used.get(name, "0")), amount(hard[name]))


def _limit_ranges(out: Writer, ranges: list[Document]) -> None:
    if not ranges:
        out.line(0, "No LimitRange resource.")
        return
    out.line(0, "Resource Limits")
    _limit_heads(out, " ")
    for each in ranges:
        _limit_rows(out, each, " ")


def _limit_heads(out: Writer, indent: str) -> None:
    out.write(0, indent)
    out.line(0, *_LIMIT_HEADS)
    out.write(0, indent)
    out.line(0, *("-" * len(head) for head in _LIMIT_HEADS))


def _limit_rows(out: Writer, document: Document, indent: str) -> None:
    for item in (document.get("spec") or {}).get("limits") or ():
        names = sorted({name for field in _LIMIT_FIELDS for name in item.get(field) or ()})
        for name in names:
            cells: Iterable[str] = (
                amount(item[field][name]) if name in (item.get(field) or ()) else "-"
                for field in _LIMIT_FIELDS
            )
            out.line(0, f"{indent}{item.get('type', '')}", name, *cells)


def limit_range(subject: Subject, out: Writer) -> None:
    """A LimitRange."""
    heading(subject, out)
    _limit_heads(out, "")
    _limit_rows(out, subject.object, "")


def resource_quota(subject: Subject, out: Writer) -> None:
    """A ResourceQuota."""
    heading(subject, out)
    _scopes(out, subject.object, 0, " * ")
    out.line(0, "Resource", "Used", "Hard")
    out.line(0, "--------", "----", "----")
    _used(out, subject.object, 0)


def service_account(subject: Subject, out: Writer) -> None:
    """A ServiceAccount."""
    heading(subject, out)
    about(subject, out)
    title = "Image pull secrets:"
    names = [each.get("name", "") for each in subject.object.get("imagePullSecrets") or ()]
    for name in names or ["<none>"]:
        out.line(0, title, name)
        title = " " * len(title)
    object_events(subject, out)


def secret(subject: Subject, out: Writer) -> None:
    """A Secret; its values stay hidden."""
    data, type_ = subject.object.get("data") or {}, subject.object.get("type", "")
    heading(subject, out)
    about(subject, out)
    out.write(0, f"\nType:\t{type_}\n")
    out.write(0, "\nData\n====\n")
    for key in sorted(data):
        value = base64.b64decode(data[key] or "")
        if key == "token" and type_ == _TOKEN:
            out.line(0, f"{key}:", value.decode(errors="replace"))
        else:
            out.line(0, f"{key}:", f"{len(value)} bytes")


def config_map(subject: Subject, out: Writer) -> None:
    """A ConfigMap."""
    data, binary = subject.object.get("data") or {}, subject.object.get("binaryData") or {}
    heading(subject, out)
    about(subject, out)
    out.write(0, "\nData\n====\n")
    for key in sorted(data):
        out.write(0, f"{key}:\n----\n")
        out.write(0, f"{data[key]}\n")
        out.line(0)
    out.write(0, "\nBinaryData\n====\n")
    for key in sorted(binary):
        out.line(0, f"{key}: {len(base64.b64decode(binary[key] or ''))} bytes")
    out.line(0)
    object_events(subject, out)
