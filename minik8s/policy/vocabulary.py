"""What policies mention: the label values, blocks and port names that can tell peers apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from minik8s.model.selectors import Selector
from minik8s.policy.addresses import Block
from minik8s.policy.compile import BlockMatch, CompiledPolicy, NodeMatch, PeerMatch, PodMatch
from minik8s.policy.ports import PortMatch

Values = dict[str, set[str]]
"""Mentioned values of each mentioned label key."""


@dataclass(slots=True)
class Vocabulary:
    """The words of a collection of policies; it only grows.

    `namespaces` are those that a policy pins by name (its own).
    """

    labels: Values = field(default_factory=dict)
    namespace_labels: Values = field(default_factory=dict)
    node_labels: Values = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=set)
    blocks: dict[Block, int] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, policies: Iterable[CompiledPolicy]) -> Vocabulary:
        """The words of these policies."""
        words = cls()
        for policy in policies:
            words.add(policy)
        return words

    def beyond(self, known: Vocabulary) -> Vocabulary | None:
        """The words that others lack; None if there are none. Blocks keep on counting there.

        A key without new values stands in for itself: it was not mentioned before.
        """
        blocks = [block for block in self.blocks if block not in known.blocks]
        news = Vocabulary(
            _new(self.labels, known.labels),
            _new(self.namespace_labels, known.namespace_labels),
            _new(self.node_labels, known.node_labels),
            self.namespaces - known.namespaces,
            {block: number for number, block in enumerate(blocks, len(known.blocks))},
            self.names - known.names,
        )
        return None if news == Vocabulary() else news

    def merge(self, news: Vocabulary) -> None:
        """Take in words that go beyond these."""
        for mine, more in (
            (self.labels, news.labels),
            (self.namespace_labels, news.namespace_labels),
            (self.node_labels, news.node_labels),
        ):
            for key, values in more.items():
                mine.setdefault(key, set()).update(values)
        self.namespaces |= news.namespaces
        self.blocks |= news.blocks
        self.names |= news.names

    def add(self, policy: CompiledPolicy) -> None:
        """Take in the words of one policy."""
        self._match(policy.subject)
        for match in peer_matches(policy):
            self._match(match)
        for entry in port_matches(policy):
            if entry.name:
                protocols = (entry.protocol,) if entry.protocol else ("TCP", "UDP", "SCTP")
                self.names |= {(entry.name, protocol) for protocol in protocols}

    def _match(self, match: PeerMatch) -> None:
        if isinstance(match, PodMatch):
            if match.namespace is not None:
                self.namespaces.add(match.namespace)
            _mention(self.labels, match.pods)
            _mention(self.namespace_labels, match.namespaces)
        elif isinstance(match, BlockMatch):
            for block in match.blocks:
                self.blocks.setdefault(block, len(self.blocks))
        elif isinstance(match, NodeMatch):
            _mention(self.node_labels, match.nodes)


def _new(now: Values, known: Values) -> Values:
    return {
        key: values - known.get(key, set())
        for key, values in now.items()
        if key not in known or values - known[key]
    }


def _mention(values: Values, selector: Selector | None) -> None:
    for requirement in selector.requirements if selector is not None else ():
        values.setdefault(requirement.key, set()).update(requirement.values)


def peer_matches(policy: CompiledPolicy) -> Iterator[PeerMatch]:
    """Every peer of every rule of a policy."""
    for rules in policy.rules.values():
        for rule in rules:
            yield from rule.peers or ()


def port_matches(policy: CompiledPolicy) -> Iterator[PortMatch]:
    """Every port entry of every rule of a policy."""
    for rules in policy.rules.values():
        for rule in rules:
            yield from rule.ports or ()
