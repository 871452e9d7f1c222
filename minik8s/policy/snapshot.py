"""From documents to peers: pods, nodes and addresses as policy sees them.

A snapshot is a list of stored documents (`status.podIP` and all). Pods that have ended
(Succeeded, Failed) send and receive nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from minik8s.model.metadata import NAME_LABEL, Document, labels_of, name_of, namespace_of
from minik8s.policy.addresses import Address, parse_address
from minik8s.policy.policyset import KINDS as POLICY_KINDS
from minik8s.policy.policyset import PolicySet
from minik8s.policy.values import Peer

_NO_PORTS: Mapping[tuple[str, str], int] = MappingProxyType({})
_ENDED = ("Succeeded", "Failed")


@dataclass(slots=True)
class Snapshot:
    """Peers and policies of one cluster at one moment.

    `pods` are keyed `namespace/name`, `nodes` by name; `by_address` finds either. `by_namespace`
    has the pods of each namespace by key, `variants` the peers of a pod or node with several
    addresses, by key.
    """

    pods: dict[str, Peer] = field(default_factory=dict)
    nodes: dict[str, Peer] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    policies: PolicySet = field(default_factory=PolicySet)
    by_address: dict[Address, Peer] = field(default_factory=dict)
    by_namespace: dict[str, dict[str, Peer]] = field(default_factory=dict)
    variants: dict[str, list[Peer]] = field(default_factory=dict)
    version: int | None = None

    @classmethod
    def of(cls, documents: Iterable[Document], version: int | None = None) -> Snapshot:
        """The snapshot that documents describe; kinds that policy ignores are passed over.

        A pod or node with several addresses stands under its first one, or under its first
        one of an IP version (4 or 6) if that is given and it has one.
        """
        documents = list(documents)
        snapshot = cls(version=version)
        for document in documents:
            kind = document.get("kind")
            if kind == "Namespace":
                snapshot.namespaces[name_of(document)] = namespace_labels(document)
            elif kind == "Node":
                snapshot._add_node(document)
            elif kind in POLICY_KINDS:
                snapshot.policies.upsert(document)
        for document in documents:
            if document.get("kind") == "Pod":
                snapshot._add_pod(document)
        return snapshot

    def peer(self, text: str) -> Peer | None:
        """The peer that `namespace/pod` or `ip:ADDRESS` names; None for an unknown pod.

        An address of a pod or node is that pod or node.
        """
        if text.startswith("ip:"):
            address = text.removeprefix("ip:")
            return self.by_address.get(parse_address(address)) or Peer(address)
        return self.pods.get(text)

    def pair(self, one: Peer, other: Peer, *asked: str) -> tuple[Peer, Peer]:
        """Two peers under addresses of one IP version, if they have such; as they are if not.

        An `ip:ADDRESS` among the texts that the peers were asked for by decides the version,
        and whoever was asked for by it stays under it.
        """
        fixed = [text.removeprefix("ip:") for text in asked if text.startswith("ip:")]
        for address in (*fixed, one.address, other.address):
            version = parse_address(address)[0]
            first = self._of_version(one, version, fixed)
            second = self._of_version(other, version, fixed)
            if first is not None and second is not None:
                return first, second
        return one, other

    def _of_version(self, peer: Peer, version: int, fixed: Collection[str]) -> Peer | None:
        if parse_address(peer.address)[0] == version:
            return peer
        if peer.address in fixed:
            return None
        found = self.variants.get(peer.key, ())
        return next((v for v in found if parse_address(v.address)[0] == version), None)

    def labels_of_namespace(self, name: str) -> Mapping[str, str]:
        """The labels of a namespace; one without a document has its name label only."""
        labels = self.namespaces.get(name)
        if labels is None:
            labels = self.namespaces[name] = {NAME_LABEL: name}
        return labels

    def put_pod(self, document: Document) -> Peer | None:
        """Add a pod, or put it in place of the one of the same name; None if it has ended."""
        self._add_pod(document)
        return self.pods.get(_key(document))

    def put_namespace(self, document: Document) -> list[tuple[Peer, Peer]]:
        """Add a namespace, or change its labels; its pods as they were and as they are."""
        name, labels = name_of(document), namespace_labels(document)
        self.namespaces[name] = labels
        moved = []
        for key, old in list(self.by_namespace.get(name, {}).items()):
            variants = [replace(v, namespace_labels=labels) for v in self.variants.get(key, [old])]
            for was, now in zip(self.variants.get(key, [old]), variants, strict=True):
                address = parse_address(was.address)
                if self.by_address.get(address) is was:
                    self.by_address[address] = now
            if key in self.variants:
                self.variants[key] = variants
            pod = self.pods[key] = self.by_namespace[name][key] = variants[0]
            moved.append((old, pod))
        return moved

    def drop_pod(self, document: Document) -> Peer | None:
        """Take a pod out, and return it if it was there."""
        key = _key(document)
        pod = self.pods.pop(key, None)
        if pod is not None:
            del self.by_namespace[pod.namespace][key]
            for variant in self.variants.pop(key, [pod]):
                address = parse_address(variant.address)
                if self.by_address.get(address) is variant:
                    del self.by_address[address]
        return pod

    def _add_node(self, document: Document) -> None:
        name, labels = name_of(document), labels_of(document)
        addresses = [
            entry["address"]
            for entry in (document.get("status") or {}).get("addresses") or ()
            if entry.get("type") in ("InternalIP", "ExternalIP")
        ]
        found = [
            Peer(address, name=name, node=name, node_labels=labels)
            for address in self._preferred(addresses)
        ]
        for node in found:
            self.by_address[parse_address(node.address)] = node
            self.nodes.setdefault(name, node)
        if len(found) > 1:
            self.variants[name] = found

    def _add_pod(self, document: Document) -> None:
        status = document.get("status") or {}
        namespace = namespace_of(document) or "default"
        if f"{namespace}/{name_of(document)}" in self.pods:
            self.drop_pod(document)
        if status.get("phase") in _ENDED:
            return
        labels = self.labels_of_namespace(namespace)
        node = self.nodes.get((document.get("spec") or {}).get("nodeName") or "")
        node_labels = node.node_labels if node else None
        addresses = self._preferred(addresses_of(document)) or [""]
        found = [pod_peer(document, labels, address, node_labels) for address in addresses]
        pod = found[0]
        if not pod.host_network:
            for variant in found:
                if variant.address:
                    self.by_address[parse_address(variant.address)] = variant
        if len(found) > 1:
            self.variants[pod.key] = found
        self.pods[pod.key] = pod
        self.by_namespace.setdefault(namespace, {})[pod.key] = pod

    def _preferred(self, addresses: list[str]) -> list[str]:
        if self.version is None or len(addresses) < 2:
            return addresses
        return sorted(addresses, key=lambda text: parse_address(text)[0] != self.version)


def _key(document: Document) -> str:
    return f"{namespace_of(document) or 'default'}/{name_of(document)}"


def namespace_labels(document: Document) -> Mapping[str, str]:
    """The labels of a namespace, the name label included even if the document lacks it."""
    labels = labels_of(document)
    return labels if NAME_LABEL in labels else {**labels, NAME_LABEL: name_of(document)}


def addresses_of(document: Document) -> list[str]:
    """The addresses of a pod, the primary one first."""
    status = document.get("status") or {}
    addresses = [entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip")]
    primary = status.get("podIP")
    if primary and primary not in addresses:
        addresses.insert(0, primary)
    return addresses


def pod_peer(
    document: Document,
    namespace_labels: Mapping[str, str],
    address: str,
    node_labels: Mapping[str, str] | None = None,
) -> Peer:
    """A pod as a peer, under one of its addresses."""
    spec: Mapping[str, Any] = document.get("spec") or {}
    host_network = bool(spec.get("hostNetwork"))
    return Peer(
        address,
        namespace_of(document) or "default",
        name_of(document),
        labels_of(document),
        namespace_labels,
        port_names(spec),
        host_network,
        spec.get("nodeName") or "",
        node_labels if host_network else None,
    )


def port_names(spec: Mapping[str, Any]) -> Mapping[tuple[str, str], int]:
    """The named container ports of a pod: (name, protocol) to number; the first one wins.

    Init containers with `restartPolicy: Always` (sidecars) stay, so their ports count.
    """
    named: dict[tuple[str, str], int] = {}
    containers = list(spec.get("containers") or ())
    containers += [
        container
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    ]
    for container in containers:
        for port in container.get("ports") or ():
            if port.get("name"):
                key = (port["name"], port.get("protocol") or "TCP")
                named.setdefault(key, port["containerPort"])
    return named or _NO_PORTS
