"""PersistentVolumeClaims, described: whole, and as the template in a pod's volume."""

from __future__ import annotations

from minik8s.errors import ApiError
from minik8s.kubectl.describe.base import Subject, amount, annotate, heading, long_time
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import (
    Document,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    owners_of,
    uid_of,
)
from minik8s.model.registry import POD

_CLASS = "volume.beta.kubernetes.io/storage-class"
_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def volume_claim(subject: Subject, out: Writer) -> None:
    """A PersistentVolumeClaim, with the pods that use it."""
    document = subject.object
    heading(subject, out)
    out.line(0, "StorageClass:", class_of(document))
    phase_line(subject, out)
    _requested(out, document)
    out.line(0, "Finalizers:", go_value(document["metadata"].get("finalizers") or []))
    _granted(out, document)
    out.values("Used By", sorted(map(name_of, _users(subject))))
    entries = subject.status.get("conditions") or []
    if entries:
        out.line(0, "Conditions:")
        out.line(1, "Type", "Status", "LastProbeTime", "LastTransitionTime", "Reason", "Message")
        out.line(1, "----", "------", "-" * 17, "-" * 18, "------", "-------")
    for entry in entries:
        cells = (
            entry.get("type", ""),
            entry.get("status", ""),
            long_time(entry.get("lastProbeTime")),
            long_time(entry.get("lastTransitionTime")),
            entry.get("reason", ""),
        )
        out.line(1, *(f"{cell} " for cell in cells), entry.get("message", ""))
    object_events(subject, out)


def wanted(out: Writer, template: Document) -> None:
    """What a template asks for."""
    out.line(0, "StorageClass:", class_of(template))
    _requested(out, template)
    _granted(out, template)


def class_of(document: Document) -> str:
    """The storage class, from the old annotation or from the field."""
    spec = document.get("spec") or {}
    return annotations_of(document).get(_CLASS) or str(spec.get("storageClassName") or "")


def phase_line(subject: Subject, out: Writer) -> None:
    """How far the object has come, or since when it is going."""
    if is_terminating(subject.object):
        lasts = subject.age(subject.object["metadata"]["deletionTimestamp"])
        out.line(0, "Status:", f"Terminating (lasts {lasts})")
    else:
        out.line(0, "Status:", subject.status.get("phase", ""))


def modes(entries: list[str]) -> str:
    """Access modes in short, in their own order: `RWO,ROX`."""
    return ",".join(short for long, short in _MODES.items() if long in entries)


def _requested(out: Writer, document: Document) -> None:
    out.line(0, "Volume:", (document.get("spec") or {}).get("volumeName", ""))
    out.labels("Labels", labels_of(document))
    annotate(document, out)


def _granted(out: Writer, document: Document) -> None:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    capacity, access = "", ""
    if spec.get("volumeName"):
        capacity = amount((status.get("capacity") or {}).get("storage", "0"))
        access = modes(status.get("accessModes") or [])
    out.line(0, "Capacity:", capacity)
    out.line(0, "Access Modes:", access)
    if spec.get("volumeMode") is not None:
        out.line(0, "VolumeMode:", spec["volumeMode"])
    source = spec.get("dataSource")
    if source is not None:
        out.line(0, "DataSource:")
        for title, field in (("APIGroup:", "apiGroup"), ("Kind:", "kind"), ("Name:", "name")):
            if source.get(field) is not None:
                out.line(1, title, source[field])


def _users(subject: Subject) -> list[Document]:
    try:
        pods = subject.list(POD, subject.namespace)
    except ApiError:
        return []
    owners = {owner["uid"] for owner in owners_of(subject.object) if owner.get("kind") == "Pod"}
    return [pod for pod in pods if uid_of(pod) in owners or _uses(pod, subject.name)]


def _uses(pod: Document, name: str) -> bool:
    claims = (
        volume.get("persistentVolumeClaim") or {}
        for volume in (pod.get("spec") or {}).get("volumes") or ()
    )
    return any(claim.get("claimName") == name for claim in claims)
