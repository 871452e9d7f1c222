"""The values that policy takes and gives: peers of a packet, verdicts and their reasons.

A policy *selects* pods; a selected pod is *isolated* for ingress, egress or both; a rule
lists *peers* and *ports*. A decision is data: words and colours come later, elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


def _nothing() -> Mapping[_K, _V]:
    return MappingProxyType({})


class Direction(Enum):
    """The side of a pod that a policy isolates (`policyTypes`)."""

    INGRESS = "Ingress"
    EGRESS = "Egress"

    # members are single objects, and Enum's own hash is a Python call at every look-up
    __hash__ = object.__hash__


class Verdict(Enum):
    """What policy says about one packet, listener or not."""

    ALLOW = "allow"
    DROP = "deny"


class Via(Enum):
    """How a connection is addressed; it matters only to a pod that reaches itself.

    By its own address the packet never leaves the pod (loopback), through its Service it
    does (hairpin) and policy is asked.
    """

    ADDRESS = "address"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Peer:
    """One side of a packet as policy sees it.

    `namespace` is empty for whatever is not a pod: an address outside the cluster, or a
    node (`node` holds its name then). A pod with `host_network` counts as its node.
    `ports` are the named container ports: (name, protocol) to number.
    `node_labels` is None unless the peer is a node; ClusterNetworkPolicy selects by it.
    """

    address: str
    namespace: str = ""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=_nothing)
    namespace_labels: Mapping[str, str] = field(default_factory=_nothing)
    ports: Mapping[tuple[str, str], int] = field(default_factory=_nothing)
    host_network: bool = False
    node: str = ""
    node_labels: Mapping[str, str] | None = None

    @property
    def is_pod(self) -> bool:
        """Whether selectors can match it: a pod with a network of its own."""
        return self.namespace != "" and not self.host_network

    @property
    def key(self) -> str:
        """`namespace/name` of a pod, the name of a node, or the address."""
        if self.namespace:
            return f"{self.namespace}/{self.name}"
        return self.name or self.address


@dataclass(frozen=True, slots=True, order=True)
class PolicyRef:
    """The name of one policy object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class RuleRef:
    """One rule of a policy, and the entries of its lists that matched.

    `peer` is None where the rule lists no peers (every peer matches), `port` where it lists
    no ports.
    """

    policy: PolicyRef
    direction: Direction
    index: int
    peer: int | None = None
    port: int | None = None


class Reason(Enum):
    """Why a direction came out as it did."""

    NOT_SELECTED = "no policy selects the pod"
    RULE = "a rule matches"
    NO_RULE = "no rule of the selecting policies matches"
    NOT_A_POD = "policies select pods only"
    OWN_NODE = "traffic from the pod's own node is always allowed"
    LOOPBACK = "a pod always reaches itself by its own address"


@dataclass(frozen=True, slots=True)
class DirectionDecision:
    """The verdict of one direction, with the policies that select the pod."""

    direction: Direction
    verdict: Verdict
    selecting: tuple[PolicyRef, ...]
    matched: RuleRef | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a connection: both directions must allow it."""

    verdict: Verdict
    egress: DirectionDecision
    ingress: DirectionDecision

    @property
    def dropped_by(self) -> Direction | None:
        """The direction that drops it; egress comes first on the way."""
        if self.egress.verdict is Verdict.DROP:
            return Direction.EGRESS
        if self.ingress.verdict is Verdict.DROP:
            return Direction.INGRESS
        return None
