"""HorizontalPodAutoscaler as autoscaling/v1 and as autoscaling/v2.

Version 1 knows one metric, the CPU in per cent of what the pods request. What else an object of
version 2 says lies in annotations of version 1, as JSON, so that nothing is lost on the way
(pkg/apis/autoscaling/v1/conversion.go).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from minik8s.model.metadata import Document, annotations_of

_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS = f"{_PREFIX}metrics"
CURRENT_METRICS = f"{_PREFIX}current-metrics"
CONDITIONS = f"{_PREFIX}conditions"
BEHAVIOR = f"{_PREFIX}behavior"

_PLAIN_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas")
_PLAIN_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")

_Fields = Mapping[str, tuple[str, ...]]
"""The fields of a metric's source in version 1, and where version 2 has them."""

_NAME: _Fields = {"name": ("name",)}
_METRIC: _Fields = {"metricName": ("metric", "name")}
_SPECS: dict[str, _Fields] = {
    "object": {
        "target": ("describedObject",),
        **_METRIC,
        "targetValue": ("target", "value"),
        "selector": ("metric", "selector"),
        "averageValue": ("target", "averageValue"),
    },
    "pods": {
        **_METRIC,
        "targetAverageValue": ("target", "averageValue"),
        "selector": ("metric", "selector"),
    },
    "resource": {
        **_NAME,
        "targetAverageUtilization": ("target", "averageUtilization"),
        "targetAverageValue": ("target", "averageValue"),
    },
    "containerResource": {
        **_NAME,
        "targetAverageUtilization": ("target", "averageUtilization"),
        "targetAverageValue": ("target", "averageValue"),
        "container": ("container",),
    },
    "external": {
        **_METRIC,
        "metricSelector": ("metric", "selector"),
        "targetValue": ("target", "value"),
        "targetAverageValue": ("target", "averageValue"),
    },
}
_STATUSES: dict[str, _Fields] = {
    source: {
        name.replace("target", "current") if place[0] == "target" else name: (
            "current" if place[0] == "target" else place[0],
            *place[1:],
        )
        for name, place in fields.items()
    }
    for source, fields in _SPECS.items()
}
_TARGETS = {
    "averageUtilization": "Utilization",
    "averageValue": "AverageValue",
    "value": "Value",
}


def autoscaler_v1(document: Document) -> Document:
    """An autoscaler of version 2 in the form of version 1."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    metrics, current = spec.get("metrics") or [], status.get("currentMetrics") or []
    target = next(filter(None, map(_cpu_target, metrics)), None)
    others = [_older(metric, _SPECS) for metric in metrics if not _cpu_target(metric)]
    told = {
        METRICS: others,
        CURRENT_METRICS: [_older(metric, _STATUSES) for metric in current],
        CONDITIONS: status.get("conditions"),
        BEHAVIOR: spec.get("behavior"),
    }
    annotations = {key: _json(value) for key, value in told.items() if value}
    shown = {field: spec[field] for field in _PLAIN_SPEC if field in spec}
    if target is not None:
        shown["targetCPUUtilizationPercentage"] = target
    counts = {"currentReplicas": 0, "desiredReplicas": 0}
    counts |= {field: status[field] for field in _PLAIN_STATUS if field in status}
    used = next((each for each in map(_cpu_use, current) if each is not None), None)
    if used is not None:
        counts["currentCPUUtilizationPercentage"] = used
    found = {**document, "spec": shown, "status": counts}
    return _annotated(found, {**annotations_of(document), **annotations})


def autoscaler_v2(document: Document) -> Document:
    """An autoscaler of version 1 in the form of version 2; annotations that are no JSON go."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    annotations = dict(annotations_of(document))
    metrics = [_newer(each, _SPECS) for each in _listed(annotations.pop(METRICS, ""))]
    current = [_newer(each, _STATUSES) for each in _listed(annotations.pop(CURRENT_METRICS, ""))]
    conditions = _listed(annotations.pop(CONDITIONS, ""))
    behavior = _read(annotations.pop(BEHAVIOR, ""))
    target = spec.get("targetCPUUtilizationPercentage")
    if target is not None:
        wanted = {"type": "Utilization", "averageUtilization": target}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": wanted}})
    shown = {field: spec[field] for field in _PLAIN_SPEC if field in spec}
    if metrics:
        shown["metrics"] = metrics
    if isinstance(behavior, dict):
        shown["behavior"] = behavior
    counts: Document = {field: status[field] for field in _PLAIN_STATUS if field in status}
    counts["currentMetrics"] = current or _only_use(status) or None
    if conditions:
        counts["conditions"] = conditions
    found = {**document, "spec": shown}
    if status:
        found["status"] = counts
    return _annotated(found, annotations)


def _annotated(document: Document, annotations: Mapping[str, str]) -> Document:
    metadata = {k: v for k, v in document["metadata"].items() if k != "annotations"}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {**document, "metadata": metadata}


def _cpu_target(metric: Document) -> int | None:
    """The wanted use of the CPU in per cent, if that is what a metric is about."""
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    target: int | None = (resource.get("target") or {}).get("averageUtilization")
    return target


def _cpu_use(metric: Document) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    used: int | None = (resource.get("current") or {}).get("averageUtilization")
    return used


def _only_use(status: Document) -> list[Document]:
    """The metrics of a status that knows the use of the CPU and nothing else."""
    used = status.get("currentCPUUtilizationPercentage")
    if used is None:
        return []
    resource = {"name": "cpu", "current": {"averageUtilization": used}}
    return [{"type": "Resource", "resource": resource}]


def _older(metric: Document, sources: Mapping[str, _Fields]) -> Document:
    """A metric of version 2 as version 1 writes it."""
    found: Document = {"type": metric.get("type", "")}
    for source, fields in sources.items():
        if isinstance(metric.get(source), dict):
            values = {name: _at(metric[source], place) for name, place in fields.items()}
            found[source] = {name: value for name, value in values.items() if value is not None}
    return found


def _newer(metric: Document, sources: Mapping[str, _Fields]) -> Document:
    """A metric of version 1 as version 2 writes it."""
    found: Document = {"type": metric.get("type", "")}
    for source, fields in sources.items():
        if isinstance(metric.get(source), dict):
            found[source] = _placed(metric[source], fields, wanted=sources is _SPECS)
    return found


def _placed(written: Document, fields: _Fields, *, wanted: bool) -> Document:
    found: Document = {}
    for name, (first, *rest) in fields.items():
        if written.get(name) is None:
            continue
        if rest:
            found.setdefault(first, {})[rest[0]] = written[name]
        else:
            found[first] = written[name]
    if wanted:
        target = found.get("target") or {}
        kind = next((word for field, word in _TARGETS.items() if field in target), "")
        found["target"] = {"type": kind, **target}
    return found


def _at(value: Any, place: tuple[str, ...]) -> Any:
    for step in place:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _read(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _listed(text: str) -> list[Document]:
    found = _read(text)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
