"""ReplicaSet and ReplicationController: keep a number of equal pods alive.

A pod belongs to the set that its controller reference names. A set also *adopts* pods that
match its selector and belong to nobody, and *releases* pods whose labels no longer match.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from minik8s.controllers.base import (
    NOTHING,
    Context,
    Controller,
    Key,
    Names,
    controlled,
    controller_keys,
    key_of,
    with_status,
)
from minik8s.controllers.events import Source
from minik8s.controllers.pods import (
    MOST_PODS,
    TOO_MANY,
    PodMaker,
    available_in,
    is_available,
    pods_to_delete,
    related_pods,
    remove_pod,
)
from minik8s.model.metadata import (
    Document,
    controller_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    owners_of,
    uid_of,
)
from minik8s.model.registry import POD, REPLICA_SET, REPLICATION_CONTROLLER, Kind
from minik8s.model.selectors import NOTHING as NO_PODS
from minik8s.model.selectors import Selector, label_selector, map_selector
from minik8s.model.workloads import is_active, is_ready, is_terminal, replicas_of
from minik8s.store import StoreEvent


class ReplicaSetController(Controller):
    """Creates and deletes pods until each set has as many as it asks for."""

    name = "replicaset-controller"
    kind: ClassVar[Kind] = REPLICA_SET
    watches = (REPLICA_SET,)
    owns = REPLICA_SET

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.pods = PodMaker(context.store, context.ids)
        self.source = Source(self.name)
        self._sets = Names()
        self._orphans = Names()

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A set that changed, the owner of a pod, or who may adopt an orphan."""
        if event.kind == POD:
            return self._concerned(event)
        key = key_of(event.object)
        if event.type == "DELETED":
            self._sets.discard(key)
            self.pods.forget(uid_of(event.object))
            return NOTHING
        self._sets.add(key)
        return (key,)

    def _concerned(self, event: StoreEvent) -> Iterable[Key]:
        pod = event.object
        keys = controller_keys(event, self.kind)
        if controller_of(pod) is not None or event.type == "DELETED":
            self._orphans.discard(key_of(pod))
            return keys
        self._orphans.add(key_of(pod))
        return [*keys, *self._candidates(pod)]

    def _candidates(self, pod: Document) -> Iterable[Key]:
        """The sets that may adopt a pod."""
        namespace = namespace_of(pod)
        for name in self._sets.within(namespace):
            owner = self.store.get(self.kind, namespace, name)
            if owner is not None and self.selector(owner).matches(labels_of(pod)):
                yield namespace, name

    def selector(self, owner: Document) -> Selector:
        """Which pods a set may own."""
        return label_selector(owner.get("spec", {}).get("selector"))

    def reconcile(self, namespace: str, name: str) -> None:
        """Claim, create, delete, count."""
        owner = self.store.get(self.kind, namespace, name)
        if owner is None:
            return
        mine = self._claim(owner)
        if not is_terminating(owner):
            self._scale(owner, [pod for pod in mine if is_active(pod)])
            owner = self.store.get(self.kind, namespace, name) or owner
        self._count(owner, controlled(self.store, owner, POD))

    # -- who belongs to it

    def _claim(self, owner: Document) -> list[Document]:
        selector = self.selector(owner)
        mine = []
        for pod in controlled(self.store, owner, POD):
            if selector.matches(labels_of(pod)):
                mine.append(pod)
            elif not is_terminating(pod):
                self._release(owner, pod)
        if not is_terminating(owner):
            mine += [self._adopt(owner, pod) for pod in self._adoptable(owner, selector)]
        return mine

    def _adoptable(self, owner: Document, selector: Selector) -> list[Document]:
        namespace = namespace_of(owner)
        names = self._orphans.within(namespace)
        pods = [self.store.get(POD, namespace, name) for name in names]
        return [pod for pod in pods if pod and is_active(pod) and selector.matches(labels_of(pod))]

    def _adopt(self, owner: Document, pod: Document) -> Document:
        references = [*owners_of(pod), owner_reference(owner)]
        metadata = {**pod["metadata"], "ownerReferences": references}
        return self.store.update(POD, {**pod, "metadata": metadata})

    def _release(self, owner: Document, pod: Document) -> None:
        references = [each for each in owners_of(pod) if each.get("uid") != uid_of(owner)]
        metadata = {**pod["metadata"], "ownerReferences": references}
        if not references:
            del metadata["ownerReferences"]
        self.store.update(POD, {**pod, "metadata": metadata})

    # -- how many there are

    def _scale(self, owner: Document, active: list[Document]) -> None:
        missing = replicas_of(owner) - len(active)
        if missing > 0:
            template = owner["spec"].get("template") or {}
            for _ in range(min(missing, MOST_PODS - len(active))):
                pod = self.pods.create(owner, template)
                self._tell(owner, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
            if missing > MOST_PODS - len(active):
                self.context.recorder.warning(owner, "FailedCreate", TOO_MANY, self.source)
        elif missing < 0:
            related = [pod for pod in related_pods(self.store, owner) if is_active(pod)]
            for pod in pods_to_delete(active, -missing, related):
                remove_pod(self.store, pod)
                self._tell(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _tell(self, owner: Document, reason: str, message: str) -> None:
        self.context.recorder.normal(owner, reason, message, self.source)

    def _count(self, owner: Document, pods: list[Document]) -> None:
        active = [pod for pod in pods if is_active(pod)]
        ready = [pod for pod in active if is_ready(pod)]
        patience = int(owner["spec"].get("minReadySeconds") or 0)
        now = self.clock.now
        available = [pod for pod in ready if is_available(pod, patience, now)]
        template = (owner["spec"].get("template") or {}).get("metadata") or {}
        labelled = map_selector(template.get("labels"))
        status: Document = {"replicas": len(active)}
        full = sum(labelled.matches(labels_of(pod)) for pod in active)
        counts = {
            "fullyLabeledReplicas": full,
            "readyReplicas": len(ready),
            "availableReplicas": len(available),
        }
        status |= {field: count for field, count in counts.items() if count}
        going = sum(is_terminating(pod) and not is_terminal(pod) for pod in pods)
        if self.kind == REPLICA_SET:
            status["terminatingReplicas"] = going
        status["observedGeneration"] = owner["metadata"].get("generation", 1)
        if status != owner.get("status"):
            self.store.update(self.kind, with_status(owner, status))
        if len(available) < len(ready):
            waits = [available_in(pod, patience, now) for pod in ready]
            self.enqueue_later(min(wait for wait in waits if wait > 0), key_of(owner))


class ReplicationControllerController(ReplicaSetController):
    """The same for the older kind, whose selector is a plain map of labels."""

    name = "replication-controller"
    kind = REPLICATION_CONTROLLER
    watches = (REPLICATION_CONTROLLER,)
    owns = REPLICATION_CONTROLLER

    def selector(self, owner: Document) -> Selector:
        """Which pods a controller may own; without a selector none."""
        labels = owner.get("spec", {}).get("selector")
        return map_selector(labels) if labels else NO_PODS
