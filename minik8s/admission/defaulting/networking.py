"""Defaults of Services, endpoints and network policies.

A Service's address families are those of the cluster; its addresses and node ports are handed
out later, by the API server's allocator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minik8s.admission.defaulting.fill import each, ensured, fill, fill_absent
from minik8s.model.metadata import Document

AFFINITY_SECONDS = 10800
IPV4, IPV6 = "IPv4", "IPv6"
SINGLE_STACK = (IPV4,)

_TCP = {"protocol": "TCP"}
_SERVICE = {"sessionAffinity": "None", "type": "ClusterIP"}
_CLUSTERED = ("ClusterIP", "NodePort", "LoadBalancer")


def default_service(document: Document, families: Sequence[str] = SINGLE_STACK) -> Document:
    """A Service with its defaults; `families` are the cluster's, the first one preferred."""

    def spec_of(spec: Document) -> Document:
        spec = _affinity(fill(spec, _SERVICE))
        spec = each(spec, "ports", _service_port)
        return _families(_traffic(spec), families)

    return ensured(document, "spec", spec_of)


def _affinity(spec: Document) -> Document:
    if spec["sessionAffinity"] == "None" and "sessionAffinityConfig" in spec:
        return {name: value for name, value in spec.items() if name != "sessionAffinityConfig"}
    if spec["sessionAffinity"] != "ClientIP":
        return spec
    given = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    if given.get("timeoutSeconds") is not None:
        return spec
    return {**spec, "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}}


def _service_port(port: Document) -> Document:
    port = fill(port, _TCP)
    if port.get("targetPort") in (None, 0, ""):
        port = {**port, "targetPort": port.get("port", 0)}
    return port


def _traffic(spec: Document) -> Document:
    kind = spec["type"]
    if kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and spec.get("externalIPs")):
        spec = fill(spec, {"externalTrafficPolicy": "Cluster"})
    if kind in _CLUSTERED:
        spec = fill_absent(spec, {"internalTrafficPolicy": "Cluster"})
    if kind == "LoadBalancer":
        spec = fill_absent(spec, {"allocateLoadBalancerNodePorts": True})
    return spec


def _families(spec: Document, families: Sequence[str]) -> Document:
    """The address families, as the allocator of cluster IPs settles them (KEP-563)."""
    if spec["type"] == "ExternalName":
        return spec
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    if addresses[0] == "None" and not spec.get("selector"):
        return _headless_without_selector(spec, families)
    named = dict.fromkeys(_family_of(address) for address in addresses if _is_address(address))
    chosen = spec.get("ipFamilies") or list(named) or [families[0]]
    policy = spec.get("ipFamilyPolicy") or (
        "SingleStack" if len(chosen) == 1 else "RequireDualStack"
    )
    if policy != "SingleStack" and len(families) > 1 and len(chosen) == 1:
        chosen = _both(chosen)
    return {**spec, "ipFamilies": list(chosen), "ipFamilyPolicy": policy}


def _headless_without_selector(spec: Document, families: Sequence[str]) -> Document:
    """Its endpoints are somebody else's affair, so it can have both families anywhere."""
    policy = spec.get("ipFamilyPolicy") or "RequireDualStack"
    chosen = spec.get("ipFamilies") or [families[0]]
    if policy != "SingleStack" and len(chosen) == 1:
        chosen = _both(chosen)
    return {**spec, "ipFamilies": list(chosen), "ipFamilyPolicy": policy}


def _both(chosen: Sequence[str]) -> list[str]:
    return [chosen[0], IPV6 if chosen[0] == IPV4 else IPV4]


def _is_address(text: str) -> bool:
    return text not in ("", "None")


def _family_of(address: str) -> str:
    return IPV6 if ":" in address else IPV4


def default_endpoints(document: Document) -> Document:
    """An Endpoints object with its ports' protocol."""
    return each(document, "subsets", lambda s: each(s, "ports", lambda port: fill(port, _TCP)))


def default_endpoint_slice(document: Document) -> Document:
    """An EndpointSlice with its ports' names and protocols."""
    return each(document, "ports", lambda port: fill_absent(port, {"name": "", **_TCP}))


def default_network_policy(document: Document) -> Document:
    """A NetworkPolicy with its defaults.

    Without `policyTypes` it isolates for ingress, and for egress if it has an egress rule. An
    absent `podSelector` is the empty one. A port without a protocol is TCP.
    """

    def spec_of(spec: Document) -> Document:
        spec = fill_absent(spec, {"podSelector": {}})
        for direction in ("ingress", "egress"):
            spec = each(spec, direction, _rule)
        if not spec.get("policyTypes"):
            types: list[Any] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
            spec = {**spec, "policyTypes": types}
        return spec

    return ensured(document, "spec", spec_of)


def _rule(rule: Document) -> Document:
    return each(rule, "ports", lambda port: fill_absent(port, _TCP))
