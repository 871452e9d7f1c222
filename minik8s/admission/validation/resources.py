"""Validation of requests and limits (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

from collections.abc import Mapping

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import NOT_NEGATIVE
from minik8s.model.formats import qualified_name
from minik8s.model.metadata import Document
from minik8s.model.workloads import quantity

_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_WHOLE = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
"""Resources that come in whole numbers only; so do extended ones (`example.com/gpu`)."""

_STANDARD = (
    _CONTAINER
    | _WHOLE
    | {"storage", "requests.storage"}
    | {f"{side}.{name}" for side in ("requests", "limits") for name in _CONTAINER}
)

Quantities = Mapping[str, str | int | float]


def check_resources(problems: Problems, path: str, resources: Document) -> None:
    """A container's `resources`: names, amounts, and no request above its limit."""
    limits: Quantities = resources.get("limits") or {}
    requests: Quantities = resources.get("requests") or {}
    for name in sorted(limits):
        check_container_resource(problems, f"{path}.limits[{name}]", name, limits[name])
    for name in sorted(requests):
        check_container_resource(problems, f"{path}.requests[{name}]", name, requests[name])
        _check_request(problems, path, name, requests, limits)


def _check_request(
    problems: Problems, path: str, name: str, requests: Quantities, limits: Quantities
) -> None:
    if name not in limits:
        if not _may_overcommit(name):
            problems.required(
                f"{path}.limits", "Limit must be set for non overcommitable resources"
            )
        return
    request, limit = quantity(requests[name]), quantity(limits[name])
    text = str(requests[name])
    if request != limit and not _may_overcommit(name):
        problems.invalid(
            f"{path}.requests", text, f"must be equal to {name} limit of {limits[name]}"
        )
    elif request > limit:
        problems.invalid(
            f"{path}.requests",
            text,
            f"must be less than or equal to {name} limit of {limits[name]}",
        )


def check_container_resource(problems: Problems, path: str, name: str, amount: str | float) -> None:
    """The name and the amount of one resource of a container."""
    complaints = qualified_name(name)
    problems.each_invalid(path, name, complaints)
    if "/" not in name and not complaints:
        if name not in _STANDARD and not _is_huge_page(name):
            problems.invalid(path, name, "must be a standard resource type or fully qualified")
        if name not in _CONTAINER and not _is_huge_page(name):
            problems.invalid(path, name, "must be a standard resource for containers")
    elif "/" in name and not _is_native(name) and not _is_extended(name):
        problems.invalid(path, name, "doesn't follow extended resource name standard")
    check_amount(problems, path, name, amount)


def check_amount(problems: Problems, path: str, name: str, amount: str | float) -> None:
    """The amount of a resource: not negative, whole where parts make no sense."""
    value = quantity(amount)
    if value < 0:
        problems.invalid(path, str(amount), NOT_NEGATIVE)
    if (name in _WHOLE or _is_extended(name)) and value != int(value):
        problems.invalid(path, amount, "must be an integer")


def _is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_extended(name: str) -> bool:
    return not _is_native(name) and not name.startswith("requests.")


def _may_overcommit(name: str) -> bool:
    return _is_native(name) and not _is_huge_page(name)
