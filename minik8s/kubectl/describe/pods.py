"""Pods and pod templates, described."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.kubectl.describe.base import (
    Subject,
    about,
    annotate,
    controlled_by,
    heading,
    long_time,
)
from minik8s.kubectl.describe.containers import containers, resources
from minik8s.kubectl.describe.environment import pod_field
from minik8s.kubectl.describe.events import search_events, write_events
from minik8s.kubectl.describe.volumes import volumes
from minik8s.kubectl.describe.writer import Writer
from minik8s.model.metadata import Document, annotations_of, is_terminating, labels_of, uid_of
from minik8s.model.selectors import format_label_selector
from minik8s.model.workloads import TERMINAL_PHASES, qos_class

_MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a static pod's mirror; its value is the uid that its events carry."""


def pod(subject: Subject, out: Writer) -> None:
    """A pod."""
    heading(subject, out)
    _where(subject, out)
    about(subject, out)
    _state(subject, out)
    _addresses(subject.status, out)
    controlled_by(subject, out)
    if subject.status.get("nominatedNodeName"):
        out.line(0, "NominatedNodeName:", subject.status["nominatedNodeName"])
    if subject.spec.get("resources") is not None:
        out.line(0, "Resources:")
        resources(out, subject.spec["resources"], 1)
    _containers(subject, out)
    _gates(subject, out)
    _conditions(subject.status, out)
    volumes(out, subject.spec.get("volumes") or ())
    out.line(0, "QoS Class:", subject.status.get("qosClass") or qos_class(subject.spec))
    out.labels("Node-Selectors", subject.spec.get("nodeSelector"))
    tolerations(out, subject.spec)
    _spread(out, subject.spec)
    if subject.show_events:
        uid = annotations_of(subject.object).get(_MIRROR) or uid_of(subject.object)
        write_events(subject, out, search_events(subject, uid))


def _where(subject: Subject, out: Writer) -> None:
    spec, status = subject.spec, subject.status
    if spec.get("priority") is not None:
        out.line(0, "Priority:", spec["priority"])
    for title, field in (
        ("Priority Class Name:", "priorityClassName"),
        ("Runtime Class Name:", "runtimeClassName"),
        ("Service Account:", "serviceAccountName"),
    ):
        if spec.get(field):
            out.line(0, title, spec[field])
    node = spec.get("nodeName")
    out.line(0, "Node:", f"{node}/{status.get('hostIP', '')}" if node else "<none>")
    if status.get("startTime"):
        out.line(0, "Start Time:", long_time(status["startTime"]))


def _state(subject: Subject, out: Writer) -> None:
    status, phase = subject.status, subject.status.get("phase", "")
    metadata = subject.object["metadata"]
    if is_terminating(subject.object) and phase not in TERMINAL_PHASES:
        lasts = subject.age(metadata["deletionTimestamp"])
        out.line(0, "Status:", f"Terminating (lasts {lasts})")
        grace = metadata.get("deletionGracePeriodSeconds", 0)
        out.line(0, "Termination Grace Period:", f"{grace}s")
    else:
        out.line(0, "Status:", phase)
    for field in ("reason", "message"):
        if status.get(field):
            out.line(0, f"{field.title()}:", status[field])
    seccomp = (subject.spec.get("securityContext") or {}).get("seccompProfile")
    if seccomp:
        out.line(0, "SeccompProfile:", seccomp.get("type", ""))
        if seccomp.get("type") == "Localhost":
            out.line(0, "LocalhostProfile:", seccomp.get("localhostProfile", ""))


def _addresses(status: Document, out: Writer) -> None:
    out.line(0, "IP:", status.get("podIP", ""))
    addresses = status.get("podIPs") or []
    out.line(0, "IPs:" if addresses else "IPs:\t<none>")
    for entry in addresses:
        out.line(1, "IP:", entry.get("ip", ""))


def _containers(subject: Subject, out: Writer) -> None:
    spec, status = subject.spec, subject.status

    def field_of(path: str) -> str:
        return pod_field(subject.object, path)

    for title, field, statuses in (
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ):
        if spec.get(field) or field == "containers":
            containers(out, title, spec.get(field) or (), status.get(statuses) or (), field_of)


def _gates(subject: Subject, out: Writer) -> None:
    gates = subject.spec.get("readinessGates") or []
    if not gates:
        return
    known = {c.get("type"): c.get("status") for c in subject.status.get("conditions") or ()}
    out.line(0, "Readiness Gates:")
    out.line(1, "Type", "Status")
    for gate in gates:
        name = gate.get("conditionType", "")
        out.line(1, f"{name} ", f"{known.get(name, '<none>')} ")


def _conditions(status: Document, out: Writer) -> None:
    entries = status.get("conditions") or []
    if entries:
        out.line(0, "Conditions:")
        out.line(1, "Type", "Status")
    for entry in entries:
        out.line(1, f"{entry.get('type', '')} ", f"{entry.get('status', '')} ")


def tolerations(out: Writer, spec: Document, indent: str = "") -> None:
    """What taints a pod tolerates."""
    entries: Iterable[Document] = spec.get("tolerations") or ()
    ordered = sorted(entries, key=lambda entry: str(entry.get("key") or ""))
    out.values(f"{indent}Tolerations", map(toleration_text, ordered))


def toleration_text(entry: Document) -> str:
    """A toleration in one line: `key=value:effect op=Exists for 300s`."""
    text = str(entry.get("key") or "")
    if entry.get("value"):
        text += f"={entry['value']}"
    if entry.get("effect"):
        text += f":{entry['effect']}"
    operator = entry.get("operator")
    if operator == "Exists" and not entry.get("value"):
        text += " op=Exists" if text else "op=Exists"
    if entry.get("tolerationSeconds") is not None:
        text += f" for {entry['tolerationSeconds']}s"
    return text


def _spread(out: Writer, spec: Document, indent: str = "") -> None:
    entries = spec.get("topologySpreadConstraints") or []
    lines = []
    for entry in sorted(entries, key=lambda entry: str(entry.get("topologyKey", ""))):
        text = (
            f"{entry.get('topologyKey', '')}:{entry.get('whenUnsatisfiable', '')} when max skew "
            f"{entry.get('maxSkew', 0)} is exceeded"
        )
        if entry.get("labelSelector") is not None:
            text += f" for selector {format_label_selector(entry['labelSelector'])}"
        lines.append(text)
    if lines:
        out.values("Topology Spread Constraints", lines, indent)


def pod_template(template: Document, out: Writer) -> None:
    """The pod template of a workload."""
    spec = template.get("spec") or {}
    out.line(0, "Pod Template:")
    out.labels("  Labels", labels_of(template))
    if annotations_of(template):
        annotate(template, out, "  Annotations")
    if spec.get("serviceAccountName"):
        out.line(1, "Service Account:", spec["serviceAccountName"])
    if spec.get("initContainers"):
        containers(out, "Init Containers", spec["initContainers"], indent="  ")
    containers(out, "Containers", spec.get("containers") or (), indent="  ")
    volumes(out, spec.get("volumes") or (), "  ")
    _spread(out, spec, "  ")
    if spec.get("priorityClassName"):
        out.line(1, "Priority Class Name:", spec["priorityClassName"])
    out.labels("  Node-Selectors", spec.get("nodeSelector"))
    tolerations(out, spec, "  ")
