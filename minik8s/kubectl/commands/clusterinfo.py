"""`kubectl cluster-info`."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.output import Printer, object_printer
from minik8s.kubectl.pods import container_names
from minik8s.kubectl.structs import Typed, typed
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of
from minik8s.model.registry import (
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    NAMESPACE,
    NODE,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    SERVICE,
    Kind,
)

_SELECTOR = "kubernetes.io/cluster-service=true"
_DUMPED = (EVENT, REPLICATION_CONTROLLER, SERVICE, DAEMON_SET, DEPLOYMENT, REPLICA_SET, POD)
_HINT = "\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n"


def run(call: Call) -> None:
    """Show where the control plane and the cluster's own services are."""
    namespace = call.flags.text("namespace") or "kube-system"
    try:
        found = call.client.list(SERVICE, namespace, query={"labelSelector": _SELECTOR})
        server = _server(call)
        call.out(f"Kubernetes control plane is running at {server}\n")
        for service in found["items"]:
            title = labels_of(service).get("kubernetes.io/name") or name_of(service)
            call.out(f"{title} is running at {_link(server, service)}\n")
    finally:
        call.out(_HINT)


def _server(call: Call) -> str:
    """The address of the context's cluster."""
    contexts = call.io.contexts
    context = contexts.contexts[call.flags.text("context") or contexts.current]
    return str(contexts.clusters[context["cluster"]].get("server", ""))


def _link(server: str, service: Document) -> str:
    """Where a Service is reached from outside: at its load balancer, or through the API server."""
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    ports = (service.get("spec") or {}).get("ports") or []
    if balancer.get("ingress"):
        entry = balancer["ingress"][0]
        address = entry.get("ip") or entry.get("hostname", "")
        return "".join(f"http://{address}:{port['port']} " for port in ports)
    name = name_of(service)
    if ports:
        word = ports[0].get("name", "")
        scheme = "https:" if word == "https" or ports[0]["port"] == 443 else ""
        name = f"{scheme}{name}:{word}" if scheme or word else name
    return f"{server}/api/v1/namespaces/{namespace_of(service)}/services/{name}/proxy"


def dump(call: Call) -> None:
    """Show nodes, and of some namespaces what there is and what the pods have logged."""
    show = object_printer(call)
    _list(call, NODE, None, show)
    for namespace in _namespaces(call):
        for kind in _DUMPED:
            _list(call, kind, namespace, show)
        for pod in call.client.list(POD, namespace)["items"]:
            _logs(call, pod)


def _namespaces(call: Call) -> list[str]:
    if call.flags.on("all-namespaces"):
        return [name_of(item) for item in call.client.list(NAMESPACE)["items"]]
    return call.flags.items("namespaces") or ["kube-system", call.namespace]


def _list(call: Call, kind: Kind, namespace: str | None, show: Printer) -> None:
    document = call.client.list(kind, namespace)
    show(
        Typed(
            kind=f"{kind.kind}List",
            apiVersion=kind.api_version,
            metadata=document["metadata"],
            items=[typed(item) for item in document["items"]],
        )
    )


def _logs(call: Call, pod: Document) -> None:
    for container in container_names(pod).split(", "):
        name, _, kind = container.partition(" ")
        if kind:
            continue
        place = f"container {name} of pod {namespace_of(pod)}/{name_of(pod)}"
        call.out(f"==== START logs for {place} ====\n")
        call.out(call.client.logs(name_of(pod), name, namespace_of(pod)))
        call.out(f"==== END logs for {place} ====\n")
