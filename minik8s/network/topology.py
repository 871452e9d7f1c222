"""Who has which address: nodes, pods and their interfaces, kept current by store events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from minik8s.clock import Clock
from minik8s.model.metadata import NAME_LABEL, Document, labels_of, name_of, namespace_of
from minik8s.model.workloads import host_network, is_terminal, node_name, pod_addresses
from minik8s.network.conntrack import ConntrackTable
from minik8s.network.packet import addresses_among, is_ipv6
from minik8s.policy import Peer
from minik8s.policy.snapshot import namespace_labels, pod_peer

_PEERS_OUTSIDE = 8192


@dataclass(slots=True, eq=False)
class Node:
    """One node: its addresses, its address towards its own pods, and its conntrack table."""

    name: str
    conntrack: ConntrackTable
    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    pod_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    pod_addresses: set[str] = field(default_factory=set)

    def address_like(self, other: str) -> str:
        """The node's address of another one's IP version, or the empty string."""
        return _like(other, self.addresses)

    def address_towards(self, destination: str) -> str:
        """The address that the node uses to reach another: the gateway for its own pods.

        Empty if the node has none of that IP version.
        """
        if destination in self.pod_addresses:
            return _like(destination, (*self.gateways, *self.addresses))
        return _like(destination, self.addresses)


@dataclass(slots=True, eq=False)
class Pod:
    """One pod that has an address, as long as it has not run to its end."""

    namespace: str
    name: str
    uid: str
    document: Document
    node: Node
    host_network: bool
    addresses: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return (self.namespace, self.name)


class Interface:
    """One address in the cluster: whose it is, on which node, and what policy sees in it."""

    __slots__ = ("address", "node", "peer", "pod")

    def __init__(self, address: str, node: Node, peer: Peer, pod: Pod | None) -> None:
        self.address = address
        self.node = node
        self.peer = peer
        self.pod = pod


class Topology:
    """The index of addresses. `changed` is called after whatever may alter a decision.

    `gone` is called with each pod that has lost its network namespace, before its addresses
    are forgotten.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.nodes: dict[str, Node] = {}
        self.pods: dict[tuple[str, str], Pod] = {}
        self.interfaces: dict[str, Interface] = {}
        self.changed: Callable[[], None] = _nothing
        self.gone: Callable[[Pod], None] = _ignore
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._outside: dict[str, Peer] = {}

    def peer(self, address: str) -> Peer:
        """What policy sees in an address: a pod, a node, or an address outside."""
        interface = self.interfaces.get(address)
        if interface is not None:
            return interface.peer
        peer = self._outside.get(address)
        if peer is None:
            if len(self._outside) >= _PEERS_OUTSIDE:
                self._outside.clear()
            peer = self._outside[address] = Peer(address)
        return peer

    def node(self, name: str) -> Node:
        """The node of a name; one that nobody has described yet has no address."""
        node = self.nodes.get(name)
        if node is None:
            node = self.nodes[name] = Node(name, ConntrackTable(self.clock))
        return node

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace exists."""
        return name in self._namespaces

    # -- store events

    def put_namespace(self, document: Document) -> None:
        """A namespace is new, or has other labels."""
        name, labels = name_of(document), namespace_labels(document)
        if self._namespaces.get(name) == labels:
            return
        self._namespaces[name] = labels
        for pod in [pod for pod in self.pods.values() if pod.namespace == name]:
            self._index(pod)
        self.changed()

    def drop_namespace(self, name: str) -> None:
        """A namespace is gone."""
        self._namespaces.pop(name, None)

    def put_node(self, document: Document) -> None:
        """A node is new, or has other addresses or labels."""
        node = self.node(name_of(document))
        labels, addresses = labels_of(document), tuple(_node_addresses(document))
        cidrs = tuple(_pod_cidrs(document))
        if (node.labels, node.addresses, node.pod_cidrs) == (labels, addresses, cidrs):
            return
        self._forget(node.addresses + node.gateways, node)
        node.labels, node.addresses, node.pod_cidrs = labels, addresses, cidrs
        node.gateways = tuple(str(cidr[1]) for cidr in cidrs)
        for address in (*node.addresses, *node.gateways):
            if self.interfaces.get(address) is None:
                peer = Peer(address, name=node.name, node=node.name, node_labels=node.labels)
                self.interfaces[address] = Interface(address, node, peer, None)
        self.changed()

    def drop_node(self, name: str) -> None:
        """A node is gone, and its connections with it."""
        node = self.nodes.pop(name, None)
        if node is not None:
            self._forget(node.addresses + node.gateways, node)
            self.changed()

    def put_pod(self, document: Document) -> None:
        """A pod is new, has got its address, has other labels, or has run to its end."""
        key = (namespace_of(document), name_of(document))
        old = self.pods.get(key)
        addresses = tuple(addresses_among(pod_addresses(document)))
        uid = str(document["metadata"].get("uid", ""))
        same = old is not None and (old.uid, old.addresses) == (uid, addresses)
        if old is not None and (not same or is_terminal(document)):
            self._remove(old)  # other addresses come with another sandbox
            old = None
        if not addresses or is_terminal(document):
            return
        if old is not None:
            self._renew(old, document)
            return
        pod = Pod(
            *key, uid, document, self.node(node_name(document)), host_network(document), addresses
        )
        self.pods[key] = pod
        self._index(pod)
        self.changed()

    def drop_pod(self, namespace: str, name: str) -> None:
        """A pod is gone."""
        pod = self.pods.get((namespace, name))
        if pod is not None:
            self._remove(pod)

    def _renew(self, pod: Pod, document: Document) -> None:
        before, pod.document = pod.document, document
        if labels_of(before) == labels_of(document) and _same(before, document, "spec"):
            return
        self._index(pod)
        self.changed()

    def _remove(self, pod: Pod) -> None:
        self.gone(pod)
        del self.pods[pod.key]
        for address in pod.addresses:
            interface = self.interfaces.get(address)
            if interface is not None and interface.pod is pod:
                del self.interfaces[address]
                pod.node.pod_addresses.discard(address)
        self.changed()

    def _index(self, pod: Pod) -> None:
        if pod.host_network:
            return
        labels = self._namespaces.get(pod.namespace) or {NAME_LABEL: pod.namespace}
        for address in pod.addresses:
            peer = pod_peer(pod.document, labels, address)
            self.interfaces[address] = Interface(address, pod.node, peer, pod)
            pod.node.pod_addresses.add(address)

    def _forget(self, addresses: Iterable[str], node: Node) -> None:
        for address in addresses:
            interface = self.interfaces.get(address)
            if interface is not None and interface.pod is None and interface.node is node:
                del self.interfaces[address]


def _same(one: Document, other: Document, field_name: str) -> bool:
    first, second = one.get(field_name), other.get(field_name)
    return first is second or first == second


def _like(other: str, addresses: Iterable[str]) -> str:
    version = is_ipv6(other)
    return next((address for address in addresses if is_ipv6(address) is version), "")


def _node_addresses(document: Document) -> Iterable[str]:
    entries = (document.get("status") or {}).get("addresses") or ()
    mine = [each for each in entries if each.get("type") in ("InternalIP", "ExternalIP")]
    return addresses_among(each.get("address", "") for each in mine)


def _pod_cidrs(document: Document) -> Iterable[IPv4Network | IPv6Network]:
    spec = document.get("spec") or {}
    for cidr in spec.get("podCIDRs") or (spec.get("podCIDR"),):
        if cidr:
            yield ip_network(cidr, strict=False)


def _nothing() -> None:
    pass


def _ignore(pod: Pod) -> None:
    pass
