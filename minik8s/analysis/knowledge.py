"""What files say of a cluster, and what they leave open.

Manifests rarely hold everything: namespaces are labelled by hand, and a namespace that stands
in a file may have no pods yet. A linter must not call a rule dead that such things bring to
life.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.analysis.implied import ONE_OF, contradictory
from minik8s.model.metadata import NAME_LABEL, Document, name_of
from minik8s.model.selectors import Selector
from minik8s.policy.compile import PeerMatch, PodMatch, Rule
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Peer


class Knowledge:
    """Which namespaces the documents declare, and with them their labels."""

    def __init__(self, documents: Iterable[Document], snapshot: Snapshot) -> None:
        self._declared = {name_of(d) for d in documents if d.get("kind") == "Namespace"}
        self._snapshot = snapshot

    def could_match(self, peer: PeerMatch) -> bool:
        """Whether pods that the documents do not hold, or labels, could match a peer."""
        if not isinstance(peer, PodMatch) or peer.namespaces is None:
            return False
        if contradictory(peer.namespaces) or contradictory(peer.pods):
            return False
        if not self._declared or self._elsewhere(peer.namespaces):
            return True
        return any(self._room(peer, name) for name in self._snapshot.namespaces)

    def _elsewhere(self, selector: Selector) -> bool:
        """Whether a namespace is asked for by a name that none of the files is about.

        Where kube-system is declared, the documents are those of a whole cluster.
        """
        if "kube-system" in self._declared:
            return False
        return any(
            requirement.key == NAME_LABEL
            and requirement.operator in ONE_OF
            and not self._snapshot.namespaces.keys() & set(requirement.values)
            for requirement in selector.requirements
        )

    def _room(self, peer: PodMatch, name: str) -> bool:
        """Whether a namespace may be meant, and has no pods yet or one that would match."""
        if not self._may_be(peer.namespaces, name):
            return False
        pods = self._snapshot.by_namespace.get(name)
        if not pods:
            return True
        if name in self._declared or peer.pods is None or peer.pods.empty:
            return False
        return any(peer.pods.matches(pod.labels) for pod in pods.values())

    def may_reach(self, rule: Rule, pod: Peer, protocol: str, port: int) -> bool:
        """Whether a rule lets a pod be reached if its namespace has the labels asked for."""
        ports = rule.ports is None or any(
            entry.matches(protocol, port, pod.ports) for entry in rule.ports
        )
        return ports and (rule.peers is None or any(self._may_hold(p, pod) for p in rule.peers))

    def _may_hold(self, peer: PeerMatch, pod: Peer) -> bool:
        if not isinstance(peer, PodMatch) or pod.namespace in self._declared:
            return peer.matches(pod)
        return (
            peer.namespace in (None, pod.namespace)
            and self._may_be(peer.namespaces, pod.namespace)
            and (peer.pods is None or peer.pods.matches(pod.labels))
        )

    def _may_be(self, selector: Selector | None, name: str) -> bool:
        """Whether a namespace may have the labels; only its name is sure if none declares it."""
        if selector is None:
            return True
        if name in self._declared:
            return selector.matches(self._snapshot.namespaces[name])
        own = {NAME_LABEL: name}
        return not contradictory(selector) and all(
            requirement.matches(own)
            for requirement in selector.requirements
            if requirement.key == NAME_LABEL
        )
