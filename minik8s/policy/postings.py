"""Where a label, a namespace, a port name or a block occurs among numbered samples.

One sample stands for a class of peers. Sets of classes are ints with one bit for each.
"""

from __future__ import annotations

from collections.abc import Mapping

from minik8s.model.selectors import Requirement, Selector
from minik8s.policy.addresses import Block
from minik8s.policy.bits import bits, union
from minik8s.policy.compile import BlockMatch, NodeMatch, PeerMatch, PodMatch
from minik8s.policy.values import Peer

_UNLISTED = "\0"
"""A label value that no selector can list."""


class Postings:
    """The bits of every match of a rule, looked up instead of tried one by one."""

    __slots__ = ("_blocks", "_cache", "_covers", "_labels", "_namespaces", "_numbers",
                 "_present", "_spaces", "everything", "hosts", "named", "outside", "pods",
                 "samples")  # fmt: skip

    def __init__(self, numbers: Mapping[Block, int]) -> None:
        self.samples: list[Peer] = []
        self.pods = self.hosts = self.outside = self.everything = 0
        self.named: dict[tuple[str, str], dict[int, int]] = {}
        self._numbers = numbers
        self._labels: dict[str, dict[str, int]] = {}
        self._present: dict[str, int] = {}
        self._namespaces: dict[str, int] = {}
        # by labels, not by name: classes that lost their members keep a namespace's old labels
        self._spaces: dict[frozenset[tuple[str, str]], tuple[Mapping[str, str], int]] = {}
        self._blocks: list[int] = []
        self._covers: list[int] = []
        self._cache: dict[object, int] = {}

    def put(self, index: int, sample: Peer, cover: int, *, outside: bool = False) -> None:
        """Let a sample stand at an index, in place of the one there or as the next one.

        `cover` are the numbers of the blocks that hold its address, as bits.
        """
        bit = 1 << index
        if index < len(self.samples):
            self._take(index)
            self.samples[index] = sample
        else:
            self.samples.append(sample)
            self._covers.append(0)
            self.everything |= bit
        if outside:
            self.outside |= bit
        elif sample.is_pod:
            self.pods |= bit
            self._put_pod(sample, bit)
        else:
            self.hosts |= bit
        self.cover(index, cover)

    def cover(self, index: int, cover: int) -> None:
        """Let a sample lie in these blocks, and no others."""
        for number in bits(self._covers[index] ^ cover):
            while number >= len(self._blocks):
                self._blocks.append(0)
            self._blocks[number] ^= 1 << index
        self._covers[index] = cover
        self._cache.clear()

    def _put_pod(self, sample: Peer, bit: int) -> None:
        for key, value in sample.labels.items():
            values = self._labels.setdefault(key, {})
            values[value] = values.get(value, 0) | bit
            self._present[key] = self._present.get(key, 0) | bit
        self._namespaces[sample.namespace] = self._namespaces.get(sample.namespace, 0) | bit
        labels = sample.namespace_labels
        _, members = self._spaces.get(space := frozenset(labels.items()), (labels, 0))
        self._spaces[space] = (labels, members | bit)
        for name, number in sample.ports.items():
            numbers = self.named.setdefault(name, {})
            numbers[number] = numbers.get(number, 0) | bit

    def _take(self, index: int) -> None:
        sample, keep = self.samples[index], ~(1 << index)
        if not sample.is_pod:
            return
        for key, value in sample.labels.items():
            self._labels[key][value] &= keep
            self._present[key] &= keep
        self._namespaces[sample.namespace] &= keep
        labels, members = self._spaces[space := frozenset(sample.namespace_labels.items())]
        self._spaces[space] = (labels, members & keep)
        for name, number in sample.ports.items():
            self.named[name][number] &= keep

    def matching(self, match: PeerMatch) -> int:
        """The classes that a peer of a rule, or a subject, matches."""
        if isinstance(match, PodMatch):
            return self._pod_bits(match)
        if isinstance(match, BlockMatch):
            return union(self._block_bits(block) for block in match.blocks)
        if isinstance(match, NodeMatch):
            return union(1 << i for i in bits(self.hosts) if match.matches(self.samples[i]))
        return self.everything if match.value else 0

    def _block_bits(self, block: Block) -> int:
        number = self._numbers[block]
        return self._blocks[number] if number < len(self._blocks) else 0

    def _pod_bits(self, match: PodMatch) -> int:
        found = self.pods
        if match.namespace is not None:
            found = self._namespaces.get(match.namespace, 0)
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
                members for labels, members in self._spaces.values() if selector.matches(labels)
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
