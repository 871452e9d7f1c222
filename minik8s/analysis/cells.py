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


def cells_of(
    direction: Direction, policies: Policies, index: int, classes: Classes, space: PortSpace
) -> Cells:
    """What policies, in order, let through for the class with an index that they select."""
    if not policies:
        return ((space.everything, ALL),)
    isolated = any(policy.tier is Tier.NETWORK_POLICY for policy in policies)
    ruled = [
        (policy.tier, rule.action, _pieces(direction, rule, index, classes, space))
        for policy in policies
        if not (isolated and policy.tier is Tier.BASELINE)
        for rule in policy.rules[direction]
    ]
    if all(policy.tier is Tier.NETWORK_POLICY for policy in policies):
        return _union((piece for _, _, pieces in ruled for piece in pieces), space)
    return _in_order(ruled, isolated, ALL, space)


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
