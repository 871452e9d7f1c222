"""The port space cut into atoms: pieces that no rule tells apart, as bits of a mask.

A mask is an int with one bit for each atom; `PortSpace.ports` turns it back into intervals.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from minik8s.policy.bits import bits
from minik8s.policy.ports import LAST_PORT, OTHER, PROTOCOLS, PortMatch, PortSet


class PortSpace:
    """Atoms of the port space for a given collection of port entries (names resolved)."""

    __slots__ = ("_base", "_masks", "_partitions", "_ports", "_starts", "atoms", "everything")

    def __init__(self, entries: Iterable[PortMatch]) -> None:
        cuts: dict[str, set[int]] = {protocol: {0} for protocol in PROTOCOLS}
        for entry in entries:
            if entry.protocol in cuts and not entry.name and entry.first <= entry.last:
                cuts[entry.protocol] |= {entry.first, entry.last + 1}
        self.atoms: list[tuple[str, int, int]] = []
        self._starts: dict[str, list[int]] = {}
        self._base: dict[str, int] = {}
        for protocol in PROTOCOLS:
            starts = sorted(cut for cut in cuts[protocol] if cut <= LAST_PORT)
            self._starts[protocol], self._base[protocol] = starts, len(self.atoms)
            ends = [start - 1 for start in starts[1:]] + [LAST_PORT]
            self.atoms += [(protocol, *span) for span in zip(starts, ends, strict=True)]
        self.atoms.append((OTHER, 0, 0))
        self.everything = (1 << len(self.atoms)) - 1
        self._ports: dict[int, PortSet] = {}
        self._masks: dict[tuple[str, int, int], int] = {}
        self._partitions: dict[frozenset[int], Sequence[tuple[int, tuple[int, ...]]]] = {}

    @classmethod
    def refined(cls, old: PortSpace, entries: Iterable[PortMatch]) -> PortSpace:
        """The old space cut further by more entries."""
        atoms = [PortMatch(*atom) for atom in old.atoms if atom[0] != OTHER]
        return cls([*atoms, *entries])

    def carry(self, mask: int, old: PortSpace) -> int:
        """A mask of an older, coarser space as a mask of this one."""
        carried = 0
        for index in bits(mask):
            atom = old.atoms[index]
            carried |= self.at(OTHER, None) if atom[0] == OTHER else self.mask(PortMatch(*atom))
        return carried

    def knows(self, entry: PortMatch) -> bool:
        """Whether the entry is a union of atoms."""
        starts = self._starts.get(entry.protocol)
        if starts is None or entry.name or entry.first > entry.last:
            return True
        edges = {*starts, LAST_PORT + 1}
        return entry.first in edges and entry.last + 1 in edges

    def mask(self, entry: PortMatch) -> int:
        """The atoms of an entry without a name; its edges must be among the cuts."""
        key = (entry.protocol, entry.first, entry.last)
        mask = self._masks.get(key)
        if mask is None:
            mask = self._masks[key] = self._mask(*key)
        return mask

    def _mask(self, protocol: str, first: int, last: int) -> int:
        starts = self._starts.get(protocol)
        if starts is None or first > last:
            return 0
        low, high = bisect_left(starts, first), bisect_left(starts, last + 1)
        return ((1 << (high - low)) - 1) << (self._base[protocol] + low)

    def at(self, protocol: str, port: int | None) -> int:
        """The one atom that a packet falls into, as a mask."""
        starts = self._starts.get(protocol)
        if starts is None or port is None:
            return 1 << (len(self.atoms) - 1)
        return 1 << (self._base[protocol] + bisect_left(starts, port + 1) - 1)

    def ports(self, mask: int) -> PortSet:
        """The intervals of a mask."""
        ports = self._ports.get(mask)
        if ports is None:
            ports = self._ports[mask] = PortSet.of(self.atoms[index] for index in bits(mask))
        return ports

    def partition(self, masks: frozenset[int]) -> Sequence[tuple[int, tuple[int, ...]]]:
        """The cells that masks cut the space into, each with the masks that hold it.

        The part that no mask holds is left out.
        """
        cells = self._partitions.get(masks)
        if cells is None:
            found: list[tuple[int, tuple[int, ...]]] = [(self.everything, ())]
            for mask in sorted(masks):
                found = [
                    part
                    for cell, holders in found
                    for part in ((cell & mask, (*holders, mask)), (cell & ~mask, holders))
                    if part[0]
                ]
            cells = self._partitions[masks] = [cell for cell in found if cell[1]]
        return cells
