"""Who reaches whom, for all classes and all ports at once, kept current.

A *row* is what a class reaches: its egress cells cut with what lets it in. For each port the
classes of a row's entries are disjoint. Classes that policies treat alike share one row.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from minik8s.analysis.cells import ALL, CellMaker, Cells, Policies, entries_of
from minik8s.policy.bits import bits, union
from minik8s.policy.classes import Classes
from minik8s.policy.compile import CompiledPolicy, Rule
from minik8s.policy.decide import order
from minik8s.policy.peerclass import Splits
from minik8s.policy.ports import PortMatch
from minik8s.policy.portspace import PortSpace
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Direction, Peer
from minik8s.policy.vocabulary import Vocabulary

_FEW = 8
"""Bits to copy one by one; more are copied as text."""


@dataclass(slots=True)
class Side:
    """One direction: for each class the policies that select it and what they let through."""

    policies: list[Policies]
    cells: list[Cells] = field(default_factory=list)


class Reach:
    """All pairs of one snapshot.

    `rows` are the answer, by class. For each class `_inward` holds the destinations that let
    it in, by port mask; those that let everybody in on every port are in `_always`.
    """

    __slots__ = ("_always", "_inward", "classes", "rows", "sides", "snapshot", "space", "words")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        policies = sorted(snapshot.policies, key=order)
        self.words = Vocabulary.of(policies)
        self.classes = Classes(self.words, snapshot.pods.values(), snapshot.nodes.values())
        self.space = PortSpace(entries_of(policies, self.classes))
        self.sides = {direction: self._side(direction, policies) for direction in Direction}
        self._always = 0
        self._inward: list[Cells] = [()] * len(self.classes.list)
        self.rows: list[Cells] = [()] * len(self.classes.list)
        self._let_in(self.classes.everything)
        self._fill_rows(self.classes.everything)

    def mask(self, source: int, target: int) -> int:
        """The ports on which one class reaches another."""
        return union(mask for mask, targets in self.rows[source] if targets >> target & 1)

    # -- what policies say of a class

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
        maker = CellMaker(direction, self.classes, self.space)
        for index in indexes:
            policies = side.policies[index]
            key: Hashable = tuple(map(id, policies))
            if policies and direction is Direction.INGRESS:
                key = (key, self.classes.port_names(index))
            cells = memo.get(key)
            if cells is None:
                cells = memo[key] = maker.cells(policies, index)
            side.cells[index] = cells

    # -- who is let in

    def _let_in(self, targets: int) -> None:
        """Note for each source which of these destinations let it in."""
        by_cells: dict[Cells, int] = {}
        cells_by_index = self.sides[Direction.INGRESS].cells
        for index in bits(targets):
            cells = cells_by_index[index]
            by_cells[cells] = by_cells.get(cells, 0) | 1 << index
        by_sources: dict[int, dict[int, int]] = {}
        for cells, members in by_cells.items():
            for mask, sources in cells:
                if mask == self.space.everything and sources == ALL:
                    self._always |= members
                else:
                    masks = by_sources.setdefault(sources & self.classes.everything, {})
                    masks[mask] = masks.get(mask, 0) | members
        self._add(by_sources)

    def _add(self, by_sources: dict[int, dict[int, int]]) -> None:
        """Put destinations, by sources and port mask, into what the sources have already."""
        chosen: dict[int, int] = {}
        for number, sources in enumerate(by_sources):
            bit = 1 << number
            for index in bits(sources):
                chosen[index] = chosen.get(index, 0) | bit
        added = list(by_sources.values())
        known: dict[tuple[int, int], Cells] = {}
        before = list(self._inward)  # keeps what the keys below name
        for index, numbers in chosen.items():
            key = (id(before[index]), numbers)
            cells = known.get(key)
            if cells is None:
                mine = dict(before[index])
                for number in bits(numbers):
                    for mask, members in added[number].items():
                        mine[mask] = mine.get(mask, 0) | members
                cells = known[key] = tuple(mine.items())
            self._inward[index] = cells

    def _take_out(self, targets: int) -> None:
        """Forget who is let in by these destinations."""
        keep = ~targets
        self._always &= keep
        self._inward = _each(
            self._inward,
            lambda cells: (
                tuple([(mask, left) for mask, to in cells if (left := to & keep)])
                if any(to & targets for _, to in cells)
                else cells
            ),
        )

    # -- rows

    def _fill_rows(self, indexes: int) -> None:
        """Compute the rows of classes; those with the same cells share one."""
        outward, pods = self.sides[Direction.EGRESS].cells, self.classes.pods
        inward = self._inward
        known: dict[tuple[int, int, int], Cells] = {}
        for index in bits(indexes):
            is_pod = pods >> index & 1
            key = (id(outward[index]), id(inward[index]), is_pod)
            row = known.get(key)
            if row is None:
                targets = ALL if is_pod else pods
                row = known[key] = self._row(outward[index], inward[index], targets)
            self.rows[index] = row

    def _row(self, outward: Cells, inward: Cells, targets: int) -> Cells:
        """What a class reaches among some destinations."""
        near = [(mask, close) for mask, to in inward if (close := to & targets)]
        if always := self._always & targets:
            near.append((self.space.everything, always))
        merged: dict[int, int] = {}
        for sent, far in outward:
            for let_in, close in near:
                # a destination lets a class in by one entry for each port at most
                if (to := far & close) and (mask := sent & let_in):
                    merged[to] = merged.get(to, 0) | mask
        return tuple([(mask, to) for to, mask in merged.items()])

    # -- changes

    def replace(self, old: CompiledPolicy | None, new: CompiledPolicy | None) -> None:
        """Put one policy in another's place; None stands for no policy.

        Classes only ever get finer, so a policy that goes leaves its distinctions behind.
        """
        finer = False
        if new is not None:
            splits = self.classes.grow(Vocabulary.of([new]))
            self._split(splits)
            finer = self._refine(entries_of([new], self.classes)) or bool(splits)
        affected = union(
            self.classes.matching(policy.subject) for policy in (old, new) if policy is not None
        )
        for direction in Direction:
            if any(policy and direction in policy.rules for policy in (old, new)):
                side = self.sides[direction]
                self._reselect(direction, affected, old, new)
                self._judge_anew(direction, side, affected)
                finer = finer or direction is Direction.INGRESS
        self._fill_rows(self.classes.everything if finer else affected)

    def _judge_anew(self, direction: Direction, side: Side, affected: int) -> None:
        if direction is Direction.INGRESS:
            self._take_out(affected)
        self._fill(direction, side, bits(affected))
        if direction is Direction.INGRESS:
            self._let_in(affected)

    def _reselect(
        self,
        direction: Direction,
        affected: int,
        old: CompiledPolicy | None,
        new: CompiledPolicy | None,
    ) -> None:
        """Put one policy in another's place among those that select each class."""
        chosen = new if new is not None and direction in new.rules else None
        selected = self.classes.matching(chosen.subject) if chosen is not None else 0
        policies = self.sides[direction].policies
        for index in bits(affected):
            kept = [policy for policy in policies[index] if policy is not old]
            if chosen is not None and selected >> index & 1:
                kept.append(chosen)
                kept.sort(key=order)
            policies[index] = tuple(kept)

    def move(self, old: Iterable[Peer], new: Iterable[Peer]) -> None:
        """Put peers in the place of others; only those of a kind that is new cost anything."""
        for peer in old:
            self.classes.drop(peer)
        before = len(self.classes.list)
        for peer in new:
            self.classes.put(peer)
        count = len(self.classes.list)
        if count > before:
            self._extend(range(before, count))

    def _extend(self, added: range) -> None:
        """Take in new classes: what selects them, and who may reach whom because of them."""
        samples = [self.classes.list[index].sample for index in added]
        self._refine(
            PortMatch(protocol, number, number)
            for sample in samples
            for (name, protocol), number in sample.ports.items()
            if (name, protocol) in self.words.names
        )
        self._inward += [()] * len(added)
        self.rows += [()] * len(added)
        fresh = union(1 << index for index in added)
        selecting = [list(self.snapshot.policies.selecting(sample)) for sample in samples]
        for direction, side in self.sides.items():
            for policies in selecting:
                chosen = [policy for policy in policies if direction in policy.rules]
                side.policies.append(tuple(sorted(chosen, key=order)))
                side.cells.append(())
            affected = self._letting(direction, samples) | fresh
            self._judge_anew(direction, side, affected)
        self._meet(added)
        self._fill_rows(self.classes.everything)

    def _letting(self, direction: Direction, samples: Sequence[Peer]) -> int:
        """The classes whose policies say something about new ones."""

        def concerned(rule: Rule) -> bool:
            named = any(entry.name for entry in rule.ports or ())
            return (direction is Direction.EGRESS and named) or any(
                peer.matches(sample) for peer in rule.peers or () for sample in samples
            )

        return union(
            self.classes.matching(policy.subject)
            for policy in self.snapshot.policies
            if any(concerned(rule) for rule in policy.rules.get(direction, ()))
        )

    def _meet(self, added: Iterable[int]) -> None:
        """Note for new classes which of all destinations let them in."""
        by_cells: dict[Cells, int] = {}
        for index, cells in enumerate(self.sides[Direction.INGRESS].cells):
            by_cells[cells] = by_cells.get(cells, 0) | 1 << index
        for index in added:
            mine: dict[int, int] = {}
            for cells, members in by_cells.items():
                for mask, sources in cells:
                    if sources >> index & 1:
                        mine[mask] = mine.get(mask, 0) | members
            self._inward[index] = tuple(
                (mask, left) for mask, to in mine.items() if (left := to & ~self._always)
            )

    def _split(self, splits: Splits) -> None:
        """Give new classes the answers of those that they were part of."""
        if not splits:
            return
        copied = _copier(splits)

        def parted(cells: Cells) -> Cells:
            return tuple([(mask, copied(members)) for mask, members in cells])

        for side in self.sides.values():
            side.policies += [side.policies[old] for old, _ in splits]
            side.cells = _each([*side.cells, *(side.cells[old] for old, _ in splits)], parted)
        inward = [*self._inward, *(self._inward[old] for old, _ in splits)]
        self._inward = _each(inward, parted)
        self._always = copied(self._always)
        self.rows += [()] * len(splits)

    def _refine(self, entries: Iterable[PortMatch]) -> bool:
        """Cut the port space finer if entries need it, and carry all masks over."""
        entries = list(entries)
        if all(self.space.knows(entry) for entry in entries):
            return False
        old = self.space
        self.space = PortSpace.refined(old, entries)
        masks: dict[int, int] = {}

        def carried(cells: Cells) -> Cells:
            for mask, _ in cells:
                if mask not in masks:
                    masks[mask] = self.space.carry(mask, old)
            return tuple([(masks[mask], to) for mask, to in cells])

        for side in self.sides.values():
            side.cells = _each(side.cells, carried)
        self._inward = _each(self._inward, carried)
        return True


def _each(cells: Sequence[Cells], change: Callable[[Cells], Cells]) -> list[Cells]:
    """Changed cells, each object only once, so that what was shared still is."""
    known: dict[int, Cells] = {}
    for each in cells:
        if id(each) not in known:
            known[id(each)] = change(each)
    return [known[id(each)] for each in cells]


def _copier(splits: Splits) -> Callable[[int], int]:
    """A function that sets the bit of each new class as that of the old one is."""
    known: dict[int, int] = {}
    first, sources = splits[0][1], [old for old, _ in splits]
    below = (1 << first) - 1
    chosen = itemgetter(*(first - 1 - old for old in reversed(sources)))

    def copied(members: int) -> int:
        found = known.get(members)
        if found is None:
            if len(sources) <= _FEW:
                more = union((members >> old & 1) << at for at, old in enumerate(sources))
            else:
                text = f"{members & below:0{first}b}"
                more = int("".join(chosen(text)), 2)
            rest = -1 << (first + len(sources)) if members < 0 else 0
            found = known[members] = members & below | more << first | rest
        return found

    return copied
