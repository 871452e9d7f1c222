"""The scheduler: gives each pod a node, or says why there is none.

Of the nodes that fit it takes, in this order: the best preferred affinity, the fewest pods of
the same controller, the fewest pods, the first name. A pod that fits nowhere is tried again
when a node or a pod has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop
from typing import TypeAlias

from minik8s.clock import rfc3339
from minik8s.controllers.base import NOTHING, Context, Controller, Key, key_of
from minik8s.controllers.conditions import set_condition
from minik8s.controllers.placement import NodeLoad, Placement, explain, required_terms
from minik8s.model.metadata import Document, controller_of, is_terminating, name_of
from minik8s.model.registry import NODE, POD
from minik8s.model.workloads import condition, is_terminal, node_name
from minik8s.store import StoreEvent

NAME = "default-scheduler"
TAINTS = "node(s) had untolerated taint(s)"
TAINTS_BEFORE_1_34 = "node(s) had untolerated taint {taint}"
TAINTS_BEFORE_1_25 = "node(s) had taint {taint}, that the pod didn't tolerate"


def taint_text(minor: int) -> str:
    """How the scheduler of a Kubernetes 1.x says that a taint is in the way."""
    if minor >= 34:
        return TAINTS
    return TAINTS_BEFORE_1_34 if minor >= 25 else TAINTS_BEFORE_1_25


_Candidates: TypeAlias = tuple[list[tuple[NodeLoad, int]], dict[str, str]]
"""Nodes that may take a pod, with the reluctance (the preference, negative) to take each; and
why the others may not."""

_REMEMBERED = 64


class Scheduler(Controller):
    """Binds pods to nodes."""

    name = NAME
    watches = (POD, NODE)

    def __init__(self, context: Context, minor: int = 37) -> None:
        super().__init__(context)
        self._taint_text = taint_text(minor)
        self._preempts = minor >= 25
        self._loads: dict[str, NodeLoad] = {}
        self._places: dict[Key, str] = {}
        self._stuck: dict[Key, bool] = {}
        self._owners: dict[str, dict[str, int]] = {}
        self._repelling: dict[Key, Document] = {}
        self._known: dict[str, _Candidates] = {}

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A pod without a node; or whoever waits for one, when things have changed."""
        if event.kind == NODE:
            return self._node_changed(event)
        pod = event.object
        key = key_of(pod)
        waiting = self._account(event, key, pod)
        if event.type == "DELETED":
            self._stuck.pop(key, None)
        if event.type == "DELETED" or node_name(pod):
            return waiting
        if is_terminating(pod) or pod["spec"].get("schedulerName", NAME) != NAME:
            return NOTHING
        if event.type == "ADDED" or key not in self._stuck:
            return (key,)
        return NOTHING

    def reconcile(self, namespace: str, name: str) -> None:
        """Bind one pod, or tell why it stays Pending."""
        pod = self.store.get(POD, namespace, name)
        if (
            pod is None
            or node_name(pod)
            or is_terminating(pod)
            or pod["spec"].get("schedulingGates")
        ):
            return
        placement = Placement(pod, self._loads, self._repelling.values())
        candidates, excluded = self._candidates(placement)
        reasons = {name: [reason] for name, reason in excluded.items()}
        mates = self._owners.get(_owner_uid(pod), {})
        ranked = [
            (reluctance, mates.get(load.name, 0), len(load.pods), load.name, load)
            for load, reluctance in candidates
        ]
        heapify(ranked)
        while ranked:
            load = heappop(ranked)[-1]
            found = placement.obstacles(load)
            if not found:
                self._bind(pod, load)
                return
            reasons[load.name] = found
        self._refuse(pod, explain(reasons, self._preempts))

    def _candidates(self, placement: Placement) -> _Candidates:
        """The nodes that taints and selectors leave, computed once for pods that ask the same."""
        question = placement.question
        known = self._known.get(question)
        if known is not None:
            return known
        candidates, excluded = [], {}
        for load in self._loads.values():
            if reason := placement.excluded(load, self._taint_text):
                excluded[load.name] = reason
            else:
                candidates.append((load, -placement.preference(load)))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[question] = candidates, excluded
        return candidates, excluded

    def _bind(self, pod: Document, load: NodeLoad) -> None:
        self._stuck.pop(key_of(pod), None)
        now = rfc3339(self.clock.now)
        status = set_condition(pod.get("status") or {}, "PodScheduled", True, now)
        bound = {**pod, "spec": {**pod["spec"], "nodeName": load.name}, "status": status}
        bound = self.store.update(POD, bound)
        where = f"{pod['metadata']['namespace']}/{name_of(pod)}"
        message = f"Successfully assigned {where} to {load.name}"
        self.context.recorder.scheduling(bound, "Scheduled", message)

    def _refuse(self, pod: Document, message: str) -> None:
        self._stuck[key_of(pod)] = "podAffinity" in (pod["spec"].get("affinity") or {})
        known = condition(pod, "PodScheduled")
        if known is not None and known.get("message") == message:
            return
        now = rfc3339(self.clock.now)
        status = set_condition(
            pod.get("status") or {}, "PodScheduled", False, now, "Unschedulable", message
        )
        refused = self.store.update(POD, {**pod, "status": {"phase": "Pending", **status}})
        self.context.recorder.scheduling(refused, "FailedScheduling", message)

    # -- what is known of the nodes

    def _node_changed(self, event: StoreEvent) -> Iterable[Key]:
        name = name_of(event.object)
        load = self._loads.get(name)
        if event.type == "DELETED":
            self._loads.pop(name, None)
        elif load is not None:
            load.observe(event.object)
            if event.previous is not None and not _matters(event.previous, event.object):
                return NOTHING
        else:
            self._loads[name] = self._new_load(event.object)
        self._known.clear()
        return tuple(self._stuck)

    def _new_load(self, node: Document) -> NodeLoad:
        load = NodeLoad(node)
        for key, place in self._places.items():
            pod = self.store.get(POD, *key) if place == load.name else None
            if pod is not None:
                load.add(key, pod)
        return load

    def _account(self, event: StoreEvent, key: Key, pod: Document) -> tuple[Key, ...]:
        """Keep the books of the nodes; gives the pods that may fit somewhere now."""
        node = node_name(pod)
        gone = event.type == "DELETED" or not node or is_terminal(pod)
        before = self._places.get(key, "")
        load = self._loads.get(before or node)
        if gone and before:
            del self._places[key]
            self._repelling.pop(key, None)
            self._count_owner(before, pod, -1)
            if load is not None:
                load.remove(key)
            return tuple(self._stuck)
        if not gone and not before:
            self._places[key] = node
            self._count_owner(node, pod, 1)
            if any(required_terms(pod["spec"].get("affinity") or {}, "podAntiAffinity")):
                self._repelling[key] = pod
            if load is not None:
                load.add(key, pod)
            return tuple(key for key, sociable in self._stuck.items() if sociable)
        if not gone and load is not None:
            load.pods[key] = pod
        return NOTHING

    def _count_owner(self, node: str, pod: Document, change: int) -> None:
        owner = _owner_uid(pod)
        if not owner:
            return
        counts = self._owners.setdefault(owner, {})
        counts[node] = counts.get(node, 0) + change
        if not counts[node]:
            del counts[node]
        if not counts:
            del self._owners[owner]


def _owner_uid(pod: Document) -> str:
    owner = controller_of(pod)
    return str(owner.get("uid", "")) if owner else ""


def _matters(before: Document, after: Document) -> bool:
    """Whether a node's change can let a pod in: labels, taints, capacity."""
    return (
        before["metadata"].get("labels") != after["metadata"].get("labels")
        or before.get("spec") != after.get("spec")
        or before.get("status", {}).get("allocatable") != after.get("status", {}).get("allocatable")
    )
