"""Pods by name, and what can be done with one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from minik8s.analysis.workloads import Owners
from minik8s.client import Client
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of
from minik8s.model.registry import POD
from minik8s.model.workloads import is_ready, node_name, pod_addresses, pod_phase
from minik8s.store import Store


@dataclass(frozen=True, slots=True)
class Result:
    """What a program wrote, and how it ended."""

    stdout: str
    stderr: str
    exit_code: int


class Pod:
    """One pod of a cluster; everything is read afresh."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self._client = client
        self.namespace = namespace
        self.name = name

    def __repr__(self) -> str:
        return f"Pod({self.namespace}/{self.name})"

    @property
    def document(self) -> Document:
        """The object as it is stored; raises NotFound once it is gone."""
        return self._client.get(POD, self.name, self.namespace)

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return labels_of(self.document)

    @property
    def ip(self) -> str:
        """Its first address, or the empty string."""
        return next(iter(pod_addresses(self.document)), "")

    @property
    def node(self) -> str:
        """The node it runs on, or the empty string."""
        return node_name(self.document)

    @property
    def phase(self) -> str:
        """Pending, Running, Succeeded or Failed."""
        return pod_phase(self.document)

    @property
    def ready(self) -> bool:
        """Whether its Ready condition is True."""
        return is_ready(self.document)

    def exec(
        self,
        command: str | Sequence[str],
        *,
        container: str = "",
        stdin: str | None = None,
        tty: bool = False,
    ) -> Result:
        """Run a program in the pod, and let simulated time pass until it has ended.

        A text is cut into words as a shell does, but no shell is asked. Raises ApiError as
        `kubectl exec` reports it.
        """
        argv = shlex.split(command) if isinstance(command, str) else list(command)
        session = self._client.exec(
            self.name, argv, container, self.namespace, stdin=stdin is not None, tty=tty
        )
        if stdin is not None:
            session.write_stdin(stdin.encode())
        session.close_stdin()
        session.run()
        streams = {1: b"", 2: b""}
        for stream, data in session.output():
            streams[stream] += data
        code = session.exit_code
        return Result(_text(streams[1]), _text(streams[2]), 0 if code is None else code)

    def logs(self, container: str = "") -> str:
        """What a container has written."""
        return self._client.logs(self.name, container, self.namespace)


class Pods:
    """The pods of a cluster, by `namespace/name` (or `name` in the namespace `default`)."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store

    def __iter__(self) -> Iterator[Pod]:
        for document in self._store.list(POD):
            yield self._pod(document)

    def __len__(self) -> int:
        return self._store.count(POD)

    def __getitem__(self, key: str) -> Pod:
        """A pod by its name, or the only one of a workload; raises KeyError."""
        found = self.of(key)
        if len(found) != 1:
            names = ", ".join(f"{pod.namespace}/{pod.name}" for pod in found)
            raise KeyError(f"{key}: {names or 'no such pod or workload'}")
        return found[0]

    def of(self, key: str) -> list[Pod]:
        """The pod of a name, or the pods of a workload of that name."""
        namespace, name = split_key(key)
        store = self._store
        exact = store.get(POD, namespace, name)
        if exact is not None:
            return [self._pod(exact)]
        owners = owners_in(store)
        pods = store.list(POD, namespace)
        return [self._pod(pod) for pod in pods if owners.workload(pod).name == name]

    def find(self, prefix: str) -> Pod:
        """The first pod whose name begins so; raises KeyError."""
        namespace, start = split_key(prefix)
        for document in self._store.list(POD, namespace):
            if name_of(document).startswith(start):
                return self._pod(document)
        raise KeyError(prefix)

    def _pod(self, document: Document) -> Pod:
        return Pod(self._client, namespace_of(document), name_of(document))


def owners_in(store: Store) -> Owners:
    """Who owns which pod."""
    kinds = [kind for kind in store.registry if kind.kind in ("ReplicaSet", "Job")]
    return Owners(document for kind in kinds for document in store.list(kind))


def split_key(key: str) -> tuple[str, str]:
    """Namespace and name of `namespace/name`, or of a name in `default`."""
    namespace, slash, name = key.partition("/")
    return (namespace, name) if slash else ("default", key)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
