"""Classes of peers that no policy can tell apart.

A *class* is one bit: pods with the same mentioned labels, namespace labels, port names and
blocks; nodes and host-network pods by block and node labels; the addresses outside by the
blocks that cover them. A policy decides alike for all members of a class, so a cluster of
many pods is decided by few classes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from minik8s.policy.addresses import Span, parse_address
from minik8s.policy.bits import bits
from minik8s.policy.blockmap import BlockMap
from minik8s.policy.compile import PeerMatch
from minik8s.policy.postings import Postings
from minik8s.policy.values import Peer
from minik8s.policy.vocabulary import Values, Vocabulary

Labels = Mapping[str, str]

Splits = list[tuple[int, int]]
"""Pairs of a class and a new one that holds some of its former members."""


class Nature(Enum):
    """What the members of a class are."""

    PODS = "pods"
    HOSTS = "hosts"
    OUTSIDE = "outside"


@dataclass(slots=True)
class PeerClass:
    """Members that no policy tells apart; addresses outside are held as spans."""

    nature: Nature
    sample: Peer
    members: list[Peer] = field(default_factory=list)
    spans: list[tuple[int, Span]] = field(default_factory=list)


class Classes:
    """The classes of all peers of a snapshot under a vocabulary, which may grow.

    `of_peer` finds the class of a pod or node by key, `outside` that of addresses by cover.
    """

    __slots__ = ("_known", "_map", "_peers", "_postings", "_words",
                 "list", "of_peer", "outside")  # fmt: skip

    def __init__(self, words: Vocabulary, pods: Iterable[Peer], nodes: Iterable[Peer]) -> None:
        self._words = words
        self._known = words.copy()
        self._map = BlockMap(words.blocks)
        self.outside: dict[int, int] = {}
        self._peers = [*pods, *nodes]
        self.list: list[PeerClass] = []
        self.of_peer: dict[str, int] = {}
        self._gather()
        for cover, spans in self._map.regions().items():
            self.outside[cover] = len(self.list)
            self.list.append(_outside(spans))
        self._postings = Postings()
        self._post(range(len(self.list)))
        self._postings.add_blocks(words.blocks, self._covers())

    def _gather(self) -> None:
        namespaces: dict[str, Hashable] = {}
        by_key: dict[Hashable, int] = {}
        for peer in self._peers:
            key = self._key(peer, namespaces)
            index = by_key.get(key)
            if index is None:
                index = by_key[key] = len(self.list)
                self.list.append(PeerClass(_nature(peer), peer))
            self.list[index].members.append(peer)
            self.of_peer[peer.key] = index

    def _key(self, peer: Peer, namespaces: dict[str, Hashable]) -> Hashable:
        """All that the vocabulary can say about a peer."""
        cover = self._map.covering(peer.address) if self._words.blocks else 0
        if not peer.is_pod:
            labels = peer.node_labels
            return (cover, None if labels is None else _said(labels, self._words.node_labels))
        namespace = namespaces.get(peer.namespace)
        if namespace is None:
            pinned = peer.namespace if peer.namespace in self._words.namespaces else ""
            said = _said(peer.namespace_labels, self._words.namespace_labels)
            namespace = namespaces[peer.namespace] = (pinned, said)
        names = self._words.names
        ports = frozenset(item for item in peer.ports.items() if item[0] in names)
        return (namespace, _said(peer.labels, self._words.labels), ports, cover)

    def _post(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            entry = self.list[index]
            self._postings.put(index, entry.sample, outside=entry.nature is Nature.OUTSIDE)

    def _covers(self) -> Iterator[int]:
        return (self._map.covering(entry.sample.address) for entry in self.list)

    @property
    def pods(self) -> int:
        """The classes of pods, as bits."""
        return self._postings.pods

    @property
    def hosts(self) -> int:
        """The classes of nodes and host-network pods, as bits."""
        return self._postings.hosts

    @property
    def everything(self) -> int:
        """All classes, as bits."""
        return self._postings.everything

    def matching(self, match: PeerMatch) -> int:
        """The classes that a peer of a rule, or a subject, matches, as bits."""
        return self._postings.matching(match)

    def named(self, name: str, protocol: str) -> Mapping[int, int]:
        """The numbers that pods give a port name, each with the classes that do."""
        return self._postings.named.get((name, protocol), {})

    def port_names(self, index: int) -> Hashable:
        """The named ports of a class that policies mention."""
        names = self._words.names
        if not names:
            return None
        ports = self.list[index].sample.ports
        return frozenset(item for item in ports.items() if item[0] in names)

    def find(self, peer: Peer) -> int:
        """The class of a peer of the snapshot, or of an address outside."""
        index = self.of_peer.get(peer.key)
        if index is None:
            index = self.outside[self._map.covering(peer.address)]
        return index

    def drop(self, peer: Peer) -> None:
        """Take a peer out; its class stays, without members if it was the last one."""
        index = self.of_peer.pop(peer.key)
        entry = self.list[index]
        entry.members.remove(peer)
        self._peers.remove(peer)
        if entry.members and entry.sample == peer:
            # words that come later may tell the sample from those that stay
            entry.sample = entry.members[0]
            self._post([index])

    def put(self, peer: Peer) -> bool:
        """Add a peer; whether it needed a class of its own."""
        namespaces: dict[str, Hashable] = {}
        key, nature = self._key(peer, namespaces), _nature(peer)
        self._peers.append(peer)
        for index, entry in enumerate(self.list):
            if entry.nature is nature and self._key(entry.sample, namespaces) == key:
                if not entry.members:
                    entry.sample = peer
                    self._post([index])
                entry.members.append(peer)
                self.of_peer[peer.key] = index
                return False
        self.of_peer[peer.key] = len(self.list)
        self.list.append(PeerClass(nature, peer, [peer]))
        self._post([len(self.list) - 1])
        return True

    def grow(self) -> Splits:
        """Split the classes that words new to the vocabulary tell apart.

        Returns pairs of an old class and the new one that part of its members moved to.
        """
        news = self._words.since(self._known)
        if news is None:
            return []
        splits: list[tuple[int, int]] = []
        if news.blocks:
            self._map = BlockMap(self._words.blocks)
            splits += self._split_outside((1 << len(self._known.blocks)) - 1)
        namespaces: dict[str, Hashable] = {}
        for index in sorted({self.of_peer[peer.key] for peer in self._concerned(news)}):
            splits += self._split_members(index, namespaces)
        self._known = self._words.copy()
        self._post(sorted({index for split in splits for index in split}))
        self._postings.add_blocks(news.blocks, self._covers())
        return splits

    def _concerned(self, news: Vocabulary) -> list[Peer]:
        """The peers that a new word is about."""
        peers, found = self._peers, list[Peer]()
        for key, values in news.labels.items():
            if key in self._known.labels:
                found += [peer for peer in peers if peer.labels.get(key) in values]
            else:
                found += [peer for peer in peers if key in peer.labels]
        if news.namespaces or news.namespace_labels:
            spaces = self._concerned_namespaces(news)
            found += [peer for peer in peers if peer.namespace in spaces]
        if news.names:
            found += [peer for peer in peers if not news.names.isdisjoint(peer.ports)]
        for block in news.blocks:
            found += [peer for peer in peers if block.covers(parse_address(peer.address))]
        if news.node_labels:
            found += [peer for index in bits(self.hosts) for peer in self.list[index].members]
        return found

    def _concerned_namespaces(self, news: Vocabulary) -> set[str]:
        spaces = {peer.namespace: peer.namespace_labels for peer in self._peers}
        found = set(news.namespaces)
        for key, values in news.namespace_labels.items():
            for name, labels in spaces.items():
                if key in labels and (
                    key not in self._known.namespace_labels or labels[key] in values
                ):
                    found.add(name)
        return found

    def _split_members(self, index: int, namespaces: dict[str, Hashable]) -> Splits:
        """One class by its members' keys anew; the first part keeps the place."""
        nature = self.list[index].nature
        parts: dict[Hashable, list[Peer]] = {}
        for peer in self.list[index].members:
            parts.setdefault(self._key(peer, namespaces), []).append(peer)
        if not parts:
            return []
        kept, *moved = parts.values()
        self.list[index] = PeerClass(nature, kept[0], kept)
        splits: list[tuple[int, int]] = []
        for members in moved:
            place = len(self.list)
            splits.append((index, place))
            self.list.append(PeerClass(nature, members[0], members))
            for peer in members:
                self.of_peer[peer.key] = place
        return splits

    def _split_outside(self, before: int) -> Splits:
        """The addresses outside by the grown blocks; `before` are the blocks known so far."""
        old, self.outside = self.outside, {}
        splits: list[tuple[int, int]] = []
        placed: set[int] = set()
        for cover, spans in self._map.regions().items():
            place = origin = old[cover & before]
            if origin in placed:
                place = len(self.list)
                splits.append((origin, place))
                self.list.append(_outside(spans))
            placed.add(place)
            self.list[place], self.outside[cover] = _outside(spans), place
        return splits


def _said(labels: Labels, mentioned: Values) -> Hashable:
    """The part of labels that selectors can see; an unmentioned value shows as present only."""
    return frozenset(
        (key, value if value in mentioned[key] else None)
        for key, value in labels.items()
        if key in mentioned
    )


def _nature(peer: Peer) -> Nature:
    return Nature.PODS if peer.is_pod else Nature.HOSTS


def _outside(spans: list[tuple[int, Span]]) -> PeerClass:
    return PeerClass(Nature.OUTSIDE, Peer(first_address(spans)), [], spans)


def first_address(spans: Sequence[tuple[int, Span]]) -> str:
    """The first address of some spans as text."""
    version, (first, _) = spans[0]
    return str(IPv4Address(first) if version == 4 else IPv6Address(first))
