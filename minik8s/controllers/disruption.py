"""PodDisruptionBudgets: how many pods there are, should be, and may go (pkg/controller/disruption).

A budget in per cent, or one that says how many may be missing, counts from what the owners of
the pods want; one that says how many must be there counts the pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

from minik8s.clock import parse_rfc3339, rfc3339
from minik8s.controllers.base import NOTHING, Context, Controller, Key, Names, key_of
from minik8s.controllers.events import Source
from minik8s.model.budgets import SYNC_FAILED, covers, with_condition
from minik8s.model.metadata import (
    Document,
    controller_of,
    is_terminating,
    name_of,
    namespace_of,
    uid_of,
)
from minik8s.model.registry import DEPLOYMENT, POD, POD_DISRUPTION_BUDGET, REPLICA_SET, Registry
from minik8s.model.selectors import format_label_selector
from minik8s.model.workloads import is_ready
from minik8s.store import StoreEvent

DISRUPTION_TIMEOUT = 120.0
"""Seconds after which a pod that was to be evicted, and is still there, counts again."""

_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a "
    "result, the status of the PDB cannot be calculated correctly, which may result in undefined "
    'behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an '
    "integer value."
)


class SyncError(Exception):
    """A budget whose numbers cannot be found."""


class DisruptionController(Controller):
    """Keeps the status of each budget."""

    name = "disruption-controller"
    watches = (POD_DISRUPTION_BUDGET, POD)

    def __init__(self, context: Context, registry: Registry) -> None:
        super().__init__(context)
        self.registry = registry
        self.source = Source("controllermanager")
        self._budgets = Names()
        self._count = 0

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A budget, or the budgets that cover a pod, or did before."""
        if event.kind == POD:
            return self._covering(event) if self._count else NOTHING
        key = key_of(event.object)
        if event.type == "DELETED":
            self._budgets.discard(key)
            self._count -= 1
            return NOTHING
        self._count += event.previous is None
        self._budgets.add(key)
        return (key,)

    def _covering(self, event: StoreEvent) -> list[Key]:
        namespace = namespace_of(event.object)
        pods = [event.object] if event.previous is None else [event.object, event.previous]
        found = []
        for name in self._budgets.within(namespace):
            budget = self.store.get(POD_DISRUPTION_BUDGET, namespace, name)
            if budget is not None and any(covers(budget, pod) for pod in pods):
                found.append((namespace, name))
        return found

    def reconcile(self, namespace: str, name: str) -> None:
        """Bring the status of one budget up to date."""
        budget = self.store.get(POD_DISRUPTION_BUDGET, namespace, name)
        if budget is None:
            return
        pods = [pod for pod in self.store.list(POD, namespace) if covers(budget, pod)]
        if not pods:
            self.context.recorder.normal(budget, "NoPods", "No matching pods found", self.source)
        try:
            expected, desired = self._wanted(budget, pods)
        except SyncError as error:
            self._fail(budget, str(error))
        else:
            self._write(budget, pods, expected, desired)

    # -- how many there should be

    def _wanted(self, budget: Document, pods: list[Document]) -> tuple[int, int]:
        """The number of pods that there should be, and of healthy ones that must remain."""
        spec = budget.get("spec") or {}
        most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
        if most is not None:
            expected = self._scale(budget, pods)
            return expected, max(expected - _share(most, expected), 0)
        if isinstance(least, str):
            expected = self._scale(budget, pods)
            return expected, _share(least, expected)
        return len(pods), int(least or 0)

    def _scale(self, budget: Document, pods: list[Document]) -> int:
        """How many pods their owners want, each owner counted once; raises SyncError."""
        wanted: dict[str, int] = {}
        unmanaged = False
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                unmanaged = True
            elif reference["uid"] not in wanted:
                owner = self._owner(namespace_of(pod), reference)
                if owner is not None:
                    wanted[uid_of(owner)] = int((owner.get("spec") or {}).get("replicas", 1))
        if unmanaged:
            selector = format_label_selector((budget.get("spec") or {}).get("selector"))
            text = _UNMANAGED.format(selector)
            self.context.recorder.warning(budget, "UnmanagedPods", text, self.source)
        return sum(wanted.values())

    def _owner(self, namespace: str, reference: Mapping[str, Any]) -> Document | None:
        """The object that says how many pods there are: the Deployment above a ReplicaSet."""
        kind = self.registry.by_kind(reference.get("apiVersion", ""), reference.get("kind", ""))
        if kind is None:
            return None
        owner = self.store.get(kind, namespace, reference["name"])
        if "scale" not in kind.subresources:
            raise SyncError(f"{kind.resource} does not implement the scale subresource")
        if owner is None or uid_of(owner) != reference["uid"]:
            return None
        above = controller_of(owner) if kind == REPLICA_SET else None
        if above is not None and above.get("kind") == DEPLOYMENT.kind:
            return self.store.get(DEPLOYMENT, namespace, above["name"])
        return owner

    # -- what is

    def _write(self, budget: Document, pods: list[Document], expected: int, desired: int) -> None:
        disrupted = self._disrupted(budget, pods)
        healthy = sum(
            is_ready(pod) and not is_terminating(pod) and name_of(pod) not in disrupted
            for pod in pods
        )
        allowed = max(healthy - desired, 0) if expected > 0 else 0
        status: Document = {
            **{k: v for k, v in (budget.get("status") or {}).items() if k != "disruptedPods"},
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
            "expectedPods": expected,
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        if disrupted:
            status["disruptedPods"] = disrupted
        now = rfc3339(self.clock.now)
        self._store(budget, with_condition(budget, status, now))

    def _disrupted(self, budget: Document, pods: list[Document]) -> dict[str, str]:
        """The pods that are about to be evicted, and since when."""
        noted = (budget.get("status") or {}).get("disruptedPods") or {}
        found = {}
        for pod in pods:
            since = noted.get(name_of(pod))
            if since is None or is_terminating(pod):
                continue
            left = parse_rfc3339(since) + DISRUPTION_TIMEOUT - self.clock.now
            if left > 0:
                found[name_of(pod)] = since
                self.enqueue_later(left, key_of(budget))
                continue
            where = f"{namespace_of(budget)}/{name_of(budget)}"
            text = f"Pod was expected by PDB {where} to be deleted but it wasn't"
            self.context.recorder.warning(pod, "NotDeleted", text, self.source)
        return found

    def _fail(self, budget: Document, why: str) -> None:
        """Let nothing be evicted, and say why (failSync)."""
        text = f"Failed to calculate the number of expected pods: {why}"
        self.context.recorder.warning(budget, "CalculateExpectedPodCountFailed", text, self.source)
        status = {
            **(budget.get("status") or {}),
            "disruptionsAllowed": 0,
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        now = rfc3339(self.clock.now)
        self._store(budget, with_condition(budget, status, now, SYNC_FAILED, why))

    def _store(self, budget: Document, status: Document) -> None:
        if status != budget.get("status"):
            self.store.update(POD_DISRUPTION_BUDGET, {**budget, "status": status})


def _share(value: int | str, whole: int) -> int:
    """A number, or per cent of a whole, rounded up (intstr.GetScaledValueFromIntOrPercent)."""
    if isinstance(value, str):
        return ceil(int(value.removesuffix("%")) * whole / 100)
    return value
