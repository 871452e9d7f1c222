"""The network of one cluster: hosts, nodes with their tables, policy, and the outside world."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.network.settings import Settings
from minik8s.network.stack import Host
from minik8s.store import Store


class Network:
    """Moves packets between the hosts of a cluster, and follows the store.

    Subscribes to pods, nodes, namespaces, services, endpointslices and networkpolicies.
    """

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, settings: Settings | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.settings = settings or Settings()

    def host(self, address: str) -> Host:
        """The namespace that has an address; raises LookupError."""
        raise NotImplementedError

    def pod_host(self, namespace: str, name: str) -> Host:
        """The network namespace of a pod (its node's, with hostNetwork); raises LookupError."""
        raise NotImplementedError

    def node_host(self, node: str) -> Host:
        """The network namespace of a node; raises LookupError."""
        raise NotImplementedError

    def observe(self, callback: Callable[[object], None]) -> None:
        """Call back with each packet's finished Trace."""
        raise NotImplementedError
