"""Why, all pairs and what if, asked of a running cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from minik8s.analysis.answers import AllPairs, Changed, Explained
from minik8s.analysis.diff import difference, merged
from minik8s.analysis.explain import Explainer
from minik8s.analysis.inputs import InputError, placed
from minik8s.analysis.objects import fault_of
from minik8s.analysis.workloads import complete
from minik8s.model.metadata import Document
from minik8s.policy import Peer
from minik8s.policy.policyset import KINDS
from minik8s.runtime import Runtime


class Questions:
    """Answers from the objects that a cluster holds at the moment of asking."""

    def __init__(
        self,
        runtime: Runtime,
        documents: Callable[[], Iterable[Document]],
        lock: AbstractContextManager[object],
    ) -> None:
        self._runtime = runtime
        self._all = documents
        self._lock = lock
        self._explainer: Explainer | None = None
        self._version = -1

    def explain(self, source: str, target: str, port: int | None, protocol: str) -> Explained:
        """Why a connection passes or not."""
        if port is None and protocol != "ICMP":
            raise ValueError(f"{protocol} needs a port")
        with self._lock:
            try:
                found = self._current().explain(source, target, port, protocol)
                if not self._enforced:
                    free = Explainer(self._without_policies(), self._listens)
                    outcomes = free.explain(source, target, port, protocol).outcomes
                    found = replace(found, outcomes=outcomes)
            except InputError as error:
                raise KeyError(str(error)) from None
        return Explained.of(found, self._enforced)

    def matrix(self, port: int | None, protocol: str, namespaces: Collection[str]) -> AllPairs:
        """All pairs, for one port or for all."""
        with self._lock:
            documents = complete(self._all())
        asked = None if port is None and protocol != "ICMP" else (protocol, port)
        return AllPairs(documents, asked, namespaces, self._enforced)

    def diff(self, documents: Sequence[Document]) -> Changed:
        """What a change would open and close."""
        new = [placed(document) for document in documents]
        for document in new:
            fault = fault_of(document)
            if fault is not None:
                raise InputError(fault.text)
        with self._lock:
            current = list(self._all())
        found = difference(current, merged(current, new))
        return Changed(found.changes, found.added, found.removed, self._enforced)

    @property
    def _enforced(self) -> bool:
        return self._runtime.settings.enforcement

    def _current(self) -> Explainer:
        """The explainer of the cluster as it is now; kept until anything is written."""
        version = self._runtime.store.resource_version
        if self._explainer is None or version != self._version:
            self._explainer, self._version = Explainer(self._all(), self._listens), version
        return self._explainer

    def _without_policies(self) -> list[Document]:
        return [document for document in self._all() if document.get("kind") not in KINDS]

    def _listens(self, peer: Peer, protocol: str, port: int) -> bool:
        """Whether a pod or node listens, as its network namespace has it."""
        network = self._runtime.network
        try:
            if peer.namespace:
                host = network.pod_host(peer.namespace, peer.name)
            else:
                host = network.host(peer.address)
        except LookupError:
            return False
        return host.listens(protocol, port)
