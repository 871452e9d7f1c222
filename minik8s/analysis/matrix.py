"""All pairs: who reaches whom, on which ports, exactly.

`Matrix.ports` answers for one pair of pods, nodes or addresses; `Matrix.access` for two
workloads, whose pods may disagree; `Matrix.table` lays all workloads out, with the addresses
outside grouped into blocks that policies treat alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from minik8s.analysis.ends import Access, End
from minik8s.analysis.reach import Reach
from minik8s.analysis.roster import Roster, pod_key
from minik8s.analysis.workloads import complete
from minik8s.model.metadata import Document, name_of
from minik8s.policy.addresses import parse_address
from minik8s.policy.bits import bits
from minik8s.policy.compile import CompiledPolicy
from minik8s.policy.policyset import KINDS
from minik8s.policy.ports import EVERYTHING, NOTHING, PortSet
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Peer


class Matrix:
    """All pairs of one snapshot.

    >>> matrix = Matrix.of([
    ...     {"kind": "Pod", "metadata": {"name": name, "namespace": "shop"}}
    ...     for name in ("web", "api")
    ... ])
    >>> str(matrix.ports("shop/web", "shop/api"))
    'all'
    """

    __slots__ = ("_changed", "_documents", "_ends", "_known", "_mixed", "_others", "_roster",
                 "reach", "snapshot")  # fmt: skip

    def __init__(self, documents: Sequence[Document], version: int | None = None) -> None:
        self._documents = list(documents)
        self._changed: dict[tuple[str, str], Document | None] = {}
        self.snapshot = Snapshot.of(documents, version)
        self.reach = Reach(self.snapshot)
        self._roster: Roster | None = None
        self._ends: list[End] | None = None
        self._others: dict[int, Matrix] = {}
        self._known: dict[tuple[object, object], Access] = {}
        self._mixed: bool | None = None

    @classmethod
    def of(cls, documents: Iterable[Document], version: int | None = None) -> Matrix:
        """The matrix of documents; workloads without pods get the pods they would make.

        Pods with addresses of both IP versions stand under the first, or under `version`.
        """
        return cls(complete(documents), version)

    def apply(self, policy: Document) -> None:
        """Put in a policy, or change it; only what it touches is computed anew."""
        policies = self.snapshot.policies
        old = policies.find(policy)
        self._replaced(old, policies.upsert(policy))

    def remove(self, policy: Document) -> None:
        """Take a policy out."""
        policies = self.snapshot.policies
        old = policies.find(policy)
        if old is not None:
            policies.remove(old.ref.namespace, old.ref.name, old.ref.kind)
            self._replaced(old, None)

    def put_pod(self, pod: Document) -> None:
        """Put in a pod, or change it: labels, address, ports."""
        self._swap(pod, pod)

    def remove_pod(self, pod: Document) -> None:
        """Take a pod out."""
        self._swap(pod, None)

    def put_namespace(self, namespace: Document) -> None:
        """Put in a namespace, or change its labels."""
        self._changed["Namespace", name_of(namespace)] = namespace
        moved = self.snapshot.put_namespace(namespace)
        before = self._classes_so_far()
        self.reach.move([old for old, _ in moved], [new for _, new in moved])
        if self._roster is not None:
            self._roster.replace(new for _, new in moved)
        self._forget(before)

    def _swap(self, pod: Document, now: Document | None) -> None:
        self._changed["Pod", pod_key(pod)] = now
        old = self.snapshot.drop_pod(pod)
        new = self.snapshot.put_pod(pod) if now is not None else None
        before = self._classes_so_far()
        self.reach.move([old] if old else [], [new] if new else [])
        if self._roster is not None:
            self._roster.drop(pod)
            if new is not None:
                self._roster.put(pod)
        self._forget(before)

    @property
    def documents(self) -> list[Document]:
        """What this is the matrix of; policies put in later are in `snapshot` alone."""
        if self._changed:
            known = {_identity(document): document for document in self._documents}
            for key, document in self._changed.items():
                if document is None:
                    known.pop(key, None)
                else:
                    known[key] = document
            self._documents = list(known.values())
            self._changed.clear()
        return self._documents

    def _replaced(self, old: CompiledPolicy | None, new: CompiledPolicy | None) -> None:
        before = self._classes_so_far()
        self.reach.replace(old, new)
        self._forget(before)

    def _classes_so_far(self) -> int:
        return len(self.reach.classes.list)

    def _forget(self, before: int) -> None:
        """Drop what a change made stale; `before` is how many classes there were."""
        if self._roster is not None:
            for entry in self.reach.classes.list[before:]:
                self._roster.touch(entry.members)
        self._ends = self._mixed = None
        self._others.clear()
        self._known.clear()

    def ports(self, source: str, target: str) -> PortSet:
        """The ports that policy lets through from one pod or `ip:ADDRESS` to another.

        Raises KeyError for a pod that is not there.
        """
        one, other = self._peer(source), self._peer(target)
        if one.is_pod and one.key == other.key:
            return EVERYTHING
        if not one.is_pod and not other.is_pod:
            return EVERYTHING
        if other.is_pod and _own_node(one, other):
            return EVERYTHING
        first, second = self.snapshot.pair(one, other, source, target)
        for peer in (first, second):
            known = self.snapshot.pods.get(peer.key) or self.snapshot.nodes.get(peer.key)
            if known is not None and known.address != peer.address:
                return self._under(parse_address(peer.address)[0], first, second)
        mask = self.reach.mask(self.reach.classes.find(one), self.reach.classes.find(other))
        return self.reach.space.ports(mask)

    def _under(self, version: int, one: Peer, other: Peer) -> PortSet:
        """The answer for pods under their addresses of another IP version."""
        reach = self._of_version(version)
        return reach.space.ports(reach.mask(reach.classes.find(one), reach.classes.find(other)))

    def _of_version(self, version: int) -> Reach:
        """All pairs with the addresses of one IP version first."""
        matrix = self._others.get(version)
        if matrix is None:
            others = [d for d in self.documents if d.get("kind") not in KINDS]
            matrix = self._others[version] = Matrix(others, version)
            matrix.snapshot.policies = self.snapshot.policies
            matrix.reach = Reach(matrix.snapshot)
        return matrix.reach

    @property
    def mixed(self) -> bool:
        """Whether pods or nodes with several addresses do not all come first under one IP version.

        Two ends then may meet under other addresses than their first.
        """
        if self._mixed is None:
            peers = (*self.snapshot.pods.values(), *self.snapshot.nodes.values())
            versions = {parse_address(peer.address)[0] for peer in peers}
            self._mixed = bool(self.snapshot.variants) and len(versions) > 1
        return self._mixed

    def ports_between_alike(self, pod: str) -> PortSet:
        """The ports from a pod to another one that is like it in every respect."""
        index = self.reach.classes.of_peer[pod]
        if not self._peer(pod).is_pod:
            return EVERYTHING
        return self.reach.space.ports(self.reach.mask(index, index))

    def allows(self, source: str, target: str, protocol: str, port: int | None) -> bool:
        """Whether policy lets one connection through."""
        return (protocol, port) in self.ports(source, target)

    def _peer(self, text: str) -> Peer:
        peer = self.snapshot.peer(text) or self.snapshot.nodes.get(text)
        if peer is None:
            raise KeyError(text)
        return peer

    @property
    def ends(self) -> list[End]:
        """Workloads in order of namespace and name, nodes, then blocks of outside addresses."""
        if self._roster is None:
            self._roster = Roster(self.documents, self.snapshot, self.reach.classes)
        if self._ends is None:
            self._ends = self._roster.ends()
        return self._ends

    def access(self, source: End, target: End) -> Access:
        """What the pods of one end reach at the other; a pod's way to itself does not count."""
        if self.mixed and source.members and target.members:
            return self._pair_by_pair(source, target)
        if source is target or any(
            self.reach.classes.hosts >> one & 1 for one, _ in source.classes
        ):
            return self._access(source, target)
        key = (source.classes, target.classes)
        access = self._known.get(key)
        if access is None:
            access = self._known[key] = self._access(source, target)
        return access

    def _pair_by_pair(self, source: End, target: End) -> Access:
        every, some = EVERYTHING, NOTHING
        pairs = [(a.key, b.key) for a in source.members for b in target.members if a.key != b.key]
        for pair in pairs:
            ports = self.ports(*pair)
            every, some = every & ports, some | ports
        return Access(every, some if pairs else EVERYTHING)

    def _access(self, source: End, target: End) -> Access:
        every, some = self.reach.space.everything, 0
        counted = False
        for one, many in source.classes:
            for other, few in target.classes:
                if source is target and one == other and many == few == 1:
                    continue
                counted = True
                for mask in self._masks(source, one, target, other):
                    every &= mask
                    some |= mask
        if not counted:
            return Access(EVERYTHING, EVERYTHING)
        return Access(self.reach.space.ports(every), self.reach.space.ports(some))

    def _masks(self, source: End, one: int, target: End, other: int) -> tuple[int, ...]:
        """The port masks that occur between two classes of two ends.

        What comes from a pod's own node passes, so pods of one class may be reached
        differently by nodes and pods on the node's network.
        """
        classes, everything = self.reach.classes, self.reach.space.everything
        usual = self.reach.mask(one, other)
        if not classes.hosts >> one & 1:
            return (usual,)
        if not classes.pods >> other & 1:
            return (everything,)
        here, there = self._by_node(source, one), self._by_node(target, other)
        same = sum(count * there[node] for node, count in here.items() if node)
        if same == 0:
            return (usual,)
        total = here.total() * there.total()
        return (everything,) if same == total else (everything, usual)

    def _by_node(self, end: End, index: int) -> Counter[str]:
        of_peer = self.reach.classes.of_peer
        return Counter(peer.node for peer in end.members if of_peer[peer.key] == index)

    def table(self) -> Iterator[tuple[End, End, Access]]:
        """Every pair of ends, row by row; pairs without a pod are left out."""
        for source in self.ends:
            for target in self.ends:
                if not (_never_pods(source) and _never_pods(target)):
                    yield source, target, self.access(source, target)

    def open_pairs(self, protocol: str, port: int | None) -> int:
        """How many ordered pairs of different pods can connect on a port."""
        if self.mixed:
            return self._open_among_mixed(protocol, port)
        atom = self.reach.space.at(protocol, port)
        classes = self.reach.classes
        planes = _planes(
            [len(e.members) if classes.pods >> i & 1 else 0 for i, e in enumerate(classes.list)]
        )
        total = 0
        for index in bits(classes.pods):
            size = len(classes.list[index].members)
            for mask, targets in self.reach.rows[index]:
                if mask & atom:
                    total += size * _weigh(targets, planes)
                    total -= size if targets >> index & 1 else 0
        return total

    def _open_among_mixed(self, protocol: str, port: int | None) -> int:
        """The same where pods meet under other addresses than their first."""
        groups: dict[object, list[str]] = {}
        for key, pod in self.snapshot.pods.items():
            if pod.is_pod:
                variants = self.snapshot.variants.get(key, [pod])
                versions = [parse_address(variant.address)[0] for variant in variants]
                reaches = (self.reach, *map(self._of_version, (4, 6)))
                alike = (*versions, *(reach.classes.of_peer[key] for reach in reaches))
                groups.setdefault(alike, []).append(key)
        return sum(
            len(one) * (len(other) - (one is other))
            for one in groups.values()
            for other in groups.values()
            if one[0] != other[-1] and self.allows(one[0], other[-1], protocol, port)
        )


def _identity(document: Document) -> tuple[str, str]:
    kind = str(document.get("kind"))
    return (kind, name_of(document) if kind == "Namespace" else pod_key(document))


def _own_node(source: Peer, target: Peer) -> bool:
    return not source.is_pod and target.node != "" and source.node == target.node


def _never_pods(end: End) -> bool:
    return not any(peer.is_pod for peer in end.members)


def _planes(sizes: Sequence[int]) -> list[int]:
    """Class sizes as one bit set for each binary digit, so that a sum is a few popcounts."""
    planes = [0] * max(sizes, default=0).bit_length()
    for index, size in enumerate(sizes):
        for digit in bits(size):
            planes[digit] |= 1 << index
    return planes


def _weigh(members: int, planes: Sequence[int]) -> int:
    return sum((members & plane).bit_count() << digit for digit, plane in enumerate(planes))
