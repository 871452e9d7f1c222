"""Flows as Hubble sees them: the traces of a cluster, cut into Cilium's events.

A *flow* here is one event about one packet: a policy verdict, a drop, or a trace point
(delivery to a pod, leaving for another node or for the world). Sources: cilium/cilium
`pkg/monitor/api` and `pkg/hubble/parser/threefour`; aggregation level "medium".
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from minik8s.model.metadata import controller_of
from minik8s.model.registry import POD, REPLICA_SET
from minik8s.network import Hook, Hop, Trace
from minik8s.network.packet import FIN, Icmp
from minik8s.network.trace import Event, Fate
from minik8s.policy import Direction, DirectionDecision, Peer, Verdict
from minik8s.policy.values import Reason, RuleRef
from minik8s.runtime import Runtime

BUFFER = 4095
"""How many flows each node's agent keeps."""

_INTERVAL = 5.0
"""Aggregation: the same kind of packet of one connection is told again after so many seconds."""

_FIRST_IDENTITY = 256
_IDENTITIES = 65536 - _FIRST_IDENTITY
_ORDER = ("SYN", "ACK", "RST", "FIN", "PSH")


class Point(Enum):
    """What kind of event a flow is: its name, its number and that of its subtype."""

    VERDICT = ("policy-verdict", 5, 0)
    DROP = ("Policy denied", 1, 133)
    TO_ENDPOINT = ("to-endpoint", 4, 0)
    TO_STACK = ("to-stack", 4, 3)
    TO_OVERLAY = ("to-overlay", 4, 4)

    @property
    def label(self) -> str:
        """How hubble names it."""
        return self.value[0]


class Match(Enum):
    """How much of a rule matched."""

    NONE = ("none", 0)
    L3_ONLY = ("L3-Only", 1)
    L3_L4 = ("L3-L4", 2)
    L4_ONLY = ("L4-Only", 3)
    ALL = ("all", 4)


@dataclass(frozen=True, slots=True)
class End:
    """One end of a flow: `identity` is a number for pods and a reserved name for others."""

    address: str
    port: int
    namespace: str = ""
    pod: str = ""
    identity: int | str = "world"
    labels: tuple[str, ...] = ()
    workload: tuple[str, str] = ("", "")

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod that Cilium manages."""
        return self.pod != ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One event, its ends in the direction of the packet."""

    time: float
    node: str
    point: Point
    source: End
    destination: End
    protocol: str
    summary: str
    verdict: str
    reply: bool | None
    direction: Direction | None
    match: Match = Match.NONE
    policies: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class FlowLog:
    """Watches one cluster's packets and keeps the flows that its agents would keep."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._identities: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._seen: dict[tuple[object, ...], float] = {}
        self._closing: dict[tuple[object, ...], set[bool]] = {}
        self.flows: deque[Flow] = deque(maxlen=BUFFER * max(1, len(runtime.profile.nodes)))
        self.count = 0
        self.first: float | None = None
        runtime.network.observe(self._watch)

    @property
    def nodes(self) -> list[str]:
        """The names of the nodes, sorted."""
        return sorted(self._runtime.network.topology.nodes)

    def _watch(self, trace: Trace) -> None:
        if not self._runtime.settings.enforcement:
            return
        for flow in self._events(trace):
            self.flows.append(flow)
            self.count += 1
            if self.first is None:
                self.first = flow.time

    def _events(self, trace: Trace) -> Iterator[Flow]:
        if not trace.hops or trace.hops[0].hook is Hook.LOOPBACK:
            return
        node = ""
        for hop in trace.hops:
            node = hop.node if hop.hook is not Hook.SOCKET else node
            if hop.decision is not None:
                yield from self._judged(trace, hop, hop.decision)
            elif hop.hook is Hook.ROUTE:
                point = _ROUTES.get(hop.event)
                if point is not None and self._tells(trace, hop.node, point):
                    yield self._flow(trace, hop.node, point)
        delivered = trace.fate in (Fate.DELIVERED, Fate.REFUSED)
        if delivered and trace.destination.is_pod and self._tells(trace, node, Point.TO_ENDPOINT):
            yield self._flow(trace, node, Point.TO_ENDPOINT)

    def _judged(self, trace: Trace, hop: Hop, decision: DirectionDecision) -> Iterator[Flow]:
        if not decision.selecting or decision.reason not in (Reason.RULE, Reason.NO_RULE):
            return
        if decision.verdict is Verdict.DROP:
            yield self._flow(trace, hop.node, Point.VERDICT, decision)
            yield self._flow(trace, hop.node, Point.DROP, decision)
        elif hop.state is not None and hop.state.name == "NEW":
            yield self._flow(trace, hop.node, Point.VERDICT, decision)

    def _tells(self, trace: Trace, node: str, point: Point) -> bool:
        """Whether aggregation lets a trace event through."""
        packet = trace.packet
        ends = tuple(
            sorted([(trace.source.address, packet.sport), (trace.destination.address, trace.port)])
        )
        connection = (packet.protocol, *ends)
        closing = self._closing.get(connection, set())
        key = (node, point, connection, trace.reply, packet.flags, len(closing) == 2)
        last = self._seen.get(key)
        if last is not None and trace.time - last < _INTERVAL:
            return False
        if len(self._seen) > 4 * BUFFER:
            self._seen.clear()
            self._closing.clear()
        self._seen[key] = trace.time
        if packet.flags & FIN:
            self._closing.setdefault(connection, set()).add(trace.reply)
        return True

    def _flow(
        self, trace: Trace, node: str, point: Point, decision: DirectionDecision | None = None
    ) -> Flow:
        packet = trace.packet
        denied = decision is not None and decision.verdict is Verdict.DROP
        flags = tuple(name for name in _ORDER if name in packet.flag_names)
        policies = () if decision is None else tuple(ref.name for ref in decision.selecting)
        if decision is not None and decision.matched is not None:
            policies = (decision.matched.policy.name,)
        return Flow(
            time=trace.time,
            node=node,
            point=point,
            source=self._end(trace.source, packet.sport, node),
            destination=self._end(trace.destination, trace.port, node),
            protocol=packet.protocol,
            summary=_summary(trace, flags),
            verdict="DROPPED" if denied else "FORWARDED",
            reply=None if denied else trace.reply,
            direction=decision.direction if decision is not None else _direction(trace, point),
            match=_match(decision.matched) if decision is not None else Match.NONE,
            policies=policies,
            flags=flags,
        )

    # -- ends

    def _end(self, peer: Peer, port: int, node: str) -> End:
        if not peer.is_pod:
            return End(peer.address, port, identity=self._reserved(peer, node))
        account, workload = self._about(peer)
        labels = _labels(peer, self._runtime.profile.name, account)
        return End(
            peer.address, port, peer.namespace, peer.name, self._identity(peer), labels, workload
        )

    def _reserved(self, peer: Peer, node: str) -> str:
        interface = self._runtime.network.topology.interfaces.get(peer.address)
        if interface is None:
            return "world"
        if interface.node.name == node:
            return "host"
        return "remote-node"

    def _identity(self, peer: Peer) -> int:
        """One number for each set of labels, as Cilium allocates identities."""
        labels = {**peer.labels}
        labels.pop("pod-template-generation", None)
        key = (peer.namespace, tuple(sorted(labels.items())))
        number = self._identities.get(key)
        if number is None:
            number = _FIRST_IDENTITY + zlib.crc32(repr(key).encode()) % _IDENTITIES
            while number in self._identities.values():
                number = _FIRST_IDENTITY + (number + 1 - _FIRST_IDENTITY) % _IDENTITIES
            self._identities[key] = number
        return number

    def _about(self, peer: Peer) -> tuple[str, tuple[str, str]]:
        """The service account of a pod, and the workload that it belongs to."""
        store = self._runtime.store
        pod = store.get(POD, peer.namespace, peer.name)
        if pod is None:
            return "default", ("", "")
        account = str(pod["spec"].get("serviceAccountName", "default"))
        owner = controller_of(pod)
        if owner is None:
            return account, (peer.name, "Pod")
        name, kind = str(owner["name"]), str(owner["kind"])
        if kind == "ReplicaSet":
            replica_set = store.get(REPLICA_SET, peer.namespace, name)
            above = controller_of(replica_set) if replica_set is not None else None
            if above is not None:
                name, kind = str(above["name"]), str(above["kind"])
        return account, (name, kind)


_ROUTES: Mapping[Event, Point] = {
    Event.TO_OTHER_NODE: Point.TO_OVERLAY,
    Event.TO_OUTSIDE: Point.TO_STACK,
    Event.TO_NODE: Point.TO_STACK,
}


def _direction(trace: Trace, point: Point) -> Direction | None:
    inward = point is Point.TO_ENDPOINT
    return Direction.INGRESS if inward != trace.reply else Direction.EGRESS


def _match(rule: RuleRef | None) -> Match:
    if rule is None:
        return Match.NONE
    if rule.peer is not None:
        return Match.L3_ONLY if rule.port is None else Match.L3_L4
    return Match.ALL if rule.port is None else Match.L4_ONLY


def _summary(trace: Trace, flags: tuple[str, ...]) -> str:
    packet = trace.packet
    if packet.protocol == "TCP":
        return f"TCP Flags: {', '.join(flags)}"
    if packet.icmp is None:
        return packet.protocol
    version = "ICMPv6" if packet.protocol == "ICMPv6" else "ICMPv4"
    return f"{version} {_ICMP.get(packet.icmp, 'DestinationUnreachable')}"


_ICMP = {
    Icmp.ECHO_REQUEST: "EchoRequest",
    Icmp.ECHO_REPLY: "EchoReply",
    Icmp.PORT_UNREACHABLE: "DestinationUnreachable(Port)",
    Icmp.HOST_UNREACHABLE: "DestinationUnreachable(Host)",
    Icmp.PROTOCOL_UNREACHABLE: "DestinationUnreachable(Protocol)",
    Icmp.TIME_EXCEEDED: "TimeExceeded(TTLExceeded)",
}


def _labels(peer: Peer, cluster: str, account: str) -> tuple[str, ...]:
    labels = {**peer.labels}
    labels.pop("pod-template-hash", None)
    prefix = "io.cilium.k8s.namespace.labels"
    labels |= {f"{prefix}.{key}": value for key, value in peer.namespace_labels.items()}
    labels["io.cilium.k8s.policy.cluster"] = cluster
    labels["io.cilium.k8s.policy.serviceaccount"] = account
    labels["io.kubernetes.pod.namespace"] = peer.namespace
    return tuple(sorted(f"k8s:{key}={value}" for key, value in labels.items()))
