"""Addresses and node ports of Services, given at creation and freed at deletion.

The real API server keeps both in allocators beside the store; here they follow its events,
so a snapshot that is loaded takes its addresses, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from minik8s.apiserver.backend import Backend
from minik8s.apiserver.servicefamilies import (
    check_families,
    family_of,
    trimmed_to_one_family,
)
from minik8s.errors import Cause, InternalError, Invalid
from minik8s.ipam import PoolExhausted
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
        self._pools = {family_of(str(pool.network)): pool for pool in backend.service_addresses}
        self._addresses_random = backend.ids.stream("service-addresses")
        self._ports_random = backend.ids.stream("node-ports")
        self._ports: set[int] = set()
        for service in backend.store.list(SERVICE):
            self._hold(service)
        backend.store.subscribe(self._observe)

    @property
    def families(self) -> tuple[str, ...]:
        """The cluster's IP families, the preferred one first."""
        return tuple(self._pools)

    def allocate(self, service: Document, old: Document | None = None) -> Document:
        """The service with its addresses and node ports; raises Invalid for one that is taken.

        What is handed out must be stored, or given back with `release`.
        """
        kept = _held_addresses(old) if old is not None else []
        check_families(service, self.families)
        addresses, taken = self._addresses(service, kept)
        try:
            ports = self._node_ports(service, _node_ports(old))
        except BaseException:
            self._give_back(taken)
            raise
        spec = _with_addresses(service["spec"], addresses)
        return {**service, "spec": {**spec, "ports": ports} if ports else spec}

    def release(self, service: Document, old: Document | None = None) -> None:
        """Give back what `allocate` handed out for a service that was not stored."""
        kept = _held_addresses(old) if old is not None else []
        self._give_back(a for a in _held_addresses(service) if a not in kept)
        self._ports -= _node_ports(service) - _node_ports(old)

    # -- addresses

    def _addresses(self, service: Document, kept: Sequence[str]) -> tuple[list[str], list[str]]:
        """The cluster addresses, one for each family, and those taken from a pool just now."""
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return [], []
        wanted = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
        if wanted[0] == HEADLESS:
            return [HEADLESS], []
        given = {family_of(address): address for address in wanted if address}
        addresses: list[str] = []
        taken: list[str] = []
        try:
            for family in spec.get("ipFamilies") or self.families[:1]:
                address = given.get(family) or self._next_address(family)
                if family in given and address not in kept:
                    self._reserve(service, address)
                if address not in kept:
                    taken.append(address)
                addresses.append(address)
        except BaseException:
            self._give_back(taken)
            raise
        return addresses, taken

    def _give_back(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._pools[family_of(address)].release(address)

    def _reserve(self, service: Document, wanted: str) -> None:
        pool = self._pools.get(family_of(wanted))
        try:
            if pool is not None and pool.reserve(wanted):
                return
            why = "provided IP is already allocated"
            if pool is None:
                why = "the provided network does not match the current range"
        except ValueError:
            network = pool.network if pool is not None else ""
            why = (
                f"the provided IP ({wanted}) is not in the valid range. "
                f"The range of valid IPs is {network}"
            )
        shown = json.dumps([wanted])
        text = f"Invalid value: {shown}: failed to allocate IP {wanted}: {why}"
        raise _invalid(service, Cause("FieldValueInvalid", text, "spec.clusterIPs"))

    def _next_address(self, family: str) -> str:
        pool = self._pools[family]
        first = _STATIC_BAND if pool.capacity > 2 * _STATIC_BAND else 1
        try:
            return pool.pick(self._addresses_random.randrange(first, pool.capacity))
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
            pool = self._pools.get(family_of(address))
            if pool is not None and address in pool:
                pool.reserve(address)
        self._ports |= _node_ports(service)

    def _let_go(self, service: Document) -> None:
        for address in _held_addresses(service):
            pool = self._pools.get(family_of(address))
            if pool is not None:
                pool.release(address)
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


def _with_addresses(spec: Document, addresses: list[str]) -> Document:
    if not addresses:
        return {k: v for k, v in spec.items() if k not in ("clusterIP", "clusterIPs")}
    if spec.get("clusterIP") == addresses[0] and spec.get("clusterIPs") == addresses:
        return spec
    return {**spec, "clusterIP": addresses[0], "clusterIPs": addresses}


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
    trimmed_to_one_family(spec, before)
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
