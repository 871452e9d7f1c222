"""From what a program dials to where the packet goes: DNS, Services, endpoints.

The answers come from documents alone: EndpointSlices where there are any for a Service,
otherwise the ready pods that its selector picks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from minik8s.model.metadata import Document, is_terminating, labels_of, name_of, namespace_of
from minik8s.model.selectors import map_selector
from minik8s.model.services import (
    ServicePort,
    cluster_ips,
    external_addresses,
    external_is_local,
    external_name,
    internal_is_local,
    is_headless,
    publishes_not_ready,
    service_of_slice,
    service_ports,
    slice_endpoints,
    slice_ports,
)
from minik8s.model.workloads import condition
from minik8s.network.dns import AAAA, A, Question
from minik8s.network.outside import resolve
from minik8s.policy.addresses import parse_address
from minik8s.policy.snapshot import Snapshot, port_names
from minik8s.policy.values import Peer

ZONE = "cluster.local"
NDOTS = 5


class DeadEnd(Enum):
    """Why a connection goes nowhere, whatever policy says."""

    NO_NAME = "no such name"
    NO_ENDPOINT = "the Service has no ready endpoint"
    NO_SERVICE_PORT = "the Service has no such port"
    NO_LOCAL_ENDPOINT = "the Service keeps to the node, which has no ready endpoint of it"
    OTHER_IP_VERSION = "the two ends have no IP version in common"
    FROM_OUTSIDE = "a clusterIP means nothing outside the cluster"


class Readiness(Enum):
    """What an endpoint takes: connections, those that nobody else takes, or none."""

    READY = "ready"
    LEAVING = "serving while it terminates"
    UNREADY = "not ready"

    @classmethod
    def of(cls, ready: bool, leaving: bool) -> Readiness:
        """From the conditions of EndpointSlices (`ready`; `serving` and `terminating`)."""
        if ready:
            return cls.READY
        return cls.LEAVING if leaving else cls.UNREADY


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod, node or address that the connection ends at, and the port there.

    `seen` is the node whose address the endpoint sees instead of the client's, if any: a node
    that passes a connection from outside on to another node puts its own address in.
    """

    peer: Peer
    port: int | None
    seen: Peer | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection goes after name lookup and Service translation.

    `tried` are the names asked for in turn; `service` is `namespace/name` if one translates.
    """

    endpoints: tuple[Endpoint, ...]
    dead_end: DeadEnd | None = None
    tried: tuple[str, ...] = ()
    address: str = ""
    service: str = ""

    @property
    def by_name(self) -> bool:
        """Whether a name is looked up first."""
        return bool(self.tried)


class Directory:
    """Services, endpoints and names of one snapshot."""

    def __init__(self, documents: Iterable[Document], snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._services: dict[tuple[str, str], Document] = {}
        self._slices: dict[tuple[str, str], list[Document]] = {}
        self._pods: dict[str, list[Document]] = {}
        self._by_address: dict[str, Document] = {}
        self._node_ports: dict[tuple[int, str, int], tuple[Document, ServicePort]] = {}
        for document in documents:
            kind, namespace = document.get("kind"), namespace_of(document) or "default"
            if kind == "Service":
                self._services[namespace, name_of(document)] = document
                self._publish(document)
                for address in (*cluster_ips(document), *external_addresses(document)):
                    self._by_address[address] = document
            elif kind == "EndpointSlice":
                key = (namespace, service_of_slice(document))
                self._slices.setdefault(key, []).append(document)
            elif kind == "Pod":
                self._pods.setdefault(namespace, []).append(document)

    def _publish(self, service: Document) -> None:
        """Note the nodePorts of a Service, which stand on addresses of its IP families."""
        own = (*cluster_ips(service), *external_addresses(service))
        versions = {parse_address(address)[0] for address in own} or {4, 6}
        for entry in service_ports(service):
            for version in versions if entry.node_port else ():
                self._node_ports[version, entry.protocol, entry.node_port] = (service, entry)

    def service(self, namespace: str, name: str) -> Document | None:
        """A Service by name."""
        return self._services.get((namespace, name))

    def by_address(self, address: str, client: Peer, protocol: str, port: int | None) -> Route:
        """Where a client's connection to an address goes."""
        service = self._by_address.get(address)
        if service is not None:
            if address in cluster_ips(service):
                return self.through(service, client, protocol, port)
            entries = self._entries(client)
            return self._from_outside(service, client, entries, protocol, port, address)
        peer = self._snapshot.by_address.get(parse_address(address)) or Peer(address)
        version = parse_address(address)[0]
        published = self._node_ports.get((version, protocol, port or 0))
        if published is not None and peer.node_labels is not None:
            service, entry = published
            return self._from_outside(service, client, [peer], protocol, entry.port, address)
        return Route((Endpoint(peer, port),), address=address)

    def through(self, service: Document, client: Peer, protocol: str, port: int | None) -> Route:
        """Where a client's connection to a Service goes."""
        key, address = _key_of(service), next(iter(cluster_ips(service)), "")
        if is_headless(service):
            ends = tuple(Endpoint(e.peer, port) for e in self._endpoints(service, None))
            return Route(ends, None if ends else DeadEnd.NO_ENDPOINT, address=address, service=key)
        if not _inside(client):
            return Route((), DeadEnd.FROM_OUTSIDE, address=address, service=key)
        entry = _service_port(service, protocol, port)
        if entry is None:
            return Route((), DeadEnd.NO_SERVICE_PORT, address=address, service=key)
        ends = tuple(self._endpoints(service, entry))
        dead_end = None if ends else DeadEnd.NO_ENDPOINT
        if ends and internal_is_local(service):
            ends = tuple(end for end in ends if end.peer.node == client.node)
            dead_end = None if ends else DeadEnd.NO_LOCAL_ENDPOINT
        return Route(ends, dead_end, address=address, service=key)

    def _entries(self, client: Peer) -> list[Peer]:
        """The nodes at which a connection to a load balancer's address may come in."""
        own = self._snapshot.nodes.get(client.node)
        return [own] if own is not None else list(self._snapshot.nodes.values())

    def _from_outside(
        self,
        service: Document,
        client: Peer,
        nodes: list[Peer],
        protocol: str,
        port: int | None,
        address: str,
    ) -> Route:
        """A nodePort or an external address, entered at one of some nodes.

        `externalTrafficPolicy: Local` keeps clients from outside to the node; those inside
        may be sent to any endpoint (kube-proxy's chain for external destinations).
        """
        key, entry = _key_of(service), _service_port(service, protocol, port)
        if entry is None:
            return Route((), DeadEnd.NO_SERVICE_PORT, address=address, service=key)
        ends = self._endpoints(service, entry)
        if external_is_local(service) and not _inside(client):
            near = [e for e in ends if not nodes or e.peer.node in {node.name for node in nodes}]
            dead_end = None if near else DeadEnd.NO_LOCAL_ENDPOINT if ends else DeadEnd.NO_ENDPOINT
            return Route(tuple(near), dead_end, address=address, service=key)
        seen = [
            Endpoint(end.peer, end.port, None if end.peer.node == node.name else node)
            for end in ends
            for node in nodes
        ]
        dead_end = None if ends else DeadEnd.NO_ENDPOINT
        return Route(_distinct(seen or ends), dead_end, (), address, key)

    def by_name(self, name: str, client: Peer, protocol: str, port: int | None) -> Route:
        """Where a client's connection to a DNS name goes."""
        tried: list[str] = []
        for candidate in _candidates(name, client.namespace or "default"):
            tried.append(candidate)
            route = self._named(candidate, client, protocol, port)
            if route is not None:
                names = (*tried, *route.tried)
                return Route(route.endpoints, route.dead_end, names, route.address, route.service)
        return Route((), DeadEnd.NO_NAME, tuple(tried))

    def _named(self, name: str, client: Peer, protocol: str, port: int | None) -> Route | None:
        suffix = f".svc.{ZONE}"
        if not name.endswith(suffix):
            return None if name.endswith(f".{ZONE}") else self._public(name, client, protocol, port)
        parts = name.removesuffix(suffix).split(".")
        service = self.service(parts[-1], parts[-2]) if len(parts) in (2, 3) else None
        if service is None:
            return None
        if len(parts) == 3:
            return self._pod_of(service, parts[0], port)
        alias = external_name(service)
        if alias:
            return self.by_name(f"{alias}.", client, protocol, port)
        return self.through(service, client, protocol, port)

    def _public(self, name: str, client: Peer, protocol: str, port: int | None) -> Route | None:
        for kind in (A, AAAA):
            for record in resolve(Question(name, kind)).answers:
                if record.type == kind:
                    return self.by_address(str(record.data), client, protocol, port)
        return None

    def _pod_of(self, service: Document, host: str, port: int | None) -> Route | None:
        """The pod of a headless Service with a host name (StatefulSets)."""
        for endpoint in self._endpoints(service, None):
            if endpoint.peer.name == host:
                return Route((Endpoint(endpoint.peer, port),), address=endpoint.peer.address)
        return None

    def _endpoints(self, service: Document, entry: ServicePort | None) -> list[Endpoint]:
        """The ready endpoints behind one port, or behind a headless Service.

        A port without any falls back on those that still serve while terminating.
        """
        rows = list(self._rows(service, entry))
        ends = [end for end, readiness in rows if readiness is Readiness.READY]
        if ends or entry is None:
            return ends
        return [end for end, readiness in rows if readiness is Readiness.LEAVING]

    def _rows(
        self, service: Document, entry: ServicePort | None
    ) -> Iterator[tuple[Endpoint, Readiness]]:
        key = (namespace_of(service) or "default", name_of(service))
        slices = self._slices.get(key)
        if slices is not None:
            yield from self._from_slices(slices, entry)
            return
        wanted = (service.get("spec") or {}).get("selector")
        if not wanted:
            return
        selector = map_selector(wanted)
        for pod in self._pods.get(key[0], ()):
            peer = self._snapshot.pods.get(f"{key[0]}/{name_of(pod)}")
            if peer is None or not selector.matches(labels_of(pod)):
                continue
            port = None if entry is None else _target_port(entry, pod)
            if entry is None or port is not None:
                readiness = Readiness.READY if publishes_not_ready(service) else _readiness(pod)
                yield Endpoint(peer, port), readiness

    def _from_slices(
        self, slices: Iterable[Document], entry: ServicePort | None
    ) -> Iterator[tuple[Endpoint, Readiness]]:
        for document in slices:
            ports = [
                port.port
                for port in slice_ports(document)
                if entry is None or (port.name, port.protocol) == (entry.name, entry.protocol)
            ]
            for endpoint in slice_endpoints(document):
                if endpoint.addresses and (ports or entry is None):
                    address = endpoint.addresses[0]
                    peer = self._snapshot.pods.get("/".join(endpoint.pod))
                    found = peer or self._snapshot.by_address.get(parse_address(address))
                    end = Endpoint(found or Peer(address), ports[0] if ports else None)
                    leaving = endpoint.serving and endpoint.terminating
                    yield end, Readiness.of(endpoint.ready, leaving)


def _inside(client: Peer) -> bool:
    """Whether a client is a pod or a node of the cluster."""
    return client.namespace != "" or client.node_labels is not None


def _key_of(service: Document) -> str:
    return f"{namespace_of(service) or 'default'}/{name_of(service)}"


def _service_port(service: Document, protocol: str, port: int | None) -> ServicePort | None:
    for entry in service_ports(service):
        if (entry.protocol, entry.port) == (protocol, port):
            return entry
    return None


def _distinct(ends: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    found = {(e.peer.key, e.port, e.seen.key if e.seen else ""): e for e in ends}
    return tuple(found.values())


def _candidates(name: str, namespace: str) -> Iterator[str]:
    """The names that a pod's resolver asks for in turn (`search` and `ndots:5`)."""
    if name.endswith("."):
        yield name.removesuffix(".")
        return
    search = [f"{name}.{namespace}.svc.{ZONE}", f"{name}.svc.{ZONE}", f"{name}.{ZONE}"]
    yield from [name, *search] if name.count(".") >= NDOTS else [*search, name]


def _readiness(pod: Mapping[str, object]) -> Readiness:
    """What a pod is as an endpoint; one without a Ready condition serves."""
    found = condition(pod, "Ready")
    serves, going = found is None or found.get("status") == "True", is_terminating(pod)
    return Readiness.of(serves and not going, serves and going)


def _target_port(entry: ServicePort, pod: Document) -> int | None:
    """The pod's own port behind a service port; None if the pod does not have the name."""
    if isinstance(entry.target_port, int):
        return entry.target_port
    return port_names(pod.get("spec") or {}).get((entry.target_port, entry.protocol))
