"""Defaults of kinds that nothing here works on; they are stored for those who ask for them."""

from __future__ import annotations

from minik8s.admission.defaulting.fill import fill, fill_absent, inside
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


def default_autoscaler_v1(document: Document) -> Document:
    """The same in the older version, in which the metrics have no default."""
    return inside(document, "spec", lambda spec: fill(spec, {"minReplicas": 1}))


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


def default_api_service(document: Document) -> Document:
    """An APIService, whose Service listens on port 443."""
    return inside(
        document,
        "spec",
        lambda spec: inside(spec, "service", lambda service: fill(service, {"port": 443})),
    )


def default_storage_driver(document: Document) -> Document:
    """A CSIDriver, whose volumes are attached, and live on without their pods."""
    defaults = {
        "attachRequired": True,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "podInfoOnMount": False,
        "requiresRepublish": False,
        "seLinuxMount": False,
        "storageCapacity": False,
        "volumeLifecycleModes": ["Persistent"],
    }
    return inside(document, "spec", lambda spec: fill_absent(spec, defaults))
