"""Service translation as kube-proxy does it: which endpoint a new connection goes to.

A *frontend* is one address and port that clients dial: a clusterIP with a service port, an
external address with a service port, or any node's address with a nodePort. Its *backends*
are the ready endpoints; each new connection gets one of them. Headless Services have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random

from minik8s.clock import Clock
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.services import (
    ServicePort,
    SliceEndpoint,
    affinity_seconds,
    cluster_ips,
    external_addresses,
    external_is_local,
    internal_is_local,
    service_of_slice,
    service_ports,
    slice_endpoints,
    slice_ports,
)
from minik8s.network.packet import addresses_among, is_ipv6


class Scope(Enum):
    """Where a frontend's address comes from."""

    CLUSTER = "clusterIP"
    EXTERNAL = "external address"
    NODE = "nodePort"


@dataclass(frozen=True, slots=True)
class Backend:
    """One endpoint of a frontend: where the connection really goes."""

    address: str
    port: int
    node: str


@dataclass(frozen=True, slots=True)
class Frontend:
    """One address and port that clients dial; `local` keeps to the endpoints of one node.

    `service` is `namespace/name:port name`, without the colon where the port has no name.
    """

    service: str
    scope: Scope
    backends: tuple[Backend, ...]
    local: bool
    affinity: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do with a new connection: go to a backend, or be rejected, or be dropped.

    `masquerade` asks for the node's own address as the source, so that replies come back.
    """

    backend: Backend | None
    masquerade: bool = False
    silent: bool = False


_Key = tuple[str, str, int]
_NodeKey = tuple[str, int, bool]
_Name = tuple[str, str]


class ServiceTable:
    """The frontends of every Service, kept current by store events."""

    __slots__ = (
        "_affinity",
        "_clock",
        "_frontends",
        "_node_ports",
        "_of_service",
        "_random",
        "_slices",
        "_stale",
        "services",
    )

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self.services: dict[_Name, Document] = {}
        self._slices: dict[_Name, dict[str, Document]] = {}
        self._frontends: dict[_Key, Frontend] = {}
        self._node_ports: dict[_NodeKey, Frontend] = {}
        self._of_service: dict[_Name, tuple[list[_Key], list[_NodeKey]]] = {}
        self._affinity: dict[tuple[str, str, str], tuple[Backend, float]] = {}
        self._stale: dict[_Name, None] = {}

    def find(self, address: str, protocol: str, port: int) -> Frontend | None:
        """The frontend of a clusterIP or an external address."""
        self._refresh()
        return self._frontends.get((address, protocol, port))

    def node_port(self, address: str, protocol: str, port: int) -> Frontend | None:
        """The frontend of a nodePort; `address` is the node's."""
        self._refresh()
        return self._node_ports.get((protocol, port, is_ipv6(address)))

    def choose(self, frontend: Frontend, node: str, client: str, inside: bool) -> Choice:
        """The endpoint of a new connection that came to a node.

        `inside` tells whether the client is a pod or a node; `local` external frontends send
        only clients from outside to the node's own pods.
        """
        external = frontend.scope is not Scope.CLUSTER
        local = frontend.local and (not external or not inside)
        masquerade = external and not local
        backends = frontend.backends
        if local:
            backends = tuple(backend for backend in backends if backend.node == node)
            if not backends and frontend.backends:
                return Choice(None, silent=True)
        if not backends:
            return Choice(None)
        return Choice(self._pick(frontend, node, client, backends), masquerade)

    def slices(self, namespace: str, name: str) -> Iterable[Document]:
        """The EndpointSlices of a Service."""
        return self._slices.get((namespace, name), {}).values()

    # -- store events

    def put_service(self, document: Document) -> None:
        """A Service is new or changed."""
        key = (namespace_of(document), name_of(document))
        self.services[key] = document
        self._mark(key)

    def drop_service(self, namespace: str, name: str) -> None:
        """A Service is gone."""
        self.services.pop((namespace, name), None)
        self._mark((namespace, name))

    def put_slice(self, document: Document) -> None:
        """An EndpointSlice is new or changed."""
        key = (namespace_of(document), service_of_slice(document))
        self._slices.setdefault(key, {})[name_of(document)] = document
        self._mark(key)

    def drop_slice(self, document: Document) -> None:
        """An EndpointSlice is gone."""
        key = (namespace_of(document), service_of_slice(document))
        held = self._slices.get(key, {})
        held.pop(name_of(document), None)
        if not held:
            self._slices.pop(key, None)
        self._mark(key)

    # -- inside

    def _pick(
        self, frontend: Frontend, node: str, client: str, backends: tuple[Backend, ...]
    ) -> Backend:
        if frontend.affinity is None:
            return backends[0] if len(backends) == 1 else self._random.choice(backends)
        key, now = (frontend.service, node, client), self._clock.now
        backend, until = self._affinity.get(key, (None, 0.0))
        if backend is None or until <= now or backend not in backends:
            backend = self._random.choice(backends)
        self._affinity[key] = (backend, now + frontend.affinity)
        return backend

    def _mark(self, key: _Name) -> None:
        """Have a Service's frontends built anew at the next look, after those marked before.

        Each endpoint that comes or goes is a write: a Service of thousands is built when
        somebody dials, not at each of them.
        """
        self._stale.pop(key, None)
        self._stale[key] = None

    def _refresh(self) -> None:
        if self._stale:
            stale, self._stale = self._stale, {}
            for key in stale:
                self._rebuild(key)

    def _rebuild(self, key: _Name) -> None:
        frontends, node_ports = self._of_service.pop(key, ((), ()))
        for each in frontends:
            self._frontends.pop(each, None)
        for number in node_ports:
            self._node_ports.pop(number, None)
        service = self.services.get(key)
        if service is not None:
            self._build(key, service)

    def _build(self, key: _Name, service: Document) -> None:
        inner, outer = cluster_ips(service), external_addresses(service)
        addresses = [(Scope.CLUSTER, each) for each in addresses_among(inner)]
        addresses += [(Scope.EXTERNAL, each) for each in addresses_among(outer)]
        versions = {is_ipv6(address) for _, address in addresses}
        made: list[_Key] = []
        numbers: list[_NodeKey] = []
        for port in service_ports(service):
            for scope, address in addresses:
                frontend = self._frontend(key, service, port, scope, is_ipv6(address))
                made.append((address, port.protocol, port.port))
                self._frontends[made[-1]] = frontend
            for ipv6 in versions if port.node_port else ():
                frontend = self._frontend(key, service, port, Scope.NODE, ipv6)
                numbers.append((port.protocol, port.node_port, ipv6))
                self._node_ports[numbers[-1]] = frontend
        if made:
            self._of_service[key] = (made, numbers)

    def _frontend(
        self, key: _Name, service: Document, port: ServicePort, scope: Scope, ipv6: bool
    ) -> Frontend:
        name = "/".join(key) + (f":{port.name}" if port.name else "")
        local = internal_is_local(service) if scope is Scope.CLUSTER else external_is_local(service)
        backends = tuple(self._backends(key, port, ipv6))
        return Frontend(name, scope, backends, local, affinity_seconds(service))

    def _backends(self, key: _Name, port: ServicePort, ipv6: bool) -> Iterator[Backend]:
        """The ready endpoints; if there are none, those that still serve while terminating."""
        rows = list(self._endpoints(key, port, ipv6))
        usable = [row for row in rows if row[0].ready]
        usable = usable or [row for row in rows if row[0].serving and row[0].terminating]
        seen = set()
        for endpoint, number in usable:
            for address in addresses_among(endpoint.addresses[:1]):
                if address not in seen:
                    seen.add(address)
                    yield Backend(address, number, endpoint.node)

    def _endpoints(
        self, key: _Name, port: ServicePort, ipv6: bool
    ) -> Iterator[tuple[SliceEndpoint, int]]:
        for document in self._slices.get(key, {}).values():
            if (document.get("addressType") == "IPv6") is not ipv6:
                continue
            for entry in slice_ports(document):
                if (entry.name, entry.protocol) == (port.name, port.protocol):
                    for endpoint in slice_endpoints(document):
                        yield endpoint, entry.port
