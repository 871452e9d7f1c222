"""The pod spec inside a workload: where it stands, and the workload with another one."""

from __future__ import annotations

from typing import Any

from minik8s.kubectl.failures import Failure
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

_TEMPLATE = ("spec", "template", "spec")
_PLACES = {
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
}


def place_of(kind: Kind) -> tuple[str, ...]:
    """The path to the pod spec; raises Failure for a kind without one."""
    place = _PLACES.get((kind.group, kind.kind))
    if place is None:
        raise Failure(
            f"the object is not a pod or does not have a pod template: *{kind.version}.{kind.kind}"
        )
    return place


def pod_spec(kind: Kind, document: Document) -> Document:
    """The pod spec of a workload; raises Failure for a kind without one."""
    found: Any = document
    for step in place_of(kind):
        found = found.get(step) or {}
    spec: Document = found
    return spec


def with_pod_spec(kind: Kind, document: Document, spec: Document) -> Document:
    """A workload with another pod spec."""
    return _with(document, place_of(kind), spec)


def _with(document: Document, place: tuple[str, ...], value: Document) -> Document:
    first, *rest = place
    inner = _with(document.get(first) or {}, tuple(rest), value) if rest else value
    return {**document, first: inner}


def selected(spec: Document, field: str, pattern: str) -> list[int]:
    """The places of the containers whose names fit a pattern with `*`."""
    containers = spec.get(field) or []
    return [place for place, each in enumerate(containers) if _fits(each["name"], pattern)]


def _fits(name: str, pattern: str) -> bool:
    """Whether a name has the parts between the stars, as kubectl looks for them."""
    if "*" not in pattern:
        return name == pattern
    parts = pattern.split("*")
    position = 0
    for place, part in enumerate(parts):
        if not part:
            continue
        following = name[position:].find(part)
        last = place == len(parts) - 1
        if (
            following < position
            or (place == 0 and position)
            or (last and len(name) != len(part) + following)
        ):
            return False
        position = following
    return True
