"""Addresses and node ports of Services, given at creation and freed at deletion.

The real API server keeps both in allocators beside the store; here they follow its events,
so a snapshot that is loaded takes its addresses, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from minik8s.apiserver.backend import Backend
from minik8s.errors import Cause, InternalError, Invalid
from minik8s.ipam import AddressPool, PoolExhausted
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import SERVICE
from minik8s.store import StoreEvent

NODE_PORTS = range(30000, 32768)
HEADLESS = "None"

_STATIC_BAND = 256
"""The first addresses of the block are left to those who ask for one (KEP-3070)."""

_PORT_TYPES = ("NodePort", "LoadBalancer")


class ServiceAllocator:
    """Hands out cluster addresses and node ports."""

    def __init__(self, backend: Backend) -> None:
        self._pool: AddressPool = backend.service_addresses
        self._addresses_random = backend.ids.stream("service-addresses")
        self._ports_random = backend.ids.stream("node-ports")
        self._ports: set[int] = set()
        for service in backend.store.list(SERVICE):
            self._hold(service)
        backend.store.subscribe(self._observe)

    def allocate(self, service: Document, old: Document | None = None) -> Document:
        """The service with its addresses and node ports; raises Invalid for one that is taken.

        What is handed out must be stored, or given back with `release`.
        """
        kept = _held_addresses(old) if old is not None else []
        address, allocated = self._address(service, kept)
        try:
            ports = self._node_ports(service, _node_ports(old))
        except BaseException:
            if allocated:
                self._pool.release(address)
            raise
        spec = _with_address(service["spec"], address)
        return {**service, "spec": {**spec, "ports": ports} if ports else spec}

    def release(self, service: Document, old: Document | None = None) -> None:
        """Give back what `allocate` handed out for a service that was not stored."""
        kept = _held_addresses(old) if old is not None else []
        for address in _held_addresses(service):
            if address not in kept:
                self._pool.release(address)
        self._ports -= _node_ports(service) - _node_ports(old)

    # -- addresses

    def _address(self, service: Document, kept: Sequence[str]) -> tuple[str, bool]:
        """The cluster address, and whether it was taken from the pool just now."""
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return "", False
        wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
        if wanted == HEADLESS or wanted in kept:
            return wanted, False
        if wanted:
            self._reserve(service, wanted)
            return wanted, True
        return self._next_address(), True

    def _reserve(self, service: Document, wanted: str) -> None:
        try:
            if self._pool.reserve(wanted):
                return
            why = "provided IP is already allocated"
        except ValueError:
            why = (
                "the provided network does not match the current range"
                if ":" in wanted
                else f"the provided IP ({wanted}) is not in the valid range. "
                f"The range of valid IPs is {self._pool.network}"
            )
        shown = json.dumps([wanted])
        text = f"Invalid value: {shown}: failed to allocate IP {wanted}: {why}"
        raise _invalid(service, Cause("FieldValueInvalid", text, "spec.clusterIPs"))

    def _next_address(self) -> str:
        first = _STATIC_BAND if self._pool.capacity > 2 * _STATIC_BAND else 1
        try:
            return self._pool.pick(self._addresses_random.randrange(first, self._pool.capacity))
        except PoolExhausted:
            raise InternalError.wrap("failed to allocate a serviceIP: range is full") from None

    # -- node ports

    def _node_ports(self, service: Document, kept: set[int]) -> list[Document]:
        spec = service["spec"]
        ports: list[Document] = spec.get("ports") or []
        if spec.get("type") not in _PORT_TYPES or _wants_no_ports(spec):
            return [_without_node_port(port) for port in ports]
        taken: list[int] = []
        try:
            return [
                self._with_node_port(service, index, port, kept, taken)
                for index, port in enumerate(ports)
            ]
        except BaseException:
            self._ports.difference_update(taken)
            raise

    def _with_node_port(
        self, service: Document, index: int, port: Document, kept: set[int], taken: list[int]
    ) -> Document:
        wanted = port.get("nodePort") or 0
        if wanted in kept or (wanted in taken and _other_protocol(service, index)):
            return port
        if wanted:
            self._check_node_port(service, index, wanted)
        else:
            wanted = self._next_node_port()
        self._ports.add(wanted)
        taken.append(wanted)
        return {**port, "nodePort": wanted}

    def _check_node_port(self, service: Document, index: int, wanted: int) -> None:
        if wanted in NODE_PORTS and wanted not in self._ports:
            return
        why = "provided port is already allocated"
        if wanted not in NODE_PORTS:
            why = (
                "provided port is not in the valid range. The range of valid ports is "
                f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
            )
        field = f"spec.ports[{index}].nodePort"
        raise _invalid(
            service, Cause("FieldValueInvalid", f"Invalid value: {wanted}: {why}", field)
        )

    def _next_node_port(self) -> int:
        if len(self._ports) >= len(NODE_PORTS):
            raise InternalError.wrap("failed to allocate a nodePort: range is full")
        while True:
            port = self._ports_random.choice(NODE_PORTS)
            if port not in self._ports:
                return port

    # -- following the store

    def _observe(self, event: StoreEvent) -> None:
        if event.kind.plural != SERVICE.plural or event.kind.group:
            return
        if event.previous is not None:
            self._let_go(event.previous)
        if event.type != "DELETED":
            self._hold(event.object)

    def _hold(self, service: Document) -> None:
        for address in _held_addresses(service):
            if address in self._pool:
                self._pool.reserve(address)
        self._ports |= _node_ports(service)

    def _let_go(self, service: Document) -> None:
        for address in _held_addresses(service):
            self._pool.release(address)
        self._ports -= _node_ports(service)


def _invalid(service: Document, cause: Cause) -> Invalid:
    return Invalid.object(SERVICE.kind, "", name_of(service), [cause])


def _held_addresses(service: Document) -> list[str]:
    spec = service.get("spec") or {}
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return [address for address in addresses if address and address != HEADLESS]


def _node_ports(service: Document | None) -> set[int]:
    spec = (service or {}).get("spec") or {}
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _with_address(spec: Document, address: str) -> Document:
    if not address:
        return {k: v for k, v in spec.items() if k not in ("clusterIP", "clusterIPs")}
    if spec.get("clusterIP") == address and spec.get("clusterIPs"):
        return spec
    return {**spec, "clusterIP": address, "clusterIPs": [address]}


def _wants_no_ports(spec: Document) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False


def _without_node_port(port: Document) -> Document:
    return {k: v for k, v in port.items() if k != "nodePort"} if "nodePort" in port else port


def _other_protocol(service: Document, index: int) -> bool:
    """Whether an earlier port has this node port under another protocol, which may share it."""
    ports = service["spec"]["ports"]
    mine = ports[index]
    return all(
        each.get("protocol") != mine.get("protocol")
        for each in ports[:index]
        if each.get("nodePort") == mine.get("nodePort")
    )


def inherited(service: Document, old: Document) -> Document:
    """A new state of a service before its validation.

    Addresses and node ports that an update leaves out stay (patchAllocatedValues); what the
    new type has no use for goes, unless the update sets it anew (dropTypeDependentFields).
    """
    spec, before = _without_useless(service["spec"], old["spec"]), old["spec"]
    if "ExternalName" not in (spec.get("type"), before.get("type")):
        if not spec.get("clusterIP") and not spec.get("clusterIPs"):
            spec.update({f: before[f] for f in ("clusterIP", "clusterIPs") if f in before})
        elif spec.get("clusterIP") == before.get("clusterIP") and not spec.get("clusterIPs"):
            spec.update({f: before[f] for f in ("clusterIPs",) if f in before})
    if spec.get("type") in _PORT_TYPES and before.get("type") in _PORT_TYPES:
        numbers = {_port_key(port): port.get("nodePort") for port in before.get("ports") or ()}
        spec["ports"] = [_numbered(port, numbers) for port in spec.get("ports") or ()]
    return {**service, "spec": spec}


_NEEDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"),
        ("ClusterIP", "NodePort", "LoadBalancer"),
    ),
    (("externalTrafficPolicy",), _PORT_TYPES),
    (
        ("allocateLoadBalancerNodePorts", "healthCheckNodePort", "loadBalancerClass"),
        ("LoadBalancer",),
    ),
)
"""Fields, and the types of Service that have a use for them."""


def _without_useless(spec: Document, before: Document) -> Document:
    new_type, old_type = spec.get("type"), before.get("type")
    kept: Document = dict(spec)
    for fields, types in _NEEDS:
        if old_type in types and new_type not in types:
            for field in fields:
                if field in kept and kept[field] == before.get(field):
                    del kept[field]
    if old_type in _PORT_TYPES and new_type not in _PORT_TYPES:
        given = {port.get("nodePort") for port in before.get("ports") or ()}
        kept["ports"] = [
            _without_node_port(port) if port.get("nodePort") in given else port
            for port in spec.get("ports") or ()
        ]
    return kept


def _port_key(port: Document) -> tuple[int, str]:
    return port.get("port", 0), port.get("protocol", "TCP")


def _numbered(port: Document, numbers: Mapping[tuple[int, str], int | None]) -> Document:
    number = numbers.get(_port_key(port))
    return port if port.get("nodePort") or not number else {**port, "nodePort": number}
