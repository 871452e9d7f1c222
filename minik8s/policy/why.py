"""Why the entries of a rule match a packet or do not: the data behind an explanation.

`decide` stops at the first match and keeps no reasons; this tries every entry and says for
each what failed. The two agree by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from minik8s.model.selectors import Selector
from minik8s.policy.addresses import parse_address
from minik8s.policy.compile import (
    Action,
    BlockMatch,
    CompiledPolicy,
    NodeMatch,
    PeerMatch,
    PodMatch,
    Rule,
    Tier,
)
from minik8s.policy.decide import Selection, named_ports
from minik8s.policy.ports import PROTOCOLS, PortMatch
from minik8s.policy.values import Direction, Peer, PolicyRef, RuleRef

NamedPorts = Mapping[tuple[str, str], int]


class Failure(Enum):
    """The part of a peer or port entry that did not match."""

    NOT_A_POD = "selectors match pods only"
    OTHER_NAMESPACE = "podSelector alone means the policy's own namespace"
    NAMESPACE_SELECTOR = "namespaceSelector does not match the labels of the namespace"
    POD_SELECTOR = "podSelector does not match the labels of the pod"
    OUTSIDE_BLOCK = "the address is not in the block"
    EXCEPTION = "the address is in an exception of the block"
    OTHER_IP_VERSION = "a block covers addresses of its own IP version only"
    NOT_A_NODE = "the peer is no node"
    NODE_SELECTOR = "the selector does not match the labels of the node"
    NOBODY = "the entry matches nobody"
    PROTOCOL = "another protocol"
    NO_PORT = "the packet has no port"
    NUMBER = "another port"
    RANGE = "the port is outside the range"
    NAME_UNDECLARED = "the destination declares no port of that name"
    NAME_PROTOCOL = "the destination declares the name for another protocol"
    NAME_NUMBER = "the name means another number on the destination"
    NAME_OUTSIDE = "a port name never matches an address that is not a pod"


@dataclass(frozen=True, slots=True)
class Trial:
    """One entry of a rule's peers or ports: None if it matched, else what failed.

    `detail` is the requirement, block or number that failed, as text.
    """

    index: int
    failure: Failure | None
    detail: str = ""

    @property
    def matched(self) -> bool:
        """Whether the entry matched."""
        return self.failure is None


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """One rule: its entries tried one by one; an empty list matches everything."""

    ref: RuleRef
    action: Action
    peers: tuple[Trial, ...]
    ports: tuple[Trial, ...]
    name: str = ""

    @property
    def matched(self) -> bool:
        """Whether peers AND ports match."""
        return _any(self.peers) and _any(self.ports)


@dataclass(frozen=True, slots=True)
class PolicyTrial:
    """One policy that selects the pod, with its rules for the direction."""

    policy: PolicyRef
    tier: Tier
    priority: int
    rules: tuple[RuleTrial, ...]


def _any(trials: tuple[Trial, ...]) -> bool:
    return not trials or any(trial.matched for trial in trials)


def try_policies(
    selection: Selection, pod: Peer, other: Peer, protocol: str, port: int | None
) -> tuple[PolicyTrial, ...]:
    """Every rule of every selecting policy, tried on a packet."""
    named = named_ports(selection.direction, pod, other)
    target = pod if selection.direction is Direction.INGRESS else other
    return tuple(
        PolicyTrial(
            policy.ref,
            policy.tier,
            policy.priority,
            tuple(
                try_rule(policy, selection.direction, rule, other, target, protocol, port, named)
                for rule in policy.rules[selection.direction]
            ),
        )
        for policy in selection.policies
    )


def try_rule(
    policy: CompiledPolicy,
    direction: Direction,
    rule: Rule,
    other: Peer,
    target: Peer,
    protocol: str,
    port: int | None,
    named: NamedPorts,
) -> RuleTrial:
    """One rule, tried on a packet to `target` whose other side is `other`."""
    peers = tuple(_peer_trial(i, match, other) for i, match in enumerate(rule.peers or ()))
    ports = tuple(
        _port_trial(i, entry, target, protocol, port, named)
        for i, entry in enumerate(rule.ports or ())
    )
    peer = next((trial.index for trial in peers if trial.matched), None)
    entry = next((trial.index for trial in ports if trial.matched), None)
    ref = RuleRef(policy.ref, direction, rule.index, peer, entry)
    return RuleTrial(ref, rule.action, peers, ports, rule.name)


def _peer_trial(index: int, match: PeerMatch, other: Peer) -> Trial:
    if match.matches(other):
        return Trial(index, None)
    if isinstance(match, PodMatch):
        return Trial(index, *_why_not_pod(match, other))
    if isinstance(match, BlockMatch):
        return Trial(index, *_why_not_blocks(match, other))
    if isinstance(match, NodeMatch):
        failure = Failure.NOT_A_NODE if other.node_labels is None else Failure.NODE_SELECTOR
        return Trial(index, failure, str(match.nodes))
    return Trial(index, Failure.NOBODY, match.why)


def _why_not_pod(match: PodMatch, other: Peer) -> tuple[Failure, str]:
    if not other.is_pod:
        return Failure.NOT_A_POD, other.key
    if match.namespace is not None and other.namespace != match.namespace:
        return Failure.OTHER_NAMESPACE, match.namespace
    if match.namespaces is not None and not match.namespaces.matches(other.namespace_labels):
        return Failure.NAMESPACE_SELECTOR, _unmet(match.namespaces, other.namespace_labels)
    selector = match.pods
    return Failure.POD_SELECTOR, _unmet(selector, other.labels) if selector is not None else ""


def _unmet(selector: Selector, labels: Mapping[str, str]) -> str:
    """The requirements that labels do not meet."""
    return ",".join(str(r) for r in selector.requirements if not r.matches(labels))


def _why_not_blocks(match: BlockMatch, other: Peer) -> tuple[Failure, str]:
    """The failure of the block that came closest."""
    address = parse_address(other.address)
    for block in match.blocks:
        hole = block.hole_at(address) if block.covers(address) else None
        if hole is not None:
            return Failure.EXCEPTION, block.hole_text(hole)
    texts = ",".join(map(str, match.blocks))
    if any(block.version == address[0] for block in match.blocks):
        return Failure.OUTSIDE_BLOCK, texts
    return Failure.OTHER_IP_VERSION, texts


def _port_trial(
    index: int, entry: PortMatch, target: Peer, protocol: str, port: int | None, named: NamedPorts
) -> Trial:
    if entry.matches(protocol, port, named):
        return Trial(index, None)
    if entry.protocol and entry.protocol != protocol:
        return Trial(index, Failure.PROTOCOL, entry.protocol)
    if port is None:
        return Trial(index, Failure.NO_PORT)
    if entry.name:
        return Trial(index, *_why_not_name(entry, target, protocol, named))
    if entry.first == entry.last:
        return Trial(index, Failure.NUMBER, str(entry.first))
    return Trial(index, Failure.RANGE, f"{entry.first}-{entry.last}")


def _why_not_name(
    entry: PortMatch, target: Peer, protocol: str, named: NamedPorts
) -> tuple[Failure, str]:
    if not target.is_pod:
        return Failure.NAME_OUTSIDE, entry.name
    number = named.get((entry.name, protocol))
    if number is not None:
        return Failure.NAME_NUMBER, f"{entry.name}={number}"
    others = [other for other in PROTOCOLS if (entry.name, other) in named]
    if others:
        return Failure.NAME_PROTOCOL, f"{entry.name}={named[entry.name, others[0]]}/{others[0]}"
    return Failure.NAME_UNDECLARED, entry.name
