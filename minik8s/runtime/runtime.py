"""The wiring of one cluster, and `settle`, which lets its controllers run until quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from minik8s.clock import DEFAULT_START, Clock, rfc3339
from minik8s.controllers.base import Context, Manager
from minik8s.controllers.clusterroleaggregation import ClusterRoleAggregation
from minik8s.controllers.daemonset import DaemonSetController
from minik8s.controllers.deployment import DeploymentController
from minik8s.controllers.disruption import DisruptionController
from minik8s.controllers.endpointmirror import EndpointSliceMirroringController
from minik8s.controllers.endpointslice import EndpointSliceController
from minik8s.controllers.events import Recorder
from minik8s.controllers.garbagecollector import GarbageCollector
from minik8s.controllers.job import JobController
from minik8s.controllers.namespace import NamespaceController
from minik8s.controllers.nodeaddresses import NodeAddresses, node_block
from minik8s.controllers.nodelifecycle import NodeLifecycleController
from minik8s.controllers.podlifecycle import Kubelet
from minik8s.controllers.probes import Probes
from minik8s.controllers.replicaset import ReplicaSetController, ReplicationControllerController
from minik8s.controllers.scheduler import Scheduler
from minik8s.controllers.serviceaccount import NamespaceFurnisher
from minik8s.controllers.statefulset import StatefulSetController
from minik8s.controllers.staticpods import StaticPods
from minik8s.guests.container import Log
from minik8s.ids import Ids
from minik8s.ipam import AddressPool
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import (
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    NODE,
    POD,
    Registry,
)
from minik8s.model.workloads import host_network, is_ready, pod_addresses, pod_phase
from minik8s.network import Connection, Network, Settings
from minik8s.runtime.bootstrap import ROOT_CA, Bootstrap
from minik8s.runtime.containers import Containers
from minik8s.runtime.nodes import (
    node_conditions,
    record_ready,
    record_start,
    worker_document,
)
from minik8s.runtime.probing import NetworkProber
from minik8s.runtime.profile import ClusterProfile, Cni, kubeadm_profile, minor_version
from minik8s.runtime.proxying import HttpReply, fetch
from minik8s.runtime.sessions import ExecSession
from minik8s.runtime.snapshot import Snapshot, open_declared_ports, read
from minik8s.store import Store


class Runtime:
    """One cluster. `nodes` counts workers; the control plane comes on top.

    `enforcement` puts a network plugin that enforces policy in place (`cilium`), or one that
    does not (`kindnet`); `profile` describes any other cluster and wins over both. A `clock`
    that is given is shared with other clusters (those of one terminal); the first
    `profile.age` seconds of this one then pass on it.
    """

    def __init__(
        self,
        *,
        nodes: int = 2,
        seed: int = 1,
        enforcement: bool = True,
        profile: ClusterProfile | None = None,
        start: float = DEFAULT_START,
        clock: Clock | None = None,
        saved: Sequence[Document] | None = None,
    ) -> None:
        cni: Cni = "cilium" if enforcement else "kindnet"
        self.profile = profile or kubeadm_profile(nodes, cni=cni)
        self.clock = clock if clock is not None else Clock(start - self.profile.age)
        self.ids = Ids(seed)
        self.registry = Registry()
        self.store = Store(self.clock, self.ids, self.registry)
        self.settings = Settings(enforcement=self.profile.cni == "cilium")
        self.network = Network(self.store, self.clock, self.ids, self.settings)
        self.service_addresses: Sequence[AddressPool] = tuple(
            map(AddressPool, self.profile.service_cidrs)
        )
        self.autosettle = True
        self.recorder = Recorder(self.store, self.clock)
        self.containers = Containers(self.store, self.network, self.clock)
        self.addresses = NodeAddresses(self.store)
        self._manager = Manager(self.store)
        self._manager.on_wake = self._woken
        self._add_controllers()
        if saved is None:
            self._boot(self.clock.now + self.profile.age)
        else:
            self.clock.run_until(self.clock.now + self.profile.age)
            self._resume(saved)

    def settle(self) -> None:
        """Let the controllers run until nothing changes; takes no simulated time."""
        self._manager.settle()

    def _woken(self) -> None:
        if self.autosettle:
            self._manager.settle()

    def _add_controllers(self) -> None:
        context = Context(self.store, self.clock, self.ids, self.recorder)
        probes = Probes(self.clock, NetworkProber(self.containers, self.network, self.clock))
        minor = minor_version(self.profile.version)
        self.kubelet = Kubelet(context, self.containers, self.addresses, probes, minor)
        self.containers.on_exit = self.kubelet.exited
        self.collector = GarbageCollector(context, self.registry)
        self.static_pods = StaticPods(context)
        for controller in (
            NamespaceFurnisher(context, ROOT_CA),
            ClusterRoleAggregation(context),
            NodeLifecycleController(context),
            DeploymentController(context),
            ReplicaSetController(context),
            ReplicationControllerController(context),
            StatefulSetController(context),
            DaemonSetController(context),
            JobController(context),
            DisruptionController(context, self.registry),
            Scheduler(context, minor),
            self.kubelet,
            self.static_pods,
            EndpointSliceController(context),
            EndpointSliceMirroringController(context),
            self.collector,
            NamespaceController(context, self.registry),
        ):
            self._manager.add(controller)

    def _boot(self, start: float) -> None:
        """Install the cluster: the control plane first, then add-ons, then the workers."""
        age = self.profile.age
        bootstrap = Bootstrap(self.store, self.profile)
        bootstrap.begin()
        numbered = list(enumerate(self.profile.nodes))
        for index, node in numbered:
            if node.control_plane:
                for image in bootstrap.preloaded():
                    self.kubelet.starter.know_image(node.name, image)
                record_start(self.recorder, bootstrap.join(node, index))
        self.settle()
        self.clock.run_until(start - 0.98 * age)
        bootstrap.add_ons()
        self.settle()
        self.clock.run_until(start - 0.95 * age)
        for index, node in numbered:
            if not node.control_plane:
                record_start(self.recorder, bootstrap.join(node, index))
        self.settle()
        self.clock.run_until(start)
        self.store.compact()  # nobody has been watching

    def _resume(self, documents: Sequence[Document]) -> None:
        """Go on where a cluster was left: all objects as they were, running pods run again."""
        definition = CUSTOM_RESOURCE_DEFINITION.kind
        self.store.load(each for each in documents if each["kind"] == definition)
        first = (NAMESPACE.kind, NODE.kind)
        rest = [each for each in documents if each["kind"] != definition]
        self.store.load(sorted(rest, key=lambda document: document["kind"] not in first))
        pods = list(self.store.list(POD))
        self.addresses.reserve(address for pod in pods for address in pod_addresses(pod))
        for pod in pods:
            if pod_phase(pod) == "Running":
                self.kubelet.adopt(pod)
                self.containers.start(pod)
        self.settle()

    def load(self, documents: Iterable[Document]) -> None:
        """Restore a snapshot: objects as they are, status kept, pods running and listening.

        Namespaces and nodes that it lacks are made. The base cluster's kube-system stays unless
        the snapshot has one of its own, and so do its nodes. Raises BadRequest, and Invalid for
        a policy, before anything has changed.
        """
        snapshot = Snapshot(self.store, read(self.registry, documents))
        snapshot.add_namespaces()
        snapshot.label_nodes()
        self.collector.trust(document for _, document in snapshot.rows)
        for kind, document in snapshot.replaced():
            self.store.delete(kind, namespace_of(document), name_of(document))
        self.static_pods.retire()
        for name in snapshot.missing_nodes():
            self._add_worker(name)
        self.store.load(snapshot.of(NAMESPACE) + snapshot.of(NODE))
        self._make_way(snapshot)
        snapshot.place_pods(self.addresses)
        self.store.load([d for kind, d in snapshot.rows if kind not in (NAMESPACE, NODE)])
        for pod in snapshot.of(POD):
            self._take_up(pod)
        self.settle()

    def _make_way(self, snapshot: Snapshot) -> None:
        """Keep the snapshot's addresses for its pods; a base pod that has one gets another."""
        wanted = {address for pod in snapshot.of(POD) for address in pod_addresses(pod)}
        self.addresses.reserve(wanted)
        for pod in self.store.list(POD):
            if not host_network(pod) and wanted.intersection(pod_addresses(pod)):
                self.store.delete(POD, namespace_of(pod), name_of(pod))
        self.settle()
        self.addresses.reserve(wanted)

    def _add_worker(self, name: str) -> None:
        """A node that only its pods speak of."""
        index = self.store.count(NODE)
        self.store.create(NODE, worker_document(self.profile, name, index, self.clock.now))

    def _take_up(self, pod: Document) -> None:
        stored = self.store.get(POD, namespace_of(pod), name_of(pod))
        if stored is None or pod_phase(stored) != "Running":
            return
        self.kubelet.adopt(stored)
        self.containers.start(stored)
        open_declared_ports(self.network, stored)

    def install_cni(self, cni: Cni, *, version: str = "", pod_cidr: str = "") -> None:
        """Put a network plugin in place: its objects, Ready nodes, and enforcement if it can.

        With `cilium` a policy change re-judges open connections, as Cilium's datapath does.
        Pods made from now on get addresses from `pod_cidr`, if one is given.
        """
        self.profile = self.profile.with_cni(cni, version)
        if pod_cidr:
            for index, node in enumerate(self.store.list(NODE), start=1):
                self.addresses.assign(name_of(node), [node_block(pod_cidr, index)])
        Bootstrap(self.store, self.profile).plugin()
        self.settle()
        self.settings.enforcement = cni == "cilium"
        if cni == "cilium":
            self.settings.established = "rejudge"
        for node in self.store.list(NODE):
            self._make_ready(node)
        self.settle()

    def _make_ready(self, node: Document) -> None:
        if is_ready(node) == self.profile.ready:
            return
        conditions = node_conditions(self.profile, rfc3339(self.clock.now))
        status = {**node["status"], "conditions": conditions}
        updated = self.store.update(NODE, {**node, "status": status})
        if self.profile.ready:
            record_ready(self.recorder, updated)

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        argv: Sequence[str],
        *,
        stdin: bool = False,
        tty: bool = False,
        clock: Clock | None = None,
    ) -> ExecSession:
        """Start a program in a container; raises ApiError as the kubelet would."""
        return self.containers.exec(
            namespace, pod, container, argv, stdin=stdin, tty=tty, clock=clock
        )

    def attach(
        self, namespace: str, pod: str, container: str, *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        """Reach the main program of a container."""
        return self.containers.attach(namespace, pod, container, stdin=stdin, tty=tty)

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
        """What a container (or the one before its restart) has written; raises NotFound."""
        return self.containers.log(namespace, pod, container, previous=previous)

    def dial(
        self, namespace: str, pod: str, port: int, *, clock: Clock | None = None
    ) -> Connection:
        """A TCP connection to a port inside the pod's network namespace (port-forward)."""
        return self.containers.dial(namespace, pod, port, clock=clock)

    def fetch(
        self, scheme: str, address: str, port: int, message: bytes, *, head_only: bool
    ) -> HttpReply:
        """Send an HTTP request from the API server's host; raises ServiceUnavailable."""
        host = self.network.node_host(self._control_plane())
        return fetch(host, self.clock.fork(), scheme, address, port, message, head_only)

    def _control_plane(self) -> str:
        """The node of the API server, or the first one if it is nobody's node."""
        nodes = [*map(name_of, self.store.list(NODE))]
        ours = [each.name for each in self.profile.nodes if each.control_plane]
        return next((name for name in ours if name in nodes), nodes[0])
