"""What the ends of a probe mean: pods, workloads, Services, names, addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from minik8s.cluster.pods import Pods, split_key
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import POD, SERVICE
from minik8s.model.services import cluster_ips, is_headless, slice_endpoints
from minik8s.model.workloads import pod_addresses
from minik8s.network import Host, Network
from minik8s.network.dns import AAAA, A, Question
from minik8s.network.outside import resolve
from minik8s.store import Store


class Ends:
    """Looks up the ends of a probe in one cluster; raises KeyError for a name without meaning."""

    def __init__(
        self, store: Store, network: Network, pods: Pods, service_blocks: Iterable[str] = ()
    ) -> None:
        self._store = store
        self._network = network
        self._pods = pods
        self._service_blocks = [ip_network(block) for block in service_blocks]

    def hosts(self, text: str) -> Iterator[tuple[str, Host]]:
        """The network namespaces that a source names."""
        if text.startswith("ip:"):
            yield text, self._outside(text.removeprefix("ip:"))
            return
        pods = self._pods.of(text)
        if not pods:
            raise KeyError(f"{text}: no such pod or workload")
        for pod in pods:
            host = self._network.pod_host(pod.namespace, pod.name)
            yield f"{pod.namespace}/{pod.name}", host

    def _outside(self, address: str) -> Host:
        try:
            return self._network.host(address)
        except LookupError:
            return self._network.outside.host(address)

    def addresses(self, text: str) -> list[tuple[str, str]]:
        """Names and addresses of what a target means; empty if its name is not known."""
        if text.startswith("ip:"):
            address = text.removeprefix("ip:")
            if not self._is_of_services(address):
                self._outside(address)  # where only Services live there is never a host
            return [(text, address)]
        if "/" not in text and "." in text:
            return [(text, address) for address in self._resolve(text)]
        found: list[tuple[str, str]] = []
        for pod in self._pods.of(text):
            key = f"{pod.namespace}/{pod.name}"
            document = self._store.get(POD, pod.namespace, pod.name) or {}
            found += [(key, address) for address in pod_addresses(document)]
        if found:
            return found
        service = self._store.get(SERVICE, *split_key(text))
        if service is None:
            raise KeyError(f"{text}: no such pod, workload or service")
        return [(text, address) for address in self._addresses_of(service)]

    def _addresses_of(self, service: Document) -> Iterator[str]:
        """The clusterIPs of a Service, or the ready endpoints of a headless one."""
        if not is_headless(service):
            yield from cluster_ips(service)
            return
        slices = self._network.services.slices(namespace_of(service), name_of(service))
        for endpoint in (each for found in slices for each in slice_endpoints(found)):
            if endpoint.ready:
                yield from endpoint.addresses

    def _is_of_services(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            raise KeyError(f"ip:{address}: not an address") from None
        return any(parsed in block for block in self._service_blocks)

    def _resolve(self, name: str) -> Iterator[str]:
        words = name.removesuffix(".").removesuffix(".svc.cluster.local").removesuffix(".svc")
        service, _, namespace = words.partition(".")
        found = self._store.get(SERVICE, namespace, service)
        if found is not None:
            yield from self._addresses_of(found)
            return
        for kind in (A, AAAA):
            for record in resolve(Question(name.removesuffix("."), kind)).answers:
                if record.type == kind:
                    yield str(record.data)


def same_family(host: Host, address: str) -> bool:
    """Whether a host has an address of the same IP version."""
    return any((":" in own) == (":" in address) for own in host.addresses)
