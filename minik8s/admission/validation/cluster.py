"""Validation of namespaces, nodes, limits, quotas, volumes, leases and endpoint slices."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from minik8s.admission.problems import Problems
from minik8s.admission.validation.addresses import check_block, check_ordinary, is_ipv6
from minik8s.admission.validation.common import (
    NOT_ZERO,
    PROTOCOLS,
    check_format,
    check_one_of,
    check_selector,
    immutable,
)
from minik8s.admission.validation.resources import check_amount, check_container_resource
from minik8s.admission.validation.scheduling import check_taints
from minik8s.model.formats import dns1123_label, dns1123_subdomain, port_number, qualified_name
from minik8s.model.metadata import Document
from minik8s.model.workloads import quantity

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
ENDPOINTS_MAX, ADDRESSES_MAX, PORTS_MAX = 1000, 100, 20000

_NOT_VOLUME_SOURCES = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)


def check_namespace(problems: Problems, document: Document) -> None:
    """The finalizers of a Namespace."""
    for finalizer in (document.get("spec") or {}).get("finalizers") or ():
        check_format(problems, "spec.finalizers", finalizer, qualified_name)
        if "/" not in finalizer and finalizer != "kubernetes":
            problems.invalid(
                "spec.finalizers",
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            )


def check_node(problems: Problems, document: Document) -> None:
    """Taints, capacity and pod CIDRs of a Node."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    check_taints(problems, "metadata.taints", spec.get("taints") or [])
    for field in ("capacity", "allocatable"):
        for name, amount in sorted((status.get(field) or {}).items()):
            check_amount(problems, f"status.{field}.{name}", name, amount)
    blocks = spec.get("podCIDRs") or []
    for index, block in enumerate(blocks):
        check_block(problems, f"spec.podCIDRs[{index}]", block)
    if len(blocks) > 1 and (len(blocks) > 2 or len({is_ipv6(each) for each in blocks}) < 2):
        problems.invalid(
            "spec.podCIDRs", blocks, "may specify no more than one CIDR for each IP family"
        )


def check_node_update(problems: Problems, new: Document, old: Document) -> None:
    """A stored Node keeps its addresses and its provider's name for it."""
    check_node(problems, new)
    now, before = new.get("spec") or {}, old.get("spec") or {}
    if before.get("podCIDRs") and now.get("podCIDRs") != before["podCIDRs"]:
        problems.forbidden(
            "spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'
        )
    if before.get("providerID") and now.get("providerID") != before["providerID"]:
        problems.forbidden(
            "spec.providerID", 'node updates may not change providerID except from "" to valid'
        )


def check_limit_range(problems: Problems, document: Document) -> None:
    """The limits of a LimitRange: names, and no minimum above its maximum."""
    seen: set[str] = set()
    for index, limit in enumerate((document.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{index}]", limit.get("type", "")
        check_format(problems, f"{path}.type", kind, qualified_name)
        if kind in seen:
            problems.duplicate(f"{path}.type", kind)
        seen.add(kind)
        for field in ("max", "min", "default", "defaultRequest"):
            for name, amount in sorted((limit.get(field) or {}).items()):
                if kind == "PersistentVolumeClaim":
                    check_amount(problems, f"{path}.{field}[{name}]", name, amount)
                else:
                    check_container_resource(problems, f"{path}.{field}[{name}]", name, amount)
        low, high = limit.get("min") or {}, limit.get("max") or {}
        for name in sorted(low.keys() & high.keys()):
            if quantity(low[name]) > quantity(high[name]):
                problems.invalid(
                    f"{path}.min[{name}]",
                    low[name],
                    f"min value {low[name]} is greater than max value {high[name]}",
                )


def check_resource_quota(problems: Problems, document: Document) -> None:
    """The limits of a ResourceQuota."""
    for name, amount in sorted(((document.get("spec") or {}).get("hard") or {}).items()):
        path = f"spec.hard[{name}]"
        check_format(problems, path, name.partition("/")[2] or name, qualified_name)
        check_amount(problems, path, name, amount)


def check_claim(problems: Problems, document: Document) -> None:
    """The spec of a PersistentVolumeClaim."""
    spec = document.get("spec") or {}
    _check_access_modes(problems, spec)
    check_selector(problems, "spec.selector", spec.get("selector"))
    requests = (spec.get("resources") or {}).get("requests") or {}
    path = "spec.resources[storage]"
    if "storage" not in requests:
        problems.required(path)
    elif quantity(requests["storage"]) <= 0:
        problems.invalid(path, requests["storage"], NOT_ZERO)
    if spec.get("storageClassName"):
        check_format(problems, "spec.storageClassName", spec["storageClassName"], dns1123_subdomain)


def _check_access_modes(problems: Problems, spec: Document) -> None:
    modes = spec.get("accessModes") or []
    if not modes:
        problems.required("spec.accessModes", "at least 1 access mode is required")
    for mode in modes:
        if mode not in ACCESS_MODES:
            problems.not_supported("spec.accessModes", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        problems.forbidden(
            "spec.accessModes",
            "may not use ReadWriteOncePod with other access modes",
        )


def check_volume(problems: Problems, document: Document) -> None:
    """The spec of a PersistentVolume."""
    spec = document.get("spec") or {}
    if not spec.get("accessModes"):
        problems.required("spec.accessModes")
    else:
        _check_access_modes(problems, spec)
    capacity = spec.get("capacity") or {}
    if not capacity:
        problems.required("spec.capacity")
    for name, amount in sorted(capacity.items()):
        if quantity(amount) <= 0:
            problems.invalid(f"spec.capacity[{name}]", amount, NOT_ZERO)
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy:
        check_one_of(problems, "spec.persistentVolumeReclaimPolicy", policy, RECLAIM_POLICIES)
    sources = sorted(set(spec) - _NOT_VOLUME_SOURCES)
    if not sources:
        problems.required("spec", "must specify a volume type")
    for kind in sources[1:]:
        problems.forbidden(f"spec.{kind}", "may not specify more than 1 volume type")


def check_lease(problems: Problems, document: Document) -> None:
    """The spec of a Lease."""
    spec = document.get("spec") or {}
    seconds = spec.get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        problems.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    transitions = spec.get("leaseTransitions")
    if transitions is not None and transitions < 0:
        problems.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def check_endpoint_slice(problems: Problems, document: Document) -> None:
    """An EndpointSlice: addresses of one type, ports with different names."""
    kind = document.get("addressType", "")
    if not kind:
        problems.required("addressType")
    elif kind not in ADDRESS_TYPES:
        problems.not_supported("addressType", kind, ADDRESS_TYPES)
    endpoints = document.get("endpoints") or []
    if len(endpoints) > ENDPOINTS_MAX:
        problems.too_many("endpoints", len(endpoints), ENDPOINTS_MAX)
    for index, endpoint in enumerate(endpoints):
        path, addresses = f"endpoints[{index}]", endpoint.get("addresses") or []
        if not addresses:
            problems.required(f"{path}.addresses", "must contain at least 1 address")
        elif len(addresses) > ADDRESSES_MAX:
            problems.too_many(f"{path}.addresses", len(addresses), ADDRESSES_MAX)
        for position, address in enumerate(addresses):
            _check_endpoint_address(problems, f"{path}.addresses[{position}]", address, kind)
        if endpoint.get("nodeName"):
            check_format(problems, f"{path}.nodeName", endpoint["nodeName"], dns1123_subdomain)
        if endpoint.get("hostname") is not None:
            check_format(problems, f"{path}.hostname", endpoint["hostname"], dns1123_label)
    _check_slice_ports(problems, document.get("ports") or [])


def _check_endpoint_address(problems: Problems, path: str, address: str, kind: str) -> None:
    if kind == "FQDN":
        check_format(problems, path, address, dns1123_subdomain)
    elif kind in ("IPv4", "IPv6"):
        reader = IPv4Address if kind == "IPv4" else IPv6Address
        try:
            reader(address)
        except AddressValueError:
            problems.invalid(path, address, f"must be a valid {kind} address")
            return
        check_ordinary(problems, path, address)


def _check_slice_ports(problems: Problems, ports: list[Document]) -> None:
    if len(ports) > PORTS_MAX:
        problems.too_many("ports", len(ports), PORTS_MAX)
    names: set[str] = set()
    for index, port in enumerate(ports):
        path, name = f"ports[{index}]", port.get("name") or ""
        if name:
            check_format(problems, f"{path}.name", name, dns1123_label)
        if name in names:
            problems.duplicate(f"{path}.name", name)
        names.add(name)
        if port.get("port") is not None:
            problems.each_invalid(f"{path}.port", port["port"], port_number(port["port"]))
        check_one_of(problems, f"{path}.protocol", port.get("protocol"), PROTOCOLS)


def check_endpoint_slice_update(problems: Problems, new: Document, old: Document) -> None:
    """A stored EndpointSlice keeps its address type."""
    check_endpoint_slice(problems, new)
    immutable(problems, "addressType", new.get("addressType"), old.get("addressType"))
