"""Validation of Services and Endpoints (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.addresses import (
    check_address,
    check_block,
    check_ordinary,
    is_ipv6,
)
from minik8s.admission.validation.common import (
    PROTOCOLS,
    check_format,
    check_label_name,
    check_labels,
    check_one_of,
    check_port,
)
from minik8s.model.formats import dns1123_label, dns1123_subdomain, port_number, qualified_name
from minik8s.model.metadata import Document

NONE = "None"
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
AFFINITIES = ("ClientIP", "None")
FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
TRAFFIC_POLICIES = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
AFFINITY_SECONDS_MAX = 86400


def cluster_ips(spec: Document, old: Document | None = None) -> list[str]:
    """The cluster addresses that a spec asks for.

    A client may set `clusterIP` alone; `clusterIPs` then follows it (NormalizeClusterIPs).
    """
    address, addresses = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if address and not addresses:
        return [address]
    if old is not None and address and address != old.get("clusterIP"):
        return [address] if addresses == (old.get("clusterIPs") or []) else list(addresses)
    return list(addresses)


def check_service(problems: Problems, document: Document, old: Document | None = None) -> None:
    """The spec of a Service; `old` is the stored spec when one is changed."""
    spec = document.get("spec") or {}
    addresses = cluster_ips(spec, old)
    headless = addresses == [NONE]
    ports = spec.get("ports") or []
    kind = spec.get("type", "")
    if not ports and not headless and kind != "ExternalName":
        problems.required("spec.ports")
    _check_kind(problems, spec, kind, addresses)
    _check_ports(problems, ports)
    check_labels(problems, "spec.selector", spec.get("selector"))
    _check_affinity(problems, spec)
    if kind != "ExternalName":
        _check_addresses(problems, spec, addresses)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        path = f"spec.externalIPs[{index}]"
        if check_address(problems, path, address):
            check_ordinary(problems, path, address)
    check_one_of(problems, "spec.type", kind, TYPES)
    _check_port_clashes(problems, ports, kind)
    _check_load_balancer(problems, spec, kind)
    _check_traffic(problems, spec, kind)


def _check_kind(problems: Problems, spec: Document, kind: str, addresses: list[str]) -> None:
    if kind in ("LoadBalancer", "NodePort") and addresses == [NONE]:
        problems.invalid(
            "spec.clusterIPs[0]", NONE, f"may not be set to 'None' for {kind} services"
        )
    if kind != "ExternalName":
        return
    for field, given in (
        ("clusterIPs", addresses),
        ("ipFamilies", spec.get("ipFamilies")),
        ("ipFamilyPolicy", spec.get("ipFamilyPolicy")),
    ):
        if given:
            problems.forbidden(f"spec.{field}", "may not be set for ExternalName services")
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        problems.required("spec.externalName")
    else:
        check_format(problems, "spec.externalName", name, dns1123_subdomain)


def _check_ports(problems: Problems, ports: list[Document]) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        name = port.get("name", "")
        if name:
            check_format(problems, f"{path}.name", name, dns1123_label)
            if name in names:
                problems.duplicate(f"{path}.name", name)
            names.add(name)
        elif len(ports) > 1:
            problems.required(f"{path}.name")
        _check_port(problems, path, port)


def _check_port(problems: Problems, path: str, port: Document) -> None:
    number = port.get("port", 0)
    problems.each_invalid(f"{path}.port", number, port_number(number))
    check_one_of(problems, f"{path}.protocol", port.get("protocol"), PROTOCOLS)
    target = port.get("targetPort", 0)
    if target or number:  # a port that was never given has no target to complain about
        check_port(problems, f"{path}.targetPort", target)
    if port.get("appProtocol") is not None:
        check_format(problems, f"{path}.appProtocol", port["appProtocol"], qualified_name)


def _check_affinity(problems: Problems, spec: Document) -> None:
    affinity = spec.get("sessionAffinity", "")
    check_one_of(problems, "spec.sessionAffinity", affinity, AFFINITIES)
    config = spec.get("sessionAffinityConfig")
    if affinity == "ClientIP":
        _check_affinity_config(problems, config)
    elif affinity == "None" and config is not None:
        problems.forbidden(
            "spec.sessionAffinityConfig", "must not be set when session affinity is None"
        )


def _check_affinity_config(problems: Problems, config: Document | None) -> None:
    path, why = "spec.sessionAffinityConfig", "when session affinity type is ClientIP"
    client = (config or {}).get("clientIP")
    if config is None:
        problems.required(path, why)
    elif client is None:
        problems.required(f"{path}.clientIP", why)
    elif client.get("timeoutSeconds") is None:
        problems.required(f"{path}.clientIP.timeoutSeconds", why)
    elif not 0 < client["timeoutSeconds"] <= AFFINITY_SECONDS_MAX:
        problems.invalid(
            f"{path}.clientIP.timeoutSeconds",
            client["timeoutSeconds"],
            f"must be greater than 0 and less than {AFFINITY_SECONDS_MAX}",
        )


def _check_addresses(problems: Problems, spec: Document, addresses: list[str]) -> None:
    """`clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` belong together."""
    address, path = spec.get("clusterIP") or "", "spec.clusterIPs"
    if address and addresses[0] != address:
        problems.invalid(path, addresses, "first value must match `clusterIP`")
    elif addresses and not address:
        problems.invalid(path, addresses, "must be empty when `clusterIP` is not specified")
    families = spec.get("ipFamilies") or []
    _check_families(problems, families)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in FAMILY_POLICIES:
        problems.not_supported("spec.ipFamilyPolicy", policy, FAMILY_POLICIES)
    if not _check_each_address(problems, path, addresses):
        return
    if len(addresses) > 1 and len({is_ipv6(each) for each in addresses}) < 2:
        problems.invalid(path, addresses, "may specify no more than one IP for each IP family")
    if addresses == [NONE]:
        return
    for index, (each, family) in enumerate(zip(addresses, families, strict=False)):
        if (family == "IPv6") != is_ipv6(each):
            problems.invalid(
                f"{path}[{index}]",
                each,
                f"expected an {family} value as indicated by `ipFamilies[{index}]`",
            )


def _check_families(problems: Problems, families: list[str]) -> None:
    for index, family in enumerate(families):
        path = f"spec.ipFamilies[{index}]"
        if family not in FAMILIES:
            problems.not_supported(path, family, FAMILIES)
        if family in families[:index]:
            problems.duplicate(path, family)


def _check_each_address(problems: Problems, path: str, addresses: list[str]) -> bool:
    fine = True
    for index, address in enumerate(addresses):
        if index == 0 and address == NONE:
            if len(addresses) > 1:
                fine = False
                problems.invalid(path, addresses, "'None' must be the first and only value")
            continue
        fine = check_address(problems, f"{path}[{index}]", address) and fine
    if len(addresses) > 2:
        problems.invalid(path, addresses, "may only hold up to 2 values")
    return fine


def _check_port_clashes(problems: Problems, ports: list[Document], kind: str) -> None:
    if kind == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                problems.forbidden(
                    f"spec.ports[{index}].nodePort",
                    "may not be used when `type` is 'ClusterIP'",
                )
    seen: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        key = port.get("protocol", ""), port.get("nodePort", 0)
        if key[1] and key in seen:
            problems.duplicate(f"spec.ports[{index}].nodePort", key[1])
        seen.add(key)
    seen.clear()
    for index, port in enumerate(ports):
        key = port.get("protocol", ""), port.get("port", 0)
        if key in seen:
            problems.duplicate(f"spec.ports[{index}]", {"protocol": key[0], "port": key[1]})
        seen.add(key)


def _check_load_balancer(problems: Problems, spec: Document, kind: str) -> None:
    only = "may only be used when `type` is 'LoadBalancer'"
    path = "spec.loadBalancerSourceRanges"
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges and kind != "LoadBalancer":
        problems.forbidden(path, only)
    for index, block in enumerate(ranges):
        check_block(problems, f"{path}[{index}]", block.strip())
    for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
        if spec.get(field) is not None and kind != "LoadBalancer":
            problems.forbidden(f"spec.{field}", only)


def _check_traffic(problems: Problems, spec: Document, kind: str) -> None:
    external = spec.get("externalTrafficPolicy", "")
    reachable = kind in ("LoadBalancer", "NodePort") or (
        kind == "ClusterIP" and spec.get("externalIPs")
    )
    if reachable:
        check_one_of(problems, "spec.externalTrafficPolicy", external, TRAFFIC_POLICIES)
    elif external:
        problems.invalid(
            "spec.externalTrafficPolicy",
            external,
            "may only be set for externally-accessible services",
        )
    health = spec.get("healthCheckNodePort", 0)
    if health and not (kind == "LoadBalancer" and external == "Local"):
        problems.invalid(
            "spec.healthCheckNodePort",
            health,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        )
    internal = spec.get("internalTrafficPolicy")
    if internal is not None and internal not in TRAFFIC_POLICIES:
        problems.not_supported("spec.internalTrafficPolicy", internal, TRAFFIC_POLICIES)
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in DISTRIBUTIONS:
        problems.not_supported("spec.trafficDistribution", distribution, DISTRIBUTIONS)


def check_service_update(problems: Problems, new: Document, old: Document) -> None:
    """The spec of a changed Service: the primary address and family stay."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    if "ExternalName" not in (now.get("type"), before.get("type")):
        _check_kept(problems, now, before)
    check_service(problems, new, before)


def _check_kept(problems: Problems, now: Document, before: Document) -> None:
    addresses, kept = cluster_ips(now, before), cluster_ips(before)
    once = "may not change once set"
    if addresses == kept == [NONE]:
        return
    if not addresses and kept:
        problems.invalid("spec.clusterIPs[0]", addresses, "primary clusterIP can not be unset")
    elif len(addresses) == len(kept):
        for index, (new, old) in enumerate(zip(addresses, kept, strict=True)):
            if new != old:
                problems.invalid(f"spec.clusterIPs[{index}]", addresses, once)
    elif kept and addresses[0] != kept[0]:
        problems.invalid("spec.clusterIPs[0]", addresses, once)
    families, held = now.get("ipFamilies") or [], before.get("ipFamilies") or []
    if [NONE] not in (addresses, kept) and families and held and families[0] != held[0]:
        problems.invalid("spec.ipFamilies[0]", families, once)


def check_endpoints(problems: Problems, document: Document) -> None:
    """The subsets of an Endpoints object."""
    for index, subset in enumerate(document.get("subsets") or ()):
        path = f"subsets[{index}]"
        lists = [(field, subset.get(field) or []) for field in ("addresses", "notReadyAddresses")]
        if not any(addresses for _, addresses in lists):
            problems.required(path, "must specify `addresses` or `notReadyAddresses`")
        for field, addresses in lists:
            for position, address in enumerate(addresses):
                where = f"{path}.{field}[{position}].ip"
                if check_address(problems, where, address.get("ip", "")):
                    check_ordinary(problems, where, address["ip"])
        ports = subset.get("ports") or []
        for position, port in enumerate(ports):
            where = f"{path}.ports[{position}]"
            if port.get("name") or len(ports) > 1:
                check_label_name(problems, f"{where}.name", port.get("name"))
            number = port.get("port", 0)
            problems.each_invalid(f"{where}.port", number, port_number(number))
            check_one_of(problems, f"{where}.protocol", port.get("protocol"), PROTOCOLS)
