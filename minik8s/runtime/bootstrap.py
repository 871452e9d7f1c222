"""How a cluster comes into being: what kubeadm (or a cloud's installer) leaves behind.

The manifests lie in `data/kubeadm.json`, the default roles and their bindings in `data/rbac.json`.
Documents that do not depend on the seed are made once for each profile (the roles, which depend
on nothing, once) and shared by all clusters.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import TypeAlias

from minik8s.admission import default
from minik8s.clock import rfc3339
from minik8s.controllers.namespace import namespace_document
from minik8s.controllers.podadmission import admit_pod
from minik8s.ids import Ids
from minik8s.model.metadata import Document, owner_reference
from minik8s.model.registry import LEASE, NAMESPACE, NODE, POD, Registry
from minik8s.model.workloads import qos_class
from minik8s.runtime.nodes import node_document
from minik8s.runtime.profile import ClusterProfile, NodeProfile, minor_version
from minik8s.store import Store

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

ROOT_CA = (
    "-----BEGIN CERTIFICATE-----\n"
    "c2ltdWxhdGVkIGNlcnRpZmljYXRlIGF1dGhvcml0eSBvZiBtaW5pazhz\n"
    "-----END CERTIFICATE-----\n"
)
"""The cluster's certificate authority; nobody checks a certificate inside the cluster."""

_COREDNS = {37: "v1.14.6", 20: "1.7.0"}
_ETCD = {37: "3.6.8-0", 20: "3.4.13-0"}
_KINDNET = "v20240202-8f1494ea"
"""A kindnetd from before it enforced policies (kind 0.24 changed that)."""

PLUGINS_WITH_OBJECTS = ("cilium", "kindnet")

Values: TypeAlias = tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def _sections() -> dict[str, str]:
    text = files("minik8s").joinpath("data", "kubeadm.json").read_text(encoding="utf-8")
    return {name: json.dumps(section) for name, section in json.loads(text).items()}


@lru_cache(maxsize=64)
def documents(section: str, values: Values) -> tuple[Document, ...]:
    """One section of the manifests, filled in and defaulted; shared, so never to be changed."""
    return _defaulted(json.loads(Template(_sections()[section]).safe_substitute(dict(values))))


@lru_cache(maxsize=1)
def roles() -> tuple[Document, ...]:
    """The roles and bindings that every API server makes at its start, and kubeadm's."""
    text = files("minik8s").joinpath("data", "rbac.json").read_text(encoding="utf-8")
    return _defaulted(json.loads(text))


def _defaulted(written: list[Document]) -> tuple[Document, ...]:
    registry = Registry()
    made = []
    for document in written:
        kind = registry.of(document)
        assert kind is not None, document["kind"]
        made.append(default(kind, document))
    return tuple(made)


def values_of(profile: ClusterProfile) -> Values:
    """What the placeholders of the manifests stand for in one cluster."""
    minor = minor_version(profile.version)
    control = next((node for node in profile.nodes if node.control_plane), profile.nodes[0])
    values = {
        "name": profile.name,
        "version": profile.version,
        "family": profile.ip_families[0],
        "pod_cidr": ",".join(profile.pod_cidrs),
        "service_cidr": ",".join(profile.service_cidrs),
        "dns_address": profile.service_address(10),
        "kubernetes_address": profile.service_address(1),
        "control_plane": control.name,
        "control_plane_address": profile.node_address(control),
        "cni_version": _KINDNET if profile.cni == "kindnet" else profile.cni_version,
        "ipam": "kubernetes",
        "coredns": _nearest(_COREDNS, minor),
        "etcd": _nearest(_ETCD, minor),
    }
    return tuple(values.items())


def _nearest(table: dict[int, str], minor: int) -> str:
    return table[min(table, key=lambda each: abs(each - minor))]


def create(store: Store, wanted: tuple[Document, ...]) -> None:
    """Store documents that nobody has changed yet."""
    for document in wanted:
        kind = store.registry.of(document)
        assert kind is not None
        store.create(kind, document)


def create_namespaces(store: Store) -> None:
    """The four namespaces of every cluster."""
    for name in NAMESPACES:
        store.create(NAMESPACE, namespace_document(name))


class Bootstrap:
    """Installs one cluster, step by step; the runtime settles and lets time pass between."""

    def __init__(self, store: Store, profile: ClusterProfile) -> None:
        self.store = store
        self.profile = profile
        self.values = values_of(profile)

    def begin(self) -> None:
        """Namespaces, roles, the Service `kubernetes`."""
        create_namespaces(self.store)
        create(self.store, roles())
        create(self.store, documents("control_plane", self.values))

    def join(self, node: NodeProfile, index: int) -> Document:
        """One node registers; on a control plane its static pods start."""
        document = node_document(self.profile, node, index, rfc3339(self.store.clock.now))
        stored = self.store.create(NODE, document)
        self._lease("kube-node-lease", node.name, node.name)
        if node.control_plane:
            for pod in self._static_pods(node, stored):
                self.store.create(POD, pod)
            for component in ("kube-controller-manager", "kube-scheduler"):
                self._lease("kube-system", component, f"{node.name}_{_digest(component)}")
        return stored

    def preloaded(self) -> list[str]:
        """The images that kubeadm pulls onto a control plane before it starts anything."""
        pods = documents("static_pods", self.values)
        templates = [each["spec"]["template"] for each in _workloads(self.values)]
        specs = [each["spec"] for each in (*pods, *templates)]
        return [container["image"] for spec in specs for container in spec["containers"]]

    def add_ons(self) -> None:
        """CoreDNS, kube-proxy, and the network plugin's agent if it has one."""
        create(self.store, documents("addons", self.values))
        self.plugin()

    def plugin(self) -> None:
        """The objects of the network plugin; some plugins have none."""
        if self.profile.cni in PLUGINS_WITH_OBJECTS:
            create(self.store, documents(str(self.profile.cni), self.values))

    def _static_pods(self, node: NodeProfile, owner: Document) -> list[Document]:
        address = self.profile.node_address(node)
        host = f"[{address}]" if ":" in address else address
        own = (("node", node.name), ("address", address), ("host", host))
        values = (*self.values, *own)
        reference = {**owner_reference(owner)}
        del reference["blockOwnerDeletion"]
        return [
            _mirrored(pod, reference, rfc3339(self.store.clock.now))
            for pod in documents("static_pods", values)
        ]

    def _lease(self, namespace: str, name: str, holder: str) -> None:
        moment = f"{rfc3339(self.store.clock.now)[:-1]}.000000Z"
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": 40 if namespace == "kube-node-lease" else 15,
            "renewTime": moment,
        }
        metadata = {"name": name, "namespace": namespace}
        lease = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata}
        self.store.create(LEASE, {**lease, "spec": spec})


def _workloads(values: Values) -> list[Document]:
    return [each for each in documents("addons", values) if "template" in each.get("spec", {})]


def _mirrored(pod: Document, owner: Document, now: str) -> Document:
    """A static pod as its kubelet shows it to the API server."""
    digest = _digest(pod["metadata"]["name"])
    annotations = {
        **pod["metadata"]["annotations"],
        "kubernetes.io/config.hash": digest,
        "kubernetes.io/config.mirror": digest,
        "kubernetes.io/config.seen": f"{now[:-1]}.000000000Z",
    }
    metadata = {**pod["metadata"], "annotations": annotations, "ownerReferences": [owner]}
    admitted = admit_pod({**pod, "metadata": metadata}, Ids(0))
    status = {"phase": "Pending", "qosClass": qos_class(pod["spec"])}
    return {**admitted, "status": status}


def _digest(text: str) -> str:
    """32 hexadecimal digits that depend on a name alone."""
    return f"{Ids(0).stream(text).getrandbits(128):032x}"
