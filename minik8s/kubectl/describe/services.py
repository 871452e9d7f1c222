"""Services, Endpoints, EndpointSlices, Ingresses and IngressClasses, described."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.errors import ApiError
from minik8s.kubectl.describe.base import Subject, about, annotate, heading, pairs
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.failures import message_of
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import Document, labels_of
from minik8s.model.registry import ENDPOINT_SLICE, SERVICE

_SERVICE_NAME = "kubernetes.io/service-name"
_NONE, _UNSET = "<none>", "<unset>"
_MOST = 3
"""How many endpoints are named."""


def service(subject: Subject, out: Writer) -> None:
    """A Service, with its endpoints."""
    spec = subject.spec
    heading(subject, out)
    about(subject, out)
    out.line(0, "Selector:", pairs(spec.get("selector")))
    out.line(0, "Type:", spec.get("type", ""))
    if spec.get("ipFamilyPolicy") is not None:
        out.line(0, "IP Family Policy:", spec["ipFamilyPolicy"])
    out.line(0, "IP Families:", ",".join(spec.get("ipFamilies") or ()) or _NONE)
    out.line(0, "IP:", spec.get("clusterIP", ""))
    out.line(0, "IPs:", ",".join(spec.get("clusterIPs") or ()) or _NONE)
    _outside(subject, out)
    slices = _slices(subject, subject.name)
    for port in spec.get("ports") or ():
        _port(out, port, slices)
    out.line(0, "Session Affinity:", spec.get("sessionAffinity", ""))
    for title, field in (
        ("External Traffic Policy:", "externalTrafficPolicy"),
        ("Internal Traffic Policy:", "internalTrafficPolicy"),
        ("HealthCheck NodePort:", "healthCheckNodePort"),
    ):
        if spec.get(field):
            out.line(0, title, spec[field])
    if spec.get("loadBalancerSourceRanges"):
        ranges = ",".join(spec["loadBalancerSourceRanges"])
        out.line(0, "LoadBalancer Source Ranges:", ranges)
    if spec.get("trafficDistribution") is not None:
        out.line(0, "Traffic Distribution:", spec["trafficDistribution"])
    object_events(subject, out)


def _outside(subject: Subject, out: Writer) -> None:
    spec = subject.spec
    if spec.get("externalIPs"):
        out.line(0, "External IPs:", ",".join(spec["externalIPs"]))
    if spec.get("loadBalancerIP"):
        out.line(0, "Desired LoadBalancer IP:", spec["loadBalancerIP"])
    if spec.get("externalName"):
        out.line(0, "External Name:", spec["externalName"])
    ingress = (subject.status.get("loadBalancer") or {}).get("ingress") or []
    if ingress:
        out.line(0, "LoadBalancer Ingress:", ", ".join(map(_ingress_point, ingress)))


def _ingress_point(point: Document) -> str:
    if not point.get("ip"):
        return str(point.get("hostname", ""))
    mode = f" ({point['ipMode']})" if point.get("ipMode") else ""
    return f"{point['ip']}{mode}"


def _slices(subject: Subject, name: str) -> list[Document]:
    query = {"labelSelector": f"{_SERVICE_NAME}={name}"}
    found = subject.client.list(ENDPOINT_SLICE, subject.namespace, query=query)
    return list(found.get("items") or ())


def _port(out: Writer, port: Document, slices: list[Document]) -> None:
    name, protocol = port.get("name") or _UNSET, port.get("protocol", "")
    out.line(0, "Port:", name, f"{port.get('port', 0)}/{protocol}")
    out.line(0, "TargetPort:", f"{port.get('targetPort', 0)}/{protocol}")
    if port.get("appProtocol") is not None:
        out.line(0, "AppProtocol:", port["appProtocol"])
    if port.get("nodePort"):
        out.line(0, "NodePort:", name, f"{port['nodePort']}/{protocol}")
    out.line(0, "Endpoints:", _endpoints(slices, port.get("name") or ""))


def _endpoints(slices: list[Document], port_name: str) -> str:
    if not slices:
        return _NONE
    found = [text for each in slices for text in _addresses(each, port_name)]
    text = ",".join(found[:_MOST])
    return f"{text} + {len(found) - _MOST} more..." if len(found) > _MOST else text


def _addresses(slice_: Document, port_name: str) -> Iterable[str]:
    ready = [
        str(each["addresses"][0])
        for each in slice_.get("endpoints") or ()
        if (each.get("conditions") or {}).get("ready") is not False
    ]
    ports = slice_.get("ports") or []
    if not ports:
        yield from ready
    for port in ports:
        if (port.get("name") or "") == port_name:
            for address in ready:
                host = f"[{address}]" if ":" in address else address
                yield f"{host}:{port.get('port', 0)}"


def endpoints(subject: Subject, out: Writer) -> None:
    """Endpoints."""
    heading(subject, out)
    about(subject, out)
    out.line(0, "Subsets:")
    for subset in subject.object.get("subsets") or ():
        for title, field in (
            ("Addresses:", "addresses"),
            ("NotReadyAddresses:", "notReadyAddresses"),
        ):
            addresses = ",".join(each.get("ip", "") for each in subset.get(field) or ())
            out.line(1, title, addresses or _NONE)
        if subset.get("ports"):
            out.line(1, "Ports:")
            _port_table(out, subset["ports"], 2)
        out.line(0)
    object_events(subject, out)


def _port_table(out: Writer, ports: Iterable[Document], level: int) -> None:
    out.line(level, "Name", "Port", "Protocol")
    out.line(level, "----", "----", "--------")
    for port in ports:
        number = port.get("port", _UNSET)
        out.line(level, port.get("name") or _UNSET, number, port.get("protocol", ""))


def endpoint_slice(subject: Subject, out: Writer) -> None:
    """An EndpointSlice."""
    document = subject.object
    heading(subject, out)
    about(subject, out)
    out.line(0, "AddressType:", document.get("addressType", ""))
    if document.get("ports"):
        out.line(0, "Ports:")
        _port_table(out, document["ports"], 1)
    else:
        out.line(0, f"Ports: {_UNSET}")
    entries = document.get("endpoints") or []
    out.line(0, "Endpoints:" if entries else f"Endpoints: {_NONE}")
    for entry in entries:
        out.line(1, "- Addresses:", ", ".join(entry.get("addresses") or ()) or _NONE)
        out.line(2, "Conditions:")
        ready = (entry.get("conditions") or {}).get("ready")
        out.line(3, "Ready:", _UNSET if ready is None else go_value(ready))
        out.line(2, "Hostname:", entry.get("hostname", _UNSET))
        target = entry.get("targetRef")
        if target is not None:
            out.line(2, "TargetRef:", f"{target.get('kind', '')}/{target.get('name', '')}")
        out.line(2, "NodeName:", entry.get("nodeName", _UNSET))
        out.line(2, "Zone:", entry.get("zone", _UNSET))
    object_events(subject, out)


def ingress(subject: Subject, out: Writer) -> None:
    """An Ingress, with the endpoints behind its rules."""
    spec = subject.spec
    out.line(0, "Name:", subject.name)
    out.labels("Labels", labels_of(subject.object))
    out.line(0, "Namespace:", subject.namespace)
    points = (subject.status.get("loadBalancer") or {}).get("ingress") or ()
    addresses = {each.get("ip") or each.get("hostname") or "" for each in points}
    out.line(0, "Address:", ",".join(sorted(addresses - {""})))
    out.line(0, "Ingress Class:", spec.get("ingressClassName") or _NONE)
    default = spec.get("defaultBackend")
    fallback = "<default>" if default is None else _backend(subject, default)
    out.line(0, "Default backend:", fallback)
    if spec.get("tls"):
        out.line(0, "TLS:")
    for entry in spec.get("tls") or ():
        hosts = ",".join(entry.get("hosts") or ())
        name = entry.get("secretName")
        out.line(1, f"{name} terminates {hosts}" if name else f"SNI routes {hosts}")
    _rules(subject, out, fallback)
    annotate(subject.object, out)
    object_events(subject, out)


def _rules(subject: Subject, out: Writer, fallback: str) -> None:
    out.line(0, "Rules:")
    out.line(1, "Host", "Path", "Backends")
    out.line(1, "----", "----", "--------")
    rules = [rule for rule in subject.spec.get("rules") or () if rule.get("http") is not None]
    for rule in rules:
        out.line(1, rule.get("host") or "*", "")
        for path in rule["http"].get("paths") or ():
            backend = _backend(subject, path.get("backend") or {})
            out.line(2, "", f"{path.get('path', '')} ", backend)
    if not rules:
        out.line(1, "*", "*", fallback)


def _backend(subject: Subject, backend: Document) -> str:
    if backend.get("service") is None:
        resource = backend.get("resource")
        if resource is None:
            return ""
        return (
            f"APIGroup: {resource.get('apiGroup', _NONE)}, Kind: {resource.get('kind', '')}, "
            f"Name: {resource.get('name', '')}"
        )
    name, port = backend["service"].get("name", ""), backend["service"].get("port") or {}
    title = f"{name}:{port.get('number') or port.get('name', '')}"
    try:
        slices = _slices(subject, name)
        document = subject.client.get(SERVICE, name, subject.namespace)
    except ApiError as error:
        return f"{title} (<error: {message_of(error)}>)"
    port_name = ""
    for entry in (document.get("spec") or {}).get("ports") or ():
        by_number = port.get("number") and port["number"] == entry.get("port")
        by_name = port.get("name") and port["name"] == entry.get("name")
        if by_number or by_name:
            port_name = entry.get("name") or ""
    return f"{title} ({_endpoints(slices, port_name)})"


def ingress_class(subject: Subject, out: Writer) -> None:
    """An IngressClass."""
    heading(subject, out)
    about(subject, out)
    out.line(0, "Controller:", subject.spec.get("controller", ""))
    parameters = subject.spec.get("parameters")
    if parameters is not None:
        out.line(0, "Parameters:")
        if parameters.get("apiGroup") is not None:
            out.line(1, "APIGroup:", parameters["apiGroup"])
        out.line(1, "Kind:", parameters.get("kind", ""))
        out.line(1, "Name:", parameters.get("name", ""))
    object_events(subject, out)
