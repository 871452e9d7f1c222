"""Peers by what a policy may say of them: labels, namespace, port names, address, node.

A word that a policy brings up for the first time concerns few peers; this finds them without
looking at the others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from minik8s.policy.addresses import Block, parse_address
from minik8s.policy.values import Peer

Keyed = dict[str, Peer]
"""Peers by key."""

Keys = Collection[str]
"""Keys of peers."""


class PeerIndex:
    """Pods, nodes and host-network pods, found by one property; only pods have labels here."""

    __slots__ = ("_addresses", "_labels", "_namespaces", "_numbers", "hosts", "peers")

    def __init__(self, peers: Iterable[Peer]) -> None:
        self.peers: Keyed = {}
        self.hosts: Keyed = {}
        self._labels: dict[str, dict[str, Keyed]] = {}
        self._namespaces: dict[str, Keyed] = {}
        self._numbers: dict[tuple[str, str], dict[int, Keyed]] = {}
        self._addresses: dict[int, list[tuple[int, str]]] = {0: [], 4: [], 6: []}
        for peer in peers:
            version, value = parse_address(peer.address)
            self._addresses[version].append((value, self._note(peer)))
        for places in self._addresses.values():
            places.sort()

    def add(self, peer: Peer) -> None:
        """Take in a peer whose key is not here yet."""
        version, value = parse_address(peer.address)
        insort(self._addresses[version], (value, self._note(peer)))

    def _note(self, peer: Peer) -> str:
        key = peer.key
        self.peers[key] = peer
        if not peer.is_pod:
            self.hosts[key] = peer
            return key
        self._namespaces.setdefault(peer.namespace, {})[key] = peer
        for label, value in peer.labels.items():
            values = self._labels.get(label)
            if values is None:
                values = self._labels[label] = {}
            found = values.get(value)
            if found is None:
                found = values[value] = {}
            found[key] = peer
        for name, number in peer.ports.items():
            self._numbers.setdefault(name, {}).setdefault(number, {})[key] = peer
        return key

    def discard(self, peer: Peer) -> None:
        """Let go of a peer that is here."""
        version, value = parse_address(peer.address)
        key, places = peer.key, self._addresses[version]
        del places[bisect_left(places, (value, key))]
        del self.peers[key]
        if not peer.is_pod:
            del self.hosts[key]
            return
        del self._namespaces[peer.namespace][key]
        for label, text in peer.labels.items():
            values = self._labels[label]
            del values[text][key]
            if not values[text]:
                del values[text]
        for name, number in peer.ports.items():
            del self._numbers[name][number][key]

    def labelled(self, label: str) -> Keys:
        """The pods that have a label, whatever its value."""
        return list(chain.from_iterable(self._labels.get(label, {}).values()))

    def valued(self, label: str, value: str) -> Keys:
        """The pods that have a label with a value."""
        return self._labels.get(label, {}).get(value, {})

    def inside(self, namespace: str) -> Keys:
        """The pods of a namespace."""
        return self._namespaces.get(namespace, {})

    def samples(self) -> Iterator[Peer]:
        """One pod of each namespace that has any."""
        for found in self._namespaces.values():
            if found:
                yield next(iter(found.values()))

    def naming(self, name: tuple[str, str]) -> Iterable[Keys]:
        """The pods that give a (port name, protocol) a number, number by number."""
        return self._numbers.get(name, {}).values()

    def within(self, block: Block) -> Keys:
        """Pods, nodes and host-network pods whose address a block holds."""
        places = self._addresses[block.version]
        found: list[str] = []
        for first, last in block.spans():
            start = bisect_left(places, first, key=_value)
            end = bisect_right(places, last, key=_value)
            found += [key for _, key in places[start:end]]
        return found


def _value(place: tuple[int, str]) -> int:
    return place[0]
