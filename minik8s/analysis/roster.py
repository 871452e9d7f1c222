"""The ends of a matrix, kept current: workloads, nodes, and blocks of addresses outside."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator

from minik8s.analysis.ends import OUTSIDE, End, outside_name
from minik8s.analysis.workloads import Owners, Workload
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.policy.classes import Classes
from minik8s.policy.peerclass import PeerClass
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Peer


class Roster:
    """Workloads with their pods, and an end for each; only those that change are made anew."""

    __slots__ = ("_classes", "_ends", "_order", "_outside", "_owners", "_pods", "_snapshot",
                 "_workloads")  # fmt: skip

    def __init__(self, documents: Iterable[Document], snapshot: Snapshot, classes: Classes) -> None:
        documents = list(documents)
        self._snapshot, self._classes = snapshot, classes
        self._owners = Owners(documents)
        self._pods: dict[Workload, dict[str, Peer]] = {}
        self._workloads: dict[str, Workload] = {}
        self._ends: dict[Workload, End] = {}
        self._outside: dict[int, tuple[PeerClass, End]] = {}
        for document in documents:
            if document.get("kind") == "Pod":
                self._note(document)
        self._order = sorted(self._pods)

    def _note(self, document: Document) -> Workload | None:
        key = pod_key(document)
        peer = self._snapshot.pods.get(key)
        if peer is None:
            return None
        workload = self._workloads[key] = self._owners.workload(document)
        self._pods.setdefault(workload, {})[key] = peer
        return workload

    def put(self, document: Document) -> None:
        """Take in a pod that the snapshot has taken in."""
        workload = self._note(document)
        if workload is not None:
            self._ends.pop(workload, None)
            place = bisect_left(self._order, workload)
            if self._order[place : place + 1] != [workload]:
                insort(self._order, workload)

    def drop(self, document: Document) -> None:
        """Let go of a pod."""
        key = pod_key(document)
        workload = self._workloads.pop(key, None)
        if workload is not None:
            self._ends.pop(workload, None)
            pods = self._pods[workload]
            del pods[key]
            if not pods:
                del self._pods[workload]
                del self._order[bisect_left(self._order, workload)]

    def replace(self, pods: Iterable[Peer]) -> None:
        """Put pods in the place of those of the same name, of the same owners."""
        for pod in pods:
            workload = self._workloads[pod.key]
            self._pods[workload][pod.key] = pod
            self._ends.pop(workload, None)

    def touch(self, keys: Iterable[str]) -> None:
        """Make the ends of some pods anew, whose classes are others now."""
        for key in keys:
            workload = self._workloads.get(key)
            if workload is not None:
                self._ends.pop(workload, None)

    def ends(self) -> list[End]:
        """Workloads in order of namespace and name, nodes, then blocks of outside addresses."""
        return [*map(self._workload, self._order), *self._nodes(), *self._blocks()]

    def _workload(self, workload: Workload) -> End:
        end = self._ends.get(workload)
        if end is None:
            peers = self._pods[workload].values()
            end = self._ends[workload] = self._end(str(workload), workload.kind, peers)
        return end

    def _nodes(self) -> Iterator[End]:
        for name, node in sorted(self._snapshot.nodes.items()):
            yield self._end(name, "Node", [node])

    def _end(self, name: str, kind: str, peers: Iterable[Peer]) -> End:
        members = tuple(peers)
        counts = Counter(self._classes.of_peer[peer.key] for peer in members)
        return End(name, kind, tuple(sorted(counts.items())), members)

    def _blocks(self) -> Iterator[End]:
        for cover, index in self._classes.outside.items():
            entry = self._classes.list[index]
            if self._taken(entry):
                continue
            known = self._outside.get(index)
            if known is None or known[0] is not entry:
                end = End(
                    outside_name(entry.spans, cover), OUTSIDE, ((index, 1),), (), tuple(entry.spans)
                )
                known = self._outside[index] = (entry, end)
            yield known[1]

    def _taken(self, entry: PeerClass) -> bool:
        """Whether pods and nodes hold every address of a class, so that nobody is outside."""
        size = sum(last - first + 1 for _, (first, last) in entry.spans)
        held = self._snapshot.by_address
        return size <= len(held) and all(
            (version, value) in held
            for version, (first, last) in entry.spans
            for value in range(first, last + 1)
        )


def pod_key(document: Document) -> str:
    """`namespace/name` of a pod's document."""
    return f"{namespace_of(document) or 'default'}/{name_of(document)}"
