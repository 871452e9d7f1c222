"""Who reaches whom, for all classes and all ports at once.

*Cells* are the answer for one class: disjoint port masks, each with the classes at the other
end. A *group* holds the classes that the same policies select; it has one answer. A *row* is
what a class reaches: its egress cells cut with the ingress of every destination.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from minik8s.policy.bits import bits, union
from minik8s.policy.classes import Classes, Nature
from minik8s.policy.compile import Action, CompiledPolicy, Rule, Tier
from minik8s.policy.decide import order
from minik8s.policy.ports import PortMatch
from minik8s.policy.portspace import PortSpace
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Direction
from minik8s.policy.vocabulary import Vocabulary, port_matches

Cells: TypeAlias = tuple[tuple[int, int], ...]
"""(port mask, classes) with disjoint masks, empty ones left out."""

Pieces: TypeAlias = list[tuple[int, int]]
"""(port mask, classes) that may overlap."""


@dataclass(frozen=True, slots=True)
class Group:
    """Classes with the same answer in one direction."""

    members: int
    cells: Cells
    policies: tuple[CompiledPolicy, ...]


class Reach:
    """All pairs of one snapshot."""

    __slots__ = ("_memo", "classes", "egress", "ingress", "rows", "snapshot", "space")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        policies = sorted(snapshot.policies, key=order)
        words = Vocabulary.of(policies)
        self.classes = Classes(words, snapshot.pods.values(), snapshot.nodes.values())
        self.space = PortSpace(entries_of(policies, self.classes))
        self._memo: dict[Hashable, Cells] = {}
        self.egress = self._groups(Direction.EGRESS, policies)
        self.ingress = self._groups(Direction.INGRESS, policies)
        self.rows = self._rows()

    def mask(self, source: int, target: int) -> int:
        """The ports on which one class reaches another."""
        return union(mask for mask, targets in self.rows[source] if targets >> target & 1)

    def _groups(self, direction: Direction, policies: Sequence[CompiledPolicy]) -> list[Group]:
        """The pod classes by the policies that select them, each group with its cells."""
        selecting: dict[int, list[CompiledPolicy]] = {}
        for policy in policies:
            if direction in policy.rules:
                for index in bits(self.classes.matching(policy.subject)):
                    selecting.setdefault(index, []).append(policy)
        members: dict[tuple[Hashable, ...], int] = {}
        chosen: dict[tuple[Hashable, ...], tuple[tuple[CompiledPolicy, ...], int]] = {}
        for index, found in selecting.items():
            key = (*map(id, found), self._ports_key(direction, index))
            if key not in members:
                chosen[key] = (tuple(found), index)
            members[key] = members.get(key, 0) | 1 << index
        groups = [
            Group(members[key], self._cells(direction, found, index), found)
            for key, (found, index) in chosen.items()
        ]
        rest = self.classes.everything & ~union(group.members for group in groups)
        groups.append(Group(rest, ((self.space.everything, self.classes.everything),), ()))
        return groups

    def _ports_key(self, direction: Direction, index: int) -> Hashable:
        """What else tells the answers of two classes apart: the port names of a destination."""
        if direction is Direction.EGRESS or not self.classes.named:
            return None
        ports = self.classes.list[index].sample.ports
        return frozenset(item for item in ports.items() if item[0] in self.classes.named)

    def _cells(
        self, direction: Direction, policies: tuple[CompiledPolicy, ...], index: int
    ) -> Cells:
        """What the selecting policies let through for a class."""
        isolated = any(policy.tier is Tier.NETWORK_POLICY for policy in policies)
        ruled: list[tuple[Tier, Action, Pieces]] = [
            (policy.tier, rule.action, self._pieces(direction, rule, index))
            for policy in policies
            if not (isolated and policy.tier is Tier.BASELINE)
            for rule in policy.rules[direction]
        ]
        if all(policy.tier is Tier.NETWORK_POLICY for policy in policies):
            return self._union(piece for _, _, pieces in ruled for piece in pieces)
        return self._in_order(ruled, isolated)

    def _pieces(self, direction: Direction, rule: Rule, index: int) -> Pieces:
        """The ports and peers of one rule; a port name may mean another number for each peer."""
        everything = self.classes.everything
        peers = everything
        if rule.peers is not None:
            peers = union(self.classes.matching(peer) for peer in rule.peers)
        if rule.ports is None:
            return [(self.space.everything, peers)]
        if direction is Direction.INGRESS:
            named = self.classes.list[index].sample.ports
            found = [part for entry in rule.ports for part in entry.resolve(named)]
            return [(union(map(self.space.mask, found)), peers)]
        plain = union(self.space.mask(entry) for entry in rule.ports if not entry.name)
        pieces = [(plain, peers)]
        for entry, members in by_name(rule.ports, self.classes):
            pieces.append((self.space.mask(entry), peers & members))
        return pieces

    def _union(self, pieces: Iterable[tuple[int, int]]) -> Cells:
        """Overlapping pieces as cells."""
        raw: dict[int, int] = {}
        for mask, peers in pieces:
            if mask and peers:
                raw[mask] = raw.get(mask, 0) | peers
        if len(raw) < 2:
            return tuple(raw.items())
        return tuple(
            (cell, union(raw[mask] for mask in holders))
            for cell, holders in self.space.partition(frozenset(raw))
        )

    def _in_order(self, ruled: list[tuple[Tier, Action, Pieces]], isolated: bool) -> Cells:
        """Rules of several tiers: the first match decides, Pass goes on to the next tier."""
        masks = frozenset(mask for _, _, pieces in ruled for mask, _ in pieces if mask)
        everything = self.classes.everything
        cells = []
        rest = self.space.everything
        for cell, _ in self.space.partition(masks):
            rest &= ~cell
            steps = [
                (tier, action, union(peers for mask, peers in pieces if mask & cell))
                for tier, action, pieces in ruled
            ]
            if allowed := first_match(steps, everything, isolated):
                cells.append((cell, allowed))
        if rest and not isolated:
            cells.append((rest, everything))
        return tuple(cells)

    def _rows(self) -> list[Cells]:
        """For each class, the ports and destinations that both ends allow."""
        inward, always = self._inward()
        rows: list[Cells] = [()] * len(self.classes.list)
        near = self.classes.pods
        for group in self.egress:
            for index in bits(group.members):
                row = self._row(group.cells, inward[index], always)
                if self.classes.list[index].nature is not Nature.PODS:
                    row = tuple((mask, to & near) for mask, to in row if to & near)
                rows[index] = row
        return rows

    def _inward(self) -> tuple[list[dict[int, int]], int]:
        """For each source, the destinations that let it in by port mask; and those open to all."""
        by_sources: dict[int, dict[int, int]] = {}
        always = 0
        for group in self.ingress:
            for mask, sources in group.cells:
                if mask == self.space.everything and sources == self.classes.everything:
                    always |= group.members
                    continue
                targets = by_sources.setdefault(sources, {})
                targets[mask] = targets.get(mask, 0) | group.members
        inward: list[dict[int, int]] = [{} for _ in self.classes.list]
        for sources, targets in by_sources.items():
            for index in bits(sources):
                mine = inward[index]
                for mask, members in targets.items():
                    mine[mask] = mine.get(mask, 0) | members
        return inward, always

    def _row(self, cells: Cells, inward: dict[int, int], always: int) -> Cells:
        outward = dict(cells)
        masks = frozenset((*outward, *inward))
        if always:
            masks |= {self.space.everything}
        merged: dict[int, int] = {}
        for cell, holders in self.space.partition(masks):
            sent, let_in = 0, always
            for mask in holders:
                sent |= outward.get(mask, 0)
                let_in |= inward.get(mask, 0)
            if to := sent & let_in:
                merged[to] = merged.get(to, 0) | cell
        return tuple((mask, to) for to, mask in merged.items())


def first_match(steps: Iterable[tuple[Tier, Action, int]], everything: int, isolated: bool) -> int:
    """The peers that tiered rules allow on one port, all peers at once."""
    allowed, undecided, passed = 0, everything, 0
    tier = Tier.ADMIN
    for step, action, peers in steps:
        if step is not tier:
            tier, undecided, passed = step, undecided | passed, 0
        hit = peers & undecided
        undecided &= ~hit
        if action is Action.ACCEPT:
            allowed |= hit
        elif action is Action.PASS:
            passed |= hit
    return allowed if isolated else allowed | undecided | passed


def by_name(ports: Iterable[PortMatch], classes: Classes) -> Iterator[tuple[PortMatch, int]]:
    """The numbers that named entries stand for, each with the classes that give it."""
    for entry in ports:
        if not entry.name:
            continue
        for (name, protocol), numbers in classes.named.items():
            if name == entry.name and entry.protocol in ("", protocol):
                for number, members in numbers.items():
                    yield PortMatch(protocol, number, number), members


def entries_of(policies: Iterable[CompiledPolicy], classes: Classes) -> set[PortMatch]:
    """Every port entry that can cut the port space, names resolved in all ways."""
    entries = {entry for policy in policies for entry in port_matches(policy)}
    return {entry for entry in entries if not entry.name} | {
        entry for entry, _ in by_name(entries, classes)
    }
