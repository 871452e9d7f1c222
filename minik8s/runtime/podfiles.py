"""The files of a container: those that the kubelet manages, the image's own, and volumes."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from minik8s.guests.catalogue import Image
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import SERVICE
from minik8s.model.services import cluster_ips
from minik8s.model.workloads import host_network, pod_addresses
from minik8s.runtime.podenvironment import data_of, field_value, resource_value
from minik8s.store import Store

TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
CLUSTER_DNS = "10.96.0.10"
OUTSIDE_DNS = "8.8.8.8"
"""The nameserver of the nodes, and so of pods with `dnsPolicy: Default`."""

_HOSTS = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
_NODE_HOSTS = "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n"


def pod_hostname(pod: Document) -> str:
    """What `hostname` says in a pod."""
    spec = pod["spec"]
    if host_network(pod):
        return str(spec.get("nodeName", ""))
    return str(spec.get("hostname") or name_of(pod))[:63]


def hosts(pod: Document) -> str:
    """/etc/hosts."""
    spec = pod["spec"]
    name, subdomain = pod_hostname(pod), spec.get("subdomain")
    if host_network(pod):
        text = _NODE_HOSTS
        text += "".join(f"{address}\t{name}\n" for address in pod_addresses(pod))
    else:
        full = f"{name}.{subdomain}.{namespace_of(pod)}.svc.cluster.local\t" if subdomain else ""
        text = _HOSTS + "".join(f"{address}\t{full}{name}\n" for address in pod_addresses(pod))
    aliases = spec.get("hostAliases") or ()
    if aliases:
        text += "\n# Entries added by HostAliases.\n"
        for alias in aliases:
            text += "\t".join([str(alias["ip"]), *alias.get("hostnames", ())]) + "\n"
    return text


def resolv_conf(store: Store, pod: Document) -> str:
    """/etc/resolv.conf, by dnsPolicy and dnsConfig (pkg/kubelet/network/dns)."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst" and host_network(pod):
        policy = "Default"
    config = spec.get("dnsConfig") or {}
    search: list[str] = []
    servers: list[str] = []
    options: dict[str, str | None] = {}
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet"):
        search = [f"{namespace_of(pod)}.svc.cluster.local", "svc.cluster.local", "cluster.local"]
        servers = [_cluster_dns(store)]
        options = {"ndots": "5"}
    elif policy == "Default":
        servers = [OUTSIDE_DNS]
    servers = list(dict.fromkeys([*servers, *config.get("nameservers", ())]))
    search = list(dict.fromkeys([*search, *config.get("searches", ())]))
    options.update((each["name"], each.get("value")) for each in config.get("options") or ())
    words = [name if value is None else f"{name}:{value}" for name, value in options.items()]
    text = f"search {' '.join(search)}\n" if search else ""
    text += "".join(f"nameserver {server}\n" for server in servers)
    return text + (f"options {' '.join(words)}\n" if words else "")


def _cluster_dns(store: Store) -> str:
    service = store.get(SERVICE, "kube-system", "kube-dns")
    addresses = cluster_ips(service) if service is not None else ()
    return addresses[0] if addresses else CLUSTER_DNS


def container_files(
    store: Store, pod: Document, container: Document, image: Image
) -> dict[str, bytes]:
    """Every file that a container starts with, by path."""
    files: dict[str, bytes] = {}
    if image.os_release:
        files["/etc/os-release"] = image.os_release.encode()
    files["/etc/passwd"] = _passwd(image).encode()
    files["/etc/group"] = b"root:x:0:\n"
    files["/etc/hostname"] = f"{pod_hostname(pod)}\n".encode()
    files["/etc/hosts"] = hosts(pod).encode()
    files["/etc/resolv.conf"] = resolv_conf(store, pod).encode()
    for path in image.programs:
        if path.startswith("/"):
            files[path] = b"#!program\n"
    files.update(image.files)
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        volume = volumes.get(mount["name"])
        if volume is not None:
            content = dict(_volume(store, pod, container, volume))
            _hide_below(str(mount["mountPath"]), files)
            files.update(_mounted(mount, content))
    if not any(path.startswith(TOKEN_FOLDER) for path in files) and _wants_token(pod):
        for name, text in _account_files(store, pod).items():
            files[f"{TOKEN_FOLDER}/{name}"] = text.encode()
    return files


def _passwd(image: Image) -> str:
    shell = "/bin/ash" if image.shell == "ash" else "/bin/bash"
    text = f"root:x:0:0:root:/root:{shell if image.shell else '/sbin/nologin'}\n"
    if image.user != "root":
        text += f"{image.user}:x:1000:1000::/home/{image.user}:{shell}\n"
    return text


def _hide_below(path: str, files: dict[str, bytes]) -> None:
    """A volume hides what the image has at the place where it is mounted."""
    for hidden in [name for name in files if name.startswith(f"{path.rstrip('/')}/")]:
        del files[hidden]


def _mounted(mount: Mapping[str, Any], content: Mapping[str, str]) -> dict[str, bytes]:
    path = str(mount["mountPath"]).rstrip("/")
    part = mount.get("subPath")
    if not part:
        return {f"{path}/{name}": text.encode() for name, text in content.items()}
    if part in content:
        return {path: content[part].encode()}
    inside = f"{part.rstrip('/')}/"
    return {
        f"{path}/{name[len(inside) :]}": text.encode()
        for name, text in content.items()
        if name.startswith(inside)
    }


def _volume(
    store: Store, pod: Document, container: Document, volume: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """The files of one volume, by their names in it."""
    if "configMap" in volume:
        source = volume["configMap"]
        yield from _items(source, data_of(store, "configmaps", pod, source.get("name", "")))
    elif "secret" in volume:
        source = volume["secret"]
        yield from _items(source, data_of(store, "secrets", pod, source.get("secretName", "")))
    elif "downwardAPI" in volume:
        yield from _downward(pod, container, volume["downwardAPI"])
    elif "projected" in volume:
        for source in volume["projected"].get("sources") or ():
            yield from _projected(store, pod, container, source)


def _projected(
    store: Store, pod: Document, container: Document, source: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    if "serviceAccountToken" in source:
        yield source["serviceAccountToken"].get("path", "token"), service_account_token(pod)
    elif "downwardAPI" in source:
        yield from _downward(pod, container, source["downwardAPI"])
    for field, plural in (("configMap", "configmaps"), ("secret", "secrets")):
        if field in source:
            found = data_of(store, plural, pod, source[field].get("name", ""))
            yield from _items(source[field], found)


def _items(source: Mapping[str, Any], data: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    items = source.get("items")
    if not items:
        yield from data.items()
        return
    for item in items:
        if item["key"] in data:
            yield item["path"], data[item["key"]]


def _downward(
    pod: Document, container: Document, source: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for item in source.get("items") or ():
        if "fieldRef" in item:
            yield item["path"], field_value(pod, item["fieldRef"]["fieldPath"])
        elif "resourceFieldRef" in item:
            yield item["path"], resource_value(container, item["resourceFieldRef"])


def _wants_token(pod: Document) -> bool:
    return pod["spec"].get("automountServiceAccountToken") is not False


def _account_files(store: Store, pod: Document) -> dict[str, str]:
    authority = data_of(store, "configmaps", pod, "kube-root-ca.crt")
    return {
        "ca.crt": authority.get("ca.crt", ""),
        "namespace": namespace_of(pod),
        "token": service_account_token(pod),
    }


def service_account_token(pod: Document) -> str:
    """A token that names the pod's ServiceAccount; nobody has signed it."""
    account = pod["spec"].get("serviceAccountName", "default")
    namespace = namespace_of(pod)
    header = {"alg": "none", "typ": "JWT"}
    claims = {
        "aud": ["https://kubernetes.default.svc.cluster.local"],
        "iss": "https://kubernetes.default.svc.cluster.local",
        "kubernetes.io": {"namespace": namespace, "pod": {"name": name_of(pod)}},
        "sub": f"system:serviceaccount:{namespace}:{account}",
    }
    return ".".join([_segment(header), _segment(claims), ""])


def _segment(content: Mapping[str, Any]) -> str:
    return (
        urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")
    )
