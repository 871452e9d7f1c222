"""Eviction: deleting a pod unless its PodDisruptionBudget stands against it.

The rules, their order and their words are those of pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from minik8s.clock import rfc3339
from minik8s.errors import ApiError, Cause, Forbidden, TooManyRequests
from minik8s.model.budgets import SYNC_FAILED, condition_of, covers, with_condition
from minik8s.model.metadata import Document, is_terminating, name_of, namespace_of
from minik8s.model.registry import POD_DISRUPTION_BUDGET
from minik8s.model.workloads import is_ready, pod_phase
from minik8s.store import Store

_UNGUARDED = ("Failed", "Pending", "Succeeded")
_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)
_RETRY_AFTER = 10
"""Seconds to wait for the controller to look at a budget that has changed."""


def disrupt(store: Store, pod: Document, *, dry_run: bool) -> None:
    """Count a pod that is about to be evicted in its budget.

    Raises TooManyRequests if the budget allows no more, ApiError if there are several budgets.
    """
    if is_terminating(pod) or pod_phase(pod) in _UNGUARDED:
        return
    budgets = store.list(POD_DISRUPTION_BUDGET, namespace_of(pod))
    budgets = [budget for budget in budgets if covers(budget, pod)]
    if len(budgets) > 1:
        error = ApiError(_SEVERAL)
        error.reason = ""
        raise error
    if not budgets or _counts_for_nothing(pod, budgets[0]):
        return
    budget = budgets[0]
    _check(budget)
    if not dry_run:
        _decrement(store, budget, name_of(pod))


def _counts_for_nothing(pod: Document, budget: Document) -> bool:
    """Whether a pod that is not ready may go without being counted."""
    if is_ready(pod):
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = status.get("desiredHealthy", 0)
    return bool(desired > 0 and status.get("currentHealthy", 0) >= desired)


def _check(budget: Document) -> None:
    """Raise TooManyRequests or Forbidden for a budget that allows no more."""
    status, name = budget.get("status") or {}, name_of(budget)
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        why = f"The disruption budget {name} is still being processed by the server."
        raise _refusal(why, _RETRY_AFTER)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed < 0:
        why = "pdb disruptions allowed is negative"
        raise Forbidden.resource("poddisruptionbudget", "policy", name, why)
    if allowed:
        return
    condition = condition_of(budget)
    if condition.get("status") == "False" and condition.get("reason") == SYNC_FAILED:
        raise _refusal(
            f"The disruption budget {name} does not allow evicting pods currently because it "
            f"failed sync: {condition.get('message', '')}"
        )
    raise _refusal(
        f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and "
        f"has {status.get('currentHealthy', 0)} currently"
    )


def _refusal(why: str, retry_after: int | None = None) -> TooManyRequests:
    return TooManyRequests(
        _REFUSED, causes=[Cause("DisruptionBudget", why)], retry_after=retry_after
    )


def _decrement(store: Store, budget: Document, pod: str) -> None:
    """Note in the budget that a pod is going, before its controller sees that it goes."""
    now, status = rfc3339(store.clock.now), budget["status"]
    status = {
        **status,
        "disruptionsAllowed": status["disruptionsAllowed"] - 1,
        "disruptedPods": {**(status.get("disruptedPods") or {}), pod: now},
    }
    if not status["disruptionsAllowed"]:
        status = with_condition(budget, status, now)
    store.update(POD_DISRUPTION_BUDGET, {**budget, "status": status})
