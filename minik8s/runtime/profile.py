"""What a cluster is made of before anybody uses it: names, versions, address blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Literal, TypeAlias

Cni: TypeAlias = Literal["cilium", "kindnet", "bridge"] | None
"""The network plugin: `cilium` enforces policy; `kindnet` (an agent on each node, as kind has
it) and `bridge` (no pods of its own, as kubenet and minikube's bridge) only carry packets;
None leaves the nodes NotReady."""

CONTROL_PLANE = "control-plane"


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """One node: its name, its roles (`control-plane` or none), labels, taints and address."""

    name: str
    roles: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    address: str = ""

    @property
    def control_plane(self) -> bool:
        """Whether the static pods of the control plane run here."""
        return CONTROL_PLANE in self.roles


@dataclass(frozen=True, slots=True)
class ClusterProfile:
    """One cluster as its installer leaves it; `age` is in simulated seconds.

    `cni_version` is the agent's (`v1.19.5`, `v1.9.4`); `ip_families` says which addresses nodes,
    pods and Services can have, the first being preferred.
    """

    nodes: tuple[NodeProfile, ...]
    name: str = "minik8s"
    version: str = "v1.37.0"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    node_cidr: str = "172.18.0.0/16"
    pod_cidr6: str = "fd00:10:244::/56"
    node_cidr6: str = "fc00:f853:ccd:e793::/64"
    service_cidr6: str = "fd00:10:96::/112"
    cni: Cni = "cilium"
    cni_version: str = "v1.19.5"
    container_runtime: str = "containerd://2.3.4"
    os_image: str = "Debian GNU/Linux 13 (trixie)"
    kernel: str = "6.18.3"
    age: float = 600.0
    ip_families: tuple[str, ...] = ("IPv4",)

    @property
    def pod_cidrs(self) -> tuple[str, ...]:
        """The blocks that pods get addresses from, one for each IP family."""
        blocks = {"IPv4": self.pod_cidr, "IPv6": self.pod_cidr6}
        return tuple(blocks[family] for family in self.ip_families)

    @property
    def service_cidrs(self) -> tuple[str, ...]:
        """The blocks that Services get addresses from, one for each IP family."""
        blocks = {"IPv4": self.service_cidr, "IPv6": self.service_cidr6}
        return tuple(blocks[family] for family in self.ip_families)

    def service_address(self, number: int) -> str:
        """The address with a number in the preferred block of Services."""
        return str(ip_network(self.service_cidrs[0])[number])

    def node_address(self, node: NodeProfile) -> str:
        """The node's own address of the preferred IP family."""
        return self.node_addresses(node)[0]

    def node_addresses(self, node: NodeProfile) -> tuple[str, ...]:
        """The node's own addresses, one for each IP family.

        The IPv4 address is the one it was given, or the next of the nodes' block.
        """
        number = self.nodes.index(node) + 2
        four = node.address or str(ip_network(self.node_cidr)[number])
        own = {"IPv4": four, "IPv6": str(ip_network(self.node_cidr6)[number])}
        return tuple(own[family] for family in self.ip_families)

    @property
    def ready(self) -> bool:
        """Whether the nodes come up Ready, which takes a network plugin."""
        return self.cni is not None

    def with_cni(self, cni: Cni, version: str = "") -> ClusterProfile:
        """The same cluster with another network plugin."""
        return replace(self, cni=cni, cni_version=version or self.cni_version)


_CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def kubeadm_profile(
    workers: int = 2,
    *,
    name: str = "minik8s",
    cni: Cni = "cilium",
    ip_families: tuple[str, ...] = ("IPv4",),
) -> ClusterProfile:
    """A control plane and a number of workers, named as kind names them.

    >>> [node.name for node in kubeadm_profile(workers=2).nodes]
    ['minik8s-control-plane', 'minik8s-worker', 'minik8s-worker2']
    """
    taints = (_CONTROL_PLANE_TAINT,) if workers else ()
    control = NodeProfile(f"{name}-control-plane", roles=(CONTROL_PLANE,), taints=taints)
    names = [f"{name}-worker{'' if number == 1 else number}" for number in range(1, workers + 1)]
    nodes = (control, *(NodeProfile(worker) for worker in names))
    return ClusterProfile(nodes=nodes, name=name, cni=cni, ip_families=ip_families)


def minor_version(version: str) -> int:
    """The number that names a Kubernetes release.

    >>> minor_version("v1.37.0"), minor_version("v1.18.12-gke.1210")
    (37, 18)
    """
    return int(version.split(".")[1])
