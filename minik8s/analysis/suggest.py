"""The smallest set of policies that would let a connection through.

NetworkPolicies only ever add, so each denied side gets one policy that selects the pod by as
few labels as tell it apart, and allows the other end on that port. The labels never take in
a pod that is not isolated yet: that pod would lose its other connections. What an Admin or
Baseline rule denies, only a ClusterNetworkPolicy of a lower number can allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from minik8s.model.metadata import NAME_LABEL, Document
from minik8s.model.selectors import Selector, label_selector
from minik8s.policy.addresses import parse_address
from minik8s.policy.clusterwide import CLUSTER_NETWORK_POLICY
from minik8s.policy.compile import Tier
from minik8s.policy.policyset import PolicySet
from minik8s.policy.ports import PROTOCOLS
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Direction, DirectionDecision, Peer, Verdict, Via

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

_MOST_PAIRS = 1000


@dataclass(frozen=True, slots=True)
class Need:
    """One side that drops, and the connection it drops."""

    decision: DirectionDecision
    source: Peer
    target: Peer
    protocol: str
    port: int | None

    @property
    def pod(self) -> Peer:
        """The pod whose side drops."""
        return self.source if self.decision.direction is Direction.EGRESS else self.target

    @property
    def other(self) -> Peer:
        """The other end."""
        return self.target if self.decision.direction is Direction.EGRESS else self.source


@dataclass(frozen=True, slots=True, order=True)
class Opened:
    """A connection that the suggestion opens besides the one asked for."""

    source: str
    target: str
    protocol: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Policies to apply, and what else they open: pods that no chosen label tells apart.

    `opens` stops after a thousand pairs. `note` says why nothing can be suggested.
    """

    policies: tuple[Document, ...]
    opens: tuple[Opened, ...] = ()
    note: str = ""


@dataclass(slots=True)
class _Draft:
    """One policy in the making: a subject, and rules without repetition."""

    direction: Direction
    pod: Peer
    selector: Document
    rules: list[Document] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    priority: int | None = None
    tier: Tier = Tier.NETWORK_POLICY


Names = Callable[[Peer], str]


def suggest(snapshot: Snapshot, name: Names, needs: list[Need]) -> Suggestion:
    """The policies that would allow everything that is needed."""
    drafts: dict[tuple[object, ...], _Draft] = {}
    for need in needs:
        problem = _draft(snapshot, name, need, drafts)
        if problem:
            return Suggestion((), (), problem)
    policies = tuple(_documents(snapshot.policies, name, drafts.values()))
    return Suggestion(policies, tuple(sorted(set(_opened(snapshot, policies, needs)))))


def _draft(
    snapshot: Snapshot, name: Names, need: Need, drafts: dict[tuple[object, ...], _Draft]
) -> str:
    """Put what one side needs into the drafts; or say why no policy can help."""
    matched = need.decision.matched
    direction, pod = need.decision.direction, need.pod
    selector = subject_selector(snapshot, direction, pod)
    tier, priority = Tier.NETWORK_POLICY, None
    if matched is not None:
        denying = snapshot.policies.get(matched.policy)
        tier, priority = (denying.tier, denying.priority - 1) if denying else (tier, -1)
        if priority < 0:
            return f"{matched.policy.kind} {matched.policy} denies it with the first priority"
        if need.protocol not in PROTOCOLS or not (need.other.is_pod or _egress(direction)):
            return f"no rule can stand against {matched.policy.kind} {matched.policy} here"
    key = (direction, pod.namespace, repr(selector), tier, priority)
    draft = drafts.setdefault(key, _Draft(direction, pod, selector, priority=priority, tier=tier))
    rule = _rule(snapshot, need) if priority is None else _cluster_rule(snapshot, need)
    if rule not in draft.rules:
        draft.rules.append(rule)
    other = "dns" if _is_dns(need) else _label_text(name(need.other))
    if other not in draft.others:
        draft.others.append(other)
    return ""


def _egress(direction: Direction) -> bool:
    return direction is Direction.EGRESS


def _is_dns(need: Need) -> bool:
    return need.other.labels.get("k8s-app") == "kube-dns" and need.port == 53


def _rule(snapshot: Snapshot, need: Need) -> Document:
    peers = "to" if _egress(need.decision.direction) else "from"
    rule: Document = {peers: [_peer(snapshot, need.pod, need.other)]}
    protocols = ("UDP", "TCP") if _is_dns(need) else (need.protocol,)
    if need.protocol in PROTOCOLS:
        rule["ports"] = [{"protocol": p, "port": need.port} for p in protocols]
    return rule


def _peer(snapshot: Snapshot, pod: Peer, other: Peer) -> Document:
    if not other.is_pod:
        return {"ipBlock": {"cidr": _host_cidr(other.address)}}
    peer: Document = {"podSelector": peer_selector(snapshot, other)}
    if other.namespace != pod.namespace:
        peer = {"namespaceSelector": {"matchLabels": {NAME_LABEL: other.namespace}}, **peer}
    return peer


def _cluster_rule(snapshot: Snapshot, need: Need) -> Document:
    peers = "to" if _egress(need.decision.direction) else "from"
    other = need.other
    peer: Document = {"networks": [_host_cidr(other.address)]}
    if other.is_pod:
        peer = {"pods": _pods(other.namespace, peer_selector(snapshot, other))}
    protocols = ("UDP", "TCP") if _is_dns(need) else (need.protocol,)
    ports = [{p.lower(): {"destinationPort": {"number": need.port}}} for p in protocols]
    return {"action": "Accept", peers: [peer], "protocols": ports}


def _pods(namespace: str, selector: Document) -> Document:
    return {
        "namespaceSelector": {"matchLabels": {NAME_LABEL: namespace}},
        "podSelector": selector,
    }


def _host_cidr(address: str) -> str:
    return f"{address}/{32 if parse_address(address)[0] == 4 else 128}"


def subject_selector(snapshot: Snapshot, direction: Direction, pod: Peer) -> Document:
    """Labels that select the pod and no pod that its namespace leaves open in a direction."""
    neighbours = list(_neighbours(snapshot, pod.namespace))
    selection = snapshot.policies.selection

    def harmless(selector: Selector) -> bool:
        return all(
            selection(direction, other).isolated
            for other in neighbours
            if selector.matches(other.labels)
        )

    return _narrow(pod, neighbours, harmless)


def peer_selector(snapshot: Snapshot, pod: Peer) -> Document:
    """Labels that select the pod and as few others of its namespace as labels can."""
    neighbours = list(_neighbours(snapshot, pod.namespace))

    def telling(selector: Selector) -> bool:
        return bool(selector.requirements) or all(not other.labels for other in neighbours)

    return _narrow(pod, neighbours, telling)


def _neighbours(snapshot: Snapshot, namespace: str) -> Iterator[Peer]:
    return (pod for pod in snapshot.by_namespace.get(namespace, ()) if pod.is_pod)


def _narrow(pod: Peer, neighbours: list[Peer], accept: Callable[[Selector], bool]) -> Document:
    """The shortest of three selectors that will do: lasting labels, all labels, and no others."""
    lasting = {key: value for key, value in pod.labels.items() if key not in _VOLATILE}
    for labels in (_shortest(lasting, neighbours), dict(pod.labels)):
        selector: Document = {"matchLabels": labels} if labels else {}
        if accept(label_selector(selector)):
            return selector
    extra = sorted({key for other in neighbours for key in other.labels} - pod.labels.keys())
    expressions = [{"key": key, "operator": "DoesNotExist"} for key in extra]
    exact: Document = {"matchLabels": dict(pod.labels)} if pod.labels else {}
    return {**exact, "matchExpressions": expressions} if expressions else exact


def _shortest(labels: Mapping[str, str], neighbours: Iterable[Peer]) -> dict[str, str]:
    """The labels without those that do not narrow the choice."""
    chosen = dict(labels)
    others = [other.labels for other in neighbours]
    size = sum(labels.items() <= other.items() for other in others)
    for key in sorted(labels, key=lambda key: (key in _TELLING, key)):
        fewer = {k: v for k, v in chosen.items() if k != key}
        if fewer and sum(fewer.items() <= other.items() for other in others) == size:
            chosen = fewer
    return chosen


def _documents(policies: PolicySet, name: Names, drafts: Iterable[_Draft]) -> Iterator[Document]:
    taken = {(policy.ref.namespace, policy.ref.name) for policy in policies}
    for draft in drafts:
        cluster_wide = draft.priority is not None
        namespace = "" if cluster_wide else draft.pod.namespace
        chosen = _free_name(_policy_name(draft, name), namespace, taken)
        taken.add((namespace, chosen))
        yield _cluster_policy(draft, chosen) if cluster_wide else _policy(draft, chosen)


def _policy_name(draft: _Draft, name: Names) -> str:
    word, link = ("egress", "to") if _egress(draft.direction) else ("ingress", "from")
    others = "-and-".join(draft.others[:2])
    link = "" if draft.others == ["dns"] else f"{link}-"
    return f"{_label_text(name(draft.pod))}-{word}-allow-{link}{others}"[:240].rstrip("-.")


def _label_text(text: str) -> str:
    return text.lower().replace(".", "-").replace(":", "-").strip("-") or "peer"


def _free_name(name: str, namespace: str, taken: set[tuple[str, str]]) -> str:
    chosen, number = name, 2
    while (namespace, chosen) in taken:
        chosen, number = f"{name}-{number}", number + 1
    return chosen


def _policy(draft: _Draft, name: str) -> Document:
    section = draft.direction.value.lower()
    spec: dict[str, Any] = {
        "podSelector": draft.selector,
        "policyTypes": [draft.direction.value],
        section: draft.rules,
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": draft.pod.namespace},
        "spec": spec,
    }


def _cluster_policy(draft: _Draft, name: str) -> Document:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": CLUSTER_NETWORK_POLICY,
        "metadata": {"name": name},
        "spec": {
            "tier": "Admin" if draft.tier is Tier.ADMIN else "Baseline",
            "priority": draft.priority,
            "subject": {"pods": _pods(draft.pod.namespace, draft.selector)},
            draft.direction.value.lower(): draft.rules,
        },
    }


def _opened(
    snapshot: Snapshot, policies: Iterable[Document], needs: list[Need]
) -> Iterator[Opened]:
    """The other connections that the policies open, as the engine sees it."""
    before, after = snapshot.policies, snapshot.policies.copy()
    added = [after.upsert(document) for document in policies]
    asked = {(n.source.key, n.target.key, n.protocol, n.port) for n in needs}
    ports = {(n.protocol, n.port) for n in needs} | {("TCP", 53) for n in needs if _is_dns(n)}
    spaces = {end.namespace for need in needs for end in (need.source, need.target)}
    pods = [pod for space in sorted(spaces) for pod in _neighbours(snapshot, space)]
    outside = [n.other for n in needs if not n.other.is_pod]
    found = 0
    for policy in added:
        subjects = [pod for pod in pods if policy.subject.matches(pod)]
        for direction, rules in policy.rules.items():
            peers = {
                peer.key: peer
                for rule in rules
                for match in rule.peers or ()
                for peer in (*pods, *outside)
                if match.matches(peer)
            }
            for pod in subjects:
                for other in peers.values():
                    ends = (pod, other) if _egress(direction) else (other, pod)
                    for protocol, port in ports:
                        key = (ends[0].key, ends[1].key, protocol, port)
                        if key in asked or not _newly(before, after, *ends, protocol, port):
                            continue
                        found += 1
                        if found > _MOST_PAIRS:
                            return
                        yield Opened(*key)


def _newly(
    before: PolicySet, after: PolicySet, source: Peer, target: Peer, protocol: str, port: int | None
) -> bool:
    via = Via.ADDRESS
    return (
        before.decide(source, target, protocol, port, via=via).verdict is Verdict.DROP
        and after.decide(source, target, protocol, port, via=via).verdict is Verdict.ALLOW
    )
