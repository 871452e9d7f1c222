"""Tables of Services, endpoints, policies and nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minik8s.apiserver.columns import (
    AGE,
    NAME,
    NONE,
    SELECTOR,
    UNSET,
    WIDE,
    Cells,
    Column,
    Printer,
    age_of,
    format_labels,
    joined,
    name_of,
    spec_of,
    status_of,
    with_more,
)
from minik8s.model.durations import UNKNOWN
from minik8s.model.metadata import Document, labels_of
from minik8s.model.selectors import format_label_selector

ROLE_PREFIX = "node-role.kubernetes.io/"
ROLE_LABEL = "kubernetes.io/role"


def _service(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    addresses = spec.get("clusterIPs")
    return [
        name_of(document),
        spec.get("type", ""),
        addresses[0] if addresses else NONE,
        _external_ip(document),
        joined(_port_text(port) for port in spec.get("ports") or ()),
        age_of(document, now),
        format_labels(spec.get("selector")),
    ]


def _external_ip(document: Document) -> str:
    spec = spec_of(document)
    external: list[str] = spec.get("externalIPs") or []
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return joined(external)
        case "LoadBalancer":
            ingress = (status_of(document).get("loadBalancer") or {}).get("ingress") or ()
            found = {entry.get("ip") or entry.get("hostname") or "" for entry in ingress}
            return joined([*sorted(found - {""}), *external], "<pending>")
        case "ExternalName":
            return str(spec.get("externalName", ""))
    return UNKNOWN


def _port_text(port: Document) -> str:
    protocol = port.get("protocol", "")
    if port.get("nodePort"):
        return f"{port.get('port')}:{port['nodePort']}/{protocol}"
    return f"{port.get('port')}/{protocol}"


def _endpoints(document: Document, now: float) -> Cells:
    subsets = document.get("subsets")
    shown = NONE
    if subsets:
        pairs = [pair for subset in subsets for pair in _addresses(subset)]
        shown = with_more(pairs, len(pairs), "")
    return [name_of(document), shown, age_of(document, now)]


def _addresses(subset: Document) -> Iterator[str]:
    addresses = [entry.get("ip", "") for entry in subset.get("addresses") or ()]
    ports = subset.get("ports")
    if not ports:
        yield from addresses
    for port in ports or ():
        for address in addresses:
            host = f"[{address}]" if ":" in address else address
            yield f"{host}:{port.get('port')}"


def _endpoint_slice(document: Document, now: float) -> Cells:
    ports = [_slice_port(port) for port in document.get("ports") or ()]
    addresses = [
        address
        for endpoint in document.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
    ]
    return [
        name_of(document),
        document.get("addressType", ""),
        with_more(ports, len(ports), UNSET),
        with_more(addresses, len(addresses), UNSET),
        age_of(document, now),
    ]


def _slice_port(port: Document) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    return str(port["name"]) if port.get("name") is not None else "*"


def _network_policy(document: Document, now: float) -> Cells:
    selector = spec_of(document).get("podSelector")
    return [name_of(document), format_label_selector(selector), age_of(document, now)]


def _node(document: Document, now: float) -> Cells:
    info = status_of(document).get("nodeInfo") or {}
    return [
        name_of(document),
        _node_status(document),
        joined(_roles(document)),
        age_of(document, now),
        info.get("kubeletVersion", ""),
        _node_address(document, "InternalIP"),
        _node_address(document, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _node_status(document: Document) -> str:
    conditions: Iterable[Any] = status_of(document).get("conditions") or ()
    ready = next((c.get("status") for c in conditions if c.get("type") == "Ready"), None)
    word = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return f"{word},SchedulingDisabled" if spec_of(document).get("unschedulable") else word


def _roles(document: Document) -> list[str]:
    roles = set()
    for key, value in labels_of(document).items():
        if key.startswith(ROLE_PREFIX):
            roles.add(key[len(ROLE_PREFIX) :])
        elif key == ROLE_LABEL:
            roles.add(value)
    return sorted(roles - {""})


def _node_address(document: Document, kind: str) -> str:
    for entry in status_of(document).get("addresses") or ():
        if entry.get("type") == kind:
            return str(entry.get("address"))
    return NONE


def _namespace(document: Document, now: float) -> Cells:
    return [name_of(document), status_of(document).get("phase", ""), age_of(document, now)]


NETWORK: dict[str, Printer] = {
    "endpoints": Printer((NAME, Column("Endpoints"), AGE), _endpoints),
    "endpointslices.discovery.k8s.io": Printer(
        (NAME, Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE), _endpoint_slice
    ),
    "namespaces": Printer((NAME, Column("Status"), AGE), _namespace),
    "networkpolicies.networking.k8s.io": Printer(
        (NAME, Column("Pod-Selector"), AGE), _network_policy
    ),
    "nodes": Printer(
        (
            NAME,
            Column("Status"),
            Column("Roles"),
            AGE,
            Column("Version"),
            Column("Internal-IP", priority=WIDE),
            Column("External-IP", priority=WIDE),
            Column("OS-Image", priority=WIDE),
            Column("Kernel-Version", priority=WIDE),
            Column("Container-Runtime", priority=WIDE),
        ),
        _node,
    ),
    "services": Printer(
        (
            NAME,
            Column("Type"),
            Column("Cluster-IP"),
            Column("External-IP"),
            Column("Port(s)"),
            AGE,
            SELECTOR,
        ),
        _service,
    ),
}
