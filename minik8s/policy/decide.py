"""The verdict of one direction: a pure function of compiled policies and a packet.

Order of tiers: Admin, then the NetworkPolicies that select the pod, then Baseline only if
none did, then allow (ClusterNetworkPolicy v1alpha2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from minik8s.policy.compile import Action, CompiledPolicy, Rule, Tier
from minik8s.policy.values import (
    Direction,
    DirectionDecision,
    Peer,
    PolicyRef,
    Reason,
    RuleRef,
    Verdict,
)

_NO_PORTS: Mapping[tuple[str, str], int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Selection:
    """The policies that select one pod in one direction, tier by tier in order."""

    direction: Direction
    policies: tuple[CompiledPolicy, ...]
    refs: tuple[PolicyRef, ...]
    rules: tuple[tuple[CompiledPolicy, Rule], ...]
    isolated: bool

    @classmethod
    def of(cls, direction: Direction, policies: Sequence[CompiledPolicy]) -> Selection:
        """The selection made of policies that are known to select the pod."""
        concerned = [policy for policy in policies if direction in policy.rules]
        isolated = any(policy.tier is Tier.NETWORK_POLICY for policy in concerned)
        if isolated:
            concerned = [policy for policy in concerned if policy.tier is not Tier.BASELINE]
        concerned.sort(key=order)
        rules = [(policy, rule) for policy in concerned for rule in policy.rules[direction]]
        return cls(
            direction,
            tuple(concerned),
            tuple(policy.ref for policy in concerned),
            tuple(rules),
            isolated,
        )


def order(policy: CompiledPolicy) -> tuple[int, int, PolicyRef]:
    """The order of asking; equal priorities go by name, so that it is always the same."""
    return (policy.tier, policy.priority, policy.ref)


def match_rule(
    rule: Rule,
    other: Peer,
    protocol: str,
    port: int | None,
    named: Mapping[tuple[str, str], int],
) -> tuple[int | None, int | None] | None:
    """The indexes of the peer and the port that match, or None.

    `named` are the named ports of the destination. An index is None where the rule has no
    such list.
    """
    port_index: int | None = None
    if rule.ports is not None:
        for index, entry in enumerate(rule.ports):
            if entry.matches(protocol, port, named):
                port_index = index
                break
        else:
            return None
    if rule.peers is None:
        return (None, port_index)
    for peer_index, peer in enumerate(rule.peers):
        if peer.matches(other):
            return (peer_index, port_index)
    return None


def named_ports(direction: Direction, pod: Peer, other: Peer) -> Mapping[tuple[str, str], int]:
    """The named ports of the destination: the pod itself for ingress, the other for egress."""
    target = pod if direction is Direction.INGRESS else other
    return target.ports if target.is_pod else _NO_PORTS


def judge(
    selection: Selection, pod: Peer, other: Peer, protocol: str, port: int | None
) -> DirectionDecision:
    """The verdict of the selected policies on a packet between a pod and its other side."""
    direction, refs = selection.direction, selection.refs
    if not refs:
        return _NOT_SELECTED[direction]
    named = named_ports(direction, pod, other)
    passed: Tier | None = None
    for policy, rule in selection.rules:
        if policy.tier is passed:
            continue
        match = match_rule(rule, other, protocol, port, named)
        if match is None:
            continue
        if rule.action is Action.PASS:
            passed = policy.tier
            continue
        verdict = Verdict.ALLOW if rule.action is Action.ACCEPT else Verdict.DROP
        ref = RuleRef(policy.ref, direction, rule.index, *match)
        return DirectionDecision(direction, verdict, refs, ref, Reason.RULE)
    if selection.isolated:
        return DirectionDecision(direction, Verdict.DROP, refs, None, Reason.NO_RULE)
    return DirectionDecision(direction, Verdict.ALLOW, refs, None, Reason.NO_RULE)


def always_allowed(direction: Direction, pod: Peer, other: Peer) -> Reason | None:
    """Why policy is not asked at all, if so.

    Nodes, addresses outside and pods on the node's network are never selected; what comes
    from the pod's own node (kubelet probes) always passes.
    """
    if not pod.is_pod:
        return Reason.NOT_A_POD
    if direction is Direction.INGRESS and pod.node and other.node == pod.node and not other.is_pod:
        return Reason.OWN_NODE
    return None


def allowed(direction: Direction, reason: Reason) -> DirectionDecision:
    """The decision that needs no policy."""
    return DirectionDecision(direction, Verdict.ALLOW, (), None, reason)


_NOT_SELECTED = {direction: allowed(direction, Reason.NOT_SELECTED) for direction in Direction}
