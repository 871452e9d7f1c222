"""`kubectl cluster-info`."""

from __future__ import annotations

import posixpath

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import canonical, indented_json
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of
from minik8s.model.registry import (
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    NODE,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    SERVICE,
    Kind,
)

_HINT = "\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n"
_SYSTEM = "kube-system"
_DUMPED: tuple[tuple[Kind, str], ...] = (
    (EVENT, "events"),
    (REPLICATION_CONTROLLER, "replication-controllers"),
    (SERVICE, "services"),
    (DAEMON_SET, "daemonsets"),
    (DEPLOYMENT, "deployments"),
    (REPLICA_SET, "replicasets"),
    (POD, "pods"),
)


def run(call: Call) -> None:
    """Tell where the control plane and the cluster's own services are."""
    namespace = call.flags.text("namespace") or _SYSTEM
    query = {"labelSelector": "kubernetes.io/cluster-service=true"}
    try:
        found = call.client.list(SERVICE, namespace, query=query)["items"] or []
        host = _host(call)
        call.out(f"Kubernetes control plane is running at {host}\n")
        for service in found:
            title = labels_of(service).get("kubernetes.io/name") or name_of(service)
            call.out(f"{title} is running at {_link(host, service)}\n")
    finally:
        call.out(_HINT)


def _host(call: Call) -> str:
    contexts = call.io.contexts
    context = contexts.contexts[call.flags.text("context") or contexts.current]
    return str(contexts.clusters[context["cluster"]].get("server", ""))


def _link(host: str, service: Document) -> str:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    ports = (service.get("spec") or {}).get("ports") or []
    if ingress:
        address = ingress[0].get("ip") or ingress[0].get("hostname", "")
        return "".join(f"http://{address}:{port['port']} " for port in ports)
    name = name_of(service)
    if ports:
        port = ports[0].get("name", "")
        scheme = "https" if port == "https" or ports[0]["port"] == 443 else ""
        if scheme:
            name = f"{scheme}:{name}:{port}"
        elif port:
            name = f"{name}:{port}"
    return f"{host}/api/v1/namespaces/{namespace_of(service)}/services/{name}/proxy"


def dump(call: Call) -> None:
    """Write out what there is to know about the cluster."""
    flags = call.flags
    output = flags.text("output") or "json"
    if output not in ("json", "yaml"):
        raise Failure(
            f'unable to match a printer suitable for the output format "{output}", allowed '
            "formats are: json,yaml"
        )
    folder = flags.text("output-directory")
    if folder == "-":
        folder = ""
    _write(call, folder, f"nodes.{output}", _list(call, NODE, "NodeList", ""), output)
    for namespace in _namespaces(call):
        pods: Document = {}
        for kind, name in _DUMPED:
            found = _list(call, kind, f"{kind.kind}List", namespace)
            _write(call, folder, f"{namespace}/{name}.{output}", found, output)
            pods = found if kind == POD else pods
        for pod in pods["items"]:
            _dump_logs(call, folder, namespace, pod)
    if folder:
        call.out(f"Cluster info dumped to {folder}\n")


def _namespaces(call: Call) -> list[str]:
    flags = call.flags
    if flags.items("namespaces"):
        return flags.items("namespaces")
    if flags.on("all-namespaces"):
        kind = next(kind for kind in call.client.kinds() if kind.kind == "Namespace")
        return [name_of(found) for found in call.client.list(kind)["items"] or ()]
    return [_SYSTEM, call.namespace] if call.namespace != _SYSTEM else [_SYSTEM]


def _list(call: Call, kind: Kind, title: str, namespace: str) -> Document:
    found = call.client.list(kind, namespace)
    return {"kind": title, "apiVersion": kind.api_version, **found, "items": found["items"] or []}


def _write(call: Call, folder: str, path: str, document: Document, output: str) -> None:
    text = indented_json(canonical(document)) + "\n" if output == "json" else yaml_text(document)
    _store(call, folder, path, text)


def _store(call: Call, folder: str, path: str, text: str) -> None:
    if folder:
        call.io.write_file(posixpath.join(folder, path), text.encode())
    else:
        call.out(text)


def _dump_logs(call: Call, folder: str, namespace: str, pod: Document) -> None:
    name = name_of(pod)
    parts = []
    for container in pod["spec"].get("containers") or ():
        title = f"container {container['name']} of pod {namespace}/{name}"
        try:
            text = call.client.logs(name, container["name"], namespace)
        except ApiError as error:
            text = f"Failed to get logs from pod {name}: {error.message}"
        parts.append(f"==== START logs for {title} ====\n{text}\n==== END logs for {title} ====\n")
    _store(call, folder, f"{namespace}/{name}/logs.txt", "".join(parts))
