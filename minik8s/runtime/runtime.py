"""The wiring of one cluster, and `settle`, which lets its controllers run until quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from minik8s.clock import DEFAULT_START, Clock
from minik8s.ids import Ids
from minik8s.ipam import AddressPool
from minik8s.model.metadata import Document
from minik8s.model.registry import Registry
from minik8s.network import Connection, Network, Settings
from minik8s.runtime.profile import ClusterProfile, Cni, kubeadm_profile
from minik8s.store import Store


class Runtime:
    """One cluster. `nodes` counts workers; the control plane comes on top.

    `enforcement` puts a network plugin that enforces policy in place (`cilium`), or one that
    does not (`kindnet`); `profile` describes any other cluster and wins over both. A `clock`
    that is given is shared with other clusters (those of one terminal); then the cluster's
    first `profile.age` seconds pass on it.
    """

    def __init__(
        self,
        *,
        nodes: int = 2,
        seed: int = 1,
        enforcement: bool = True,
        profile: ClusterProfile | None = None,
        start: float = DEFAULT_START,
        clock: Clock | None = None,
    ) -> None:
        cni: Cni = "cilium" if enforcement else "kindnet"
        self.profile = profile or kubeadm_profile(nodes, cni=cni)
        self.clock = clock if clock is not None else Clock(start - self.profile.age)
        self.ids = Ids(seed)
        self.registry = Registry()
        self.store = Store(self.clock, self.ids, self.registry)
        self.settings = Settings(enforcement=self.profile.cni == "cilium")
        self.network = Network(self.store, self.clock, self.ids, self.settings)
        self.service_addresses = AddressPool(self.profile.service_cidr)
        self.autosettle = True

    def settle(self) -> None:
        """Let the controllers run until nothing changes; takes no simulated time."""
        raise NotImplementedError

    def load(self, documents: Iterable[Document]) -> None:
        """Restore a snapshot: objects as they are, status kept, pods running and listening."""
        raise NotImplementedError

    def install_cni(self, cni: Cni, *, version: str = "", pod_cidr: str = "") -> None:
        """Put a network plugin in place: its objects, Ready nodes, and enforcement if it can.

        With `cilium` a policy change re-judges open connections, as Cilium's datapath does.
        Pods made from now on get addresses from `pod_cidr`, if one is given.
        """
        raise NotImplementedError

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        argv: Sequence[str],
        *,
        stdin: bool = False,
        tty: bool = False,
        clock: Clock | None = None,
    ) -> object:
        """Start a program in a container; raises ApiError as the kubelet would."""
        raise NotImplementedError

    def logs(
        self, namespace: str, pod: str, container: str = "", *, previous: bool = False
    ) -> bytes:
        """What a container has written to its standard output and error."""
        raise NotImplementedError

    def dial(
        self, namespace: str, pod: str, port: int, *, clock: Clock | None = None
    ) -> Connection:
        """A TCP connection to a port inside the pod's network namespace (port-forward)."""
        raise NotImplementedError
