"""Which pod and which container a command means: `deploy/web`, `svc/api`, `-c`, the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query
from minik8s.kubectl.waiting import ticks
from minik8s.model.metadata import Document, annotations_of, is_terminating, name_of, namespace_of
from minik8s.model.registry import POD
from minik8s.model.selectors import label_selector
from minik8s.model.workloads import condition, is_ready, node_name, pod_phase

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_PHASES = {"Running": 0, "Unknown": 1, "Pending": 2}
_WORKLOADS = (
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicationController",
)
Order = Callable[[Document], tuple[Any, ...]]


def running_timeout(call: Call) -> float:
    """`--pod-running-timeout` in seconds; raises ValueError-like Failure when not positive."""
    timeout = call.flags.seconds("pod-running-timeout")
    if timeout <= 0:
        raise Failure("--pod-running-timeout must be higher than zero")
    return timeout


def named_object(call: Call, *words: str) -> Document:
    """The object that `POD`, `TYPE/NAME` or `TYPE NAME` names; raises what is wrong."""
    arguments = words if len(words) > 1 or "/" in words[0] else ("pods", *words)
    selection = select(
        Query(call, namespace=call.namespace, arguments=tuple(arguments), files=False)
    )
    targets = selection.targets_or_raise(go_on=False)
    return targets[0].object


def by_activity(pod: Document) -> tuple[Any, ...]:
    """Places the most active pod first (podutils.ActivePods, reversed)."""
    return (
        not node_name(pod),
        _PHASES.get(pod_phase(pod), 0),
        not is_ready(pod),
        is_terminating(pod),
        _ready_since(pod),
        _restarts(pod),
        str(pod["metadata"].get("creationTimestamp") or ""),
    )


def by_logging(pod: Document) -> tuple[Any, ...]:
    """Places the pod whose log says most first (podutils.ByLogging)."""
    return (
        not node_name(pod),
        _PHASES.get(pod_phase(pod), 0),
        not is_ready(pod),
        _ready_since(pod),
        -_restarts(pod),
        str(pod["metadata"].get("creationTimestamp") or ""),
    )


def _ready_since(pod: Document) -> str:
    ready = condition(pod, "Ready") if is_ready(pod) else None
    return str(ready.get("lastTransitionTime") or "") if ready else ""


def _restarts(pod: Document) -> int:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return max((int(status.get("restartCount") or 0) for status in statuses), default=0)


def selector_of(document: Document) -> str:
    """The label selector of the pods behind an object, as a query; raises Failure."""
    kind, spec = str(document.get("kind", "")), document.get("spec") or {}
    selector = spec.get("selector")
    if kind == "Service":
        if not selector:
            raise Failure(
                f"invalid service '{name_of(document)}': Service is defined without a selector"
            )
        return _pairs(selector)
    if kind not in _WORKLOADS:
        raise Failure(f"selector for {go_struct(document)} not implemented")
    if kind == "ReplicationController":
        return _pairs(selector or {})
    return str(label_selector(selector))


def go_struct(document: Document) -> str:
    """The Go type of an object, as messages show it: `*v1.ConfigMap`."""
    version = str(document.get("apiVersion", "")).rpartition("/")[2]
    return f"*{version}.{document.get('kind', '')}"


def _pairs(selector: Mapping[str, str]) -> str:
    return ",".join(f"{key}={selector[key]}" for key in sorted(selector))


def pods_behind(call: Call, document: Document, timeout: float, order: Order) -> list[Document]:
    """The pods of a workload or Service, best first; waits until there is one."""
    selector, namespace = selector_of(document), namespace_of(document)
    for _ in ticks(call.client, timeout):
        found = call.client.list(POD, namespace, query={"labelSelector": selector})
        items = [{"apiVersion": "v1", "kind": "Pod", **item} for item in found["items"] or ()]
        if items:
            return sorted(items, key=order)
    raise Failure("timed out waiting for the condition")


def attachable_pod(call: Call, document: Document, timeout: float) -> Document:
    """The pod to run something in: the object itself, or the most active one behind it."""
    if document.get("kind") == "Pod":
        return document
    try:
        return pods_behind(call, document, timeout, by_activity)[0]
    except Failure as error:
        if "not implemented" in str(error) or "without a selector" in str(error):
            raise Failure(f"cannot attach to {go_struct(document)}: {error}") from None
        raise


def find_container(pod: Document, name: str) -> Document | None:
    """A container by name, init and ephemeral ones included."""
    spec = pod.get("spec") or {}
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            if container.get("name") == name:
                found: Document = container
                return found
    return None


def container_names(pod: Document) -> str:
    """All containers as messages list them: `main, side, setup (init)`."""
    spec = pod.get("spec") or {}
    names = [c["name"] for c in spec.get("containers") or ()]
    names += [f"{c['name']} (ephem)" for c in spec.get("ephemeralContainers") or ()]
    names += [f"{c['name']} (init)" for c in spec.get("initContainers") or ()]
    return ", ".join(names)


def invalid_container(pod: Document, name: str) -> Failure:
    """The complaint about a container that the pod does not have."""
    return Failure(
        f"container {name} is not valid for pod {name_of(pod)} out of: {container_names(pod)}"
    )


def chosen_container(call: Call, pod: Document, name: str, *, quiet: bool) -> Document:
    """The container of a name, of the pod's annotation, or the first; says which it took."""
    containers = (pod.get("spec") or {}).get("containers") or []
    if not containers:
        raise Failure(f"pod {namespace_of(pod)}/{name_of(pod)} does not have any containers")
    name = name or annotations_of(pod).get(DEFAULT_CONTAINER, "")
    if name:
        container = find_container(pod, name)
        if container is None:
            raise invalid_container(pod, name)
        return container
    first: Document = containers[0]
    if not quiet and "," in container_names(pod):
        call.err(f"Defaulted container {quote(first['name'])} out of: {container_names(pod)}\n")
    return first
