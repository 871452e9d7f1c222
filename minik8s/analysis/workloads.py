"""Workloads: pods grouped by who owns them, and pods made from templates.

A *workload* is the Deployment, StatefulSet, DaemonSet, Job, ... at the top of a pod's owner
references, or the pod itself. Files often hold the workload and not its pods; those are made
here from the template, as the controllers would, with addresses of a pod network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.analysis.files import InputError
from minik8s.ipam import AddressPool, PoolExhausted
from minik8s.model.metadata import (
    Document,
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    owners_of,
)

POD_NETWORK = "10.244.0.0/16"
"""Where made pods get their addresses from, as kubeadm clusters with flannel have it."""

OWNING = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
)
MOST_PODS = 65_000
"""The most pods that are made from templates: as many as the pod network has addresses for."""

_HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True, order=True)
class Workload:
    """The owner of a group of pods."""

    namespace: str
    name: str
    kind: str = "Pod"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Owners:
    """Finds the workload of a pod among the documents of a snapshot."""

    __slots__ = ("_controllers", "_known")

    def __init__(self, documents: Iterable[Document]) -> None:
        self._controllers = {
            (document["kind"], namespace_of(document) or "default", name_of(document)): document
            for document in documents
            if document.get("kind") in ("ReplicaSet", "Job")
        }
        self._known: dict[tuple[str, str, str], Workload] = {}

    def workload(self, pod: Document) -> Workload:
        """The top of the pod's owner references, or the pod itself."""
        namespace = namespace_of(pod) or "default"
        owner = controller_of(pod) or next(owners_of(pod), None)
        if owner is None:
            return Workload(namespace, name_of(pod))
        key = (namespace, str(owner.get("kind")), str(owner.get("name")))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._top(pod, *key)
        return known

    def _top(self, pod: Document, namespace: str, kind: str, name: str) -> Workload:
        document = self._controllers.get((kind, namespace, name))
        above = controller_of(document) if document is not None else None
        if above is not None:
            return Workload(namespace, str(above["name"]), str(above["kind"]))
        suffix = labels_of(pod).get(_HASH)
        if kind == "ReplicaSet" and document is None and suffix and name.endswith(f"-{suffix}"):
            return Workload(namespace, name.removesuffix(f"-{suffix}"), "Deployment")
        return Workload(namespace, name, kind)


def complete(documents: Iterable[Document]) -> list[Document]:
    """The documents, with pods for each workload that has none of its own among them.

    Raises InputError for more pods than a pod network has addresses.
    """
    documents = list(documents)
    templates = [document for document in documents if document.get("kind") in OWNING]
    bare = [document for document in documents if document.get("kind") == "Pod"]
    if not templates and all((pod.get("status") or {}).get("podIP") for pod in bare):
        return documents
    pool = _pool(documents)
    owned = {
        (owner.get("kind"), namespace_of(document) or "default", owner.get("name"))
        for document in documents
        for owner in owners_of(document)
    }
    made = [
        pod
        for template in templates
        if (template["kind"], namespace_of(template) or "default", name_of(template)) not in owned
        for pod in _pods(template)
    ]
    placed = [_with_address(d, pool) if d.get("kind") == "Pod" else d for d in documents]
    return placed + [_with_address(pod, pool) for pod in made]


def _pool(documents: Iterable[Document]) -> AddressPool:
    pool = AddressPool(POD_NETWORK, reserved=2)
    for document in documents:
        address = (document.get("status") or {}).get("podIP")
        if address and address in pool:
            pool.reserve(address)
    return pool


def _pods(owner: Document) -> Iterator[Document]:
    """The pods that a controller makes of a template."""
    spec: Mapping[str, Any] = owner.get("spec") or {}
    template = spec.get("template") or {}
    replicas = spec.get("replicas", 1) if owner["kind"] not in ("DaemonSet", "Job") else 1
    for index in range(replicas if replicas is not None else 1):
        metadata = template.get("metadata") or {}
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{name_of(owner)}-{index}",
                "namespace": namespace_of(owner) or "default",
                "labels": metadata.get("labels") or {},
                "ownerReferences": [
                    {"kind": owner["kind"], "name": name_of(owner), "controller": True}
                ],
            },
            "spec": template.get("spec") or {},
        }


def _with_address(pod: Document, pool: AddressPool) -> Document:
    status = pod.get("status") or {}
    if status.get("podIP") or (pod.get("spec") or {}).get("hostNetwork"):
        return pod
    try:
        address = pool.allocate()
    except PoolExhausted:
        text = f"the pods of all workloads are more than the addresses of {POD_NETWORK}"
        raise InputError(text) from None
    return {**pod, "status": {**status, "podIP": address}}
