"""What if: the connections that a change would open and close, with the reason for each.

Only pairs with a pod that the change touches are compared: one that a changed policy selects
(before or after), whose labels changed, or that is in a namespace whose labels changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from minik8s.analysis.cases import reason_text
from minik8s.analysis.ends import outside_name
from minik8s.analysis.matrix import Matrix
from minik8s.analysis.workloads import OWNING, Owners
from minik8s.model.metadata import Document, name_of, namespace_of, owners_of
from minik8s.policy.addresses import Span
from minik8s.policy.blockmap import BlockMap
from minik8s.policy.compile import NodeMatch
from minik8s.policy.peerclass import first_address
from minik8s.policy.ports import NOTHING, OTHER, PortSet
from minik8s.policy.values import Peer, Verdict
from minik8s.policy.vocabulary import peer_matches

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One pair of ends whose connections change; some of their pods at least."""

    source: str
    target: str
    opened: PortSet
    closed: PortSet
    opened_because: str = ""
    closed_because: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """All that a change does: pairs that change, and ends that come or go."""

    changes: tuple[Change, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)


@dataclass(frozen=True, slots=True)
class _End:
    """A workload, or addresses outside, with a place for each kind of member before and after.

    `places` holds the name of one peer before and after, and how many are of its kind.
    """

    name: str
    places: tuple[tuple[str, str, int], ...]
    touched: bool


def merged(current: Iterable[Document], new: Iterable[Document]) -> list[Document]:
    """The current documents with the new ones put in, as applying them would.

    Pods of a workload whose template changes go, so that the new template's take their place.
    """
    before = {_key(document): document for document in current}
    after = dict(before)
    for document in new:
        key = _key(document)
        old = before.get(key)
        after[key] = document
        if old is None:
            continue
        if "status" in old and "status" not in document:
            after[key] = {**document, "status": old["status"]}
        if key[0] in OWNING and _template(old) != _template(document):
            _drop_pods(after, key)
    return list(after.values())


def _key(document: Document) -> Key:
    kind = str(document.get("kind"))
    namespace = namespace_of(document)
    if (
        not namespace
        and kind not in ("Namespace", "Node", "PersistentVolume")
        and "Cluster" not in kind
    ):
        namespace = "default"
    return (kind, namespace, name_of(document))


def _template(document: Document) -> object:
    return (document.get("spec") or {}).get("template")


def _drop_pods(documents: dict[Key, Document], owner: Key) -> None:
    """Remove what a workload owns, at any depth."""
    kind, namespace, name = owner
    for key, document in list(documents.items()):
        owned = any((o.get("kind"), o.get("name")) == (kind, name) for o in owners_of(document))
        if owned and key[1] == namespace and documents.pop(key, None) is not None:
            _drop_pods(documents, key)


def difference(current: Iterable[Document], after: Iterable[Document]) -> Difference:
    """What changes between two states of a cluster."""
    one, other = Matrix.of(current), Matrix.of(after)
    touched = _touched(one, other)
    before_names, after_names = _members(one), _members(other)
    if _by_node(one) or _by_node(other):
        before_names, after_names = before_names | _nodes(one), after_names | _nodes(other)
    shared = [name for name in before_names if name in after_names]
    ends = [
        _end(name, before_names[name], after_names[name], touched, one, other) for name in shared
    ]
    ends += _outside_ends(one, other)
    comparer = _Comparer(one, other)
    changes = (
        comparer.change(source, target)
        for source in ends
        for target in ends
        if source.touched or target.touched
    )
    return Difference(
        tuple(change for change in changes if change is not None),
        tuple(name for name in after_names if name not in before_names),
        tuple(name for name in before_names if name not in after_names),
    )


def _members(matrix: Matrix) -> dict[str, dict[str, Peer]]:
    """The pods of each workload by key; workloads in order."""
    owners, found = Owners(matrix.documents), dict[str, dict[str, Peer]]()
    for document in matrix.documents:
        if document.get("kind") == "Pod":
            key = f"{namespace_of(document) or 'default'}/{name_of(document)}"
            peer = matrix.snapshot.pods.get(key)
            if peer is not None:
                found.setdefault(str(owners.workload(document)), {})[key] = peer
    return dict(sorted(found.items()))


def _nodes(matrix: Matrix) -> dict[str, dict[str, Peer]]:
    return {name: {name: node} for name, node in sorted(matrix.snapshot.nodes.items())}


def _by_node(matrix: Matrix) -> bool:
    """Whether a policy asks for nodes; to all others they are addresses like any outside."""
    policies = matrix.snapshot.policies
    return any(isinstance(m, NodeMatch) for policy in policies for m in peer_matches(policy))


def _touched(one: Matrix, other: Matrix) -> set[str]:
    """The pods and nodes that a change could concern, by key."""
    before = {p.ref: p for p in one.snapshot.policies}
    after = {p.ref: p for p in other.snapshot.policies}
    changed = [
        policy
        for found, reference in ((before, after), (after, before))
        for ref, policy in found.items()
        if reference.get(ref) != policy
    ]
    touched: set[str] = set()
    for matrix, opposite in ((one, other), (other, one)):
        twins = opposite.snapshot.pods | opposite.snapshot.nodes
        for key, peer in (matrix.snapshot.pods | matrix.snapshot.nodes).items():
            twin = twins.get(key)
            if twin != peer or any(policy.subject.matches(peer) for policy in changed):
                touched.add(key)
    return touched


def _end(
    name: str,
    before: Mapping[str, Peer],
    after: Mapping[str, Peer],
    touched: set[str],
    one: Matrix,
    other: Matrix,
) -> _End:
    common = [key for key in before if key in after]
    pairs = [(key, key) for key in common] or [(next(iter(before)), next(iter(after)))]
    kinds: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for key, twin in pairs:
        classes = (one.reach.classes.of_peer[key], other.reach.classes.of_peer[twin])
        itself = key if one.mixed or other.mixed else ""
        kinds.setdefault((*classes, before[key].node, itself), []).append((key, twin))
    places = tuple((*group[0], len(group)) for group in kinds.values())
    moved = not common or any(key in touched for key in common)
    return _End(name, places, moved)


def _outside_ends(one: Matrix, other: Matrix) -> Iterator[_End]:
    """The addresses outside, cut by the blocks of both states."""
    blocks = dict.fromkeys((*one.reach.words.blocks, *other.reach.words.blocks))
    regions = BlockMap({block: index for index, block in enumerate(blocks)}).regions()
    for cover, spans in regions.items():
        address = f"ip:{free_address(spans, one)}"
        yield _End(outside_name(spans, cover), ((address, address, 2),), False)


def free_address(spans: Iterable[tuple[int, Span]], matrix: Matrix) -> str:
    """The first address of some spans that nobody in the cluster has, or else the first."""
    taken = matrix.snapshot.by_address
    for version, (first, last) in spans:
        for value in range(first, min(last, first + len(taken)) + 1):
            if (version, value) not in taken:
                return first_address([(version, (value, value))])
    return first_address(list(spans))


class _Comparer:
    """Compares pairs of ends, remembering what sets of ports come to."""

    def __init__(self, one: Matrix, other: Matrix) -> None:
        self._one, self._other = one, other
        self._known: dict[tuple[PortSet, PortSet], tuple[PortSet, PortSet]] = {}

    def change(self, source: _End, target: _End) -> Change | None:
        """What changes between two ends; None if nothing does."""
        opened = closed = NOTHING
        reasons = {Verdict.ALLOW: "", Verdict.DROP: ""}
        for before, after, count in source.places:
            for target_before, target_after, _ in target.places:
                if source is target and before == target_before and count == 1:
                    continue
                was = self._ports(self._one, before, target_before)
                now = self._ports(self._other, after, target_after)
                if was == now:
                    continue
                more, less = self._compare(was, now)
                if more and not opened:
                    reasons[Verdict.ALLOW] = self._why(
                        (before, target_before), (after, target_after), more
                    )
                if less and not closed:
                    reasons[Verdict.DROP] = self._why(
                        (before, target_before), (after, target_after), less
                    )
                opened, closed = opened | more, closed | less
        if not opened and not closed:
            return None
        return Change(
            source.name, target.name, opened, closed, reasons[Verdict.ALLOW], reasons[Verdict.DROP]
        )

    def _ports(self, matrix: Matrix, source: str, target: str) -> PortSet:
        if source == target:
            return matrix.ports_between_alike(source)
        return matrix.ports(source, target)

    def _compare(self, was: PortSet, now: PortSet) -> tuple[PortSet, PortSet]:
        found = self._known.get((was, now))
        if found is None:
            found = self._known[was, now] = (now - was, was - now)
        return found

    def _why(self, before: tuple[str, str], after: tuple[str, str], ports: PortSet) -> str:
        """Why it was so and why it is different, by one port of those that change."""
        protocol, first, last = ports.intervals[0]
        port = None if protocol == OTHER else min(max(first, 1), last)
        texts = []
        for matrix, (source, target) in ((self._one, before), (self._other, after)):
            known = matrix.snapshot
            ends = [known.peer(place) or known.nodes.get(place) for place in (source, target)]
            if ends[0] is not None and ends[1] is not None:
                name = "ICMP" if protocol == OTHER else protocol
                decision = matrix.snapshot.policies.decide(ends[0], ends[1], name, port)
                texts.append(reason_text(decision))
        return "; now ".join(texts)
