"""One object that is a whole cluster."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from minik8s.admission import schema_for
from minik8s.analysis.inputs import InputError, documents, parse, read
from minik8s.analysis.workloads import Owners
from minik8s.apiserver import ApiServer
from minik8s.apiserver.messages import MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minik8s.client import Client, Contexts, InProcessTransport, WriteOptions
from minik8s.clock import Clock
from minik8s.cluster.ends import Ends, same_family
from minik8s.cluster.pods import Pods, Result, owners_in
from minik8s.cluster.shared import SharedTransport
from minik8s.errors import NotFound
from minik8s.kubectl import MemoryIO, main
from minik8s.kubectl.patches import three_way_merge_patch, with_last_applied
from minik8s.kubectl.strategicdiff import three_way_patch
from minik8s.model.metadata import (
    LAST_APPLIED,
    Document,
    annotations_of,
    name_of,
    namespace_of,
)
from minik8s.network import Network
from minik8s.policy import Verdict
from minik8s.runtime import ClusterProfile, Outcome, Probe, Runtime, decide, send_probe
from minik8s.runtime.profile import Cni, kubeadm_profile

if TYPE_CHECKING:
    from minik8s.analysis.answers import AllPairs, Changed, Explained
    from minik8s.cluster.questions import Questions
    from minik8s.server.limits import Limits
    from minik8s.server.serving import Server

Manifests: TypeAlias = str | Path | Document | Iterable[Document]
"""A path, a YAML or JSON text, one document, or several."""


_APPLY = WriteOptions(field_manager="kubectl-client-side-apply", field_validation="Strict")


class Disagreement(Exception):
    """A workload was named whose pods do not agree; the text names them."""


class Cluster:
    """A whole Kubernetes cluster in this process; make ten if you like.

    `nodes` counts workers. With `enforcement` a network plugin that enforces policy is in
    place (Cilium's objects), without it one that only carries packets. `ip_families` are
    `IPv4`, `IPv6` or both, the preferred one first. `profile` describes any other cluster;
    `runtime` is one that runs already.

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
        ip_families: Sequence[str] = ("IPv4",),
        profile: ClusterProfile | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        if profile is None:
            cni: Cni = "cilium" if enforcement else "kindnet"
            profile = kubeadm_profile(nodes, cni=cni, ip_families=tuple(ip_families))
        self.runtime = runtime or Runtime(seed=seed, profile=profile)
        self.server = ApiServer(self.runtime)
        self.client = Client(InProcessTransport(self.server))
        self.pods = Pods(self.client, self.runtime.store)
        blocks = self.runtime.profile.service_cidrs
        self._ends = Ends(self.runtime.store, self.runtime.network, self.pods, blocks)
        self._lock = threading.RLock()

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
        rows = _documents(manifests)
        with self._lock:
            self.runtime.load(rows)
        return self

    def settle(self) -> None:
        """Let the controllers run until nothing changes; takes no simulated time."""
        with self._lock:
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
        for kind in self.runtime.registry.shelves():
            yield from self.runtime.store.list(kind)

    def owners(self) -> Owners:
        """Who owns which pod."""
        return owners_in(self.runtime.store)

    def _apply(self, document: Document) -> Document:
        kind = self.client.kind_of(document)
        if kind is None:
            raise _no_match(document)
        namespace, name = namespace_of(document) or None, name_of(document)
        modified = with_last_applied(document)
        try:
            current = self.client.get(kind, name, namespace)
        except NotFound:
            return self.client.create(kind, modified, namespace, _APPLY)
        original = json.loads(annotations_of(current).get(LAST_APPLIED, "{}"))
        schema = schema_for(kind)
        if schema is None:
            patch, media = three_way_merge_patch(original, modified, current), MERGE_PATCH
        else:
            patch = three_way_patch(original, modified, current, schema, overwrite=True)
            media = STRATEGIC_MERGE_PATCH
        if not patch:
            return current
        return self.client.patch(kind, name, patch, namespace, _APPLY, patch_type=media)

    # -- questions

    def probe(
        self, source: str, target: str, port: int | None = None, protocol: str = "TCP"
    ) -> Probe:
        """Try one flow by a real packet; `protocol="ICMP"` pings, everything else has a port.

        Ends are `namespace/pod`, `namespace/workload` (all of whose pods must agree) or
        `ip:ADDRESS`; a target may also be `namespace/service` or a DNS name. Raises KeyError
        for a name that means nothing, Disagreement when pods differ.
        """
        if (port is None) != (protocol == "ICMP"):
            raise ValueError(f"{protocol} {'needs a' if port is None else 'has no'} port")
        targets = self._ends.addresses(target)
        probes = []
        for key, host in self._ends.hosts(source):
            fitting = [each for each in targets if same_family(host, each[1])]
            for name, address in fitting or targets[:1]:
                with self._lock:
                    trace, outcome = send_probe(self.network, host, address, port, protocol)
                verdict = trace.verdict if trace is not None else Verdict.ALLOW
                reasons = decide(self.network, trace, protocol) if trace is not None else None
                probes.append(Probe(key, name, port, protocol, verdict, outcome, trace, reasons))
        if not probes:
            return Probe(source, target, port, protocol, Verdict.ALLOW, Outcome.UNRESOLVED, None)
        if len({(probe.verdict, probe.outcome) for probe in probes}) > 1:
            raise Disagreement("\n".join(map(str, probes)))
        return probes[0]

    def explain(
        self, source: str, target: str, port: int | None = None, protocol: str = "TCP"
    ) -> Explained:
        """Why `source` reaches `target` or not, and what would change that; prints as text.

        Ends are those of `probe`; no packet is sent, but whether somebody listens is looked
        up. Without a port only `protocol="ICMP"` makes sense. Raises KeyError for a name that
        means nothing.
        """
        return self._questions.explain(source, target, port, protocol)

    def matrix(
        self, port: int | None = None, protocol: str = "TCP", *, namespaces: Collection[str] = ()
    ) -> AllPairs:
        """Who may reach whom: all pairs, for one port or for all; prints as a table.

        `namespaces` narrows what is shown to their workloads and the world outside.
        """
        return self._questions.matrix(port, protocol, namespaces)

    def diff(self, manifests: Manifests) -> Changed:
        """What applying manifests would open and close, and why; nothing is applied.

        Raises InputError for a text that makes no sense or an object the API would refuse.
        """
        return self._questions.diff(_documents(manifests))

    @cached_property
    def _questions(self) -> Questions:
        from minik8s.cluster.questions import Questions  # only who asks pays for the import

        return Questions(self.runtime, self.documents, self._lock)

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

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        insecure_http: bool = False,
        real_time: bool = False,
        limits: Limits | None = None,
    ) -> Server:
        """Serve this cluster from a thread until `stop` (or the end of a `with`).

        Port 0 takes a free one. Gives the running server: `server.kubeconfig` is the path of
        its kubeconfig. From now on the cluster's clock keeps to the wall's pace, and programs
        wait on clocks of their own. Raises ServeError; needs the extra `server`.
        """
        from minik8s.server.options import Options, secure_options
        from minik8s.server.serving import Server

        options = Options(host, port) if insecure_http else secure_options(host, port)
        options = replace(options, real_time=real_time, keep_date=True)
        if limits is not None:
            options = replace(options, limits=limits)
        server = Server(self.runtime, options, lock=self._lock)
        own = self.client.transport
        self.client.transport = SharedTransport(self.server, self._lock)
        self.server.new_clock = server.private_clock

        def stopped() -> None:
            self.client.transport, self.server.new_clock = own, None

        server.on_stop = stopped
        return server.start()

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
