"""The public face: one object that is a whole cluster."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from minik8s.analysis.inputs import InputError, documents, parse, read
from minik8s.analysis.workloads import Owners
from minik8s.apiserver import ApiServer
from minik8s.client import Client, Contexts, InProcessTransport
from minik8s.clock import Clock
from minik8s.errors import NotFound
from minik8s.kubectl import MemoryIO, main
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of
from minik8s.model.registry import POD, SERVICE
from minik8s.model.workloads import is_ready, node_name, pod_addresses, pod_phase
from minik8s.network import Host, Network
from minik8s.network.dns import A, Question
from minik8s.network.outside import resolve
from minik8s.policy import Verdict
from minik8s.runtime import ClusterProfile, Outcome, Probe, Runtime, decide, send_probe

if TYPE_CHECKING:
    from minik8s.analysis.matrix import Matrix

Manifests: TypeAlias = str | Path | Document | Iterable[Document]
"""A path, a YAML or JSON text, one document, or several."""


class Disagreement(Exception):
    """A workload was named whose pods do not agree; the text names them."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a program wrote, and how it ended."""

    stdout: str
    stderr: str
    exit_code: int


class Pod:
    """One pod of a cluster; everything is read afresh."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._cluster = cluster
        self.namespace = namespace
        self.name = name

    def __repr__(self) -> str:
        return f"Pod({self.namespace}/{self.name})"

    @property
    def document(self) -> Document:
        """The object as it is stored; raises NotFound once it is gone."""
        return self._cluster.client.get(POD, self.name, self.namespace)

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
        session = self._cluster.client.exec(
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
        return self._cluster.client.logs(self.name, container, self.namespace)


class Pods:
    """The pods of a cluster, by `namespace/name` (or `name` in the namespace `default`)."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __iter__(self) -> Iterator[Pod]:
        for document in self._cluster.runtime.store.list(POD):
            yield self._pod(document)

    def __len__(self) -> int:
        return self._cluster.runtime.store.count(POD)

    def __getitem__(self, key: str) -> Pod:
        """A pod by its name, or the only one of a workload; raises KeyError."""
        found = self.of(key)
        if len(found) != 1:
            names = ", ".join(f"{pod.namespace}/{pod.name}" for pod in found)
            raise KeyError(f"{key}: {names or 'no such pod or workload'}")
        return found[0]

    def of(self, key: str) -> list[Pod]:
        """The pod of a name, or the pods of a workload of that name."""
        namespace, name = _split(key)
        store = self._cluster.runtime.store
        exact = store.get(POD, namespace, name)
        if exact is not None:
            return [self._pod(exact)]
        owners = self._cluster.owners()
        pods = store.list(POD, namespace)
        return [self._pod(pod) for pod in pods if owners.workload(pod).name == name]

    def find(self, prefix: str) -> Pod:
        """The first pod whose name begins so; raises KeyError."""
        namespace, start = _split(prefix)
        for document in self._cluster.runtime.store.list(POD, namespace):
            if name_of(document).startswith(start):
                return self._pod(document)
        raise KeyError(prefix)

    def _pod(self, document: Document) -> Pod:
        return Pod(self._cluster, namespace_of(document), name_of(document))


class Cluster:
    """A whole Kubernetes cluster in this process; make ten if you like.

    `nodes` counts workers. With `enforcement` a network plugin that enforces policy is in
    place (Cilium's objects), without it one that only carries packets; `profile` describes
    any other cluster; `runtime` is one that runs already.

    >>> cluster = Cluster(nodes=2, seed=1)
    >>> [node["metadata"]["name"] for node in cluster.objects("nodes")]
    ['minik8s-control-plane', 'minik8s-worker', 'minik8s-worker2']
    """

    def __init__(
        self,
        nodes: int = 2,
        seed: int = 1,
        *,
        enforcement: bool = True,
        profile: ClusterProfile | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        self.runtime = runtime or Runtime(
            nodes=nodes, seed=seed, enforcement=enforcement, profile=profile
        )
        self.server = ApiServer(self.runtime)
        self.client = Client(InProcessTransport(self.server))
        self.pods = Pods(self)

    @property
    def clock(self) -> Clock:
        """The cluster's simulated clock."""
        return self.runtime.clock

    @property
    def network(self) -> Network:
        """Hosts, connection tracking tables and traces."""
        return self.runtime.network

    # -- objects

    def apply(self, manifests: Manifests) -> list[Document]:
        """Create or change objects, as `kubectl apply` does, and settle.

        Gives back the objects as the server stored them. Raises InputError for a text that
        makes no sense, ApiError for an object that the API refuses.
        """
        return [self._apply(document) for document in _documents(manifests)]

    def delete(self, manifests: Manifests) -> None:
        """Delete the objects that manifests name; those that are not there are passed over."""
        for document in _documents(manifests):
            kind = self.client.kind_of(document)
            if kind is None:
                raise _no_match(document)
            namespace = namespace_of(document) or None
            try:
                self.client.delete(kind, name_of(document), namespace)
            except NotFound:
                continue

    def load(self, manifests: Manifests) -> Cluster:
        """Restore a snapshot: objects as they are, status kept; gives back this cluster.

        Its pods run and listen on the ports that they declare; what it lacks of namespaces
        and nodes is made. Raises Invalid for a policy that the API would refuse.
        """
        self.runtime.load(_documents(manifests))
        return self

    def settle(self) -> None:
        """Let the controllers run until nothing changes; takes no simulated time."""
        self.runtime.settle()

    def get(self, kind: str, name: str, namespace: str = "default") -> Document:
        """One object, by a kind as a person types it (`deploy`); raises NotFound."""
        found = self.client.find(kind)
        if found is None:
            raise KeyError(kind)
        return self.client.get(found, name, namespace)

    def objects(self, kind: str, namespace: str = "") -> list[Document]:
        """The objects of a kind, of one namespace or of all."""
        found = self.client.find(kind)
        if found is None:
            raise KeyError(kind)
        items: list[Document] = self.client.list(found, namespace)["items"]
        return items

    def documents(self) -> Iterator[Document]:
        """All objects, as stored: a snapshot for `load` and for `minik8s.analysis`."""
        for kind in self.runtime.registry:
            yield from self.runtime.store.list(kind)

    def owners(self) -> Owners:
        """Who owns which pod."""
        store, registry = self.runtime.store, self.runtime.registry
        kinds = [kind for kind in registry if kind.kind in ("ReplicaSet", "Job")]
        return Owners(document for kind in kinds for document in store.list(kind))

    def _apply(self, document: Document) -> Document:
        kind = self.client.kind_of(document)
        if kind is None:
            raise _no_match(document)
        namespace = namespace_of(document) or None
        try:
            self.client.get(kind, name_of(document), namespace)
        except NotFound:
            return self.client.create(kind, document, namespace)
        return self.client.patch(kind, name_of(document), document, namespace)

    # -- questions

    def probe(self, source: str, target: str, port: int, protocol: str = "TCP") -> Probe:
        """Try one flow by a real packet.

        Ends are `namespace/pod`, `namespace/workload` (all of whose pods must agree) or
        `ip:ADDRESS`; a target may also be `namespace/service` or a DNS name. Raises KeyError
        for a name that means nothing, Disagreement when pods differ.
        """
        targets = self._addresses(target)
        probes = []
        for key, host in self._hosts(source):
            fitting = [each for each in targets if _same_family(host, each[1])]
            for name, address in fitting or targets[:1]:
                trace, outcome = send_probe(self.network, host, address, port, protocol)
                verdict = trace.verdict if trace is not None else Verdict.ALLOW
                reasons = decide(self.network, trace, protocol) if trace is not None else None
                probes.append(Probe(key, name, port, protocol, verdict, outcome, trace, reasons))
        if not probes:
            return Probe(source, target, port, protocol, Verdict.ALLOW, Outcome.UNRESOLVED, None)
        if len({(probe.verdict, probe.outcome) for probe in probes}) > 1:
            raise Disagreement("\n".join(map(str, probes)))
        return probes[0]

    def matrix(self) -> Matrix:
        """Who may reach whom: all pairs, all ports."""
        from minik8s.analysis.matrix import Matrix  # only who asks for it pays for the import

        return Matrix.of(self.documents())

    def set(
        self,
        *,
        tracking: bool | None = None,
        established: Literal["keep", "rejudge"] | None = None,
        enforcement: bool | None = None,
    ) -> None:
        """Flip the settings of the network (`minik8s.network.Settings`)."""
        settings = self.runtime.settings
        if tracking is not None:
            settings.tracking = tracking
        if established is not None:
            settings.established = established
        if enforcement is not None:
            settings.enforcement = enforcement

    # -- tools

    @cached_property
    def contexts(self) -> Contexts:
        """A kubeconfig with this cluster in it."""
        contexts = Contexts()
        name = self.runtime.profile.name
        server = {"server": "https://127.0.0.1:6443"}
        contexts.add(name, self.client.transport, cluster=server, user={"token": name})
        return contexts

    def kubectl(self, command: str | Sequence[str], *, stdin: str | None = None) -> Result:
        """Run kubectl with this cluster's kubeconfig; a text is cut into words.

        >>> print(Cluster().kubectl("get namespaces -o name").stdout, end="")
        namespace/default
        namespace/kube-node-lease
        namespace/kube-public
        namespace/kube-system
        """
        argv = shlex.split(command) if isinstance(command, str) else list(command)
        surroundings = MemoryIO(self.contexts, stdin=stdin, now=lambda: self.clock.now)
        code = main(argv, surroundings)
        return Result(surroundings.stdout, surroundings.stderr, code)

    # -- names

    def _hosts(self, text: str) -> Iterator[tuple[str, Host]]:
        """The network namespaces that a source names."""
        if text.startswith("ip:"):
            yield text, self._outside(text.removeprefix("ip:"))
            return
        pods = self.pods.of(text)
        if not pods:
            raise KeyError(f"{text}: no such pod or workload")
        for pod in pods:
            host = self.network.pod_host(pod.namespace, pod.name)
            yield f"{pod.namespace}/{pod.name}", host

    def _outside(self, address: str) -> Host:
        try:
            return self.network.host(address)
        except LookupError:
            return self.network.outside.host(address)

    def _addresses(self, text: str) -> list[tuple[str, str]]:
        """Names and addresses of what a target means; empty if its name is not known."""
        if text.startswith("ip:"):
            address = text.removeprefix("ip:")
            self._outside(address)
            return [(text, address)]
        if "/" not in text and "." in text:
            return [(text, address) for address in self._resolve(text)]
        found: list[tuple[str, str]] = []
        for pod in self.pods.of(text):
            key = f"{pod.namespace}/{pod.name}"
            document = self.runtime.store.get(POD, pod.namespace, pod.name) or {}
            found += [(key, address) for address in pod_addresses(document)]
        if found:
            return found
        service = self.runtime.store.get(SERVICE, *_split(text))
        if service is None:
            raise KeyError(f"{text}: no such pod, workload or service")
        return [(text, address) for address in service["spec"].get("clusterIPs") or ()]

    def _resolve(self, name: str) -> Iterator[str]:
        words = name.removesuffix(".").removesuffix(".svc.cluster.local").removesuffix(".svc")
        service, _, namespace = words.partition(".")
        found = self.runtime.store.get(SERVICE, namespace, service)
        if found is not None:
            yield from found["spec"].get("clusterIPs") or ()
            return
        for record in resolve(Question(name.removesuffix("."), A)).answers:
            if record.type == A:
                yield str(record.data)


def _split(key: str) -> tuple[str, str]:
    namespace, slash, name = key.partition("/")
    return (namespace, name) if slash else ("default", key)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _same_family(host: Host, address: str) -> bool:
    return any((":" in own) == (":" in address) for own in host.addresses)


def _documents(manifests: Manifests) -> list[Document]:
    if isinstance(manifests, Path):
        return documents(read([str(manifests)]))
    if isinstance(manifests, str):
        whole = "\n" in manifests or manifests.lstrip().startswith("{")
        return documents(parse("-", manifests) if whole else read([manifests]))
    if isinstance(manifests, Mapping):
        return documents(parse("-", json.dumps(manifests)))
    return list(manifests)


def _no_match(document: Document) -> InputError:
    kind, version = document.get("kind", ""), document.get("apiVersion", "")
    return InputError(f'no matches for kind "{kind}" in version "{version}"')
