"""DaemonSet: one pod on each node that its template allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minik8s.controllers.base import (
    NOTHING,
    Context,
    Controller,
    Key,
    controlled,
    controller_key,
    key_of,
    with_status,
)
from minik8s.controllers.events import Source
from minik8s.controllers.placement import Placement
from minik8s.controllers.pods import PodMaker, is_available, remove_pod
from minik8s.controllers.revisions import HASH_LABEL, current_revision, drop_old
from minik8s.controllers.rollout import scaled
from minik8s.model.metadata import Document, is_terminating, labels_of, name_of, uid_of
from minik8s.model.registry import DAEMON_SET, NODE, POD
from minik8s.model.workloads import host_network, is_ready, is_terminal, node_name, tolerates
from minik8s.store import StoreEvent

GENERATION_LABEL = "pod-template-generation"

_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_NETWORK_UNAVAILABLE = ("node.kubernetes.io/network-unavailable", "NoSchedule")


class DaemonSetController(Controller):
    """Keeps one pod of each DaemonSet on each matching node."""

    name = "daemonset-controller"
    watches = (DAEMON_SET, NODE)
    owns = DAEMON_SET

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.pods = PodMaker(context.store, context.ids)
        self.source = Source(self.name)
        self._sets: dict[Key, None] = {}
        self._specs: dict[tuple[str, str], tuple[Document, dict[str, Any]]] = {}

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A DaemonSet, the owner of a pod, or all of them when nodes come, go or change."""
        if event.kind == POD:
            key = controller_key(event.object, DAEMON_SET)
            return (key,) if key else NOTHING
        if event.kind == NODE:
            same = event.previous is not None and _same_place(event.previous, event.object)
            return NOTHING if same else tuple(self._sets)
        key = key_of(event.object)
        if event.type == "DELETED":
            self._sets.pop(key, None)
            self.pods.forget(uid_of(event.object))
            return NOTHING
        self._sets[key] = None
        return (key,)

    def reconcile(self, namespace: str, name: str) -> None:
        """Create, delete, replace, count."""
        owner = self.store.get(DAEMON_SET, namespace, name)
        if owner is None:
            return
        revision = current_revision(self.context, owner, bare_hash=True)
        by_node = self._by_node(owner)
        nodes = self.store.list(NODE)
        wanted = [name_of(node) for node in nodes if self._should_run(owner, node)]
        if not is_terminating(owner):
            self._place(owner, revision, by_node, wanted)
            self._replace(owner, revision, self._by_node(owner), wanted)
            drop_old(self.context, owner, {revision, *self._hashes(owner)})
        self._count(owner, revision, wanted)

    def _by_node(self, owner: Document) -> dict[str, list[Document]]:
        pods: dict[str, list[Document]] = {}
        for pod in controlled(self.store, owner, POD):
            pods.setdefault(_target(pod), []).append(pod)
        return pods

    def _hashes(self, owner: Document) -> Iterable[str]:
        return {labels_of(pod).get(HASH_LABEL, "") for pod in controlled(self.store, owner, POD)}

    def _should_run(self, owner: Document, node: Document) -> bool:
        """Whether a node's labels and taints allow a pod (nodeShouldRunDaemonPod)."""
        spec = (owner["spec"].get("template") or {}).get("spec") or {}
        placement = Placement({"metadata": {}, "spec": spec}, {})
        if not placement.selects(node):
            return False
        tolerations = [*(spec.get("tolerations") or ()), *_added(spec)]
        taints = node.get("spec", {}).get("taints") or ()
        blocking = ("NoSchedule", "NoExecute")
        return all(tolerates(tolerations, t) for t in taints if t["effect"] in blocking)

    def _place(
        self,
        owner: Document,
        revision: str,
        by_node: dict[str, list[Document]],
        wanted: list[str],
    ) -> None:
        for node in wanted:
            alive = [pod for pod in by_node.get(node, ()) if not is_terminal(pod)]
            if not alive and not any(is_terminating(pod) for pod in by_node.get(node, ())):
                self._create(owner, revision, node)
        for node, pods in by_node.items():
            surplus = pods if node not in wanted else [p for p in pods if is_terminal(p)]
            for pod in surplus:
                self._delete(owner, pod)

    def _create(self, owner: Document, revision: str, node: str) -> None:
        template = owner["spec"].get("template") or {}
        generation = str(owner["metadata"].get("generation", 1))
        labels = {HASH_LABEL: revision, GENERATION_LABEL: generation}
        spec = self.pods.admitted(owner, template)
        shared = self._shared(owner, node, spec)
        pod = self.pods.create(owner, template, labels=labels, spec=shared)
        text = f"Created pod: {name_of(pod)}"
        self.context.recorder.normal(owner, "SuccessfulCreate", text, self.source)

    def _shared(self, owner: Document, node: str, spec: Document) -> dict[str, Any]:
        """What a pod of this set on this node adds to the template, made once."""
        known = self._specs.get((uid_of(owner), node))
        if known is not None and known[0] is spec:
            return known[1]
        tolerations = [*(spec.get("tolerations") or ()), *_added(spec)]
        made = {
            "affinity": _pinned(spec.get("affinity") or {}, node),
            "tolerations": [t for i, t in enumerate(tolerations) if t not in tolerations[:i]],
        }
        self._specs[uid_of(owner), node] = (spec, made)
        return made

    def _delete(self, owner: Document, pod: Document) -> None:
        if is_terminating(pod):
            return
        remove_pod(self.store, pod)
        text = f"Deleted pod: {name_of(pod)}"
        self.context.recorder.normal(owner, "SuccessfulDelete", text, self.source)

    def _replace(
        self,
        owner: Document,
        revision: str,
        by_node: dict[str, list[Document]],
        wanted: list[str],
    ) -> None:
        """Delete pods of an old template, no more at once than may be unavailable."""
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        rolling = strategy.get("rollingUpdate") or {}
        limit = scaled(rolling.get("maxUnavailable", 1), len(wanted), up=True)
        limit = max(1, limit)
        old, missing = [], 0
        for node in wanted:
            alive = [pod for pod in by_node.get(node, ()) if not is_terminating(pod)]
            if not alive or not is_ready(alive[0]):
                missing += 1
            if alive and labels_of(alive[0]).get(HASH_LABEL) != revision:
                old.append(alive[0])
        unready = [pod for pod in old if not is_ready(pod)]
        ready = [pod for pod in old if is_ready(pod)]
        for pod in [*unready, *ready[: max(0, limit - missing)]]:
            self._delete(owner, pod)

    def _count(self, owner: Document, revision: str, wanted: list[str]) -> None:
        by_node = self._by_node(owner)
        patience = int(owner["spec"].get("minReadySeconds") or 0)
        on_wanted = [
            pod
            for node in wanted
            for pod in by_node.get(node, ())[:1]
            if node_name(pod) or _target(pod)
        ]
        ready = [pod for pod in on_wanted if is_ready(pod)]
        available = [pod for pod in ready if is_available(pod, patience, self.clock.now)]
        updated = [pod for pod in on_wanted if labels_of(pod).get(HASH_LABEL) == revision]
        status: Document = {
            "currentNumberScheduled": len(on_wanted),
            "desiredNumberScheduled": len(wanted),
            "numberMisscheduled": sum(node not in wanted for node in by_node),
            "numberReady": len(ready),
        }
        optional = {
            "numberAvailable": len(available),
            "numberUnavailable": len(wanted) - len(available),
            "updatedNumberScheduled": len(updated),
        }
        status |= {field: count for field, count in optional.items() if count}
        status["observedGeneration"] = owner["metadata"].get("generation", 1)
        if status != owner.get("status"):
            self.store.update(DAEMON_SET, with_status(owner, status))


def _same_place(before: Document, after: Document) -> bool:
    """Whether a node offers the same as before: labels and taints decide where pods belong."""
    same_labels = before["metadata"].get("labels") == after["metadata"].get("labels")
    return same_labels and before.get("spec") == after.get("spec")


def _added(spec: Document) -> list[Document]:
    """The tolerations that every daemon pod gets."""
    rows = [*_TOLERATED, *([_NETWORK_UNAVAILABLE] if host_network({"spec": spec}) else [])]
    return [{"key": key, "operator": "Exists", "effect": effect} for key, effect in rows]


def _pinned(affinity: Document, node: str) -> Document:
    """Affinity to one node by name, in the place of any other node affinity."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return {
        **affinity,
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms},
    }


def _target(pod: Document) -> str:
    """The node that a daemon pod was made for."""
    if node := node_name(pod):
        return node
    affinity = pod["spec"].get("affinity") or {}
    required = (affinity.get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("values"):
                return str(field["values"][0])
    return ""
