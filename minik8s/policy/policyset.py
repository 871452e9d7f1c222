"""The policies of a cluster, compiled, indexed and kept current."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.policy.clusterwide import KINDS as CLUSTER_KINDS
from minik8s.policy.clusterwide import compile_cluster_policy
from minik8s.policy.compile import NETWORK_POLICY, CompiledPolicy, compile_policy
from minik8s.policy.decide import Selection, allowed, always_allowed, judge
from minik8s.policy.values import (
    Decision,
    Direction,
    DirectionDecision,
    Peer,
    PolicyRef,
    Reason,
    Verdict,
    Via,
)

_CACHE_LIMIT = 8192


class PolicySet:
    """Compiled policies of every namespace; a change recompiles only what it touches.

    >>> deny = {"kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "shop"}}
    >>> policies = PolicySet.of([deny])
    >>> web, api = Peer("10.0.0.1", "shop", "web"), Peer("10.0.0.2", "shop", "api")
    >>> policies.decide(web, api, "TCP", 80).dropped_by
    <Direction.INGRESS: 'Ingress'>
    """

    __slots__ = ("_cluster", "_compiled", "_namespaces", "_selections")

    def __init__(self) -> None:
        self._compiled: dict[PolicyRef, CompiledPolicy] = {}
        self._namespaces: dict[str, dict[str, CompiledPolicy]] = {}
        self._cluster: dict[PolicyRef, CompiledPolicy] = {}
        self._selections: dict[str, dict[object, Selection]] = {}

    @classmethod
    def of(cls, documents: Iterable[Document]) -> PolicySet:
        """The set of all policies among the documents; other kinds are passed over."""
        policies = cls()
        for document in documents:
            if document.get("kind") in KINDS:
                policies.upsert(document)
        return policies

    def copy(self) -> PolicySet:
        """A set of its own with the same compiled policies."""
        other = PolicySet()
        other._compiled = dict(self._compiled)
        other._namespaces = {name: dict(inside) for name, inside in self._namespaces.items()}
        other._cluster = dict(self._cluster)
        other._selections = {name: dict(known) for name, known in self._selections.items()}
        return other

    def __iter__(self) -> Iterator[CompiledPolicy]:
        return iter(self._compiled.values())

    def __len__(self) -> int:
        return len(self._compiled)

    def get(self, ref: PolicyRef) -> CompiledPolicy | None:
        """The compiled form of one policy."""
        return self._compiled.get(ref)

    def find(self, document: Document) -> CompiledPolicy | None:
        """The compiled form that a document of the same kind, namespace and name has here."""
        kind = document.get("kind", NETWORK_POLICY)
        namespace = "" if kind in CLUSTER_KINDS else namespace_of(document) or "default"
        return self._compiled.get(PolicyRef(kind, namespace, name_of(document)))

    def upsert(self, document: Document) -> CompiledPolicy:
        """Add a policy, or replace the one of the same kind, namespace and name."""
        if document.get("kind") in CLUSTER_KINDS:
            policy = compile_cluster_policy(document)
            self._cluster[policy.ref] = policy
        else:
            policy = compile_policy(document)
            self._namespaces.setdefault(policy.ref.namespace, {})[policy.ref.name] = policy
        self._compiled[policy.ref] = policy
        self._forget(policy.ref)
        return policy

    def remove(self, namespace: str, name: str, kind: str = NETWORK_POLICY) -> None:
        """Take a policy out; one that is not there is passed over."""
        ref = PolicyRef(kind, namespace, name)
        if self._compiled.pop(ref, None) is None:
            return
        if self._cluster.pop(ref, None) is None:
            inside = self._namespaces[namespace]
            del inside[name]
            if not inside:
                del self._namespaces[namespace]
        self._forget(ref)

    def decide(
        self,
        source: Peer,
        destination: Peer,
        protocol: str,
        port: int | None,
        *,
        via: Via = Via.ADDRESS,
    ) -> Decision:
        """The verdict on a connection, both directions.

        Address and port are those of the destination pod, after Service translation. `port`
        is None for protocols without ports (ICMP).
        """
        if via is Via.ADDRESS and _same_pod(source, destination):
            return _LOOPBACK
        egress = self.decide_direction(Direction.EGRESS, source, destination, protocol, port)
        ingress = self.decide_direction(Direction.INGRESS, destination, source, protocol, port)
        verdict = (
            Verdict.ALLOW if egress.verdict is ingress.verdict is Verdict.ALLOW else Verdict.DROP
        )
        return Decision(verdict, egress, ingress)

    def decide_direction(
        self, direction: Direction, pod: Peer, other: Peer, protocol: str, port: int | None
    ) -> DirectionDecision:
        """The verdict of one side: what the datapath asks at each hook, for NEW packets.

        `pod` is the side that is judged (source for egress, destination for ingress). A pod
        that is its own other side is judged as any (hairpin); loopback never gets here.
        """
        reason = always_allowed(direction, pod, other)
        if reason is not None:
            return allowed(direction, reason)
        return judge(self.selection(direction, pod), pod, other, protocol, port)

    def selection(self, direction: Direction, pod: Peer) -> Selection:
        """The policies that select the pod in a direction, remembered for its labels."""
        namespace = pod.namespace
        known = self._selections.get(namespace)
        if known is None:
            known = self._selections[namespace] = {}
        key: object = (direction, frozenset(pod.labels.items()))
        if self._cluster:
            key = (key, frozenset(pod.namespace_labels.items()))
        selection = known.get(key)
        if selection is None:
            if len(known) >= _CACHE_LIMIT:
                known.clear()
            selection = known[key] = Selection.of(direction, list(self.selecting(pod)))
        return selection

    def selecting(self, pod: Peer) -> Iterator[CompiledPolicy]:
        """Every policy that selects a pod in any direction, of all tiers, in no order."""
        for policy in self._namespaces.get(pod.namespace, {}).values():
            if policy.subject.matches(pod):
                yield policy
        for policy in self._cluster.values():
            if policy.subject.matches(pod):
                yield policy

    def _forget(self, ref: PolicyRef) -> None:
        if ref.namespace:
            self._selections.pop(ref.namespace, None)
        else:
            self._selections.clear()


KINDS = frozenset({NETWORK_POLICY, *CLUSTER_KINDS})
"""The kinds that a policy set understands."""


def _same_pod(one: Peer, other: Peer) -> bool:
    return one.is_pod and other.is_pod and one.key == other.key


_LOOPBACK = Decision(
    Verdict.ALLOW,
    allowed(Direction.EGRESS, Reason.LOOPBACK),
    allowed(Direction.INGRESS, Reason.LOOPBACK),
)
