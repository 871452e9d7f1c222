"""Nodes: taints that follow from their condition, evictions, and pods of nodes that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minik8s.clock import Timer, parse_rfc3339, rfc3339
from minik8s.controllers.base import NOTHING, Context, Controller, Key, key_of
from minik8s.controllers.events import Source
from minik8s.controllers.pods import remove_pod
from minik8s.model.metadata import Document, is_terminating, name_of
from minik8s.model.registry import NODE, POD
from minik8s.model.workloads import condition, node_name, tolerates
from minik8s.store import StoreEvent

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"

_MANAGED = (NOT_READY, UNREACHABLE, UNSCHEDULABLE)


class NodeLifecycleController(Controller):
    """Keeps the taints of nodes, and evicts pods that do not tolerate them."""

    name = "node-controller"
    watches = (NODE, POD)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pods: dict[str, dict[Key, None]] = {}
        self._tainted: set[str] = set()
        self._timers: dict[Key, Timer] = {}
        self._due: dict[Key, float] = {}

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A node that changed, or a pod that has come to a node that evicts."""
        if event.kind == NODE:
            return (key_of(event.object),)
        node, key = node_name(event.object), key_of(event.object)
        if not node:
            return NOTHING
        if event.type == "DELETED":
            self._pods.get(node, {}).pop(key, None)
            self._spare(key)
            return NOTHING
        self._pods.setdefault(node, {})[key] = None
        return (("", node),) if node in self._tainted else NOTHING

    def reconcile(self, namespace: str, name: str) -> None:
        """Bring one node's taints up to date, and act on them."""
        node = self.store.get(NODE, namespace, name)
        if node is None:
            self._lost(name)
            return
        taints = self._taints(node)
        if taints != (node.get("spec", {}).get("taints") or []):
            spec = {**(node.get("spec") or {}), "taints": taints}
            if not taints:
                del spec["taints"]
            node = self.store.update(NODE, {**node, "spec": spec})
        self._evict(node, [taint for taint in taints if taint["effect"] == "NoExecute"])

    def _lost(self, node: str) -> None:
        """A node is gone: so are its pods (podgc-controller)."""
        for key in list(self._pods.pop(node, {})):
            if (pod := self.store.get(POD, *key)) is not None and node_name(pod) == node:
                remove_pod(self.store, pod, force=True)

    def _taints(self, node: Document) -> list[Document]:
        current: list[Document] = list(node.get("spec", {}).get("taints") or ())
        wanted = list(self._wanted(node))
        kept = [taint for taint in current if taint["key"] not in _MANAGED or _in(taint, wanted)]
        now = rfc3339(self.clock.now)
        for key, effect in wanted:
            if not any(t["key"] == key and t["effect"] == effect for t in kept):
                taint: Document = {"key": key, "effect": effect}
                kept.append({**taint, "timeAdded": now} if effect == "NoExecute" else taint)
        return kept

    def _wanted(self, node: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if node.get("spec", {}).get("unschedulable"):
            yield UNSCHEDULABLE, "NoSchedule"
        ready = condition(node, "Ready")
        if ready is None or ready["status"] == "True":
            return
        key = NOT_READY if ready["status"] == "False" else UNREACHABLE
        yield key, "NoSchedule"
        yield key, "NoExecute"

    # -- eviction by taint

    def _evict(self, node: Document, taints: list[Document]) -> None:
        name = name_of(node)
        if not taints:
            if name in self._tainted:
                self._tainted.discard(name)
                for key in self._pods.get(name, {}):
                    self._spare(key)
            return
        self._tainted.add(name)
        for key in list(self._pods.get(name, {})):
            pod = self.store.get(POD, *key)
            if pod is not None and not is_terminating(pod):
                self._judge(key, pod, taints)

    def _spare(self, key: Key) -> None:
        self._due.pop(key, None)
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()

    def _judge(self, key: Key, pod: Document, taints: list[Document]) -> None:
        tolerations, now = pod["spec"].get("tolerations") or [], self.clock.now
        due = min(_due(tolerations, taint, now) for taint in taints)
        if due < float("inf"):
            due = self._due.setdefault(
                key, due
            )  # a taint without `timeAdded` began when first seen
        if due <= now:
            source = Source("taint-eviction-controller")
            text = f"Marking for deletion Pod {'/'.join(key)}"
            self.context.recorder.normal(pod, "TaintManagerEviction", text, source)
            remove_pod(self.store, pod)
        elif due < float("inf") and key not in self._timers:
            node = node_name(pod)

            def again() -> None:
                self._timers.pop(key, None)
                self._wake(("", node))

            self._timers[key] = self.clock.call_at(due, again)


def _in(taint: Mapping[str, Any], wanted: list[tuple[str, str]]) -> bool:
    return (taint["key"], taint["effect"]) in wanted


def _due(tolerations: list[Document], taint: Document, now: float) -> float:
    """When a pod must go because of a taint: never, at once, or when its patience ends."""
    covering = [each for each in tolerations if tolerates([each], taint)]
    if not covering:
        return 0.0
    spans = [each["tolerationSeconds"] for each in covering if "tolerationSeconds" in each]
    if not spans:
        return float("inf")
    added = taint.get("timeAdded")
    return (parse_rfc3339(added) if added else now) + float(min(spans))
