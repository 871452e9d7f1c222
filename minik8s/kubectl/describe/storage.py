"""PersistentVolumes and StorageClasses, described."""

from __future__ import annotations

from minik8s.kubectl.describe.base import Subject, about, amount, flag, heading, pairs
from minik8s.kubectl.describe.claims import class_of, modes, phase_line
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.volumes import source
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import Document, annotations_of

_DEFAULTS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def volume(subject: Subject, out: Writer) -> None:
    """A PersistentVolume."""
    spec = subject.spec
    heading(subject, out)
    about(subject, out)
    out.line(0, "Finalizers:", go_value(subject.object["metadata"].get("finalizers") or []))
    out.line(0, "StorageClass:", class_of(subject.object))
    phase_line(subject, out)
    claim = spec.get("claimRef")
    title = f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""
    out.line(0, "Claim:", title)
    out.line(0, "Reclaim Policy:", spec.get("persistentVolumeReclaimPolicy", ""))
    out.line(0, "Access Modes:", modes(spec.get("accessModes") or []))
    if spec.get("volumeMode") is not None:
        out.line(0, "VolumeMode:", spec["volumeMode"])
    out.line(0, "Capacity:", amount((spec.get("capacity") or {}).get("storage", "0")))
    _affinity(out, spec.get("nodeAffinity") or {})
    out.line(0, "Message:", subject.status.get("message", ""))
    out.line(0, "Source:")
    if not source(out, spec):
        out.line(1, "<unknown>")
    object_events(subject, out)


def _affinity(out: Writer, affinity: Document) -> None:
    required = affinity.get("required")
    out.line(0, "Node Affinity:", "<none>" if required is None else "")
    if required is None:
        return
    terms = required.get("nodeSelectorTerms") or []
    out.line(1, "Required Terms:", "" if terms else "<none>")
    for place, term in enumerate(terms):
        _requirements(out, 2, f"Term {place}", term.get("matchExpressions") or [])


def _requirements(out: Writer, level: int, title: str, entries: list[Document]) -> None:
    out.write(level, f"{title}:\t")
    if not entries:
        out.line(0, "<none>")
    for place, entry in enumerate(entries):
        if place:
            out.write(level, "\t")
        text = f"{entry.get('key', '')} {str(entry.get('operator', 'In')).lower()}"
        values = entry.get("values") or []
        out.line(0, f"{text} [{', '.join(values)}]" if values else text)


def storage_class(subject: Subject, out: Writer) -> None:
    """A StorageClass."""
    document = subject.object
    notes = annotations_of(document)
    default = any(notes.get(key) == "true" for key in _DEFAULTS)
    heading(subject, out)
    out.line(0, "IsDefaultClass:", "Yes" if default else "No")
    out.line(0, "Annotations:", pairs(notes))
    out.line(0, "Provisioner:", document.get("provisioner", ""))
    out.line(0, "Parameters:", pairs(document.get("parameters")))
    out.line(0, "AllowVolumeExpansion:", flag(document.get("allowVolumeExpansion")))
    options = document.get("mountOptions") or []
    out.line(0, "MountOptions:" if options else "MountOptions:\t<none>")
    for option in options:
        out.line(1, option)
    for title, field in (
        ("ReclaimPolicy:", "reclaimPolicy"),
        ("VolumeBindingMode:", "volumeBindingMode"),
    ):
        if document.get(field) is not None:
            out.line(0, title, document[field])
    topologies = document.get("allowedTopologies")
    if topologies is not None:
        out.line(0, "AllowedTopologies:", "" if topologies else "<none>")
    for place, term in enumerate(topologies or ()):
        _requirements(out, 1, f"Term {place}", term.get("matchLabelExpressions") or [])
    object_events(subject, out)
