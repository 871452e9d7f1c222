"""Helpers of the cluster tests: manifests in few words, and what a watch would have seen."""

from __future__ import annotations

from typing import Any

from minik8s.cluster import Cluster
from minik8s.model.registry import Kind
from minik8s.store import StoreEvent

Document = dict[str, Any]


class Recording:
    """Every write to the store since the recording began."""

    def __init__(self, cluster: Cluster) -> None:
        self.writes: list[StoreEvent] = []
        cluster.runtime.store.subscribe(self.writes.append)

    def of(self, kind: str, name: str = "") -> list[StoreEvent]:
        """The writes to objects of a kind whose name begins so."""
        return [
            write
            for write in self.writes
            if write.kind.kind == kind and write.object["metadata"]["name"].startswith(name)
        ]


def container(name: str = "c", image: str = "example.com/server:1", **more: Any) -> Document:
    return {"name": name, "image": image, **more}


def pod(name: str, *, namespace: str = "default", labels: Any = None, **spec: Any) -> Document:
    spec.setdefault("containers", [container()])
    metadata: Document = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def workload(
    kind: str,
    name: str,
    *,
    replicas: int | None = None,
    containers: list[Document] | None = None,
    pod_spec: Document | None = None,
    **spec: Any,
) -> Document:
    labels = {"app": name}
    body: Document = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": containers or [container()], **(pod_spec or {})},
        },
        **spec,
    }
    if replicas is not None:
        body["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": body,
    }


def service(name: str, **spec: Any) -> Document:
    spec.setdefault("selector", {"app": name})
    spec.setdefault("ports", [{"name": "http", "port": 80}])
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def names(documents: list[Document]) -> list[str]:
    return [document["metadata"]["name"] for document in documents]


def events_about(cluster: Cluster, name: str, namespace: str = "default") -> list[Document]:
    """The events about one object, the oldest first."""
    found = [
        event
        for event in cluster.objects("events", namespace)
        if event["involvedObject"]["name"] == name
    ]
    return sorted(found, key=lambda event: int(event["metadata"]["name"].rpartition(".")[2], 16))


def stored(cluster: Cluster, kind: Kind, name: str, namespace: str = "default") -> Document:
    found = cluster.runtime.store.get(kind, namespace, name)
    assert found is not None, f"{kind.kind} {namespace}/{name} is not there"
    return found


class Script:
    """Stands in for the container runtime: says how containers of an image end.

    `codes` maps an image to the exit codes of its starts, in turn; an image that is not there,
    and one whose codes are used up, goes on running.
    """

    def __init__(self) -> None:
        self.codes: dict[str, list[int]] = {}
        self.started: list[tuple[str, str]] = []

    def start(self, pod: Document, names: Any = None) -> dict[str, int | None]:
        spec = pod["spec"]
        everybody = [*(spec.get("initContainers") or ()), *spec["containers"]]
        result: dict[str, int | None] = {}
        for each in everybody:
            if names is None or each["name"] in names:
                self.started.append((pod["metadata"]["name"], each["name"]))
                codes = self.codes.get(each["image"])
                result[each["name"]] = codes.pop(0) if codes else None
        return result
