"""PodDisruptionBudgets: whom they cover, and the condition that their status carries."""

from __future__ import annotations

from minik8s.model.metadata import Document, labels_of
from minik8s.model.selectors import SelectorError, label_selector

ALLOWED = "DisruptionAllowed"
"""The one condition of a budget (policy/v1 DisruptionAllowedCondition)."""
SYNC_FAILED = "SyncFailed"
SUFFICIENT = "SufficientPods"
INSUFFICIENT = "InsufficientPods"


def covers(budget: Document, pod: Document) -> bool:
    """Whether a budget of the pod's namespace counts the pod; an empty selector takes all."""
    try:
        return label_selector((budget.get("spec") or {}).get("selector")).matches(labels_of(pod))
    except SelectorError:
        return False


def condition_of(budget: Document) -> Document:
    """The DisruptionAllowed condition; empty if the budget has none."""
    entries = (budget.get("status") or {}).get("conditions") or ()
    return next((entry for entry in entries if entry.get("type") == ALLOWED), {})


def with_condition(
    budget: Document, status: Document, now: str, reason: str = "", message: str = ""
) -> Document:
    """A status with its condition; without a reason that is what `disruptionsAllowed` means."""
    allowed = status["disruptionsAllowed"] > 0
    value = "True" if allowed else "False"
    before = condition_of(budget)
    since = before.get("lastTransitionTime", now) if before.get("status") == value else now
    entry = {
        "lastTransitionTime": since,
        "message": message,
        "observedGeneration": status["observedGeneration"],
        "reason": reason or (SUFFICIENT if allowed else INSUFFICIENT),
        "status": value,
        "type": ALLOWED,
    }
    others = [each for each in status.get("conditions") or () if each.get("type") != ALLOWED]
    return {**status, "conditions": [*others, entry]}
