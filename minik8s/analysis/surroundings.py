"""Labels to select a pod by: few, lasting, and no wider than they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from minik8s.model.metadata import Document
from minik8s.model.selectors import Selector, label_selector
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Direction, Peer

_VOLATILE = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
    }
)
"""Labels that controllers write and the next roll-out changes."""

_TELLING = ("app", "k8s-app", "app.kubernetes.io/name")
"""Labels to keep if one of several would do."""


Names = Callable[[Peer], str]

Alike = list[tuple[Peer, list[Peer]]]
"""Pods by equal labels, each group with one of them as its sample."""


class Surroundings:
    """The pods of a snapshot by namespace and labels, and names for them."""

    __slots__ = ("_alike", "_selectors", "name", "policies", "snapshot")

    def __init__(self, snapshot: Snapshot, name: Names) -> None:
        self.snapshot = snapshot
        self.policies = snapshot.policies
        self.name = name
        self._alike: dict[str, Alike] = {}
        self._selectors: dict[tuple[Direction | None, str], Document] = {}

    def subject(self, direction: Direction, pod: Peer) -> Document:
        """Labels to select a pod by, as the subject of a policy."""
        return self._remembered(direction, pod, partial(subject_selector, self, direction))

    def peer(self, pod: Peer) -> Document:
        """Labels to select a pod by, as the peer of a rule."""
        return self._remembered(None, pod, partial(peer_selector, self))

    def _remembered(
        self, direction: Direction | None, pod: Peer, make: Callable[[Peer], Document]
    ) -> Document:
        key = (direction, pod.key)
        found = self._selectors.get(key)
        if found is None:
            found = self._selectors[key] = make(pod)
        return found

    def alike(self, namespace: str) -> Alike:
        """The pods of a namespace that selectors can match, by equal labels."""
        found = self._alike.get(namespace)
        if found is None:
            groups: dict[frozenset[tuple[str, str]], list[Peer]] = {}
            for pod in self.snapshot.by_namespace.get(namespace, {}).values():
                if pod.is_pod:
                    groups.setdefault(frozenset(pod.labels.items()), []).append(pod)
            found = self._alike[namespace] = [(group[0], group) for group in groups.values()]
        return found


def subject_selector(around: Surroundings, direction: Direction, pod: Peer) -> Document:
    """Labels that select the pod and no pod that its namespace leaves open in a direction."""
    neighbours = around.alike(pod.namespace)
    selection = around.policies.selection

    def harmless(selector: Selector) -> bool:
        return all(
            selection(direction, other).isolated
            for other, _ in neighbours
            if selector.matches(other.labels)
        )

    return _narrow(pod, neighbours, harmless)


def peer_selector(around: Surroundings, pod: Peer) -> Document:
    """Labels that select the pod and as few others of its namespace as labels can."""
    neighbours = around.alike(pod.namespace)

    def telling(selector: Selector) -> bool:
        return bool(selector.requirements) or all(not other.labels for other, _ in neighbours)

    return _narrow(pod, neighbours, telling)


def _narrow(pod: Peer, neighbours: Alike, accept: Callable[[Selector], bool]) -> Document:
    """The shortest of three selectors that will do: lasting labels, all labels, and no others."""
    lasting = {key: value for key, value in pod.labels.items() if key not in _VOLATILE}
    for labels in (_shortest(lasting, neighbours), dict(pod.labels)):
        selector: Document = {"matchLabels": labels} if labels else {}
        if accept(label_selector(selector)):
            return selector
    extra = sorted({key for other, _ in neighbours for key in other.labels} - pod.labels.keys())
    expressions = [{"key": key, "operator": "DoesNotExist"} for key in extra]
    exact: Document = {"matchLabels": dict(pod.labels)} if pod.labels else {}
    return {**exact, "matchExpressions": expressions} if expressions else exact


def _shortest(labels: Mapping[str, str], neighbours: Alike) -> dict[str, str]:
    """The labels without those that do not narrow the choice."""
    chosen = dict(labels)
    others = [other.labels for other, _ in neighbours]
    size = sum(labels.items() <= other.items() for other in others)
    for key in sorted(labels, key=lambda key: (key in _TELLING, key)):
        fewer = {k: v for k, v in chosen.items() if k != key}
        if fewer and sum(fewer.items() <= other.items() for other in others) == size:
            chosen = fewer
    return chosen
