"""What the policies that select a class let through, for all ports and peers at once.

*Cells* are the answer: disjoint port masks, each with the classes at the other end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from minik8s.policy.bits import union
from minik8s.policy.classes import Classes
from minik8s.policy.compile import Action, CompiledPolicy, Rule, Tier
from minik8s.policy.ports import PROTOCOLS, PortMatch
from minik8s.policy.portspace import PortSpace
from minik8s.policy.values import Direction
from minik8s.policy.vocabulary import port_matches

Cells: TypeAlias = tuple[tuple[int, int], ...]
"""(port mask, classes) with disjoint masks, empty ones left out."""

Pieces: TypeAlias = list[tuple[int, int]]
"""(port mask, classes) that may overlap."""

ALL = -1
"""Every class, those to come included: an int whose bits are all set."""

Policies: TypeAlias = tuple[CompiledPolicy, ...]


class CellMaker:
    """Makes the cells of one direction; what classes have in common is computed once."""

    __slots__ = ("_classes", "_direction", "_ordered", "_pieces", "_space")

    def __init__(self, direction: Direction, classes: Classes, space: PortSpace) -> None:
        self._direction, self._classes, self._space = direction, classes, space
        self._pieces: dict[int, Pieces] = {}
        self._ordered: dict[object, Cells] = {}

    def cells(self, policies: Policies, index: int) -> Cells:
        """What policies, in order, let through for the class with an index that they select."""
        if not policies:
            return ((self._space.everything, ALL),)
        tiered = [policy for policy in policies if policy.tier is not Tier.NETWORK_POLICY]
        merged = self._of_network_policies(policies, index)
        if not tiered:
            return merged
        isolated = len(tiered) < len(policies)
        key = (tuple(map(id, tiered)), merged, isolated)
        if any(self._by_class(rule) for policy in tiered for rule in policy.rules[self._direction]):
            return self._in_order(tiered, merged, isolated, index)
        cells = self._ordered.get(key)
        if cells is None:
            cells = self._ordered[key] = self._in_order(tiered, merged, isolated, index)
        return cells

    def _of_network_policies(self, policies: Policies, index: int) -> Cells:
        """NetworkPolicies add to each other, whatever their order."""
        rules = [
            rule
            for policy in policies
            if policy.tier is Tier.NETWORK_POLICY
            for rule in policy.rules[self._direction]
        ]
        pieces = [piece for rule in rules for piece in self._of_rule(rule, index)]
        return _union(pieces, self._space)

    def _in_order(
        self, tiered: Iterable[CompiledPolicy], merged: Cells, isolated: bool, index: int
    ) -> Cells:
        ruled = [
            (policy.tier, rule.action, self._of_rule(rule, index))
            for policy in tiered
            if not (isolated and policy.tier is Tier.BASELINE)
            for rule in policy.rules[self._direction]
        ]
        if isolated:
            ruled.append((Tier.NETWORK_POLICY, Action.ACCEPT, list(merged)))
        return _in_order(ruled, isolated, ALL, self._space)

    def _of_rule(self, rule: Rule, index: int) -> Pieces:
        if self._by_class(rule):
            return _pieces(self._direction, rule, index, self._classes, self._space)
        pieces = self._pieces.get(id(rule))
        if pieces is None:
            pieces = _pieces(self._direction, rule, index, self._classes, self._space)
            self._pieces[id(rule)] = pieces
        return pieces

    def _by_class(self, rule: Rule) -> bool:
        """Whether port names make a rule mean something else for each class it is about."""
        named = rule.ports is not None and any(entry.name for entry in rule.ports)
        return named and self._direction is Direction.INGRESS


def _pieces(
    direction: Direction, rule: Rule, index: int, classes: Classes, space: PortSpace
) -> Pieces:
    """The ports and peers of one rule; a port name may mean another number for each peer."""
    peers = ALL
    if rule.peers is not None:
        peers = union(classes.matching(peer) for peer in rule.peers)
    if rule.ports is None:
        return [(space.everything, peers)]
    if direction is Direction.INGRESS:
        named = classes.list[index].sample.ports
        found = [part for entry in rule.ports for part in entry.resolve(named)]
        return [(union(map(space.mask, found)), peers)]
    plain = union(space.mask(entry) for entry in rule.ports if not entry.name)
    by_number = [(space.mask(part), peers & to) for part, to in by_name(rule.ports, classes)]
    return [(plain, peers), *by_number]


def _union(pieces: Iterable[tuple[int, int]], space: PortSpace) -> Cells:
    """Overlapping pieces as cells."""
    raw: dict[int, int] = {}
    for mask, peers in pieces:
        if mask and peers:
            raw[mask] = raw.get(mask, 0) | peers
    if len(raw) < 2:
        return tuple(raw.items())
    return tuple(
        (cell, union(raw[mask] for mask in holders))
        for cell, holders in space.partition(frozenset(raw))
    )


def _in_order(
    ruled: list[tuple[Tier, Action, Pieces]], isolated: bool, everything: int, space: PortSpace
) -> Cells:
    """Rules of several tiers: the first match decides, Pass goes on to the next tier."""
    masks = frozenset(mask for _, _, pieces in ruled for mask, _ in pieces if mask)
    cells = []
    rest = space.everything
    for cell, _ in space.partition(masks):
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
        for protocol in (entry.protocol,) if entry.protocol else PROTOCOLS:
            for number, members in classes.named(entry.name, protocol).items():
                yield PortMatch(protocol, number, number), members


def entries_of(policies: Iterable[CompiledPolicy], classes: Classes) -> set[PortMatch]:
    """Every port entry that can cut the port space, names resolved in all ways."""
    entries = {entry for policy in policies for entry in port_matches(policy)}
    return {entry for entry in entries if not entry.name} | {
        entry for entry, _ in by_name(entries, classes)
    }
