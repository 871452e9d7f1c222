"""What happened to one packet, hop by hop: data for hubble, `explain` and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from minik8s.network.conntrack import CtState
from minik8s.network.packet import Endpoint, Packet, joined
from minik8s.policy import Direction, DirectionDecision, Peer, Verdict


class Hook(Enum):
    """The places where something can happen to a packet, in their order on a node."""

    LOOPBACK = "loopback"
    INTERFACE = "interface"
    CONNTRACK = "conntrack"
    SERVICE = "service"
    EGRESS = "egress policy"
    ROUTE = "route"
    INGRESS = "ingress policy"
    SNAT = "source NAT"
    SOCKET = "socket"


class Event(Enum):
    """What happened at a hook."""

    SENT = "sent"
    TRACKED = "looked up"
    TRANSLATED = "translated"
    NO_ENDPOINT = "no ready endpoint: rejected"
    NO_LOCAL_ENDPOINT = "no endpoint on this node: dropped"
    NOT_ENFORCED = "policy is not enforced"
    KEPT = "known connection: policy is not asked"
    ALLOWED = "allowed"
    DENIED = "denied"
    TO_POD = "to a pod of this node"
    TO_NODE = "to this node"
    TO_OTHER_NODE = "to another node"
    TO_OUTSIDE = "leaves the cluster"
    NO_ROUTE = "nobody has this address"
    TTL_EXPIRED = "time to live exceeded"
    ACCEPTED = "a socket takes it"
    REFUSED = "nobody listens"
    IGNORED = "the receiver ignores it"


class Fate(Enum):
    """How a packet ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    DROPPED = "dropped by policy"
    REJECTED = "rejected"
    LOST = "lost"


class Hop(NamedTuple):
    """One thing that happened: where, at which hook, what, and why.

    `endpoint` is the new destination (service), the new source (source NAT), or the next stop
    (route). `decision` is policy's, where it was asked.
    """

    node: str
    hook: Hook
    event: Event
    state: CtState | None = None
    decision: DirectionDecision | None = None
    endpoint: Endpoint | None = None

    def __str__(self) -> str:
        text = f"{self.node or '-'}: {self.hook.value}: {self.event.value}"
        if self.endpoint is not None:
            text += f" {joined(self.endpoint)}"
        if self.decision is not None:
            text += f" ({_why(self.decision)})"
        elif self.hook is Hook.CONNTRACK and self.state is not None:
            text += f", {self.state.name}"
        return text


@dataclass(slots=True, eq=False)
class Trace:
    """The way of one packet.

    `time` is the sender's clock in seconds. `packet` is as it was sent (a long payload is cut
    off); `source` and
    `destination` are the peers that policy saw, so the destination is the pod behind a
    Service, at `port`. `reply` tells whether the packet belongs to the reply direction of a
    tracked flow, `state` what it was to connection tracking at the first node.
    """

    time: float
    packet: Packet
    source: Peer
    destination: Peer
    port: int
    fate: Fate = Fate.DELIVERED
    state: CtState | None = None
    reply: bool = False
    service: str = ""
    hops: list[Hop] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """What policy said; a packet that got lost elsewhere was not denied."""
        return Verdict.DROP if self.fate is Fate.DROPPED else Verdict.ALLOW

    @property
    def decisions(self) -> list[DirectionDecision]:
        """Policy's decisions on the way."""
        return [hop.decision for hop in self.hops if hop.decision is not None]

    def decision(self, direction: Direction) -> DirectionDecision | None:
        """Policy's decision in one direction, if it was asked."""
        for hop in self.hops:
            if hop.decision is not None and hop.decision.direction is direction:
                return hop.decision
        return None

    @property
    def dropped_at(self) -> Hop | None:
        """The hop at which policy dropped the packet."""
        return self.hops[-1] if self.fate is Fate.DROPPED else None

    def __str__(self) -> str:
        lines = [f"{self.packet}: {self.fate.value}"]
        lines += [f"  {hop}" for hop in self.hops]
        return "\n".join(lines)


def _why(decision: DirectionDecision) -> str:
    if decision.matched is not None:
        return f"rule {decision.matched.index} of {decision.matched.policy}"
    if decision.selecting:
        return f"{decision.reason.value}: {', '.join(map(str, decision.selecting))}"
    return decision.reason.value
