"""Which pods stand behind a Service, and on which ports: pure functions.

A pod is an *endpoint* of a Service that selects it, once it has an address and until it has
run to its end. *Ready* means that traffic goes there; a pod that is going is *terminating*,
and *serving* as long as it is still well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from minik8s.model.metadata import Document, is_terminating, name_of, namespace_of, uid_of
from minik8s.model.workloads import (
    condition,
    declared_ports,
    is_terminal,
    node_name,
    pod_addresses,
)

Ports: TypeAlias = tuple[tuple[str, int, str, str], ...]
"""Name, number, protocol and appProtocol of each port, in the order of the Service."""

TOLERATE_UNREADY = "service.alpha.kubernetes.io/tolerate-unready-endpoints"


def families(service: Mapping[str, Any]) -> tuple[str, ...]:
    """The address families of a Service's slices: `IPv4`, `IPv6`."""
    return tuple(service["spec"].get("ipFamilies") or ("IPv4",))


def address_in(pod: Mapping[str, Any], family: str) -> str:
    """The pod's address of a family, or the empty string."""
    wants_six = family == "IPv6"
    return next((each for each in pod_addresses(pod) if (":" in each) == wants_six), "")


def publishes_unready(service: Mapping[str, Any]) -> bool:
    """Whether pods count as ready even while they are not."""
    annotations = service["metadata"].get("annotations") or {}
    wanted = service["spec"].get("publishNotReadyAddresses")
    return bool(wanted or annotations.get(TOLERATE_UNREADY) == "true")


def may_serve(pod: Mapping[str, Any]) -> bool:
    """Whether a pod has a place among endpoints at all."""
    return bool(pod_addresses(pod)) and not is_terminal(pod)


def resolve_ports(service: Mapping[str, Any], pod: Mapping[str, Any]) -> Ports:
    """The Service's ports as numbers on one pod; a name that the pod lacks is left out."""
    resolved = []
    for port in service["spec"].get("ports") or ():
        number = _target(port, pod)
        if number is not None:
            protocol = port.get("protocol") or "TCP"
            resolved.append(
                (port.get("name") or "", number, protocol, port.get("appProtocol") or "")
            )
    return tuple(resolved)


def _target(port: Mapping[str, Any], pod: Mapping[str, Any]) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    protocol = port.get("protocol") or "TCP"
    for declared in declared_ports(pod):
        if declared.name == target and declared.protocol == protocol:
            return declared.number
    return None


def endpoint(service: Mapping[str, Any], pod: Document, family: str) -> Document:
    """One entry of an EndpointSlice."""
    serving = _is_serving(pod)
    going = is_terminating(pod)
    entry: Document = {
        "addresses": [address_in(pod, family)],
        "conditions": {
            "ready": publishes_unready(service) or (serving and not going),
            "serving": serving,
            "terminating": going,
        },
        "targetRef": {
            "kind": "Pod",
            "namespace": namespace_of(pod),
            "name": name_of(pod),
            "uid": uid_of(pod),
        },
    }
    if node := node_name(pod):
        entry["nodeName"] = node
    spec = pod["spec"]
    if spec.get("hostname") and spec.get("subdomain") == name_of(service):
        entry["hostname"] = spec["hostname"]
    return entry


def _is_serving(pod: Mapping[str, Any]) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def slice_ports(ports: Ports) -> list[Document]:
    """The `ports` of an EndpointSlice."""
    entries = []
    for name, number, protocol, application in ports:
        entry: Document = {"name": name, "port": number, "protocol": protocol}
        if application:
            entry["appProtocol"] = application
        entries.append(entry)
    return entries


def subset_ports(ports: Ports) -> list[Document]:
    """The `ports` of one subset of an Endpoints object."""
    return [_subset_port(*port) for port in ports]


def is_listed(service: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether a pod that may serve is in the Service's Endpoints: not while it is going."""
    return not is_terminating(pod) or publishes_unready(service)


def counts_as_ready(service: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether the Endpoints have a pod among the ready addresses."""
    return publishes_unready(service) or _is_serving(pod)


def subset_address(service: Mapping[str, Any], pod: Document, family: str) -> Document:
    """One address of an Endpoints object."""
    address: Document = {"ip": address_in(pod, family)}
    spec = pod["spec"]
    if spec.get("hostname") and spec.get("subdomain") == name_of(service):
        address["hostname"] = spec["hostname"]
    if node := node_name(pod):
        address["nodeName"] = node
    address["targetRef"] = {
        "kind": "Pod",
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "uid": uid_of(pod),
    }
    return address


def _subset_port(name: str, number: int, protocol: str, application: str) -> Document:
    port: Document = {"port": number, "protocol": protocol}
    if name:
        port["name"] = name
    if application:
        port["appProtocol"] = application
    return port
