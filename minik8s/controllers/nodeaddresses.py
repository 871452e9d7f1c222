"""Pod addresses: one pool for each block of a node, as host-local IPAM keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address, ip_network

from minik8s.ipam import AddressPool, PoolExhausted
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import NODE
from minik8s.store import Store

_RESERVED = 2
"""The block's own address and the node's bridge."""


class NodeAddresses:
    """Gives pods their addresses, and nodes to pods with hostNetwork."""

    __slots__ = ("_blocks", "_hosts", "_pools", "_store", "_taken")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pools: dict[str, AddressPool] = {}
        self._blocks: dict[str, list[str]] = {}
        self._hosts: dict[str, tuple[Document, tuple[str, ...]]] = {}
        self._taken: dict[str, list[AddressPool]] = {}

    def assign(self, node: str, blocks: list[str]) -> None:
        """Let new pods of a node have addresses from other blocks than its podCIDRs."""
        self._blocks[node] = blocks

    def allocate(self, node: str) -> tuple[str, ...]:
        """An address from each of a node's blocks; raises PoolExhausted, without a block too."""
        taken: list[str] = []
        pools = self._pools_of(node)
        if not pools:
            raise PoolExhausted("no IP ranges specified")
        for pool in pools:
            try:
                address = pool.allocate()
            except PoolExhausted:
                self.release(tuple(taken))
                raise
            taken.append(address)
            self._taken.setdefault(address, []).append(pool)
        return tuple(taken)

    def reserve(self, addresses: Iterable[str]) -> None:
        """Keep addresses that pods have brought along from being given to others."""
        pools = self._by_prefix()
        for address in addresses:
            parsed = ip_address(address)
            for (version, host_bits), found in pools.items():
                pool = found.get(int(parsed) >> host_bits) if version == parsed.version else None
                if pool is not None and pool.reserve(address):
                    self._taken.setdefault(address, []).append(pool)

    def release(self, addresses: tuple[str, ...]) -> None:
        """Give addresses back."""
        for address in addresses:
            for pool in self._taken.pop(address, ()):
                pool.release(address)

    def host(self, node: str) -> tuple[str, ...]:
        """The node's own addresses, one of each family, as pods with hostNetwork have them."""
        document = self._store.get(NODE, "", node)
        if document is None:
            return ()
        known = self._hosts.get(node)
        if known is None or known[0] is not document:
            known = self._hosts[node] = (document, _host_addresses(document))
        return known[1]

    def share(self, node: str) -> tuple[str, ...]:
        """The node's own addresses for a pod with hostNetwork; raises PoolExhausted without one."""
        addresses = self.host(node)
        if not addresses:
            raise PoolExhausted("host IP unknown; known addresses: []")
        return addresses

    def blocks(self, node: str) -> list[str]:
        """The blocks that a node's pods get their addresses from."""
        if node in self._blocks:
            return self._blocks[node]
        spec = (self._store.get(NODE, "", node) or {}).get("spec", {})
        return list(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else []))

    def _pools_of(self, node: str) -> list[AddressPool]:
        return [self._pool(block) for block in self.blocks(node)]

    def _by_prefix(self) -> dict[tuple[int, int], dict[int, AddressPool]]:
        """Every pool by IP version and number of host bits, then by the network's own bits."""
        for node in self._store.list(NODE):
            self._pools_of(name_of(node))
        found: dict[tuple[int, int], dict[int, AddressPool]] = {}
        for pool in self._pools.values():
            network = pool.network
            host_bits = network.max_prefixlen - network.prefixlen
            prefix = int(network.network_address) >> host_bits
            found.setdefault((network.version, host_bits), {})[prefix] = pool
        return found

    def _pool(self, block: str) -> AddressPool:
        pool = self._pools.get(block)
        if pool is None:
            pool = self._pools[block] = AddressPool(block, reserved=_RESERVED)
        return pool


def _host_addresses(node: Document) -> tuple[str, ...]:
    entries = node.get("status", {}).get("addresses") or ()
    families: dict[bool, str] = {}
    for entry in entries:
        if entry.get("type") == "InternalIP":
            with suppress(ValueError):  # a client may have written anything there
                address = ip_address(entry.get("address", ""))
                families.setdefault(address.version == 6, str(address))
    return tuple(families.values())


def node_block(pod_cidr: str, index: int) -> str:
    """The block of the node with a number: the index-th /24 (IPv6: /64) of the cluster's.

    >>> node_block("10.244.0.0/16", 3)
    '10.244.3.0/24'
    """
    network = ip_network(pod_cidr)
    size = 24 if network.version == 4 else 64
    step = 1 << (network.max_prefixlen - size)
    return f"{network.network_address + index * step}/{size}"
