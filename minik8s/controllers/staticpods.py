"""Static pods: a kubelet shows them to the API server as mirror pods, again and again.

Deleting a mirror pod stops nothing for long: the kubelet makes another one from its file.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.controllers.base import NOTHING, Context, Controller, Key, key_of
from minik8s.controllers.podadmission import MIRROR
from minik8s.model.metadata import Document, annotations_of
from minik8s.model.registry import NODE, POD
from minik8s.model.workloads import node_name, qos_class
from minik8s.store import StoreEvent

_OF_THE_OLD = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "resourceVersion",
    "uid",
)


class StaticPods(Controller):
    """Makes mirror pods anew as long as their node is there."""

    name = "static-pods"
    watches = (POD,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._gone: dict[Key, Document] = {}

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A mirror pod that has been deleted."""
        if event.type != "DELETED" or MIRROR not in annotations_of(event.object):
            return NOTHING
        key = key_of(event.object)
        self._gone[key] = event.object
        return (key,)

    def retire(self) -> None:
        """Let go for good what has been deleted since the last settling."""
        self._gone.clear()

    def reconcile(self, namespace: str, name: str) -> None:
        """Make one mirror pod anew."""
        old = self._gone.pop((namespace, name), None)
        if old is None or self.store.get(NODE, "", node_name(old)) is None:
            return
        if self.store.get(POD, namespace, name) is not None:
            return
        metadata = {k: v for k, v in old["metadata"].items() if k not in _OF_THE_OLD}
        status = {"phase": "Pending", "qosClass": qos_class(old["spec"])}
        self.store.create(POD, {**old, "metadata": metadata, "status": status})
