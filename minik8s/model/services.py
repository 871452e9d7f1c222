"""Read-only views of Services and EndpointSlices.

Vocabulary: *clusterIP*, *service port* (what a client dials), *targetPort* (what the pod listens
on), *nodePort*; a Service without a clusterIP is *headless*. An *endpoint* is one pod address
of an EndpointSlice; it is *ready*, or *serving* while it terminates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.model.metadata import labels_of

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
"""The label by which an EndpointSlice belongs to a Service."""

DEFAULT_AFFINITY_SECONDS = 10800
"""`sessionAffinityConfig.clientIP.timeoutSeconds` if nothing is said."""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One entry of `spec.ports`; `node_port` is 0 if there is none."""

    name: str
    protocol: str
    port: int
    target_port: int | str
    node_port: int


@dataclass(frozen=True, slots=True)
class SliceEndpoint:
    """One entry of an EndpointSlice's `endpoints`.

    `pod` is the namespace and name of the pod behind it, empty for an endpoint made by hand.
    """

    addresses: tuple[str, ...]
    ready: bool
    serving: bool
    terminating: bool
    hostname: str
    node: str
    pod: tuple[str, str]


@dataclass(frozen=True, slots=True)
class SlicePort:
    """One entry of an EndpointSlice's `ports`: the pods' port, by the service port's name."""

    name: str
    protocol: str
    port: int


def service_type(service: Mapping[str, Any]) -> str:
    """`spec.type`, by default ClusterIP."""
    return str(service.get("spec", {}).get("type") or "ClusterIP")


def cluster_ips(service: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of `spec.clusterIPs` or `spec.clusterIP`; none for a headless Service."""
    spec = service.get("spec", {})
    given = spec.get("clusterIPs") or (spec.get("clusterIP"),)
    return tuple(address for address in given if address and address != "None")


def is_headless(service: Mapping[str, Any]) -> bool:
    """Whether the Service asks for no address: `clusterIP: None`."""
    return bool(service.get("spec", {}).get("clusterIP") == "None")


def external_name(service: Mapping[str, Any]) -> str:
    """The name that an ExternalName Service stands for, or the empty string."""
    if service_type(service) != "ExternalName":
        return ""
    return str(service.get("spec", {}).get("externalName") or "")


def service_ports(service: Mapping[str, Any]) -> Iterator[ServicePort]:
    """The entries of `spec.ports`, defaults filled in."""
    for entry in service.get("spec", {}).get("ports") or ():
        port = int(entry["port"])
        yield ServicePort(
            str(entry.get("name") or ""),
            str(entry.get("protocol") or "TCP"),
            port,
            entry.get("targetPort") or port,
            int(entry.get("nodePort") or 0),
        )


def external_addresses(service: Mapping[str, Any]) -> tuple[str, ...]:
    """`spec.externalIPs`, and the addresses that a load balancer has given."""
    balancer = service.get("status", {}).get("loadBalancer") or {}
    given = [entry["ip"] for entry in balancer.get("ingress") or () if entry.get("ip")]
    return (*(service.get("spec", {}).get("externalIPs") or ()), *given)


def affinity_seconds(service: Mapping[str, Any]) -> int | None:
    """How long a client stays with its endpoint (`sessionAffinity: ClientIP`), or None."""
    spec = service.get("spec", {})
    if spec.get("sessionAffinity") != "ClientIP":
        return None
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS)


def external_is_local(service: Mapping[str, Any]) -> bool:
    """Whether outside clients are sent only to pods of the node that they came to."""
    return bool(service.get("spec", {}).get("externalTrafficPolicy") == "Local")


def internal_is_local(service: Mapping[str, Any]) -> bool:
    """Whether clients in the cluster are sent only to pods of their own node."""
    return bool(service.get("spec", {}).get("internalTrafficPolicy") == "Local")


def publishes_not_ready(service: Mapping[str, Any]) -> bool:
    """Whether endpoints count although they are not ready."""
    return bool(service.get("spec", {}).get("publishNotReadyAddresses"))


def service_of_slice(endpoint_slice: Mapping[str, Any]) -> str:
    """The name of the Service that an EndpointSlice belongs to, or the empty string."""
    return labels_of(endpoint_slice).get(SERVICE_NAME_LABEL, "")


def slice_ports(endpoint_slice: Mapping[str, Any]) -> Iterator[SlicePort]:
    """The ports of an EndpointSlice that have a number."""
    for entry in endpoint_slice.get("ports") or ():
        if entry.get("port") is not None:
            yield SlicePort(
                str(entry.get("name") or ""),
                str(entry.get("protocol") or "TCP"),
                int(entry["port"]),
            )


def slice_endpoints(endpoint_slice: Mapping[str, Any]) -> Iterator[SliceEndpoint]:
    """The endpoints of an EndpointSlice; unknown readiness counts as ready (its API doc)."""
    for entry in endpoint_slice.get("endpoints") or ():
        conditions = entry.get("conditions") or {}
        ready = conditions.get("ready") is not False
        serving = conditions.get("serving")
        target = entry.get("targetRef") or {}
        is_pod = target.get("kind") == "Pod"
        yield SliceEndpoint(
            tuple(entry.get("addresses") or ()),
            ready,
            ready if serving is None else bool(serving),
            bool(conditions.get("terminating")),
            str(entry.get("hostname") or ""),
            str(entry.get("nodeName") or ""),
            (str(target.get("namespace", "")), str(target.get("name", ""))) if is_pod else ("", ""),
        )
