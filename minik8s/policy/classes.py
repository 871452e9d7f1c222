"""Classes of peers that no policy can tell apart, and sets of them as bits.

A *class* is one bit: pods with the same mentioned labels, namespace labels, port names and
blocks; nodes and host-network pods by block and node labels; the addresses outside by the
blocks that cover them. A policy decides alike for all members of a class, so a cluster of
many pods is decided by few classes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from minik8s.model.selectors import Requirement, Selector
from minik8s.policy.addresses import Block, Span, parse_address
from minik8s.policy.bits import bits, union
from minik8s.policy.compile import BlockMatch, NodeMatch, PeerMatch, PodMatch
from minik8s.policy.values import Peer
from minik8s.policy.vocabulary import Values, Vocabulary

Labels = Mapping[str, str]

_LAST = {4: 2**32 - 1, 6: 2**128 - 1}


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


class BlockMap:
    """Which blocks cover an address: the address space cut at every edge of a block."""

    __slots__ = ("_covers", "_starts")

    def __init__(self, blocks: Mapping[Block, int]) -> None:
        toggles: dict[int, dict[int, int]] = {4: {0: 0}, 6: {0: 0}}
        for block, index in blocks.items():
            changes = toggles[block.version]
            for first, last in block.spans():
                changes[first] = changes.get(first, 0) ^ (1 << index)
                changes[last + 1] = changes.get(last + 1, 0) ^ (1 << index)
        self._starts: dict[int, list[int]] = {}
        self._covers: dict[int, list[int]] = {}
        for version, changes in toggles.items():
            starts = sorted(start for start in changes if start <= _LAST[version])
            covers, active = [], 0
            for start in starts:
                active ^= changes[start]
                covers.append(active)
            self._starts[version], self._covers[version] = starts, covers

    def covering(self, address: str) -> int:
        """The blocks that hold an address, as bits."""
        version, value = parse_address(address)
        if not version:
            return 0
        return self._covers[version][bisect_right(self._starts[version], value) - 1]

    def regions(self) -> dict[int, list[tuple[int, Span]]]:
        """The spans of the address space, by the blocks that cover them."""
        regions: dict[int, list[tuple[int, Span]]] = {}
        for version, starts in self._starts.items():
            ends = [start - 1 for start in starts[1:]] + [_LAST[version]]
            for cover, first, last in zip(self._covers[version], starts, ends, strict=True):
                spans = regions.setdefault(cover, [])
                if spans and spans[-1][0] == version and spans[-1][1][1] == first - 1:
                    spans[-1] = (version, (spans[-1][1][0], last))
                else:
                    spans.append((version, (first, last)))
        return regions


class Classes:
    """The classes of all peers of a snapshot under a vocabulary, and the bits of matches."""

    __slots__ = ("_block_bits", "_by_key", "_cache", "_labels", "_map", "_namespaces", "_present",
                 "_words", "hosts", "list", "named", "of_peer", "outside", "pods")  # fmt: skip

    def __init__(self, words: Vocabulary, pods: Iterable[Peer], nodes: Iterable[Peer]) -> None:
        self._words = words
        self._map = BlockMap(words.blocks)
        self._by_key: dict[Hashable, int] = {}
        self.list: list[PeerClass] = []
        self.of_peer: dict[str, int] = {}
        namespaces: dict[str, Hashable] = {}
        for peer in pods:
            self._place(peer, self._key(peer, namespaces))
        for peer in nodes:
            self._place(peer, self._key(peer, namespaces))
        for cover, spans in self._map.regions().items():
            version, (first, _) = spans[0]
            outside = PeerClass(Nature.OUTSIDE, Peer(_address_text(version, first)), [], spans)
            self._by_key[Nature.OUTSIDE, cover] = len(self.list)
            self.list.append(outside)
        self._index()

    def _place(self, peer: Peer, key: Hashable) -> None:
        index = self._by_key.get(key)
        if index is None:
            index = self._by_key[key] = len(self.list)
            nature = Nature.PODS if peer.is_pod else Nature.HOSTS
            self.list.append(PeerClass(nature, peer))
        self.list[index].members.append(peer)
        self.of_peer[peer.key] = index

    def _key(self, peer: Peer, namespaces: dict[str, Hashable]) -> Hashable:
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
        ports = frozenset(p for p in peer.ports.items() if p[0] in names) if names else None
        return (namespace, _said(peer.labels, self._words.labels), ports, cover)

    def _index(self) -> None:
        self.pods = self.hosts = self.outside = 0
        self._labels: dict[str, dict[str, int]] = {}
        self._namespaces: dict[str, tuple[Labels, int]] = {}
        self.named: dict[tuple[str, str], dict[int, int]] = {}
        self._cache: dict[object, int] = {}
        for index, entry in enumerate(self.list):
            bit = 1 << index
            if entry.nature is Nature.PODS:
                self.pods |= bit
                self._index_pod(entry.sample, bit)
            elif entry.nature is Nature.HOSTS:
                self.hosts |= bit
            else:
                self.outside |= bit
        self._present = {key: union(values.values()) for key, values in self._labels.items()}
        self._block_bits = self._index_blocks()

    def _index_pod(self, sample: Peer, bit: int) -> None:
        relevant = self._words.labels
        for key, value in sample.labels.items():
            if key in relevant:
                values = self._labels.setdefault(key, {})
                values[value] = values.get(value, 0) | bit
        labels, old = self._namespaces.get(sample.namespace, (sample.namespace_labels, 0))
        self._namespaces[sample.namespace] = (labels, old | bit)
        for name, number in sample.ports.items():
            if name in self._words.names:
                numbers = self.named.setdefault(name, {})
                numbers[number] = numbers.get(number, 0) | bit

    def _index_blocks(self) -> list[int]:
        covered: dict[int, int] = {}
        for index, entry in enumerate(self.list):
            cover = self._map.covering(entry.sample.address)
            covered[cover] = covered.get(cover, 0) | 1 << index
        block_bits = [0] * len(self._words.blocks)
        for cover, members in covered.items():
            for block in bits(cover):
                block_bits[block] |= members
        return block_bits

    def find(self, peer: Peer) -> int:
        """The class of a peer of the snapshot, or of an address outside."""
        index = self.of_peer.get(peer.key)
        if index is None:
            index = self._by_key[Nature.OUTSIDE, self._map.covering(peer.address)]
        return index

    @property
    def everything(self) -> int:
        """All classes."""
        return (1 << len(self.list)) - 1

    def matching(self, match: PeerMatch) -> int:
        """The classes that a peer of a rule, or a subject, matches."""
        if isinstance(match, PodMatch):
            return self._pod_bits(match)
        if isinstance(match, BlockMatch):
            return union(self._block_bits[self._words.blocks[block]] for block in match.blocks)
        if isinstance(match, NodeMatch):
            return union(
                1 << index for index in bits(self.hosts) if match.matches(self.list[index].sample)
            )
        return self.everything if match.value else 0

    def _pod_bits(self, match: PodMatch) -> int:
        if match.namespace is not None:
            found = self._namespaces.get(match.namespace, ({}, 0))[1]
        else:
            found = self.pods
        if match.namespaces is not None:
            found &= self._namespace_bits(match.namespaces)
        if match.pods is not None and found:
            found &= self._label_bits(match.pods)
        return found

    def _namespace_bits(self, selector: Selector) -> int:
        key = ("namespaces", selector)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = union(
                members for labels, members in self._namespaces.values() if selector.matches(labels)
            )
        return found

    def _label_bits(self, selector: Selector) -> int:
        if not selector.selectable:
            return 0
        found = self._cache.get(selector)
        if found is None:
            found = self.pods
            for requirement in selector.requirements:
                found &= self._requirement_bits(requirement)
            self._cache[selector] = found
        return found

    def _requirement_bits(self, requirement: Requirement) -> int:
        """The pods that meet one requirement.

        The requirement itself judges each value that it lists, one that it does not list and
        an absent key; all unlisted values are alike to it.
        """
        key = requirement.key
        listed, present = self._labels.get(key, {}), self._present.get(key, 0)
        found = 0
        for value in requirement.values:
            if value in listed and requirement.matches({key: value}):
                found |= listed[value]
        if requirement.matches({key: _UNLISTED}):
            found |= present & ~union(listed.get(value, 0) for value in requirement.values)
        if requirement.matches({}):
            found |= self.pods & ~present
        return found


_UNLISTED = "\0"
"""A label value that no selector can list."""


def _said(labels: Labels, mentioned: Values) -> Hashable:
    """The part of labels that selectors can see; an unmentioned value shows as present only."""
    return frozenset(
        (key, value if value in mentioned[key] else None)
        for key, value in labels.items()
        if key in mentioned
    )


def _address_text(version: int, value: int) -> str:
    return str(IPv4Address(value) if version == 4 else IPv6Address(value))
