"""Peers by what a policy may say of them: labels, namespace, port names, address, node.

A word that a policy brings up for the first time concerns few peers; this finds them without
looking at the others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

from minik8s.policy.addresses import Block, parse_address
from minik8s.policy.values import Peer

Keyed = dict[str, Peer]
"""Peers by key."""

Found = tuple[str, Peer]
"""A peer with its key."""


class PeerIndex:
    """Pods, nodes and host-network pods, found by one property; only pods have labels here."""

    __slots__ = ("_addresses", "_labels", "_names", "_namespaces", "hosts")

    def __init__(self, peers: Iterable[Peer]) -> None:
        self._labels: dict[str, dict[str, Keyed]] = {}
        self._namespaces: dict[str, Keyed] = {}
        self._names: dict[tuple[str, str], Keyed] = {}
        self._addresses: dict[int, list[tuple[int, str, Peer]]] = {0: [], 4: [], 6: []}
        self.hosts: Keyed = {}
        for peer in peers:
            version, value = parse_address(peer.address)
            self._addresses[version].append((value, peer.key, peer))
            self._note(peer)
        for found in self._addresses.values():
            found.sort(key=_place)

    def add(self, peer: Peer) -> None:
        """Take in a peer whose key is not here yet."""
        version, value = parse_address(peer.address)
        insort(self._addresses[version], (value, peer.key, peer), key=_place)
        self._note(peer)

    def _note(self, peer: Peer) -> None:
        key = peer.key
        if not peer.is_pod:
            self.hosts[key] = peer
            return
        self._namespaces.setdefault(peer.namespace, {})[key] = peer
        for label, value in peer.labels.items():
            values = self._labels.get(label)
            if values is None:
                values = self._labels[label] = {}
            found = values.get(value)
            if found is None:
                found = values[value] = {}
            found[key] = peer
        for name in peer.ports:
            self._names.setdefault(name, {})[key] = peer

    def discard(self, peer: Peer) -> None:
        """Let go of a peer that is here."""
        version, value = parse_address(peer.address)
        key, places = peer.key, self._addresses[version]
        del places[bisect_left(places, (value, key), key=_place)]
        if not peer.is_pod:
            del self.hosts[key]
            return
        del self._namespaces[peer.namespace][key]
        for label, text in peer.labels.items():
            values = self._labels[label]
            del values[text][key]
            if not values[text]:
                del values[text]
        for name in peer.ports:
            del self._names[name][key]

    def labelled(self, label: str) -> Iterator[Found]:
        """The pods that have a label, whatever its value."""
        for found in self._labels.get(label, {}).values():
            yield from found.items()

    def valued(self, label: str, value: str) -> Iterable[Found]:
        """The pods that have a label with a value."""
        return self._labels.get(label, {}).get(value, {}).items()

    def inside(self, namespace: str) -> Iterable[Found]:
        """The pods of a namespace."""
        return self._namespaces.get(namespace, {}).items()

    def namespaces(self) -> Iterator[Found]:
        """One pod of each namespace that has any."""
        for found in self._namespaces.values():
            if found:
                yield next(iter(found.items()))

    def naming(self, name: tuple[str, str]) -> Iterable[Found]:
        """The pods that give a (port name, protocol) a number."""
        return self._names.get(name, {}).items()

    def within(self, block: Block) -> Iterator[Found]:
        """Pods, nodes and host-network pods whose address a block holds."""
        places = self._addresses[block.version]
        for first, last in block.spans():
            start = bisect_left(places, first, key=_value)
            end = bisect_right(places, last, key=_value)
            for _, name, peer in places[start:end]:
                yield name, peer


def _place(entry: tuple[int, str, Peer]) -> tuple[int, str]:
    return entry[:2]


def _value(entry: tuple[int, str, Peer]) -> int:
    return entry[0]
