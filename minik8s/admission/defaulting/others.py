"""Defaults of kinds that nothing here works on; they are stored for those who ask for them."""

from __future__ import annotations

from minik8s.admission.defaulting.fill import fill, inside
from minik8s.model.metadata import Document

_CPU: Document = {
    "type": "Resource",
    "resource": {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 80},
    },
}


def default_autoscaler(document: Document) -> Document:
    """A HorizontalPodAutoscaler: at least one replica, at 80 % of the requested CPU."""
    return inside(document, "spec", lambda spec: fill(spec, {"minReplicas": 1, "metrics": [_CPU]}))


def default_storage_class(document: Document) -> Document:
    """A StorageClass, whose volumes go with their claims and are bound at once."""
    return fill(document, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def default_priority_class(document: Document) -> Document:
    """A PriorityClass, whose pods may push others aside."""
    return fill(document, {"preemptionPolicy": "PreemptLowerPriority"})


def default_ingress_class(document: Document) -> Document:
    """An IngressClass, whose parameters belong to the cluster."""
    return inside(
        document,
        "spec",
        lambda spec: inside(spec, "parameters", lambda told: fill(told, {"scope": "Cluster"})),
    )
