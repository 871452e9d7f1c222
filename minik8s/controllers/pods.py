"""Making and ranking pods: what the controllers that own pods have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from minik8s.admission import default
from minik8s.clock import parse_rfc3339
from minik8s.controllers.deletion import delete
from minik8s.controllers.podadmission import admit_spec
from minik8s.ids import Ids
from minik8s.model.metadata import (
    Document,
    annotations_of,
    name_of,
    namespace_of,
    owner_reference,
    owners_of,
    uid_of,
)
from minik8s.model.registry import POD, REPLICA_SET
from minik8s.model.workloads import condition, is_ready, node_name, pod_phase, qos_class
from minik8s.store import Store

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

MOST_PODS = 5_000
"""How many pods one owner has at most. A real cluster makes more, until its memory or a quota is
used up; here one request for a billion replicas would use up the memory of this process."""

TOO_MANY = f"Error creating: no owner may have more than {MOST_PODS} pods here"

_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


class PodMaker:
    """Makes pods from templates; pods of one template share what they have in common."""

    __slots__ = ("_ids", "_specs", "_store")

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._specs: dict[str, tuple[Document, Document]] = {}

    def create(
        self,
        owner: Document,
        template: Document,
        *,
        name: str = "",
        labels: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
    ) -> Document:
        """Store a pod that belongs to an owner.

        Without a name it gets the owner's name and a random suffix; `labels` and `spec` are
        what the controller adds to the template.
        """
        metadata = self._metadata(owner, template, labels)
        if name:
            metadata["name"] = name
        else:
            metadata["generateName"] = f"{name_of(owner)}-"
            metadata["name"] = self.free_name(owner)
        body = self.admitted(owner, template)
        if spec:
            body = {**body, **spec}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": body,
            "status": {"phase": "Pending", "qosClass": qos_class(body)},
        }
        return self._store.create(POD, pod)

    def free_name(self, owner: Document) -> str:
        """The owner's name and a suffix that no pod of the namespace has."""
        stem = f"{name_of(owner)[:58]}-"
        while True:
            name = stem + self._ids.suffix("pods")
            if self._store.get(POD, namespace_of(owner), name) is None:
                return name

    def admitted(self, owner: Document, template: Document) -> Document:
        """The template's spec after admission, computed once for each template."""
        known = self._specs.get(uid_of(owner))
        if known is not None and known[0] is template:
            return known[1]
        spec = default(POD, {"spec": template.get("spec") or {}})["spec"]
        admitted = admit_spec(spec, self._ids)
        self._specs[uid_of(owner)] = (template, admitted)
        return admitted

    def forget(self, owner_uid: str) -> None:
        """Drop what was kept for an owner that is gone."""
        self._specs.pop(owner_uid, None)

    def _metadata(
        self, owner: Document, template: Document, labels: Mapping[str, str] | None
    ) -> dict[str, Any]:
        given = template.get("metadata") or {}
        metadata: dict[str, Any] = {"namespace": namespace_of(owner)}
        if given.get("labels") or labels:
            own = given.get("labels") or {}
            metadata["labels"] = {**own, **labels} if labels else own
        if given.get("annotations"):
            metadata["annotations"] = given["annotations"]
        if given.get("finalizers"):
            metadata["finalizers"] = given["finalizers"]
        metadata["ownerReferences"] = [owner_reference(owner)]
        return metadata


def ready_since(pod: Document) -> str:
    """When the pod became ready, as the API writes it; empty if it is not."""
    entry = condition(pod, "Ready")
    if entry is None or entry.get("status") != "True":
        return ""
    return str(entry.get("lastTransitionTime", ""))


def is_available(pod: Document, min_ready_seconds: int, now: float) -> bool:
    """Whether the pod has been ready for long enough (podutil.IsPodAvailable)."""
    if not is_ready(pod):
        return False
    return min_ready_seconds == 0 or available_in(pod, min_ready_seconds, now) <= 0


def available_in(pod: Document, min_ready_seconds: int, now: float) -> float:
    """The seconds until a ready pod counts as available."""
    since = ready_since(pod)
    return parse_rfc3339(since) + min_ready_seconds - now if since else float(min_ready_seconds)


def pods_to_delete(
    pods: list[Document], count: int, related: Iterable[Document] = ()
) -> list[Document]:
    """The pods to go first when a controller scales down (controller.ActivePodsWithRanks).

    In this order: without a node, pending, not ready, cheap to delete, on a node with many of
    their like (`related`), ready for a shorter time, restarted more often, younger.
    """
    crowd = Counter(node_name(pod) for pod in related)
    names = {name_of(pod): crowd[node_name(pod)] for pod in pods}
    return sorted(pods, key=lambda pod: _rank(pod, names))[:count]


def _rank(pod: Document, crowd: Mapping[str, int]) -> tuple[Any, ...]:
    return (
        bool(node_name(pod)),
        _PHASE_RANK.get(pod_phase(pod), 2),
        is_ready(pod),
        _cost(pod),
        -crowd[name_of(pod)],
        _Later(ready_since(pod)),
        -_restarts(pod),
        _Later(str(pod["metadata"].get("creationTimestamp", ""))),
        name_of(pod),
    )


class _Later:
    """A timestamp that sorts the later first."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: _Later) -> bool:
        return self.text > other.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Later) and self.text == other.text


def _cost(pod: Document) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _restarts(pod: Document) -> int:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return max((int(status.get("restartCount", 0)) for status in statuses), default=0)


def related_pods(store: Store, replica_set: Document) -> list[Document]:
    """The active pods of all ReplicaSets that share this one's owner."""
    owners = [owner.get("uid") for owner in owners_of(replica_set) if owner.get("controller")]
    if not owners:
        return store.dependents(uid_of(replica_set))
    siblings = [
        each for each in store.dependents(str(owners[0])) if each["kind"] == REPLICA_SET.kind
    ]
    return [pod for sibling in siblings for pod in store.dependents(uid_of(sibling))]


def remove_pod(store: Store, pod: Document, *, force: bool = False) -> None:
    """Ask a pod to go; `force` leaves it no grace, as for a node that is gone."""
    delete(store, POD, pod, grace=0 if force else None)
