"""The network of one cluster: hosts, nodes with their tables, policy, and the outside world."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from zlib import crc32

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import (
    CLUSTER_NETWORK_POLICY,
    ENDPOINT_SLICE,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    SERVICE,
    Kind,
)
from minik8s.network.conntrack import ConntrackTable
from minik8s.network.datapath import Datapath, Origin, Passage
from minik8s.network.outside import OutsideWorld, resolve
from minik8s.network.packet import Packet, canonical, icmp_error, is_loopback
from minik8s.network.service import Scope, ServiceTable
from minik8s.network.settings import Settings
from minik8s.network.stack import Host
from minik8s.network.topology import Node, Pod, Topology
from minik8s.network.trace import Event, Fate, Hook, Hop, Trace
from minik8s.network.zone import ClusterZone
from minik8s.policy import PolicySet
from minik8s.policy.policyset import KINDS as POLICY_KINDS
from minik8s.store import Store, StoreEvent

TRACES_KEPT = 4095
"""How many packets a network remembers (as many as hubble's buffer holds of one node)."""

SNAP_LENGTH = 2048
"""How many bytes of its payload a trace keeps, as tcpdump's `-s` does."""

LOCAL_LATENCY = 0.00005
"""One way through one node, in seconds."""

NODE_LATENCY = 0.0002
"""What each further node adds."""

OUTSIDE_LATENCY = 0.008
"""What the way out of the cluster, or into it, adds."""

Observer = Callable[[Trace], None]


class Network:
    """Moves packets between the hosts of a cluster, and follows the store.

    `conntrack` has one table for each node. `traces` keeps the last packets, the oldest first.
    `zone` is what the cluster's DNS server answers from.
    """

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, settings: Settings | None = None
    ) -> None:
        self.clock = clock
        self.settings = settings or Settings()
        self.traces: deque[Trace] = deque(maxlen=TRACES_KEPT)
        self.topology = Topology(clock)
        self.services = ServiceTable(clock, ids.stream("endpoints"))
        self._random = ids.stream("ports")
        self.outside = OutsideWorld(self._outside_host)
        self.datapath = Datapath(
            self.topology, self.services, self.settings, self._random, self.outside.exists
        )
        self._hosts: dict[object, Host] = {}
        self._observers: list[Observer] = []
        self.topology.changed = self.datapath.forget_decisions
        self.topology.gone = self._pod_gone
        self.zone = ClusterZone(self.services, self.topology.has_namespace, resolve)
        for kind in store.registry.shelves():
            put = _PUTS.get((kind.group, kind.kind))
            if put is None and _is_policy(kind):
                put = Network._put_policy
            if put is not None:
                for document in store.list(kind):
                    put(self, document)
        store.subscribe(self._follow)

    @property
    def policies(self) -> PolicySet:
        """The compiled policies that the datapath asks."""
        return self.datapath.policies

    @property
    def conntrack(self) -> dict[str, ConntrackTable]:
        """The connection tracking table of each node."""
        return {name: node.conntrack for name, node in self.topology.nodes.items()}

    # -- hosts

    def host(self, address: str) -> Host:
        """The namespace that has an address; raises LookupError."""
        address = canonical(address)
        interface = self.topology.interfaces.get(address)
        if interface is not None:
            return self._host_of(interface.pod or interface.node)
        if self.outside.exists(address):
            return self.outside.host(address)
        raise LookupError(f"nobody has the address {address}")

    def pod_host(self, namespace: str, name: str) -> Host:
        """The network namespace of a pod (its node's, with hostNetwork); raises LookupError."""
        pod = self.topology.pods.get((namespace, name))
        if pod is None:
            raise LookupError(f"pod {namespace}/{name} has no network")
        return self._host_of(pod.node if pod.host_network else pod)

    def node_host(self, node: str) -> Host:
        """The network namespace of a node; raises LookupError."""
        if node not in self.topology.nodes:
            raise LookupError(f"there is no node {node}")
        return self._host_of(self.topology.nodes[node])

    # -- traces

    def observe(self, callback: Observer) -> None:
        """Call back with the trace of each packet, as soon as its way is known."""
        self._observers.append(callback)

    def unobserve(self, callback: Observer) -> None:
        """Stop calling a function."""
        if callback in self._observers:
            self._observers.remove(callback)

    def flush_conntrack(self) -> None:
        """Forget every connection on every node (`conntrack -F`)."""
        for node in self.topology.nodes.values():
            node.conntrack.flush()

    # -- packets

    def transmit(self, host: Host, packet: Packet, clock: Clock) -> Trace:
        """Send a packet from a host: take it through the datapath, and plan its arrival."""
        peer, seen = self.topology.peer, packet
        if len(packet.payload) > SNAP_LENGTH:
            seen = replace(packet, payload=packet.payload[:SNAP_LENGTH])
        trace = Trace(clock.now, seen, peer(packet.source), peer(packet.destination), packet.dport)
        if _stays_inside(host, packet.destination):
            trace.hops.append(Hop(host.name, Hook.LOOPBACK, Event.SENT))
            self._arrive(host, packet, clock, trace, LOCAL_LATENCY)
        elif (node := host.node or self._entrance(packet)) is not None:
            self._cross(host, packet, clock, trace, node)
        elif host.node is None and self.outside.exists(packet.destination):
            receiver = self.outside.host(packet.destination)
            self._arrive(receiver, packet, clock, trace, OUTSIDE_LATENCY)
        else:
            trace.hops.append(Hop("", Hook.ROUTE, Event.NO_ROUTE))
            trace.fate = Fate.LOST
        self.traces.append(trace)
        for observer in self._observers:
            observer(trace)
        return trace

    def _cross(self, host: Host, packet: Packet, clock: Clock, trace: Trace, node: Node) -> None:
        passage = Passage(packet, trace, _origin(host), node)
        trace.hops.append(Hop(node.name, Hook.INTERFACE, Event.SENT))
        self.datapath.walk(passage)
        latency = LOCAL_LATENCY + (passage.nodes - 1) * NODE_LATENCY
        if passage.rejection is not None:
            self._reject(passage, clock)
        if trace.fate is not Fate.DELIVERED:
            return
        target = passage.target
        if target is None:
            receiver = self.outside.host(passage.destination)
        else:
            receiver = self._host_of(target.pod or target.node)
        if target is None or host.node is None:
            latency += OUTSIDE_LATENCY
        if receiver.pod is not None and passage.packet.source in receiver.addresses:
            trace.hops.append(Hop(receiver.name, Hook.SOCKET, Event.IGNORED))
            trace.fate = Fate.LOST  # a martian: it claims to come from its receiver
            return
        self._arrive(receiver, passage.packet, clock, trace, latency)

    def _arrive(
        self, receiver: Host, packet: Packet, clock: Clock, trace: Trace, latency: float
    ) -> None:
        event = receiver.expect(packet)
        trace.hops.append(Hop(receiver.name, Hook.SOCKET, event))
        if event is Event.REFUSED:
            trace.fate = Fate.REFUSED
        clock.call_later(latency, partial(receiver.receive, packet, clock))

    def _reject(self, passage: Passage, clock: Clock) -> None:
        """The node answers with an ICMP error."""
        node, packet = passage.node, passage.packet
        if passage.rejection is not None:
            source = node.address_towards(packet.source) or packet.destination
            error = icmp_error(passage.rejection, source, packet)
            clock.call_later(
                LOCAL_LATENCY, partial(self.transmit, self._host_of(node), error, clock)
            )

    def _entrance(self, packet: Packet) -> Node | None:
        """The node at which a packet from outside enters the cluster, if it finds one."""
        address = packet.destination
        interface = self.topology.interfaces.get(address)
        if interface is not None:
            return interface.node
        frontend = self.services.find(address, packet.protocol, packet.dport)
        if frontend is None or frontend.scope is not Scope.EXTERNAL:
            return None
        nodes = list(self.topology.nodes.values())
        if frontend.local:  # the load balancer's health checks find the nodes with endpoints
            homes = {backend.node for backend in frontend.backends}
            nodes = [node for node in nodes if node.name in homes] or nodes
        return nodes[crc32(repr(packet.flow).encode()) % len(nodes)] if nodes else None

    # -- hosts, made on first use

    def _host_of(self, owner: Pod | Node) -> Host:
        host = self._hosts.get(owner)
        if host is None:
            host = self._hosts[owner] = self._make_host(owner)
        return host

    def _make_host(self, owner: Pod | Node) -> Host:
        if isinstance(owner, Pod):
            name, node, pod = f"{owner.namespace}/{owner.name}", owner.node, owner
            addresses = owner.addresses
        else:
            name, node, pod = owner.name, owner, None
            addresses = owner.addresses + owner.gateways
        return Host(name, addresses, self.transmit, self.clock, self._random, node=node, pod=pod)

    def _outside_host(self, name: str, addresses: tuple[str, ...]) -> Host:
        return Host(name, addresses, self.transmit, self.clock, self._random)

    def _pod_gone(self, pod: Pod) -> None:
        host = self._hosts.get(pod)
        if host is not None:
            host.shut_down()
            del self._hosts[pod]

    # -- store events

    def _follow(self, event: StoreEvent) -> None:
        kind = event.kind
        key = (kind.group, kind.kind)
        if event.type == "DELETED":
            drop = _DROPS.get(key)
            if drop is not None:
                drop(self, event.object)
            elif _is_policy(kind):
                self.policies.remove(namespace_of(event.object), name_of(event.object), kind.kind)
                self.datapath.forget_decisions()
        else:
            put = _PUTS.get(key)
            if put is not None:
                put(self, event.object)
            elif _is_policy(kind):
                self._put_policy(event.object)

    def _put_policy(self, document: Document) -> None:
        self.policies.upsert(document)
        self.datapath.forget_decisions()

    def _put_node(self, document: Document) -> None:
        self.topology.put_node(document)
        node = self.topology.node(name_of(document))
        if node in self._hosts:
            self._hosts[node].addresses = node.addresses + node.gateways


def _stays_inside(host: Host, destination: str) -> bool:
    """Whether a packet uses the loopback device; that of a node passes the node's tables."""
    if host.node is not None and host.pod is None:
        return is_loopback(destination)
    return destination in host.addresses or is_loopback(destination)


def _is_policy(kind: Kind) -> bool:
    """Whether objects of a kind are policies; other groups have kinds of the same names."""
    return kind.kind in POLICY_KINDS and kind.group in _POLICY_GROUPS


_POLICY_GROUPS = (NETWORK_POLICY.group, CLUSTER_NETWORK_POLICY.group)


def _origin(host: Host) -> Origin:
    if host.node is None:
        return Origin.OUTSIDE
    return Origin.NODE if host.pod is None else Origin.POD


_Handler = Callable[[Network, Document], None]

_PUTS: dict[tuple[str, str], _Handler] = {
    (NAMESPACE.group, NAMESPACE.kind): lambda network, d: network.topology.put_namespace(d),
    (NODE.group, NODE.kind): Network._put_node,
    (POD.group, POD.kind): lambda network, d: network.topology.put_pod(d),
    (SERVICE.group, SERVICE.kind): lambda network, d: network.services.put_service(d),
    (ENDPOINT_SLICE.group, ENDPOINT_SLICE.kind): lambda network, d: network.services.put_slice(d),
}
"""What to do with a new or changed object, by group and kind."""

_DROPS: dict[tuple[str, str], _Handler] = {
    (NAMESPACE.group, NAMESPACE.kind): lambda n, d: n.topology.drop_namespace(name_of(d)),
    (NODE.group, NODE.kind): lambda n, d: n.topology.drop_node(name_of(d)),
    (POD.group, POD.kind): lambda n, d: n.topology.drop_pod(namespace_of(d), name_of(d)),
    (SERVICE.group, SERVICE.kind): lambda n, d: n.services.drop_service(
        namespace_of(d), name_of(d)
    ),
    (ENDPOINT_SLICE.group, ENDPOINT_SLICE.kind): lambda n, d: n.services.drop_slice(d),
}
"""What to do when an object is gone."""
