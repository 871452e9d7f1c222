"""Address pools: pod addresses of a node, cluster addresses of Services."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class PoolExhausted(Exception):
    """No address is left in the pool."""


class AddressPool:
    """Addresses of one block, handed out in order, each to one holder at a time.

    As the host-local IPAM plugin does, the next address is the one after the last one given,
    so a freed address comes back only after a full turn.

    >>> pool = AddressPool("10.244.1.0/29", reserved=2)
    >>> pool.allocate(), pool.allocate()
    ('10.244.1.2', '10.244.1.3')
    """

    __slots__ = ("_cursor", "_first", "_last", "_used", "network")

    def __init__(self, cidr: str, reserved: int = 1) -> None:
        self.network: IPv4Network | IPv6Network = ip_network(cidr)
        size = self.network.num_addresses
        self._first = reserved
        self._last = size - 1 if self.network.version == 6 else size - 2
        self._cursor = reserved
        self._used: set[int] = set()

    def allocate(self) -> str:
        """The next free address; raises PoolExhausted."""
        span = self._last - self._first + 1
        for step in range(min(span, len(self._used) + 1)):
            offset = self._first + (self._cursor - self._first + step) % span
            if offset not in self._used:
                self._used.add(offset)
                self._cursor = offset + 1
                return str(self.network[offset])
        raise PoolExhausted(f"no address left in {self.network}")

    def pick(self, offset: int) -> str:
        """The first free address at or after an offset, wrapping round; raises PoolExhausted."""
        cursor, self._cursor = self._cursor, max(self._first, offset)
        try:
            return self.allocate()
        finally:
            self._cursor = cursor

    def reserve(self, address: str) -> bool:
        """Take one address; False if it is taken already. Raises ValueError outside the block."""
        offset = self._offset(address)
        if offset in self._used:
            return False
        self._used.add(offset)
        return True

    def release(self, address: str) -> None:
        """Give an address back; one that was never taken is ignored."""
        if address in self:
            self._used.discard(self._offset(address))

    def __contains__(self, address: str) -> bool:
        return ip_address(address) in self.network

    def __len__(self) -> int:
        return len(self._used)

    @property
    def capacity(self) -> int:
        """How many addresses the pool can hold at once."""
        return self._last - self._first + 1

    def _offset(self, address: str) -> int:
        if address not in self:
            raise ValueError(f"{address} is not in {self.network}")
        return int(ip_address(address)) - int(self.network.network_address)
