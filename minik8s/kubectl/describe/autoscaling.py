"""HorizontalPodAutoscalers, described."""

from __future__ import annotations

from minik8s.kubectl.describe.base import Subject, about, amount, created, heading
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.gotext import quote
from minik8s.model.metadata import Document

_UNKNOWN = "<unknown>"


def autoscaler(subject: Subject, out: Writer) -> None:
    """A HorizontalPodAutoscaler (autoscaling/v2)."""
    spec, status = subject.spec, subject.status
    target = spec.get("scaleTargetRef") or {}
    heading(subject, out)
    about(subject, out)
    created(subject, out)
    out.line(0, "Reference:", f"{target.get('kind', '')}/{target.get('name', '')}")
    out.line(0, "Metrics:", "( current / target )")
    measured = status.get("currentMetrics") or []
    for place, metric in enumerate(spec.get("metrics") or ()):
        _metric(out, metric, measured[place] if place < len(measured) else {})
    out.line(0, "Min replicas:", spec.get("minReplicas", "<unset>"))
    out.line(0, "Max replicas:", spec.get("maxReplicas", 0))
    behavior = spec.get("behavior")
    if behavior is not None:
        out.line(0, "Behavior:")
        _direction(out, "Scale Up", behavior.get("scaleUp"))
        _direction(out, "Scale Down", behavior.get("scaleDown"))
    current, desired = status.get("currentReplicas", 0), status.get("desiredReplicas", 0)
    out.line(0, f"{target.get('kind', '')} pods:", f"{current} current / {desired} desired")
    entries = status.get("conditions") or []
    if entries:
        out.line(0, "Conditions:")
        out.line(1, "Type", "Status", "Reason", "Message")
        out.line(1, "----", "------", "------", "-------")
    for entry in entries:
        out.line(1, *(entry.get(field, "") for field in ("type", "status", "reason", "message")))
    object_events(subject, out)


def _metric(out: Writer, metric: Document, measured: Document) -> None:
    kind = str(metric.get("type", ""))
    field = kind[:1].lower() + kind[1:]
    source = metric.get(field)
    if source is None:
        out.line(1, f"<unknown metric type {quote(kind)}>")
        return
    target, current = source.get("target") or {}, (measured.get(field) or {}).get("current") or {}
    if field in ("resource", "containerResource"):
        title = f"resource {source.get('name', '')}"
        if field == "containerResource":
            title += f' of container "{source.get("container", "")}"'
        _resource(out, f"{title} on pods", target, current)
        return
    name = quote(str((source.get("metric") or {}).get("name", "")))
    if field == "pods":
        out.line(1, f"{name} on pods:", _ratio(current, target, "averageValue"))
        return
    if field == "object":
        thing = source.get("describedObject") or {}
        name += f" on {thing.get('kind', '')}/{thing.get('name', '')}"
    if target.get("averageValue") is not None:
        out.line(1, f"{name} (target average value):", _ratio(current, target, "averageValue"))
    else:
        out.line(1, f"{name} (target value):", _ratio(current, target, "value"))


def _ratio(current: Document, target: Document, field: str) -> str:
    now = amount(current[field]) if current.get(field) is not None else _UNKNOWN
    return f"{now} / {amount(target.get(field, '0'))}"


def _resource(out: Writer, title: str, target: Document, current: Document) -> None:
    if target.get("averageValue") is not None:
        out.line(1, f"{title}:", _ratio(current, target, "averageValue"))
        return
    now, wanted = _UNKNOWN, "<auto>"
    if current.get("averageUtilization") is not None:
        now = f"{current['averageUtilization']}% ({amount(current.get('averageValue', '0'))})"
    if target.get("averageUtilization") is not None:
        wanted = f"{target['averageUtilization']}%"
    out.line(1, f"{title}  (as a percentage of request):", f"{now} / {wanted}")


def _direction(out: Writer, title: str, rules: Document | None) -> None:
    if rules is None:
        return
    out.line(1, f"{title}:")
    if rules.get("stabilizationWindowSeconds") is not None:
        window = rules["stabilizationWindowSeconds"]
        out.line(2, f"Stabilization Window: {window} seconds")
    policies = rules.get("policies") or []
    if policies:
        out.line(2, f"Select Policy: {rules.get('selectPolicy') or 'Max'}")
        out.line(2, "Policies:")
    for policy in policies:
        out.line(
            3,
            f"- Type: {policy.get('type', '')}",
            f"Value: {policy.get('value', 0)}",
            f"Period: {policy.get('periodSeconds', 0)} seconds",
        )
