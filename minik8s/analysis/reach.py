"""Who reaches whom, for all classes and all ports at once, kept current.

A *row* is what a class reaches: its egress cells cut with the ingress of every destination.
For each port the classes of a row's entries are disjoint.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from minik8s.analysis.cells import Cells, Policies, cells_of, entries_of
from minik8s.policy.bits import bits, union
from minik8s.policy.classes import Classes, Splits
from minik8s.policy.compile import CompiledPolicy
from minik8s.policy.decide import order
from minik8s.policy.portspace import PortSpace
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Direction, Peer
from minik8s.policy.vocabulary import Vocabulary

_FRAGMENTS = 24
"""A row with more entries than this is computed anew at its next change."""


@dataclass(slots=True)
class Side:
    """One direction: for each class the policies that select it and what they let through."""

    policies: list[Policies]
    cells: list[Cells] = field(default_factory=list)


class Reach:
    """All pairs of one snapshot."""

    __slots__ = ("_always", "_inward", "classes", "rows", "sides", "snapshot", "space", "words")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        policies = sorted(snapshot.policies, key=order)
        self.words = Vocabulary.of(policies)
        self.classes = Classes(self.words, snapshot.pods.values(), snapshot.nodes.values())
        self._compute(policies)

    def _compute(self, policies: list[CompiledPolicy]) -> None:
        self.space = PortSpace(entries_of(policies, self.classes))
        self.sides = {direction: self._side(direction, policies) for direction in Direction}
        self._always = 0
        self._inward: list[dict[int, int]] = [{} for _ in self.classes.list]
        self._let_in(self.classes.everything)
        self.rows = [self._row(index, -1) for index in range(len(self.classes.list))]

    def move(self, old: Peer | None, new: Peer | None) -> None:
        """Put one peer in another's place; only one of a kind that is new costs anything."""
        if old is not None:
            self.classes.drop(old)
        if new is not None and self.classes.put(new):
            self._compute(sorted(self.snapshot.policies, key=order))

    def mask(self, source: int, target: int) -> int:
        """The ports on which one class reaches another."""
        return union(mask for mask, targets in self.rows[source] if targets >> target & 1)

    def _side(self, direction: Direction, policies: Iterable[CompiledPolicy]) -> Side:
        selecting: list[list[CompiledPolicy]] = [[] for _ in self.classes.list]
        for policy in policies:
            if direction in policy.rules:
                for index in bits(self.classes.matching(policy.subject)):
                    selecting[index].append(policy)
        side = Side([tuple(found) for found in selecting], [()] * len(selecting))
        self._fill(direction, side, range(len(selecting)))
        return side

    def _fill(self, direction: Direction, side: Side, indexes: Iterable[int]) -> None:
        """Compute the cells of classes; those that the same policies select share them."""
        memo: dict[Hashable, Cells] = {}
        for index in indexes:
            policies = side.policies[index]
            key: Hashable = tuple(map(id, policies))
            if policies and direction is Direction.INGRESS:
                key = (key, self.classes.port_names(index))
            cells = memo.get(key)
            if cells is None:
                cells = cells_of(direction, policies, index, self.classes, self.space)
                memo[key] = cells
            side.cells[index] = cells

    def _let_in(self, targets: int) -> int:
        """Note for each source which of these destinations let it in; the sources concerned."""
        by_cells: dict[Cells, int] = {}
        cells_by_index = self.sides[Direction.INGRESS].cells
        for index in bits(targets):
            cells = cells_by_index[index]
            by_cells[cells] = by_cells.get(cells, 0) | 1 << index
        by_sources: dict[int, dict[int, int]] = {}
        for cells, members in by_cells.items():
            for mask, sources in cells:
                if mask == self.space.everything and sources == self.classes.everything:
                    self._always |= members
                else:
                    masks = by_sources.setdefault(sources, {})
                    masks[mask] = masks.get(mask, 0) | members
        for sources, masks in by_sources.items():
            for index in bits(sources):
                mine = self._inward[index]
                for mask, members in masks.items():
                    mine[mask] = mine.get(mask, 0) | members
        return self.classes.everything if self._always & targets else union(by_sources)

    def _row(self, index: int, targets: int) -> Cells:
        """What a class reaches among some destinations."""
        if not self.classes.pods >> index & 1:
            targets &= self.classes.pods
        always = self._always & targets
        outward = [c for c in self.sides[Direction.EGRESS].cells[index] if c[1] & targets]
        inward = {m: to for m, to in self._inward[index].items() if to & targets}
        if not outward or not (inward or always):
            return ()
        if always:
            inward[self.space.everything] = inward.get(self.space.everything, 0) | always
        if len(inward) == 1 and len(outward) == 1:
            (sent, far), (let_in, near) = outward[0], next(iter(inward.items()))
            both = far & near & targets
            return ((sent & let_in, both),) if both and sent & let_in else ()
        merged: dict[int, int] = {}
        for cell, holders in self.space.partition(frozenset((*(m for m, _ in outward), *inward))):
            far = union(to for mask, to in outward if mask & cell)
            near = union(inward.get(mask, 0) for mask in holders)
            if to := far & near & targets:
                merged[to] = merged.get(to, 0) | cell
        return tuple((mask, to) for to, mask in merged.items())

    def replace(self, old: CompiledPolicy | None, new: CompiledPolicy | None) -> None:
        """Put one policy in another's place; None stands for no policy.

        Classes only ever get finer, so a policy that goes leaves its distinctions behind.
        """
        if new is not None:
            self.words.add(new)
            self._split(self.classes.grow())
            self._refine(new)
        affected = 0
        for policy in filter(None, (old, new)):
            affected |= self.classes.matching(policy.subject)
        changed = [d for d in Direction if any(p and d in p.rules for p in (old, new))]
        for direction in changed:
            side = self.sides[direction]
            for index in bits(affected):
                side.policies[index] = self._selecting(direction, index, old, new)
            self._fill(direction, side, bits(affected))
        if Direction.INGRESS in changed:
            self._update_columns(affected)
        if Direction.EGRESS in changed:
            for index in bits(affected):
                self.rows[index] = self._row(index, -1)

    def _selecting(
        self,
        direction: Direction,
        index: int,
        old: CompiledPolicy | None,
        new: CompiledPolicy | None,
    ) -> Policies:
        kept = [p for p in self.sides[direction].policies[index] if p is not old]
        selects = new is not None and self.classes.matching(new.subject) >> index & 1
        if new is not None and selects and direction in new.rules:
            kept.append(new)
        return tuple(sorted(kept, key=order))

    def _update_columns(self, affected: int) -> None:
        """Recompute who reaches the classes concerned."""
        keep = ~affected
        self._always &= keep
        for inward in self._inward:
            for mask, targets in inward.items():
                if targets & affected:
                    inward[mask] = targets & keep
        concerned = self._let_in(affected)
        for index, row in enumerate(self.rows):
            if len(row) > _FRAGMENTS:
                self.rows[index] = self._row(index, -1)
                continue
            for _, to in row:
                if to & affected:
                    row = tuple([(mask, left) for mask, to in row if (left := to & keep)])
                    break
            if concerned >> index & 1:
                row += self._row(index, affected)
            self.rows[index] = row

    def _split(self, splits: Splits) -> None:
        """Give new classes the answers of those that they were part of."""
        if not splits:
            return
        for side in self.sides.values():
            known = {cells: _parted(cells, splits) for cells in set(side.cells)}
            side.cells = [known[cells] for cells in side.cells]
        self.rows = [_parted(row, splits) for row in self.rows]
        self._always = _parted(((0, self._always),), splits)[0][1]
        for index, inward in enumerate(self._inward):
            self._inward[index] = dict(_parted(tuple(inward.items()), splits))
        for old, _ in splits:
            self.rows.append(self.rows[old])
            self._inward.append(dict(self._inward[old]))
            for side in self.sides.values():
                side.cells.append(side.cells[old])
                side.policies.append(side.policies[old])

    def _refine(self, policy: CompiledPolicy) -> None:
        """Cut the port space finer if the policy needs it, and carry all masks over."""
        entries = entries_of([policy], self.classes)
        if all(self.space.knows(entry) for entry in entries):
            return
        old = self.space
        self.space = PortSpace.refined(old, entries)
        masks: dict[int, int] = {}

        def carried(cells: Cells) -> Cells:
            for mask, _ in cells:
                if mask not in masks:
                    masks[mask] = self.space.carry(mask, old)
            return tuple((masks[mask], to) for mask, to in cells)

        for side in self.sides.values():
            side.cells = [carried(cells) for cells in side.cells]
        self.rows = [carried(row) for row in self.rows]
        self._inward = [dict(carried(tuple(inward.items()))) for inward in self._inward]


def _parted(cells: Cells, splits: Splits) -> Cells:
    """Cells with the new parts of their classes put in."""
    for old, new in splits:
        bit, more = 1 << old, 1 << new
        for _, members in cells:
            if members & bit:
                cells = tuple([(mask, to | more if to & bit else to) for mask, to in cells])
                break
    return cells
