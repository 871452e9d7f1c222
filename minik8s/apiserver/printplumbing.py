"""Tables of a cluster's plumbing: API services, signing requests, runtimes, storage drivers."""

from __future__ import annotations

from minik8s.apiserver.columns import (
    AGE,
    NAME,
    NONE,
    Cells,
    Column,
    Printer,
    age_of,
    joined,
    name_of,
    spec_of,
    status_of,
)
from minik8s.model.durations import human_duration
from minik8s.model.metadata import Document

_UNSET = "<unset>"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _conditions(document: Document) -> list[Document]:
    return status_of(document).get("conditions") or []


def _api_service(document: Document, now: float) -> Cells:
    service = spec_of(document).get("service")
    where = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    available = "Unknown"
    for condition in _conditions(document):
        if condition["type"] == "Available":
            available = condition["status"]
            if available != "True":
                available += f" ({condition.get('reason', '')})"
    return [name_of(document), where, available, age_of(document, now)]


def _signing_request(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    lasts = spec.get("expirationSeconds")
    return [
        name_of(document),
        age_of(document, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if lasts is None else human_duration(lasts),
        _decision(document),
    ]


def _decision(document: Document) -> str:
    """How far a request has come: it is decided by its conditions, issued by its certificate."""
    types = [condition["type"] for condition in _conditions(document)]
    word = next((each for each in ("Denied", "Approved") if each in types), "Pending")
    failed = ",Failed" if "Failed" in types else ""
    issued = ",Issued" if status_of(document).get("certificate") else ""
    return word + failed + issued


def _runtime_class(document: Document, now: float) -> Cells:
    return [name_of(document), document.get("handler", ""), age_of(document, now)]


def _driver(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    tokens = [each.get("audience", "") for each in spec.get("tokenRequests") or ()]
    return [
        name_of(document),
        _text(spec.get("attachRequired", True)),
        _text(spec.get("podInfoOnMount", False)),
        _text(spec.get("storageCapacity", False)),
        joined(tokens, _UNSET),
        _text(spec.get("requiresRepublish", False)),
        joined(spec.get("volumeLifecycleModes") or ()),
        age_of(document, now),
    ]


def _driver_node(document: Document, now: float) -> Cells:
    return [name_of(document), len(spec_of(document).get("drivers") or ()), age_of(document, now)]


def _capacity(document: Document, _now: float) -> Cells:
    capacity = document.get("capacity")
    return [
        name_of(document),
        document.get("storageClassName", ""),
        _UNSET if capacity is None else str(capacity),
    ]


def _attachment(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    return [
        name_of(document),
        spec.get("attacher", ""),
        (spec.get("source") or {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""),
        _text(status_of(document).get("attached", False)),
        age_of(document, now),
    ]


PLUMBING: dict[str, Printer] = {
    "apiservices.apiregistration.k8s.io": Printer(
        (NAME, Column("Service"), Column("Available"), AGE), _api_service
    ),
    "certificatesigningrequests.certificates.k8s.io": Printer(
        (
            NAME,
            AGE,
            Column("SignerName"),
            Column("Requestor"),
            Column("RequestedDuration"),
            Column("Condition"),
        ),
        _signing_request,
    ),
    "csidrivers.storage.k8s.io": Printer(
        (
            NAME,
            Column("AttachRequired", "boolean"),
            Column("PodInfoOnMount", "boolean"),
            Column("StorageCapacity", "boolean"),
            Column("TokenRequests"),
            Column("RequiresRepublish", "boolean"),
            Column("Modes"),
            AGE,
        ),
        _driver,
    ),
    "csinodes.storage.k8s.io": Printer((NAME, Column("Drivers", "integer"), AGE), _driver_node),
    "csistoragecapacities.storage.k8s.io": Printer(
        (NAME, Column("StorageClassName"), Column("Capacity")), _capacity
    ),
    "runtimeclasses.node.k8s.io": Printer((NAME, Column("Handler"), AGE), _runtime_class),
    "volumeattachments.storage.k8s.io": Printer(
        (
            NAME,
            Column("Attacher"),
            Column("PV"),
            Column("Node"),
            Column("Attached", "boolean"),
            AGE,
        ),
        _attachment,
    ),
}
