"""Restoring a snapshot: documents become a cluster as it was, not as the API would make it.

What a snapshot lacks is made up, so that a few pods and policies are enough: namespaces,
nodes, addresses, the status of a running pod. Its pods listen on the ports that their
containers declare, whatever their images are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import cycle
from typing import Any

from minik8s.admission import decode, default, validate_create
from minik8s.admission.customkinds import builtin_schema, check_custom, decode_custom
from minik8s.clock import rfc3339
from minik8s.controllers import podstatus
from minik8s.controllers.namespace import namespace_document
from minik8s.controllers.nodeaddresses import NodeAddresses
from minik8s.controllers.podadmission import MIRROR
from minik8s.errors import BadRequest
from minik8s.model.customkinds import serve_definitions
from minik8s.model.metadata import Document, annotations_of, labels_of, name_of, namespace_of
from minik8s.model.registry import (
    DAEMON_SET,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    REPLICA_SET,
    SERVICE,
    Kind,
    Registry,
)
from minik8s.model.workloads import (
    declared_ports,
    host_network,
    is_sidecar,
    node_name,
    pod_addresses,
    qos_class,
)
from minik8s.network import AddressInUse, Connection, Listener, Network
from minik8s.store import Store

SYSTEM = "kube-system"

_BASE_KINDS = (DEPLOYMENT, DAEMON_SET, REPLICA_SET, SERVICE, POD)
"""What a snapshot with a kube-system of its own replaces there."""


def read(registry: Registry, documents: Iterable[Document]) -> list[tuple[Kind, Document]]:
    """The objects of a snapshot, decoded and defaulted, lists unpacked; policies validated.

    Raises BadRequest for an object that makes no sense, Invalid for a policy.
    """
    rows, unpacked = [], list(_unpacked(documents))
    serve_definitions(registry, unpacked)
    for document in unpacked:
        kind = registry.of(document)
        if kind is None:
            api_version, name = document.get("apiVersion", ""), document.get("kind", "")
            raise BadRequest(f'no matches for kind "{name}" in version "{api_version}"')
        metadata = document.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("name"):
            raise BadRequest(f"{kind.kind}: resource name may not be empty")
        rows.append((kind, _admitted(kind, _placed(kind, document))))
    return rows


def _admitted(kind: Kind, document: Document) -> Document:
    schema = builtin_schema(kind)
    if schema is not None:
        decoded, _ = decode_custom(kind, document, schema, "Strict")
        check_custom(kind, decoded, schema)
        return decoded
    strict = kind == NETWORK_POLICY
    decoded, _ = decode(kind, document, "Strict" if strict else "Ignore")
    decoded = default(kind, decoded)
    if strict:
        validate_create(kind, decoded)
    return decoded


def _unpacked(documents: Iterable[Document]) -> Iterator[Document]:
    for document in documents:
        items = document.get("items")
        if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
            yield from _unpacked(items)
        else:
            yield document


def _placed(kind: Kind, document: Document) -> Document:
    """The object in the namespace that it is in: `default` unless it says another."""
    metadata = document["metadata"]
    if kind.namespaced == bool(metadata.get("namespace")):
        return document
    if kind.namespaced:
        return {**document, "metadata": {**metadata, "namespace": "default"}}
    return {**document, "metadata": {k: v for k, v in metadata.items() if k != "namespace"}}


class Snapshot:
    """The objects of one snapshot, made fit for one cluster."""

    def __init__(self, store: Store, rows: list[tuple[Kind, Document]]) -> None:
        self.store = store
        self.rows = rows
        self.now = rfc3339(store.clock.now)

    def of(self, kind: Kind) -> list[Document]:
        """The objects of one kind."""
        return [document for each, document in self.rows if each == kind]

    def replaced(self) -> list[tuple[Kind, Document]]:
        """What of the base cluster gives way: a kube-system of its own, nodes of its own."""
        gone: list[tuple[Kind, Document]] = []
        brings_system = any(
            namespace_of(document) == SYSTEM and kind in _BASE_KINDS for kind, document in self.rows
        )
        if brings_system:
            for kind in _BASE_KINDS:
                gone += [(kind, document) for document in self.store.list(kind, SYSTEM)]
        names = {name_of(node) for node in self.of(NODE)}
        if names:
            for node in self.store.list(NODE):
                if name_of(node) not in names:
                    gone.append((NODE, node))
                    gone += [(POD, pod) for pod in self._static_pods(name_of(node))]
        return _once(gone)

    def _static_pods(self, node: str) -> list[Document]:
        pods = self.store.list(POD, SYSTEM)
        return [pod for pod in pods if node_name(pod) == node and MIRROR in annotations_of(pod)]

    def add_namespaces(self) -> None:
        """Make the namespaces that objects are in."""
        known = {name_of(document) for document in self.store.list(NAMESPACE)}
        rows: dict[str, Document] = {name_of(each): each for each in self.of(NAMESPACE)}
        needed = {namespace_of(document) for _, document in self.rows} - {""}
        missing = sorted(needed - known - rows.keys())
        self.rows = [row for row in self.rows if row[0] != NAMESPACE]
        complete = [_active(document) for document in rows.values()]
        complete += [namespace_document(name) for name in missing]
        self.rows[:0] = [(NAMESPACE, document) for document in complete]

    def label_nodes(self) -> None:
        """Give nodes the labels that every kubelet sets, where a snapshot leaves them out."""
        self.rows = [
            (kind, _labelled(document)) if kind == NODE else (kind, document)
            for kind, document in self.rows
        ]

    def missing_nodes(self) -> list[str]:
        """The nodes that pods name and nobody has described."""
        known = {name_of(node) for node in (*self.store.list(NODE), *self.of(NODE))}
        return sorted({node_name(pod) for pod in self.of(POD)} - known - {""})

    def place_pods(self, addresses: NodeAddresses) -> None:
        """Give a node and an address to each pod that has none, and a running pod's status."""
        counts: Counter[str] = Counter(node_name(pod) for pod in self.of(POD))
        nodes = [*self.of(NODE), *self.store.list(NODE)]
        open_nodes = [name_of(node) for node in nodes if not (node.get("spec") or {}).get("taints")]
        turn = cycle(sorted(open_nodes or [name_of(n) for n in nodes], key=lambda n: counts[n]))
        rows = []
        for kind, document in self.rows:
            if kind == POD:
                document = self._completed(document, next(turn), addresses)
            rows.append((kind, document))
        self.rows = rows

    def _completed(self, pod: Document, node: str, addresses: NodeAddresses) -> Document:
        status: dict[str, Any] = dict(pod.get("status") or {})
        phase = status.setdefault("phase", "Running")
        if phase != "Running":
            return pod if pod.get("status") else {**pod, "status": status}
        spec = pod["spec"] if node_name(pod) else {**pod["spec"], "nodeName": node}
        node = spec["nodeName"]
        host = addresses.host(node)
        if not pod_addresses(pod):
            own = host if host_network(pod) else addresses.allocate(node)
            status["podIPs"] = [{"ip": address} for address in own]
        status.setdefault("podIPs", [{"ip": address} for address in pod_addresses(pod)])
        if status["podIPs"]:
            status.setdefault("podIP", status["podIPs"][0]["ip"])
        if host:
            status.setdefault("hostIP", host[0])
            status.setdefault("hostIPs", [{"ip": address} for address in host])
        status.setdefault("qosClass", qos_class(spec))
        status.setdefault("startTime", self.now)
        placed = {**pod, "spec": spec, "status": status}
        if "containerStatuses" not in status:
            placed["status"] = self._with_containers(placed)
        return placed

    def _with_containers(self, pod: Document) -> Document:
        seen = pod["status"].get("conditions")
        ready = seen is None or any(c["type"] == "Ready" and c["status"] == "True" for c in seen)
        main = {c["name"]: self._running(c, ready) for c in pod["spec"].get("containers") or ()}
        init = {c["name"]: self._initialized(c) for c in pod["spec"].get("initContainers") or ()}
        if seen is None:
            return podstatus.compose(pod, init, main, self.now, sandbox=True)
        status = {**pod["status"], "containerStatuses": list(main.values())}
        return {**status, "initContainerStatuses": list(init.values())} if init else status

    def _running(self, container: Document, ready: bool) -> Document:
        identity = self.store.ids.stream("containers").getrandbits(256)
        name = f"containerd://{identity:064x}"
        return podstatus.running(container, name, self.now, None, ready=ready)

    def _initialized(self, container: Document) -> Document:
        """An init container of a pod that runs: it has done its work, or goes on as a sidecar."""
        status = self._running(container, True)
        return status if is_sidecar(container) else podstatus.terminated(status, 0, self.now)


def _active(namespace: Document) -> Document:
    """A namespace as the API server stores it, with its own name as a label."""
    base = namespace_document(name_of(namespace))
    metadata = {**namespace["metadata"]}
    metadata["labels"] = {**(metadata.get("labels") or {}), **base["metadata"]["labels"]}
    return {
        **base,
        **namespace,
        "metadata": metadata,
        "status": namespace.get("status") or base["status"],
    }


def _labelled(node: Document) -> Document:
    always = {"kubernetes.io/hostname": name_of(node), "kubernetes.io/os": "linux"}
    metadata = {**node["metadata"], "labels": {**always, **labels_of(node)}}
    return {**node, "metadata": metadata}


def _once(rows: list[tuple[Kind, Document]]) -> list[tuple[Kind, Document]]:
    """Each object once, in order."""
    return list({(k.resource, namespace_of(d), name_of(d)): (k, d) for k, d in rows}.values())


def open_declared_ports(network: Network, pod: Document) -> None:
    """Have a pod listen on the ports that its containers declare, where nobody does yet."""
    try:
        host = network.pod_host(namespace_of(pod), name_of(pod))
    except LookupError:
        return
    for port in declared_ports(pod):
        try:
            if port.protocol == "UDP":
                host.bind(port.number)
            else:
                listener = host.listen("SCTP" if port.protocol == "SCTP" else "TCP", port.number)
                listener.wake = _Doorman(listener).greet
        except AddressInUse:
            continue


class _Doorman:
    """Takes connections and says nothing: a server of which only the port is known."""

    __slots__ = ("_listener",)

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def greet(self) -> None:
        """Accept what has come in, and close when the other end does."""
        while (connection := self._listener.accept()) is not None:
            connection.wake = partial(_close_at_end, connection)


def _close_at_end(connection: Connection) -> None:
    if connection.eof:
        connection.close()
