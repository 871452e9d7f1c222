"""Node objects as a kubelet registers them, and what the plugin of their network changes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from minik8s.clock import rfc3339
from minik8s.controllers.events import Recorder, Source
from minik8s.controllers.nodeaddresses import node_block
from minik8s.ids import Ids
from minik8s.model.metadata import Document, name_of
from minik8s.runtime.profile import ClusterProfile, NodeProfile, minor_version

CORES = "4"
MEMORY = "8145596Ki"
DISK = "61202244Ki"
POD_LIMIT = "110"

_NO_CNI = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)
_NO_CNI_DOCKER = (
    "runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:docker: network plugin is not ready: cni config uninitialized"
)
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def node_document(profile: ClusterProfile, node: NodeProfile, index: int, now: str) -> Document:
    """A node that has just registered, Ready if the cluster has a network plugin."""
    blocks = [node_block(block, index) for block in profile.pod_cidrs]
    spec: dict[str, Any] = {"podCIDR": blocks[0], "podCIDRs": blocks}
    if node.taints:
        spec["taints"] = [dict(taint) for taint in node.taints]
    address = profile.node_address(node)
    addresses = [{"type": "InternalIP", "address": each} for each in profile.node_addresses(node)]
    addresses.append({"type": "Hostname", "address": node.name})
    capacity = {
        "cpu": CORES,
        "ephemeral-storage": DISK,
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": MEMORY,
        "pods": POD_LIMIT,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": _labels(node),
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": spec,
        "status": {
            "addresses": addresses,
            "allocatable": capacity,
            "capacity": capacity,
            "conditions": node_conditions(profile, now),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _node_info(profile, node, address),
        },
    }


def worker_document(profile: ClusterProfile, name: str, index: int, now: float) -> Document:
    """One more worker, with the next addresses of the cluster's blocks."""
    address = str(ip_network(profile.node_cidr)[index + 2])
    node = NodeProfile(name, address=address)
    grown = replace(profile, nodes=(*profile.nodes, node))
    return node_document(grown, node, index, rfc3339(now))


def node_conditions(profile: ClusterProfile, now: str) -> list[Document]:
    """The four conditions that a kubelet reports."""
    entries = [_condition(kind, "False", reason, text, now) for kind, reason, text in _PRESSURES]
    if profile.ready:
        entries.append(
            _condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", now)
        )
    else:
        docker = profile.container_runtime.startswith("docker")
        text = _NO_CNI_DOCKER if docker else _NO_CNI
        entries.append(_condition("Ready", "False", "KubeletNotReady", text, now))
    return entries


def record_start(recorder: Recorder, node: Document) -> None:
    """The events of a node that joins."""
    name = name_of(node)
    kubelet = Source("kubelet", name)
    ready = node["status"]["conditions"][-1]["status"] == "True"
    recorder.normal(node, "Starting", "Starting kubelet.", kubelet)
    if ready:
        record_ready(recorder, node)
    text = f"Node {name} event: Registered Node {name} in Controller"
    recorder.normal(node, "RegisteredNode", text, Source("node-controller"))


def record_ready(recorder: Recorder, node: Document) -> None:
    """The event of a node that has become Ready."""
    name = name_of(node)
    text = f"Node {name} status is now: NodeReady"
    recorder.normal(node, "NodeReady", text, Source("kubelet", name))


def _labels(node: NodeProfile) -> dict[str, str]:
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
    }
    for role in node.roles:
        labels[f"node-role.kubernetes.io/{role}"] = ""
    if node.control_plane:
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
    return {**labels, **node.labels}


def _node_info(profile: ClusterProfile, node: NodeProfile, address: str) -> Document:
    random = Ids(0).stream(f"{profile.name}/{node.name}/{address}")
    machine = f"{random.getrandbits(128):032x}"
    return {
        "architecture": "amd64",
        "bootID": Ids(random.getrandbits(32)).uid(),
        "containerRuntimeVersion": profile.container_runtime,
        "kernelVersion": profile.kernel,
        "kubeProxyVersion": "" if minor_version(profile.version) >= 31 else profile.version,
        "kubeletVersion": profile.version,
        "machineID": machine,
        "operatingSystem": "linux",
        "osImage": profile.os_image,
        "systemUUID": Ids(random.getrandbits(32)).uid(),
    }


def _condition(kind: str, status: str, reason: str, message: str, now: str) -> Document:
    return {
        "type": kind,
        "status": status,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }
