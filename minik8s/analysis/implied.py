"""What one policy says another says as well, told from the policies alone.

Pods come and go; a narrower rule stays narrower. Whatever these functions call implied is so in
every cluster; what they do not may still be so in the cluster at hand.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.model.metadata import NAME_LABEL
from minik8s.model.requirements import Operator, Requirement, Selector
from minik8s.policy.compile import BlockMatch, CompiledPolicy, PeerMatch, PodMatch, Rule
from minik8s.policy.ports import PortMatch

ONE_OF = (Operator.IN, Operator.EQUALS, Operator.DOUBLE_EQUALS)
"""The operators that want one of their values."""

_NONE_OF = (Operator.NOT_IN, Operator.NOT_EQUALS)


def implies(wide: CompiledPolicy, narrow: CompiledPolicy) -> bool:
    """Whether a policy selects all pods of another, isolates them alike and allows as much."""
    return _pods_within(narrow.subject, wide.subject) and all(
        direction in wide.rules
        and all(any(_rule_within(rule, each) for each in wide.rules[direction]) for rule in rules)
        for direction, rules in narrow.rules.items()
    )


def selects_all_of(wide: CompiledPolicy, narrow: CompiledPolicy) -> bool:
    """Whether a policy selects every pod that another one selects."""
    return _pods_within(narrow.subject, wide.subject)


def contradictory(selector: Selector | None) -> bool:
    """Whether no labels at all can meet a selector."""
    if selector is None:
        return False
    if not selector.selectable:
        return True
    keys = {requirement.key for requirement in selector.requirements}
    return any(_nothing_left(key, selector.requirements) for key in keys)


def _nothing_left(key: str, requirements: Iterable[Requirement]) -> bool:
    mine = [requirement for requirement in requirements if requirement.key == key]
    allowed = [set(each.values) for each in mine if each.operator in ONE_OF]
    absent = any(each.operator is Operator.DOES_NOT_EXIST for each in mine)
    present = allowed or any(each.operator is Operator.EXISTS for each in mine)
    if absent:
        return bool(present)
    refused = {v for each in mine if each.operator in _NONE_OF for v in each.values}
    return bool(allowed) and not set.intersection(*allowed) - refused


def _rule_within(narrow: Rule, wide: Rule) -> bool:
    if narrow.action is not wide.action:
        return False
    peers = wide.peers is None or (
        narrow.peers is not None
        and all(any(_peer_within(one, other) for other in wide.peers) for one in narrow.peers)
    )
    ports = wide.ports is None or (
        narrow.ports is not None
        and all(any(_port_within(one, other) for other in wide.ports) for one in narrow.ports)
    )
    return peers and ports


def _peer_within(narrow: PeerMatch, wide: PeerMatch) -> bool:
    if isinstance(narrow, PodMatch) and isinstance(wide, PodMatch):
        return _pods_within(narrow, wide)
    if isinstance(narrow, BlockMatch) and isinstance(wide, BlockMatch):
        return all(
            any(
                one == other
                or (not other.holes and all(other.covers((one.version, e)) for e in one.span))
                for other in wide.blocks
            )
            for one in narrow.blocks
        )
    return narrow == wide


def _pods_within(narrow: PodMatch, wide: PodMatch) -> bool:
    if wide.namespace is not None and wide.namespace != narrow.namespace:
        return False
    return _namespaces_within(narrow, wide.namespaces) and _within(narrow.pods, wide.pods)


def _namespaces_within(narrow: PodMatch, wide: Selector | None) -> bool:
    if narrow.namespace is None or wide is None:
        return _within(narrow.namespaces, wide)
    own = {NAME_LABEL: narrow.namespace}
    return wide.selectable and all(
        requirement.key == NAME_LABEL and requirement.matches(own)
        for requirement in wide.requirements
    )


def _within(narrow: Selector | None, wide: Selector | None) -> bool:
    """Whether a selector asks for everything that another one asks for."""
    if wide is None or wide.empty:
        return True
    if narrow is None or not wide.selectable:
        return False
    mine = {_normal(each) for each in narrow.requirements}
    return all(_normal(each) in mine for each in wide.requirements)


def _normal(requirement: Requirement) -> tuple[str, Operator, frozenset[str]]:
    operator = Operator.IN if requirement.operator in ONE_OF else requirement.operator
    return (requirement.key, operator, frozenset(requirement.values))


def _port_within(narrow: PortMatch, wide: PortMatch) -> bool:
    if narrow == wide:
        return True
    if narrow.name or wide.name or narrow.protocol != wide.protocol:
        return False
    return wide.first <= narrow.first and narrow.last <= wide.last
