"""Validation of PodDisruptionBudgets (pkg/apis/policy/validation/validation.go)."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import (
    check_int_or_percent,
    check_not_over_100_percent,
    check_one_of,
    check_selector,
)
from minik8s.model.metadata import Document

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def check_disruption_budget(problems: Problems, document: Document) -> None:
    """The spec of a PodDisruptionBudget."""
    spec = document.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        problems.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for field, value in (("minAvailable", least), ("maxUnavailable", most)):
        check_int_or_percent(problems, f"spec.{field}", value)
        check_not_over_100_percent(problems, f"spec.{field}", value)
    check_selector(problems, "spec.selector", spec.get("selector"))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None:
        check_one_of(problems, "spec.unhealthyPodEvictionPolicy", policy, _POLICIES)
