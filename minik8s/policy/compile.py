"""From a policy document to its compiled form: every default resolved once.

The compiled form serves the datapath (`decide`), the explanation (`why`) and the matrix.
A selector that cannot be read selects nothing, a block that cannot be read covers nothing:
validation refuses both, yet a snapshot may hold them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, TypeAlias

from minik8s.model import policies as view
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.selectors import NOTHING, Selector, SelectorError, label_selector
from minik8s.policy.addresses import Block, parse_address
from minik8s.policy.ports import PortMatch
from minik8s.policy.values import Direction, Peer, PolicyRef

NETWORK_POLICY = "NetworkPolicy"

ANYTHING = Selector()
"""One object for every empty selector, so that the matrix meets it once."""


class Tier(IntEnum):
    """The order in which policies are asked (ClusterNetworkPolicy `spec.tier`)."""

    ADMIN = 0
    NETWORK_POLICY = 1
    BASELINE = 2


class Action(Enum):
    """What a matching rule does; a NetworkPolicy rule always accepts."""

    ACCEPT = "Accept"
    DENY = "Deny"
    PASS = "Pass"


@dataclass(frozen=True, slots=True)
class PodMatch:
    """Pods by selectors; nothing but pods with a network of their own ever matches.

    `namespace` pins one namespace by name; a selector that is None does not ask.
    """

    namespace: str | None = None
    namespaces: Selector | None = None
    pods: Selector | None = None

    def matches(self, peer: Peer) -> bool:
        """Whether the peer is such a pod."""
        if not peer.is_pod:
            return False
        if self.namespace is not None and peer.namespace != self.namespace:
            return False
        if self.namespaces is not None and not self.namespaces.matches(peer.namespace_labels):
            return False
        return self.pods is None or self.pods.matches(peer.labels)


@dataclass(frozen=True, slots=True)
class BlockMatch:
    """Addresses by blocks, pods and nodes included."""

    blocks: tuple[Block, ...]

    def matches(self, peer: Peer) -> bool:
        """Whether the peer's address lies in one of the blocks."""
        address = parse_address(peer.address)
        return any(address in block for block in self.blocks)


@dataclass(frozen=True, slots=True)
class NodeMatch:
    """Nodes by their labels, and with them the pods that use the node's network."""

    nodes: Selector

    def matches(self, peer: Peer) -> bool:
        """Whether the peer is such a node."""
        if peer.is_pod or peer.node_labels is None:
            return False
        return self.nodes.matches(peer.node_labels)


@dataclass(frozen=True, slots=True)
class ConstantMatch:
    """A peer that everything matches or nothing does, whatever its address.

    ClusterNetworkPolicy: a peer without a known field fails closed; `domainNames` stand for
    addresses that only a resolver knows.
    """

    value: bool
    why: str = ""

    def matches(self, _peer: Peer) -> bool:
        """Always the same answer."""
        return self.value


PeerMatch: TypeAlias = PodMatch | BlockMatch | NodeMatch | ConstantMatch


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: peers AND ports. None instead of a tuple: every peer, every port."""

    index: int
    peers: tuple[PeerMatch, ...] | None
    ports: tuple[PortMatch, ...] | None
    action: Action = Action.ACCEPT
    name: str = ""


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """One policy: whom it selects and its rules per direction.

    `rules` lacks a direction that the policy does not isolate (or, for the cluster-wide
    kinds, says nothing about).
    """

    ref: PolicyRef
    tier: Tier
    subject: PodMatch
    rules: Mapping[Direction, tuple[Rule, ...]]
    priority: int = 0


def compile_policy(document: Document) -> CompiledPolicy:
    """The compiled form of a NetworkPolicy document."""
    namespace = namespace_of(document) or "default"
    rules = {
        Direction(policy_type): tuple(_rules(document, policy_type, namespace))
        for policy_type in view.policy_types(document)
        if policy_type in view.SECTIONS
    }
    return CompiledPolicy(
        PolicyRef(NETWORK_POLICY, namespace, name_of(document)),
        Tier.NETWORK_POLICY,
        PodMatch(namespace=namespace, pods=read_selector(view.pod_selector(document))),
        rules,
    )


def _rules(document: Document, policy_type: str, namespace: str) -> Iterator[Rule]:
    for index, rule in enumerate(view.rules_of(document, policy_type)):
        peers = tuple(_peer(peer, namespace) for peer in view.peers_of(rule, policy_type))
        ports = tuple(_port(port) for port in view.ports_of(rule))
        yield Rule(index, peers or None, ports or None)


def _peer(peer: Mapping[str, Any], namespace: str) -> PeerMatch:
    block = peer.get("ipBlock")
    if block is not None:
        parsed = Block.of(block.get("cidr", ""), block.get("except") or ())
        return BlockMatch((parsed,) if parsed else ())
    pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if pods is None and namespaces is None:
        return ConstantMatch(False, "the peer names nobody")
    return PodMatch(
        namespace=namespace if namespaces is None else None,
        namespaces=None if namespaces is None else read_selector(namespaces),
        pods=None if pods is None else read_selector(pods),
    )


def _port(port: Mapping[str, Any] | None) -> PortMatch:
    port = port or {}
    protocol = port.get("protocol") or "TCP"
    number = port.get("port")
    if number is None:
        return PortMatch(protocol)
    if isinstance(number, str):
        return PortMatch(protocol, name=number)
    end = port.get("endPort")
    return PortMatch(protocol, number, number if end is None else end)


def read_selector(document: Mapping[str, Any] | None) -> Selector:
    """The selector of a document; one that makes no sense selects nothing."""
    try:
        selector = label_selector(document)
    except SelectorError:
        return NOTHING
    return ANYTHING if selector.empty else selector
