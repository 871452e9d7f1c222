"""Classes of peers that no policy can tell apart.

A *class* is one bit: pods with the same mentioned labels, namespace labels, port names and
blocks; nodes and host-network pods by block and node labels; the addresses outside by the
blocks that cover them. A policy decides alike for all members of a class, so a cluster of
many pods is decided by few classes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from minik8s.policy.addresses import Block
from minik8s.policy.blockmap import BlockMap
from minik8s.policy.compile import PeerMatch
from minik8s.policy.peerclass import Nature, Parts, PeerClass, Splits
from minik8s.policy.peerindex import Keys, PeerIndex
from minik8s.policy.postings import Postings
from minik8s.policy.values import Peer
from minik8s.policy.vocabulary import Values, Vocabulary

Labels = Mapping[str, str]


class Classes:
    """The classes of all peers of a snapshot under a vocabulary, which may grow.

    `of_peer` finds the class of a pod or node by key, `outside` that of addresses by cover.
    """

    __slots__ = ("_by_said", "_empty", "_index", "_map", "_postings", "_said", "_words",
                 "list", "of_peer", "outside")  # fmt: skip

    def __init__(self, words: Vocabulary, pods: Iterable[Peer], nodes: Iterable[Peer]) -> None:
        self._words = words
        self._map = BlockMap(words.blocks)
        self.outside: dict[int, int] = {}
        peers = [*pods, *nodes]
        self._index = PeerIndex(peers)
        self._by_said: dict[Hashable, int] = {}
        self._said: dict[int, Hashable] = {}
        self._empty: set[int] = set()
        self.list: list[PeerClass] = []
        self.of_peer: dict[str, int] = {}
        self._gather(peers)
        for cover, spans in self._map.regions().items():
            self.outside[cover] = len(self.list)
            self.list.append(PeerClass.outside(spans))
        self._postings = Postings(words.blocks)
        for index in range(len(self.list)):
            self._post(index)

    def _gather(self, peers: Iterable[Peer]) -> None:
        namespaces: dict[tuple[str, int], Hashable] = {}
        for peer in peers:
            said = self._say(peer, namespaces)
            index = self._by_said.get(said)
            if index is None:
                index = self._begin(peer, said)
            name = peer.key
            self.list[index].members[name] = peer
            self.of_peer[name] = index

    def _begin(self, peer: Peer, said: Hashable) -> int:
        """A class for a peer of which something is said that is said of no other."""
        index = self._by_said[said] = len(self.list)
        self._said[index] = said
        self.list.append(PeerClass.of(peer))
        return index

    def _say(self, peer: Peer, namespaces: dict[tuple[str, int], Hashable]) -> Hashable:
        """All that the vocabulary can say about a peer."""
        cover = self._map.covering(peer.address) if self._words.blocks else 0
        if not peer.is_pod:
            labels = peer.node_labels
            return (cover, None if labels is None else _said(labels, self._words.node_labels))
        # a class without members may bear earlier labels of the same namespace
        place = (peer.namespace, id(peer.namespace_labels))
        namespace = namespaces.get(place)
        if namespace is None:
            pinned = peer.namespace if peer.namespace in self._words.namespaces else ""
            said = _said(peer.namespace_labels, self._words.namespace_labels)
            namespace = namespaces[place] = (pinned, said)
        names = self._words.names
        ports = frozenset(item for item in peer.ports.items() if item[0] in names)
        return (namespace, _said(peer.labels, self._words.labels), ports, cover)

    def _post(self, index: int) -> None:
        entry = self.list[index]
        cover = self._map.covering(entry.sample.address)
        self._postings.put(index, entry.sample, cover, outside=entry.nature is Nature.OUTSIDE)

    @property
    def pods(self) -> int:
        """The classes of pods, as bits."""
        return self._postings.pods

    @property
    def hosts(self) -> int:
        """The classes of nodes and host-network pods, as bits."""
        return self._postings.hosts

    @property
    def everything(self) -> int:
        """All classes, as bits."""
        return self._postings.everything

    def matching(self, match: PeerMatch) -> int:
        """The classes that a peer of a rule, or a subject, matches, as bits."""
        return self._postings.matching(match)

    def named(self, name: str, protocol: str) -> Mapping[int, int]:
        """The numbers that pods give a port name, each with the classes that do."""
        return self._postings.named.get((name, protocol), {})

    def port_names(self, index: int) -> Hashable:
        """The named ports of a class that policies mention."""
        names = self._words.names
        if not names:
            return None
        ports = self.list[index].sample.ports
        return frozenset(item for item in ports.items() if item[0] in names)

    def find(self, peer: Peer) -> int:
        """The class of a peer of the snapshot, or of an address outside."""
        index = self.of_peer.get(peer.key)
        if index is None:
            index = self.outside[self._map.covering(peer.address)]
        return index

    def drop(self, peer: Peer) -> None:
        """Take a peer out; its class stays, without members if it was the last one."""
        name = peer.key
        index = self.of_peer.pop(name)
        entry = self.list[index]
        self._index.discard(entry.members.pop(name))
        if not entry.members:
            self._empty.add(index)
        elif entry.sample.key == name:
            # words that come later may tell the sample from those that stay
            entry.sample = next(iter(entry.members.values()))
            self._post(index)

    def put(self, peer: Peer) -> bool:
        """Add a peer; whether it needed a class of its own."""
        said, name = self._say(peer, {}), peer.key
        self._index.add(peer)
        index = self._by_said.get(said)
        new = index is None
        if index is None:
            index = self._begin(peer, said)
        entry = self.list[index]
        if not entry.members:
            self._empty.discard(index)
            entry.sample = peer
            self._post(index)
        entry.members[name] = peer
        self.of_peer[name] = index
        return new

    def grow(self, said: Vocabulary) -> Splits:
        """Split the classes that words new to the vocabulary tell apart.

        Returns pairs of an old class and the new one that part of its members moved to.
        """
        news = said.beyond(self._words)
        if news is None:
            return []
        concerned = list(self._concerned(news))
        self._words.merge(news)
        splits: Splits = []
        if news.blocks:
            self._map = BlockMap(self._words.blocks)
            splits += self._split_outside(news.blocks)
        parts = Parts(self.list, self.of_peer)
        for peers in concerned:
            parts.tell_apart(peers)
        for index in parts.changed:
            self._post(index)
        for index in (*parts.concerned, *self._empty):
            self._postings.cover(index, self._map.covering(self.list[index].sample.address))
        self._say_anew((*parts.concerned, *self._empty))
        return splits + parts.splits

    def _concerned(self, news: Vocabulary) -> Iterator[Keys]:
        """The peers that each new word is about."""
        index, known = self._index, self._words
        for key, values in news.labels.items():
            if key not in known.labels:
                yield index.labelled(key)
            for value in values:
                yield index.valued(key, value)
        for name in news.namespaces:
            yield index.inside(name)
        if news.namespace_labels:
            yield from self._concerned_namespaces(news.namespace_labels)
        for port in news.names:
            yield from index.naming(port)
        for block in news.blocks:
            yield index.within(block)
        if news.node_labels:
            yield from self._concerned_hosts(news.node_labels)

    def _concerned_namespaces(self, news: Values) -> Iterator[list[str]]:
        spaces = [(pod.namespace, pod.namespace_labels) for pod in self._index.samples()]
        for names in _bearing(spaces, news, self._words.namespace_labels):
            yield [key for name in names for key in self._index.inside(name)]

    def _concerned_hosts(self, news: Values) -> Iterator[list[str]]:
        hosts = [(key, host.node_labels or {}) for key, host in self._index.hosts.items()]
        yield from _bearing(hosts, news, self._words.node_labels)

    def _say_anew(self, indexes: Sequence[int]) -> None:
        """What the grown vocabulary says of some classes, in place of what it said."""
        for index in indexes:
            self._by_said.pop(self._said.get(index), None)
        namespaces: dict[tuple[str, int], Hashable] = {}
        for index in indexes:
            said = self._said[index] = self._say(self.list[index].sample, namespaces)
            self._by_said[said] = index

    def _split_outside(self, news: Mapping[Block, int]) -> Splits:
        """The addresses outside by the grown blocks."""
        before = (1 << min(news.values())) - 1
        old, self.outside = self.outside, {}
        splits: Splits = []
        placed: set[int] = set()
        for cover, spans in self._map.regions().items():
            place = origin = old[cover & before]
            if origin in placed:
                place = len(self.list)
                splits.append((origin, place))
                self.list.append(PeerClass.outside(spans))
                self._post(place)
            elif self.list[place].spans != spans:
                self.list[place] = PeerClass.outside(spans)
                self._post(place)
            placed.add(place)
            self.outside[cover] = place
            self._postings.cover(place, cover)
        return splits


def _said(labels: Labels, mentioned: Values) -> Hashable:
    """The part of labels that selectors can see; an unmentioned value shows as present only."""
    return frozenset(
        (key, value if value in mentioned[key] else None)
        for key, value in labels.items()
        if key in mentioned
    )


def _bearing(
    named: Sequence[tuple[str, Labels]], news: Values, known: Values
) -> Iterator[list[str]]:
    """The names of what has a new label or label value, one list for each."""
    for key, values in news.items():
        bearing = [(name, labels[key]) for name, labels in named if key in labels]
        if key not in known:
            yield [name for name, _ in bearing]
        for value in values:
            yield [name for name, text in bearing if text == value]
