"""The smallest set of policies that would let a connection through.

NetworkPolicies only ever add, so each denied side gets one policy that selects the pod by as
few labels as tell it apart, and allows the other end on that port. The labels never take in
a pod that is not isolated yet: that pod would lose its other connections. What an Admin or
Baseline rule denies, only a ClusterNetworkPolicy of a lower number can allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice, product
from typing import Any

from minik8s.analysis.surroundings import Names, Surroundings
from minik8s.model.metadata import NAME_LABEL, Document
from minik8s.policy.addresses import parse_address
from minik8s.policy.clusterwide import CLUSTER_NETWORK_POLICY
from minik8s.policy.compile import NETWORK_POLICY, CompiledPolicy, Tier
from minik8s.policy.decide import match_rule, named_ports
from minik8s.policy.policyset import PolicySet
from minik8s.policy.ports import PROTOCOLS
from minik8s.policy.values import Direction, DirectionDecision, Peer, PolicyRef, Verdict

_MOST_PAIRS = 1000

_LAST_PRIORITY = 1000
"""The highest number that ClusterNetworkPolicy takes as `priority`."""


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


def suggest(around: Surroundings, needs: list[Need]) -> Suggestion:
    """The policies that would allow everything that is needed."""
    drafts: dict[tuple[object, ...], _Draft] = {}
    for need in needs:
        problem = _draft(around, need, drafts)
        if problem:
            return Suggestion((), (), problem)
    policies = tuple(_documents(around, drafts.values()))
    return Suggestion(policies, tuple(sorted(set(_opened(around, policies, needs)))))


def _draft(around: Surroundings, need: Need, drafts: dict[tuple[object, ...], _Draft]) -> str:
    """Put what one side needs into the drafts; or say why no policy can help."""
    matched = need.decision.matched
    direction, pod = need.decision.direction, need.pod
    selector = around.subject(direction, pod)
    tier, priority = Tier.NETWORK_POLICY, None
    if matched is not None:
        place = _place_before(around, need)
        if place is None:
            return f"{matched.policy.kind} {matched.policy} denies it with the first priority"
        if need.protocol not in PROTOCOLS or not (need.other.is_pod or _egress(direction)):
            return f"no rule can stand against {matched.policy.kind} {matched.policy} here"
        tier, priority = place
    key = (direction, pod.namespace, repr(selector), tier, priority)
    draft = drafts.setdefault(key, _Draft(direction, pod, selector, priority=priority, tier=tier))
    rule = _rule(around, need) if priority is None else _cluster_rule(around, need)
    if rule not in draft.rules:
        draft.rules.append(rule)
    other = "dns" if _is_dns(need) else _label_text(around.name(need.other))
    if other not in draft.others:
        draft.others.append(other)
    return ""


def _place_before(around: Surroundings, need: Need) -> tuple[Tier, int] | None:
    """A tier and priority that are asked before the rule that denies; None if there is none."""
    direction, matched = need.decision.direction, need.decision.matched
    denying = around.policies.get(matched.policy) if matched is not None else None
    if denying is None:
        return None
    if denying.priority > 0:
        return denying.tier, denying.priority - 1
    if denying.tier is Tier.ADMIN:
        return None
    named = named_ports(direction, need.pod, need.other)
    for policy, rule in around.policies.selection(direction, need.pod).rules:
        if policy.tier is Tier.ADMIN and match_rule(
            rule, need.other, need.protocol, need.port, named
        ):
            return (Tier.ADMIN, policy.priority - 1) if policy.priority > 0 else None
    return Tier.ADMIN, _LAST_PRIORITY


def _egress(direction: Direction) -> bool:
    return direction is Direction.EGRESS


def _is_dns(need: Need) -> bool:
    return need.other.labels.get("k8s-app") == "kube-dns" and need.port == 53


def _rule(around: Surroundings, need: Need) -> Document:
    peers = "to" if _egress(need.decision.direction) else "from"
    rule: Document = {peers: [_peer(around, need.pod, need.other)]}
    protocols = ("UDP", "TCP") if _is_dns(need) else (need.protocol,)
    if need.protocol in PROTOCOLS:
        rule["ports"] = [{"protocol": p, "port": need.port} for p in protocols]
    return rule


def _peer(around: Surroundings, pod: Peer, other: Peer) -> Document:
    if not other.is_pod:
        return {"ipBlock": {"cidr": _host_cidr(other.address)}}
    peer: Document = {"podSelector": around.peer(other)}
    if other.namespace != pod.namespace:
        peer = {"namespaceSelector": {"matchLabels": {NAME_LABEL: other.namespace}}, **peer}
    return peer


def _cluster_rule(around: Surroundings, need: Need) -> Document:
    peers = "to" if _egress(need.decision.direction) else "from"
    other = need.other
    peer: Document = {"networks": [_host_cidr(other.address)]}
    if other.is_pod:
        peer = {"pods": _pods(other.namespace, around.peer(other))}
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


def _documents(around: Surroundings, drafts: Iterable[_Draft]) -> Iterator[Document]:
    taken: set[PolicyRef] = set()
    for draft in drafts:
        cluster_wide = draft.priority is not None
        kind = CLUSTER_NETWORK_POLICY if cluster_wide else NETWORK_POLICY
        namespace = "" if cluster_wide else draft.pod.namespace
        first = _policy_name(draft, around.name)
        names = (first if n < 2 else f"{first}-{n}" for n in count(1))
        refs = (PolicyRef(kind, namespace, name) for name in names)
        ref = next(ref for ref in refs if ref not in taken and around.policies.get(ref) is None)
        taken.add(ref)
        yield _cluster_policy(draft, ref.name) if cluster_wide else _policy(draft, ref.name)


def _policy_name(draft: _Draft, name: Names) -> str:
    word, link = ("egress", "to") if _egress(draft.direction) else ("ingress", "from")
    others = "-and-".join(draft.others[:2])
    link = "" if draft.others == ["dns"] else f"{link}-"
    return f"{_label_text(name(draft.pod))}-{word}-allow-{link}{others}"[:240].rstrip("-.")


def _label_text(text: str) -> str:
    return text.lower().replace(".", "-").replace(":", "-").strip("-") or "peer"


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
    around: Surroundings, policies: Iterable[Document], needs: list[Need]
) -> Iterator[Opened]:
    """The other connections that the policies open, as the engine sees it."""
    before, after = around.policies, around.policies.copy()
    added = [after.upsert(document) for document in policies]
    asked = {(n.source.key, n.target.key, n.protocol, n.port) for n in needs}
    ports = {(n.protocol, n.port) for n in needs} | {("TCP", 53) for n in needs if _is_dns(n)}
    pairs = {
        (source.key, target.key): (source, target)
        for policy in added
        for source, target in _pairs(around, policy, needs)
        if source.key != target.key  # nobody stands between a pod and itself
    }
    found = (
        Opened(source.key, target.key, protocol, port)
        for source, target in pairs.values()
        for protocol, port in ports
        if (source.key, target.key, protocol, port) not in asked
        and _newly(before, after, source, target, protocol, port)
    )
    return islice(found, _MOST_PAIRS)


def _pairs(
    around: Surroundings, policy: CompiledPolicy, needs: list[Need]
) -> Iterator[tuple[Peer, Peer]]:
    """The ends that a suggested policy is about; it names no other namespaces."""
    spaces = sorted({end.namespace for need in needs for end in (need.source, need.target)})
    alike = [group for space in spaces for group in around.alike(space)]
    hosts = {need.other.key: need.other for need in needs if not need.other.is_pod}
    alike += [(host, [host]) for host in hosts.values()]
    subjects = [pod for sample, group in alike if policy.subject.matches(sample) for pod in group]
    for direction, rules in policy.rules.items():
        matches = [match for rule in rules for match in rule.peers or ()]
        for sample, group in alike:
            if any(match.matches(sample) for match in matches):
                for pod, other in product(subjects, group):
                    yield (pod, other) if _egress(direction) else (other, pod)


def _newly(
    before: PolicySet, after: PolicySet, source: Peer, target: Peer, protocol: str, port: int | None
) -> bool:
    # the policies only ever allow more, so most pairs fall at the first question
    pair = (source, target, protocol, port)
    return _allows(after, *pair) and not _allows(before, *pair)


def _allows(
    policies: PolicySet, source: Peer, target: Peer, protocol: str, port: int | None
) -> bool:
    """The verdict on a connection between two different ends; the second side only if need be."""
    sides = ((Direction.EGRESS, source, target), (Direction.INGRESS, target, source))
    return all(
        policies.decide_direction(*side, protocol, port).verdict is Verdict.ALLOW for side in sides
    )
