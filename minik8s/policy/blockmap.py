"""Which blocks cover an address: the address space cut at every edge of a block."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from minik8s.policy.addresses import Block, Span, parse_address

_LAST = {4: 2**32 - 1, 6: 2**128 - 1}


class BlockMap:
    """The regions of the address space under numbered blocks.

    A *cover* is the set of blocks that hold a region, as bits.
    """

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
        """The cover of an address; no block holds a text that is none."""
        version, value = parse_address(address)
        if not version:
            return 0
        return self._covers[version][bisect_right(self._starts[version], value) - 1]

    def regions(self) -> dict[int, list[tuple[int, Span]]]:
        """The spans of the address space, by their cover."""
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
