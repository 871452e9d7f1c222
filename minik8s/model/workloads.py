"""Read-only views of pods, nodes and the objects that make pods.

Vocabulary: a pod is *scheduled* once it has a node, *terminal* in phase Succeeded or Failed,
*active* while it is neither terminal nor asked to go (pkg/controller.IsPodActive), and *ready*
when its Ready condition is True.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.model.metadata import Document, is_terminating

TERMINAL_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """One entry of a container's `ports`."""

    container: str
    name: str
    number: int
    protocol: str


def pod_phase(pod: Mapping[str, Any]) -> str:
    """`status.phase`; a pod without one is Pending."""
    return str(pod.get("status", {}).get("phase") or "Pending")


def is_terminal(pod: Mapping[str, Any]) -> bool:
    """Whether the pod has run to its end."""
    return pod_phase(pod) in TERMINAL_PHASES


def is_active(pod: Mapping[str, Any]) -> bool:
    """Whether the pod counts for its controller: not terminal, not asked to go."""
    return not is_terminal(pod) and not is_terminating(pod)


def node_name(pod: Mapping[str, Any]) -> str:
    """The node that the pod is bound to, or the empty string."""
    return str(pod.get("spec", {}).get("nodeName") or "")


def host_network(pod: Mapping[str, Any]) -> bool:
    """Whether the pod lives in its node's network namespace."""
    return bool(pod.get("spec", {}).get("hostNetwork"))


def pod_addresses(pod: Mapping[str, Any]) -> tuple[str, ...]:
    """The pod's addresses: `status.podIPs`, or `status.podIP` alone."""
    status = pod.get("status", {})
    addresses = tuple(entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip"))
    if addresses or not status.get("podIP"):
        return addresses
    return (str(status["podIP"]),)


def is_sidecar(container: Mapping[str, Any]) -> bool:
    """Whether an init container goes on running beside the others."""
    return container.get("restartPolicy") == "Always"


def running_containers(pod: Mapping[str, Any]) -> list[Document]:
    """The containers that run together: sidecars, then `spec.containers`."""
    spec = pod.get("spec", {})
    sidecars = [each for each in spec.get("initContainers") or () if is_sidecar(each)]
    return [*sidecars, *(spec.get("containers") or ())]


def declared_ports(pod: Mapping[str, Any]) -> Iterator[ContainerPort]:
    """The ports that the pod's containers declare, in order; the protocol's default is TCP."""
    for container in running_containers(pod):
        for port in container.get("ports") or ():
            yield ContainerPort(
                str(container.get("name", "")),
                str(port.get("name") or ""),
                int(port["containerPort"]),
                str(port.get("protocol") or "TCP"),
            )


def condition(document: Mapping[str, Any], condition_type: str) -> Mapping[str, Any] | None:
    """One entry of `status.conditions`, or None."""
    entries: Iterable[Mapping[str, Any]] = document.get("status", {}).get("conditions") or ()
    return next((entry for entry in entries if entry.get("type") == condition_type), None)


def has_condition(document: Mapping[str, Any], condition_type: str) -> bool:
    """Whether a condition is there and True."""
    found = condition(document, condition_type)
    return found is not None and found.get("status") == "True"


def is_ready(document: Mapping[str, Any]) -> bool:
    """Whether a pod or a node is Ready."""
    return has_condition(document, "Ready")


def replicas_of(document: Mapping[str, Any]) -> int:
    """`spec.replicas`, by default 1."""
    value = document.get("spec", {}).get("replicas")
    return 1 if value is None else int(value)


def qos_class(spec: Mapping[str, Any]) -> str:
    """The quality of service that a pod's requests and limits earn (pkg/apis/core/v1/helper/qos).

    >>> qos_class({"containers": [{"resources": {"requests": {"cpu": "1"}}}]})
    'Burstable'
    """
    rows = [each.get("resources") or {} for each in _all_containers(spec)]
    wanted = [(row.get("requests") or {}, row.get("limits") or {}) for row in rows]
    if not any(requests or limits for requests, limits in wanted):
        return "BestEffort"
    if all(_is_guaranteed(requests, limits) for requests, limits in wanted):
        return "Guaranteed"
    return "Burstable"


def _all_containers(spec: Mapping[str, Any]) -> list[Document]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _is_guaranteed(requests: Mapping[str, Any], limits: Mapping[str, Any]) -> bool:
    compute = ("cpu", "memory")
    return all(key in limits and requests.get(key, limits[key]) == limits[key] for key in compute)


def tolerates(tolerations: Iterable[Mapping[str, Any]], taint: Mapping[str, Any]) -> bool:
    """Whether one of a pod's tolerations covers a taint (core/v1 Toleration.ToleratesTaint)."""
    return any(_covers(toleration, taint) for toleration in tolerations)


def _covers(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    if not toleration.get("key"):
        return False
    return str(toleration.get("value") or "") == str(taint.get("value") or "")


_BINARY = {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {letter: 1000.0**power for power, letter in enumerate("kMGTPE", start=1)}
_PARTS = {"m": 1e3, "u": 1e6, "n": 1e9}

MOST = float(2**63 - 1)
"""The largest quantity; whatever is larger counts as this (resource.ParseQuantity)."""


def quantity(value: str | float | None) -> float:
    """A resource quantity in its base unit (cores, bytes); 0 for none. Raises ValueError.

    >>> quantity("100m"), quantity("1Gi"), quantity(2)
    (0.1, 1073741824.0, 2.0)
    """
    if value is None or isinstance(value, (int, float)):
        return float(max(-MOST, min(value or 0, MOST)))
    return max(-MOST, min(_unbounded(value.strip()), MOST))


def _unbounded(text: str) -> float:
    parts = _PARTS.get(text[-1:])
    if parts is not None:
        return float(text[:-1]) / parts
    for suffix, factor in (*_BINARY.items(), *_DECIMAL.items()):
        if text.endswith(suffix):
            return float(text[: -len(suffix)]) * factor
    return float(text)
