"""Classes of peers, and how new words take them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from minik8s.policy.addresses import Span
from minik8s.policy.peerindex import Keys
from minik8s.policy.values import Peer

Splits = list[tuple[int, int]]
"""Pairs of a class and a new one that holds some of its former members."""


class Nature(Enum):
    """What the members of a class are."""

    PODS = "pods"
    HOSTS = "hosts"
    OUTSIDE = "outside"


@dataclass(slots=True)
class PeerClass:
    """Members that no policy tells apart; addresses outside are held as spans.

    A class that loses its last member stays, with the last sample it had.
    """

    nature: Nature
    sample: Peer
    members: dict[str, Peer] = field(default_factory=dict)
    spans: list[tuple[int, Span]] = field(default_factory=list)

    @classmethod
    def of(cls, sample: Peer) -> PeerClass:
        """A class for a pod, a node or a host-network pod, without members yet."""
        return cls(Nature.PODS if sample.is_pod else Nature.HOSTS, sample)

    @classmethod
    def outside(cls, spans: list[tuple[int, Span]]) -> PeerClass:
        """The class of some addresses that nobody in the cluster need have."""
        return cls(Nature.OUTSIDE, Peer(first_address(spans)), {}, spans)


def first_address(spans: Sequence[tuple[int, Span]]) -> str:
    """The first address of some spans as text."""
    version, (first, _) = spans[0]
    return str(IPv4Address(first) if version == 4 else IPv6Address(first))


class Parts:
    """Classes taken apart: each list of peers that a new word is about splits what it cuts.

    `splits` pairs the class as it was with a new one that has some of its members; `changed`
    are classes with another sample, new ones in order, `concerned` all that a word is about.
    """

    __slots__ = ("_list", "_of_peer", "_origin", "changed", "concerned", "splits")

    def __init__(self, classes: list[PeerClass], of_peer: dict[str, int]) -> None:
        self._list, self._of_peer = classes, of_peer
        self._origin: dict[int, int] = {}
        self.splits: Splits = []
        self.changed: list[int] = []
        self.concerned: dict[int, None] = {}

    def tell_apart(self, keys: Keys) -> None:
        """Split every class of which some members are among the peers, and others are not."""
        if 2 * len(keys) > len(self._of_peer):
            # the others split the same classes, and are fewer
            self.concerned |= dict.fromkeys(sorted(set(self._of_peer.values())))
            keys = _rest(self._of_peer, keys)
        inside: dict[int, list[str]] = {}
        for key in keys:
            index = self._of_peer[key]
            part = inside.get(index)
            if part is None:
                inside[index] = [key]
            else:
                part.append(key)
        for index, part in inside.items():
            self.concerned[index] = None
            if len(part) < len(self._list[index].members):
                self._split(index, part)

    def _split(self, index: int, keys: Sequence[str]) -> None:
        """Move a part, or the rest if that is fewer, to a class of its own."""
        entry, place = self._list[index], len(self._list)
        members = entry.members
        if 2 * len(keys) > len(members):
            keys = _rest(members, keys)
        part = {key: members.pop(key) for key in keys}
        self._of_peer |= dict.fromkeys(keys, place)
        self._list.append(PeerClass(entry.nature, next(iter(part.values())), part))
        origin = self._origin[place] = self._origin.get(index, index)
        self.splits.append((origin, place))
        self.concerned[place] = None
        self.changed.append(place)
        if entry.sample.key in part:
            entry.sample = next(iter(members.values()))
            self.changed.append(index)


def _rest(everybody: Iterable[str], keys: Keys) -> list[str]:
    chosen = set(keys)
    return [key for key in everybody if key not in chosen]
