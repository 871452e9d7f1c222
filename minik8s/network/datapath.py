"""The way of a packet through the nodes: an ordered table of hooks, each a small step.

On every node that a packet crosses the hooks of `HOOKS` run in order; each says whether the
packet goes on. The order is netfilter's with kube-proxy and a policy agent in it: the
translation to a pod address comes before policy, the change of the source address after it,
and the connection is remembered last, so only if nothing dropped its first packet.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from random import Random

from minik8s.network.conntrack import CtState, Entry
from minik8s.network.packet import Endpoint, Icmp, Packet, icmp_error, inverse
from minik8s.network.service import Choice, Frontend, ServiceTable
from minik8s.network.settings import Settings
from minik8s.network.states import ORIGINAL, REPLY
from minik8s.network.topology import Interface, Node, Topology
from minik8s.network.trace import Event, Fate, Hook, Hop, Trace
from minik8s.policy import Direction, DirectionDecision, Peer, PolicySet, Verdict

_DECISIONS = 65536
_MASQUERADE_PORTS = (1024, 65535)


class Origin(Enum):
    """What kind of network namespace a packet comes from."""

    POD = "pod"
    NODE = "node"
    OUTSIDE = "outside"


class Passage:
    """A packet on its way: where it is, its addresses as they are now, what has been found.

    `target` is the interface that it has reached, None if it leaves the cluster; `rejection` is
    the ICMP error that the node sends back instead.
    """

    __slots__ = (
        "choice",
        "destination",
        "direction",
        "dport",
        "entry",
        "next_node",
        "node",
        "nodes",
        "origin",
        "packet",
        "rejection",
        "source",
        "sport",
        "state",
        "target",
        "trace",
        "ttl",
    )

    def __init__(self, packet: Packet, trace: Trace, origin: Origin, node: Node) -> None:
        self.packet = packet
        self.trace = trace
        self.origin = origin
        self.node = node
        self.nodes = 1
        self.source, self.sport = packet.source, packet.sport
        self.destination, self.dport = packet.destination, packet.dport
        self.ttl = packet.ttl
        self.entry: Entry | None = None
        self.direction = ORIGINAL
        self.state = CtState.NEW
        self.choice: Choice | None = None
        self.target: Interface | None = None
        self.next_node: Node | None = None
        self.rejection: Icmp | None = None

    def hop(
        self,
        hook: Hook,
        event: Event,
        decision: DirectionDecision | None = None,
        endpoint: Endpoint | None = None,
    ) -> None:
        """Write down what happened on this node."""
        self.trace.hops.append(Hop(self.node.name, hook, event, self.state, decision, endpoint))

    def end(self, fate: Fate) -> bool:
        """The packet goes no further."""
        self.trace.fate = fate
        return False

    def rewrite(self) -> None:
        """Make the packet what the addresses say, as it leaves a node or arrives."""
        packet = self.packet
        if (packet.source, packet.sport, packet.destination, packet.dport) != (
            self.source,
            self.sport,
            self.destination,
            self.dport,
        ) or packet.ttl != self.ttl:
            self.packet = packet.translated(
                self.source, self.sport, self.destination, self.dport, ttl=self.ttl
            )


class Datapath:
    """What all nodes know: addresses, Services, policies and settings.

    `exists_outside` tells whether somebody outside the cluster has an address.
    """

    def __init__(
        self,
        topology: Topology,
        services: ServiceTable,
        settings: Settings,
        random: Random,
        exists_outside: Callable[[str], bool],
    ) -> None:
        self.topology = topology
        self.services = services
        self.policies = PolicySet()
        self.settings = settings
        self._random = random
        self._exists_outside = exists_outside
        self._decisions: dict[tuple[Direction, str, str, str, int], DirectionDecision] = {}

    def forget_decisions(self) -> None:
        """Policies, labels or addresses have changed."""
        self._decisions.clear()

    def walk(self, passage: Passage) -> None:
        """Take a packet through its nodes; the trace says how it ended."""
        while True:
            for _, step in HOOKS:
                if not step(self, passage):
                    return
            passage.rewrite()
            if passage.next_node is None:
                return
            passage.node = passage.next_node
            passage.nodes += 1
            passage.choice = None

    # -- the hooks, in their order

    def _track(self, passage: Passage) -> bool:
        passage.entry, passage.direction, state = passage.node.conntrack.track(passage.packet)
        passage.state = state
        if passage.nodes == 1:
            passage.trace.state = state
            passage.trace.reply = passage.direction == REPLY
        passage.hop(Hook.CONNTRACK, Event.TRACKED)
        return True

    def _translate(self, passage: Passage) -> bool:
        """Destination NAT: a Service's address becomes a pod's, a reply's becomes the client's."""
        entry, trace = passage.entry, passage.trace
        if entry is None:
            return True
        if passage.state is CtState.RELATED:
            self._translate_error(passage, entry)
        elif not entry.confirmed:
            frontend = self._frontend(passage)
            if frontend is not None and not self._choose(passage, entry, frontend):
                return False
        elif entry.nat:
            _, _, _, destination, dport = inverse(entry.tuples[1 - passage.direction])
            if (destination, dport) != (passage.destination, passage.dport):
                passage.destination, passage.dport = destination, dport
                passage.hop(Hook.SERVICE, Event.TRANSLATED, endpoint=(destination, dport))
        if entry.service and not trace.service:
            trace.service = entry.service
        if passage.destination != trace.destination.address or passage.dport != trace.port:
            trace.destination = self.topology.peer(passage.destination)
            trace.port = passage.dport
        return True

    def _egress(self, passage: Passage) -> bool:
        if passage.nodes > 1 or passage.origin is not Origin.POD:
            return True
        other = self.topology.peer(passage.destination)
        return self._judge(passage, Hook.EGRESS, Direction.EGRESS, passage.trace.source, other)

    def _route(self, passage: Passage) -> bool:
        interface = self.topology.interfaces.get(passage.destination)
        passage.target, passage.next_node = interface, None
        if interface is not None and interface.pod is None and interface.node is passage.node:
            passage.hop(Hook.ROUTE, Event.TO_NODE)
            return True
        if passage.origin is not Origin.NODE or passage.nodes > 1:
            passage.ttl -= 1
            if passage.ttl <= 0:
                passage.rejection = Icmp.TIME_EXCEEDED
                passage.hop(Hook.ROUTE, Event.TTL_EXPIRED)
                return passage.end(Fate.REJECTED)
        if interface is None:
            if not self._exists_outside(passage.destination):
                passage.hop(Hook.ROUTE, Event.NO_ROUTE)
                return passage.end(Fate.LOST)
            passage.hop(Hook.ROUTE, Event.TO_OUTSIDE)
        elif interface.node is passage.node:
            passage.hop(Hook.ROUTE, Event.TO_POD)
        else:
            passage.next_node = interface.node
            stop = interface.node.addresses[:1]
            passage.hop(Hook.ROUTE, Event.TO_OTHER_NODE, endpoint=(stop[0], 0) if stop else None)
        return True

    def _ingress(self, passage: Passage) -> bool:
        target = passage.target
        if target is None or target.pod is None or passage.next_node is not None:
            return True
        other = self.topology.peer(passage.source)
        return self._judge(passage, Hook.INGRESS, Direction.INGRESS, target.peer, other)

    def _masquerade(self, passage: Passage) -> bool:
        """Source NAT, of new flows as needed, of known ones as their entry says."""
        entry = passage.entry
        if entry is None or passage.state is CtState.RELATED:
            return True
        if not entry.confirmed:
            self._set_source(passage, entry)
        elif not entry.nat:
            return True
        _, source, sport, _, _ = inverse(entry.tuples[1 - passage.direction])
        if (source, sport) != (passage.source, passage.sport):
            passage.source, passage.sport = source, sport
            passage.hop(Hook.SNAT, Event.TRANSLATED, endpoint=(source, sport))
        return True

    def _confirm(self, passage: Passage) -> bool:
        entry = passage.entry
        if entry is not None and not entry.confirmed:
            passage.node.conntrack.confirm(entry)
        return True

    # -- inside

    def _frontend(self, passage: Passage) -> Frontend | None:
        packet, services = passage.packet, self.services
        if packet.icmp is not None:
            return None
        frontend = services.find(passage.destination, packet.protocol, passage.dport)
        if frontend is not None:
            return frontend
        interface = self.topology.interfaces.get(passage.destination)
        if interface is None or interface.pod is not None or interface.node is not passage.node:
            return None
        return services.node_port(passage.destination, packet.protocol, passage.dport)

    def _choose(self, passage: Passage, entry: Entry, frontend: Frontend) -> bool:
        inside = passage.origin is not Origin.OUTSIDE
        choice = self.services.choose(frontend, passage.node.name, passage.source, inside)
        passage.choice, entry.service = choice, frontend.service
        backend = choice.backend
        if backend is None:
            passage.trace.service = frontend.service
            if choice.silent:
                passage.hop(Hook.SERVICE, Event.NO_LOCAL_ENDPOINT)
                return passage.end(Fate.LOST)
            passage.rejection = Icmp.PORT_UNREACHABLE
            passage.hop(Hook.SERVICE, Event.NO_ENDPOINT)
            return passage.end(Fate.REJECTED)
        entry.translate(
            (entry.protocol, backend.address, backend.port, passage.source, passage.sport)
        )
        passage.destination, passage.dport = backend.address, backend.port
        passage.hop(Hook.SERVICE, Event.TRANSLATED, endpoint=(backend.address, backend.port))
        return True

    def _translate_error(self, passage: Passage, entry: Entry) -> None:
        """Give an ICMP error the addresses that its receiver knows the flow by."""
        if not entry.nat or passage.packet.quoted is None or passage.packet.icmp is None:
            return
        carried, known = entry.tuples[passage.direction], entry.tuples[1 - passage.direction]
        quoted = passage.packet.quoted.translated(*known[1:], ttl=passage.packet.quoted.ttl)
        source = known[3] if passage.source == carried[1] else passage.source
        passage.packet = icmp_error(passage.packet.icmp, source, quoted)
        passage.source, passage.destination = source, quoted.source

    def _judge(
        self, passage: Passage, hook: Hook, direction: Direction, pod: Peer, other: Peer
    ) -> bool:
        settings = self.settings
        if not settings.enforcement:
            passage.hop(hook, Event.NOT_ENFORCED)
            return True
        if settings.tracking and self._is_known(passage):
            passage.hop(hook, Event.KEPT)
            return True
        decision = self._decide(direction, pod, other, passage)
        if decision.verdict is Verdict.ALLOW:
            passage.hop(hook, Event.ALLOWED, decision)
            return True
        passage.hop(hook, Event.DENIED, decision)
        return passage.end(Fate.DROPPED)

    def _is_known(self, passage: Passage) -> bool:
        """Whether tracking lets the packet pass before policy."""
        if passage.state is CtState.ESTABLISHED:
            return self.settings.established == "keep" or passage.direction == REPLY
        return passage.state is CtState.RELATED

    def _decide(
        self, direction: Direction, pod: Peer, other: Peer, passage: Passage
    ) -> DirectionDecision:
        protocol = passage.packet.protocol
        port = None if passage.packet.icmp is not None else passage.dport
        key = (direction, pod.address, other.address, protocol, port or 0)
        decision = self._decisions.get(key)
        if decision is None:
            decision = self.policies.decide_direction(direction, pod, other, protocol, port)
            if len(self._decisions) >= _DECISIONS:
                self._decisions.clear()
            self._decisions[key] = decision
        return decision

    def _set_source(self, passage: Passage, entry: Entry) -> None:
        """Choose the source of a new flow: the node's where replies would not come back."""
        protocol, destination, dport, _, _ = entry.reply
        source = self._node_source(passage) or passage.source
        reply = (protocol, destination, dport, source, passage.sport)
        if passage.packet.icmp is not None:
            reply = (protocol, destination, entry.reply[2], source, entry.reply[4])
        else:
            while passage.node.conntrack.taken(reply):
                sport = self._random.randint(*_MASQUERADE_PORTS)
                reply = (protocol, destination, dport, source, sport)
        entry.translate(reply)

    def _node_source(self, passage: Passage) -> str:
        """The node's address if the flow must come from it, else the empty string."""
        node, choice = passage.node, passage.choice
        if passage.target is None:
            return node.address_like(passage.source) if passage.origin is Origin.POD else ""
        if choice is None:
            return ""
        hairpin = passage.destination == passage.source
        if choice.masquerade or hairpin or passage.origin is Origin.NODE:
            return node.address_towards(passage.destination)
        return ""


Step = Callable[[Datapath, Passage], bool]

HOOKS: tuple[tuple[str, Step], ...] = (
    ("connection tracking: find the flow", Datapath._track),
    ("Service translation: destination NAT", Datapath._translate),
    ("egress policy of the pod that sends", Datapath._egress),
    ("routing", Datapath._route),
    ("ingress policy of the pod that receives", Datapath._ingress),
    ("source NAT", Datapath._masquerade),
    ("connection tracking: remember the flow", Datapath._confirm),
)
"""What happens to a packet on each node, in this order."""
