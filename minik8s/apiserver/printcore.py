"""Tables of events, of what configures pods, of storage, quotas and roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.apiserver.columns import (
    AGE,
    NAME,
    UNSET,
    WIDE,
    Cells,
    Column,
    Printer,
    age_of,
    name_of,
    spec_of,
    status_of,
)
from minik8s.model.durations import age
from minik8s.model.metadata import Document

_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _event(document: Document, now: float) -> Cells:
    series, involved = document.get("series"), document.get("involvedObject") or {}
    first = age(document.get("firstTimestamp") or document.get("eventTime"), now)
    last = age(document["lastTimestamp"], now) if document.get("lastTimestamp") else first
    count = document.get("count") or 1
    if series:
        last, count = age(series.get("lastObservedTime"), now), series.get("count", 0)
    target = str(involved.get("kind", "")).lower()
    return [
        last,
        document.get("type", ""),
        document.get("reason", ""),
        f"{target}/{involved['name']}" if involved.get("name") else target,
        involved.get("fieldPath", ""),
        _event_source(document),
        str(document.get("message", "")).strip(),
        first,
        count,
        name_of(document),
    ]


def _event_source(document: Document) -> str:
    source = document.get("source") or {}
    component = source.get("component") or document.get("reportingComponent") or ""
    host = source.get("host") or document.get("reportingInstance") or ""
    return f"{component}, {host}" if host else str(component)


def _config_map(document: Document, now: float) -> Cells:
    count = len(document.get("data") or ()) + len(document.get("binaryData") or ())
    return [name_of(document), count, age_of(document, now)]


def _secret(document: Document, now: float) -> Cells:
    count = len(document.get("data") or ())
    return [name_of(document), document.get("type", ""), count, age_of(document, now)]


def _service_account(document: Document, now: float) -> Cells:
    return [name_of(document), len(document.get("secrets") or ()), age_of(document, now)]


def _lease(document: Document, now: float) -> Cells:
    holder = spec_of(document).get("holderIdentity", "")
    return [name_of(document), holder, age_of(document, now)]


def _quota(document: Document, now: float) -> Cells:
    status = status_of(document)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource in sorted(hard):
        text = f"{resource}: {used.get(resource, '0')}/{hard[resource]}"
        (limits if resource.startswith("limits.") else requests).append(text)
    return [name_of(document), ", ".join(requests), ", ".join(limits), age_of(document, now)]


def _created_at(document: Document, _now: float) -> Cells:
    return [name_of(document), document["metadata"].get("creationTimestamp")]


def _binding(document: Document, now: float) -> Cells:
    role = document.get("roleRef") or {}
    subjects = document.get("subjects") or ()
    return [
        name_of(document),
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age_of(document, now),
        *(", ".join(_subjects(subjects, kind)) for kind in ("User", "Group", "ServiceAccount")),
    ]


def _subjects(subjects: Any, kind: str) -> list[str]:
    found = [subject for subject in subjects if subject.get("kind") == kind]
    if kind != "ServiceAccount":
        return [str(subject.get("name")) for subject in found]
    return [f"{subject.get('namespace', '')}/{subject.get('name')}" for subject in found]


def _volume(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    claim = spec.get("claimRef")
    return [
        name_of(document),
        _storage(spec.get("capacity")),
        _modes(spec),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(document),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class_of(document),
        spec.get("volumeAttributesClassName", UNSET),
        status.get("reason", ""),
        age_of(document, now),
        spec.get("volumeMode", UNSET),
    ]


def _claim(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    bound = bool(spec.get("volumeName"))
    return [
        name_of(document),
        _phase(document),
        spec.get("volumeName", ""),
        _storage(status.get("capacity")) if bound else "",
        _modes(status) if bound else "",
        _class_of(document),
        spec.get("volumeAttributesClassName", UNSET),
        age_of(document, now),
        spec.get("volumeMode", UNSET),
    ]


def _storage(amounts: Mapping[str, Any] | None) -> str:
    return str((amounts or {}).get("storage", "0"))


def _modes(holder: Document) -> str:
    given = holder.get("accessModes") or ()
    return ",".join(short for mode, short in _MODES.items() if mode in given)


def _phase(document: Document) -> str:
    if "deletionTimestamp" in document["metadata"]:
        return "Terminating"
    return str(status_of(document).get("phase", ""))


def _class_of(document: Document) -> str:
    annotations = document["metadata"].get("annotations") or {}
    return str(annotations.get(_STORAGE_CLASS) or spec_of(document).get("storageClassName") or "")


_BINDING_COLUMNS = (
    NAME,
    Column("Role"),
    AGE,
    Column("Users", priority=WIDE),
    Column("Groups", priority=WIDE),
    Column("ServiceAccounts", priority=WIDE),
)
FALLBACK = Printer((NAME, Column("Created At", "date")), _created_at)
"""The table of a kind that has no printer of its own."""

CORE: dict[str, Printer] = {
    "clusterrolebindings.rbac.authorization.k8s.io": Printer(_BINDING_COLUMNS, _binding),
    "configmaps": Printer((NAME, Column("Data"), AGE), _config_map),
    "events": Printer(
        (
            Column("Last Seen"),
            Column("Type"),
            Column("Reason"),
            Column("Object"),
            Column("Subobject", priority=WIDE),
            Column("Source", priority=WIDE),
            Column("Message"),
            Column("First Seen", priority=WIDE),
            Column("Count", priority=WIDE),
            Column("Name", format="name", priority=WIDE),
        ),
        _event,
    ),
    "leases.coordination.k8s.io": Printer((NAME, Column("Holder"), AGE), _lease),
    "persistentvolumeclaims": Printer(
        (
            NAME,
            Column("Status"),
            Column("Volume"),
            Column("Capacity"),
            Column("Access Modes"),
            Column("StorageClass"),
            Column("VolumeAttributesClass"),
            AGE,
            Column("VolumeMode", priority=WIDE),
        ),
        _claim,
    ),
    "persistentvolumes": Printer(
        (
            NAME,
            Column("Capacity"),
            Column("Access Modes"),
            Column("Reclaim Policy"),
            Column("Status"),
            Column("Claim"),
            Column("StorageClass"),
            Column("VolumeAttributesClass"),
            Column("Reason"),
            AGE,
            Column("VolumeMode", priority=WIDE),
        ),
        _volume,
    ),
    "resourcequotas": Printer((NAME, Column("Request"), Column("Limit"), AGE), _quota),
    "rolebindings.rbac.authorization.k8s.io": Printer(_BINDING_COLUMNS, _binding),
    "secrets": Printer((NAME, Column("Type"), Column("Data"), AGE), _secret),
    "serviceaccounts": Printer((NAME, Column("Secrets"), AGE), _service_account),
}
