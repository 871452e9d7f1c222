"""Deployments, ReplicaSets, StatefulSets, DaemonSets and ReplicationControllers, described."""

from __future__ import annotations

from collections import Counter
from typing import Any

from minik8s.errors import ApiError
from minik8s.kubectl.describe.base import (
    Subject,
    about,
    amount,
    controlled_by,
    created,
    heading,
    pairs,
    selector_text,
)
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.pods import pod_template
from minik8s.kubectl.describe.writer import Writer
from minik8s.model.metadata import (
    Document,
    annotations_of,
    controller_of,
    labels_of,
    name_of,
    uid_of,
)
from minik8s.model.registry import POD, REPLICA_SET
from minik8s.model.selectors import format_label_selector, map_selector
from minik8s.model.workloads import replicas_of

_HASH = "pod-template-hash"
_PHASES = (
    ("Running", "Running"),
    ("Pending", "Waiting"),
    ("Succeeded", "Succeeded"),
    ("Failed", "Failed"),
)


def deployment(subject: Subject, out: Writer) -> None:
    """A Deployment, with its ReplicaSets."""
    spec, status = subject.spec, subject.status
    heading(subject, out)
    created(subject, out)
    about(subject, out)
    out.line(0, "Selector:", _selector(spec))
    counts = (
        (replicas_of(subject.object), "desired"),
        (status.get("updatedReplicas", 0), "updated"),
        (status.get("replicas", 0), "total"),
        (status.get("availableReplicas", 0), "available"),
        (status.get("unavailableReplicas", 0), "unavailable"),
    )
    out.line(0, "Replicas:", " | ".join(f"{number} {word}" for number, word in counts))
    strategy = spec.get("strategy") or {}
    out.line(0, "StrategyType:", strategy.get("type", ""))
    out.line(0, "MinReadySeconds:", spec.get("minReadySeconds", 0))
    rolling = strategy.get("rollingUpdate")
    if rolling is not None:
        out.line(
            0,
            "RollingUpdateStrategy:",
            f"{rolling.get('maxUnavailable', 0)} max unavailable, "
            f"{rolling.get('maxSurge', 0)} max surge",
        )
    pod_template(spec.get("template") or {}, out)
    _conditions(status, out)
    _replica_sets(subject, out)
    object_events(subject, out)


def _selector(spec: Document) -> str:
    return selector_text(spec.get("selector"))


def _conditions(status: Document, out: Writer) -> None:
    entries = status.get("conditions") or []
    if entries:
        out.line(0, "Conditions:")
        out.line(1, "Type", "Status", "Reason")
        out.line(1, "----", "------", "------")
    for entry in entries:
        out.line(1, f"{entry['type']} ", entry.get("status", ""), entry.get("reason", ""))


def _replica_sets(subject: Subject, out: Writer) -> None:
    try:
        found = subject.list(REPLICA_SET, subject.namespace, labelSelector=_selector(subject.spec))
    except ApiError:
        return
    owned = [each for each in found if _owner(each) == uid_of(subject.object)]
    wanted = _comparable(subject.spec.get("template") or {})
    by_age = sorted(owned, key=lambda each: (_created(each), name_of(each)))
    current = next(
        (each for each in by_age if _comparable(each["spec"].get("template") or {}) == wanted), None
    )
    if owned:
        old = [each for each in owned if each is not current]
        out.line(0, "OldReplicaSets:", _listed(old))
        out.line(0, "NewReplicaSet:", _listed([current] if current else []))


def _owner(document: Document) -> str:
    owner = controller_of(document)
    return str(owner["uid"]) if owner else ""


def _created(document: Document) -> str:
    return str(document["metadata"].get("creationTimestamp") or "")


def _comparable(template: Document) -> Any:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != _HASH}
    return labels, metadata.get("annotations") or {}, template.get("spec") or {}


def _listed(sets: list[Document]) -> str:
    texts = [
        f"{name_of(each)} ({(each.get('status') or {}).get('replicas', 0)}/{replicas_of(each)} "
        "replicas created)"
        for each in sets
    ]
    return ", ".join(texts) or "<none>"


def replica_set(subject: Subject, out: Writer) -> None:
    """A ReplicaSet."""
    heading(subject, out)
    out.line(0, "Selector:", format_label_selector(subject.spec.get("selector")))
    _replicated(subject, out, _selector(subject.spec))


def replication_controller(subject: Subject, out: Writer) -> None:
    """A ReplicationController."""
    selector = subject.spec.get("selector") or {}
    heading(subject, out)
    out.line(0, "Selector:", pairs(selector))
    _replicated(subject, out, str(map_selector(selector)))


def _replicated(subject: Subject, out: Writer, selector: str) -> None:
    about(subject, out)
    controlled_by(subject, out)
    current, desired = subject.status.get("replicas", 0), replicas_of(subject.object)
    out.line(0, "Replicas:", f"{current} current / {desired} desired")
    _pods_status(subject, out, selector)
    pod_template(subject.spec.get("template") or {}, out)
    _conditions(subject.status, out)
    object_events(subject, out)


def _pods_status(subject: Subject, out: Writer, selector: str) -> None:
    """How many of the controller's pods are in which phase."""
    pods = subject.list(POD, subject.namespace, labelSelector=selector)
    mine = (each for each in pods if _owner(each) == uid_of(subject.object))
    count = Counter((each.get("status") or {}).get("phase", "") for each in mine)
    text = " / ".join(f"{count[phase]} {word}" for phase, word in _PHASES)
    out.line(0, "Pods Status:", text)


def stateful_set(subject: Subject, out: Writer) -> None:
    """A StatefulSet."""
    spec = subject.spec
    heading(subject, out)
    created(subject, out)
    out.line(0, "Selector:", _selector(spec))
    about(subject, out)
    for title, field in (
        ("Service Name:", "serviceName"),
        ("Pod Management Policy:", "podManagementPolicy"),
    ):
        if spec.get(field):
            out.line(0, title, spec[field])
    total = subject.status.get("replicas", 0)
    out.line(0, "Replicas:", f"{replicas_of(subject.object)} desired | {total} total")
    strategy = spec.get("updateStrategy") or {}
    out.line(0, "Update Strategy:", strategy.get("type", ""))
    rolling = strategy.get("rollingUpdate") or {}
    if rolling.get("partition") is not None:
        out.line(1, "Partition:", rolling["partition"])
        if rolling.get("maxUnavailable") is not None:
            out.line(1, "MaxUnavailable:", rolling["maxUnavailable"])
    retention = spec.get("persistentVolumeClaimRetentionPolicy")
    if retention is not None:
        out.line(0, "Persistent Volume Claim Retention Policy:")
        out.line(1, "WhenDeleted:", retention.get("whenDeleted", ""))
        out.line(1, "WhenScaled:", retention.get("whenScaled", ""))
    _pods_status(subject, out, _selector(spec))
    pod_template(spec.get("template") or {}, out)
    _claims(out, spec.get("volumeClaimTemplates") or [])
    object_events(subject, out)


def _claims(out: Writer, templates: list[Document]) -> None:
    out.line(0, "Volume Claims:" if templates else "Volume Claims:\t<none>")
    for template in templates:
        spec = template.get("spec") or {}
        requests = (spec.get("resources") or {}).get("requests") or {}
        storage = amount(requests["storage"]) if "storage" in requests else "<default>"
        out.line(1, "Name:", name_of(template))
        out.line(1, "StorageClass:", spec.get("storageClassName") or "")
        out.labels("Labels", labels_of(template), "  ")
        out.labels("Annotations", annotations_of(template), "  ")
        out.line(1, "Capacity:", storage)
        out.line(1, "Access Modes:", f"[{' '.join(spec.get('accessModes') or ())}]")


def daemon_set(subject: Subject, out: Writer) -> None:
    """A DaemonSet."""
    spec, status = subject.spec, subject.status
    template = spec.get("template") or {}
    heading(subject, out)
    out.line(0, "Selector:", _selector(spec))
    out.line(0, "Node-Selector:", pairs((template.get("spec") or {}).get("nodeSelector")))
    about(subject, out)
    for title, field in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        out.line(0, f"{title}: {status.get(field, 0)}")
    _pods_status(subject, out, _selector(spec))
    pod_template(template, out)
    object_events(subject, out)
