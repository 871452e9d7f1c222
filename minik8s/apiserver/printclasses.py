"""Tables of ingresses, budgets, autoscalers, pod templates, and of the classes of things."""

from __future__ import annotations

from typing import Any

from minik8s.apiserver.columns import (
    AGE,
    NAME,
    NONE,
    Cells,
    Column,
    Printer,
    age_of,
    container_cells,
    format_labels,
    name_of,
    spec_of,
    status_of,
)
from minik8s.model.durations import UNKNOWN
from minik8s.model.metadata import Document, annotations_of

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def _pod_template(document: Document, _now: float) -> Cells:
    template = document.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [
        name_of(document),
        *container_cells(template.get("spec") or {}),
        format_labels(labels),
    ]


def _ingress(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    ingress = (status_of(document).get("loadBalancer") or {}).get("ingress") or ()
    addresses = {entry.get("ip") or entry.get("hostname") or "" for entry in ingress}
    return [
        name_of(document),
        spec.get("ingressClassName", NONE),
        _hosts(spec.get("rules") or []),
        ",".join(sorted(addresses - {""})),
        "80, 443" if spec.get("tls") else "80",
        age_of(document, now),
    ]


def _hosts(rules: list[Document]) -> str:
    shown: list[str] = []
    more = False
    for rule in rules:
        more = more or len(shown) == 3
        if not more and rule.get("host"):
            shown.append(rule["host"])
    if not shown:
        return "*"
    text = ",".join(shown)
    return f"{text} + {len(rules) - 3} more..." if more else text


def _ingress_class(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    given = spec.get("parameters")
    parameters = NONE
    if given:
        group = f".{given['apiGroup']}" if given.get("apiGroup") is not None else ""
        parameters = f"{given.get('kind', '')}{group}/{given.get('name', '')}"
    return [name_of(document), spec.get("controller", ""), parameters, age_of(document, now)]


def _disruption_budget(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    return [
        name_of(document),
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        status_of(document).get("disruptionsAllowed", 0),
        age_of(document, now),
    ]


def _priority_class(document: Document, now: float) -> Cells:
    return [
        name_of(document),
        document.get("value", 0),
        document.get("globalDefault", False),
        age_of(document, now),
        document.get("preemptionPolicy", ""),
    ]


def _storage_class(document: Document, now: float) -> Cells:
    default = annotations_of(document).get(DEFAULT_CLASS) == "true"
    return [
        f"{name_of(document)} (default)" if default else name_of(document),
        document.get("provisioner", ""),
        document.get("reclaimPolicy", "Delete"),
        document.get("volumeBindingMode", "<unset>"),
        document.get("allowVolumeExpansion", False),
        age_of(document, now),
    ]


def _autoscaler(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    target = spec.get("scaleTargetRef") or {}
    return [
        name_of(document),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec.get("metrics") or [], status.get("currentMetrics") or []),
        str(spec.get("minReplicas", "<unset>")),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age_of(document, now),
    ]


_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}


def _metrics(specs: list[Document], statuses: list[Document]) -> str:
    if not specs:
        return NONE
    shown = [
        _metric(spec, statuses[index] if index < len(statuses) else {})
        for index, spec in enumerate(specs)
    ]
    text = ", ".join(shown[:2])
    return f"{text} + {len(shown) - 2} more..." if len(shown) > 2 else text


def _metric(spec: Document, status: Document) -> str:
    kind = spec.get("type", "")
    field = _SOURCES.get(kind)
    if field is None:
        return "<unknown type>"
    source = spec.get(field) or {}
    target = source.get("target") or {}
    current = (status.get(field) or {}).get("current") or {}
    named = f"{source.get('name', '')}: " if kind.endswith("Resource") else ""
    if target.get("averageValue") is not None:
        average = " (avg)" if kind in ("External", "Object") else ""
        return f"{named}{_value(current, 'averageValue')}/{target['averageValue']}{average}"
    if kind.endswith("Resource"):
        wanted = target.get("averageUtilization")
        goal = "<auto>" if wanted is None else f"{wanted}%"
        used = current.get("averageUtilization")
        return f"{named}{UNKNOWN if used is None else f'{used}%'}/{goal}"
    return f"{_value(current, 'value')}/{target.get('value', '')}"


def _value(current: Document, field: str) -> Any:
    found = current.get(field)
    return UNKNOWN if found is None else found


CLASSES: dict[str, Printer] = {
    "horizontalpodautoscalers.autoscaling": Printer(
        (
            NAME,
            Column("Reference"),
            Column("Targets"),
            Column("MinPods"),
            Column("MaxPods"),
            Column("Replicas"),
            AGE,
        ),
        _autoscaler,
    ),
    "ingressclasses.networking.k8s.io": Printer(
        (NAME, Column("Controller"), Column("Parameters"), AGE), _ingress_class
    ),
    "ingresses.networking.k8s.io": Printer(
        (NAME, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), AGE), _ingress
    ),
    "poddisruptionbudgets.policy": Printer(
        (
            NAME,
            Column("Min Available"),
            Column("Max Unavailable"),
            Column("Allowed Disruptions", "integer"),
            AGE,
        ),
        _disruption_budget,
    ),
    "podtemplates": Printer(
        (NAME, Column("Containers"), Column("Images"), Column("Pod Labels")), _pod_template
    ),
    "priorityclasses.scheduling.k8s.io": Printer(
        (
            NAME,
            Column("Value", "integer"),
            Column("Global-Default", "boolean"),
            AGE,
            Column("PreemptionPolicy"),
        ),
        _priority_class,
    ),
    "storageclasses.storage.k8s.io": Printer(
        (
            NAME,
            Column("Provisioner"),
            Column("ReclaimPolicy"),
            Column("VolumeBindingMode"),
            Column("AllowVolumeExpansion"),
            AGE,
        ),
        _storage_class,
    ),
}
