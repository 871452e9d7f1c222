"""The environment of a container, as the kubelet makes it (kubelet_pods.go)."""

from __future__ import annotations

import math
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minik8s.guests.catalogue import Image
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import CONFIG_MAP, SECRET
from minik8s.model.services import cluster_ips, is_headless, service_ports
from minik8s.model.workloads import node_name, pod_addresses, quantity
from minik8s.store import Store

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")
_INDEXED = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]")


def expand(text: str, env: Mapping[str, str]) -> str:
    """Put variables into a value: `$(NAME)`; an unknown one stays, `$$` is a dollar sign.

    >>> expand("$(A)-$(B)-$$(A)", {"A": "1"})
    '1-$(B)-$(A)'
    """

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] is None else env.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def service_variables(services: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """The variables of Services (pkg/kubelet/envvars): those with a cluster IP."""
    for service in services:
        addresses = cluster_ips(service)
        ports = list(service_ports(service))
        if is_headless(service) or not addresses or not ports:
            continue
        name = name_of(service).upper().replace("-", "_")
        yield f"{name}_SERVICE_HOST", addresses[0]
        yield f"{name}_SERVICE_PORT", str(ports[0].port)
        for port in ports:
            if port.name:
                suffix = port.name.upper().replace("-", "_")
                yield f"{name}_SERVICE_PORT_{suffix}", str(port.port)
        yield from _link_variables(name, addresses[0], ports)


def _link_variables(name: str, address: str, ports: list[Any]) -> Iterator[tuple[str, str]]:
    host = f"[{address}]" if ":" in address else address
    for place, port in enumerate(ports):
        protocol = port.protocol.lower()
        url = f"{protocol}://{host}:{port.port}"
        if place == 0:
            yield f"{name}_PORT", url
        prefix = f"{name}_PORT_{port.port}_{port.protocol}"
        yield prefix, url
        yield f"{prefix}_PROTO", protocol
        yield f"{prefix}_PORT", str(port.port)
        yield f"{prefix}_ADDR", address


class Environment:
    """What the values of one container's variables come from."""

    def __init__(
        self,
        store: Store,
        pod: Document,
        container: Document,
        image: Image,
        services: Iterable[Document],
    ) -> None:
        self.store = store
        self.pod = pod
        self.container = container
        self.image = image
        self.services = services

    def variables(self, hostname: str) -> dict[str, str]:
        """All variables, in the order in which `env` shows them."""
        env: dict[str, str] = {"PATH": PATH, "HOSTNAME": hostname}
        if self.container.get("tty"):
            env["TERM"] = "xterm"
        env.update({name: str(value) for name, value in self.image.env.items()})
        known = dict(service_variables(self.services))
        given = self._given(known)
        env.update(given)
        env.update((name, value) for name, value in known.items() if name not in given)
        env.setdefault("HOME", "/root" if self.image.user == "root" else f"/home/{self.image.user}")
        return env

    def _given(self, services: Mapping[str, str]) -> dict[str, str]:
        """envFrom, then env; later values may refer to earlier ones."""
        given: dict[str, str] = {}
        for source in self.container.get("envFrom") or ():
            prefix = source.get("prefix", "")
            for name, value in self._whole(source).items():
                given[prefix + name] = value
        for entry in self.container.get("env") or ():
            if "valueFrom" in entry:
                found = self._from(entry["valueFrom"])
                if found is not None:
                    given[entry["name"]] = found
            else:
                text = str(entry.get("value", ""))
                given[entry["name"]] = expand(text, {**services, **given})
        return given

    def _whole(self, source: Mapping[str, Any]) -> dict[str, str]:
        if "configMapRef" in source:
            return data_of(self.store, CONFIG_MAP.plural, self.pod, source["configMapRef"]["name"])
        if "secretRef" in source:
            return data_of(self.store, SECRET.plural, self.pod, source["secretRef"]["name"])
        return {}

    def _from(self, source: Mapping[str, Any]) -> str | None:
        for field, plural in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if field in source:
                found = data_of(self.store, plural, self.pod, source[field]["name"])
                return found.get(source[field]["key"])
        if "fieldRef" in source:
            return field_value(self.pod, source["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in source:
            return resource_value(self.container, source["resourceFieldRef"])
        return None


def data_of(store: Store, plural: str, pod: Document, name: str) -> dict[str, str]:
    """The values of a ConfigMap or Secret of the pod's namespace; none if it is not there."""
    kind = CONFIG_MAP if plural == CONFIG_MAP.plural else SECRET
    found = store.get(kind, namespace_of(pod), name)
    if found is None:
        return {}
    if kind is CONFIG_MAP:
        return {key: str(value) for key, value in (found.get("data") or {}).items()}
    values = {
        key: b64decode(value).decode(errors="replace")
        for key, value in (found.get("data") or {}).items()
    }
    return values | {k: str(v) for k, v in (found.get("stringData") or {}).items()}


def field_value(pod: Document, path: str) -> str:
    """A field of the pod, as the downward API gives it; empty if it has no value."""
    indexed = _INDEXED.fullmatch(path)
    metadata, status = pod["metadata"], pod.get("status") or {}
    if indexed is not None:
        values = metadata.get(indexed[1].partition(".")[2]) or {}
        return str(values.get(indexed[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        values = metadata.get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
    addresses = pod_addresses(pod)
    known = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": node_name(pod),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.hostIP": status.get("hostIP", ""),
        "status.hostIPs": ",".join(str(ip["ip"]) for ip in status.get("hostIPs") or ()),
        "status.podIP": addresses[0] if addresses else "",
        "status.podIPs": ",".join(addresses),
    }
    return str(known.get(path, ""))


def resource_value(container: Document, source: Mapping[str, Any]) -> str:
    """A request or limit, in units of the divisor, rounded up."""
    group, _, resource = str(source.get("resource", "")).partition(".")
    value = ((container.get("resources") or {}).get(group) or {}).get(resource)
    divisor = quantity(source.get("divisor") or "1") or 1.0
    return str(math.ceil(quantity(value) / divisor))
