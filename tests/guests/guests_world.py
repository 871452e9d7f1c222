"""A small cluster for tests of programs in pods: store and network are real, nobody controls."""

from __future__ import annotations

from typing import Any

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.network import Network, Settings
from minik8s.runtime.containers import Containers
from minik8s.store import Store

Document = dict[str, Any]

CURL_MUSL = "docker.io/byrnedo/alpine-curl:0.1.8"
JSON_MOCK = "quay.io/cilium/json-mock:1.2"


class Ran:
    """What a command in a pod left behind."""

    def __init__(self, stdout: bytes, stderr: bytes, exit_code: int | None, seconds: float):
        self.stdout = stdout.decode()
        self.stderr = stderr.decode()
        self.exit_code = exit_code
        self.seconds = seconds


class World:
    """One node network with CoreDNS; pods and Services are put into the store directly."""

    def __init__(self, nodes: int = 2, seed: int = 1) -> None:
        self.clock = Clock()
        self.ids = Ids(seed)
        self.store = Store(self.clock, self.ids)
        self.exits: list[tuple[str, str, str, int]] = []
        self.network = Network(self.store, self.clock, self.ids, Settings())
        self.containers = Containers(
            self.store, self.network, self.clock, lambda *end: self.exits.append(end)
        )
        self._addresses: dict[str, int] = {}
        for number in range(nodes):
            self.node(f"node-{number}", number)
        for namespace in ("default", "kube-system"):
            self.namespace(namespace)
        self.dns = self.pod(
            "coredns",
            "registry.k8s.io/coredns/coredns:v1.12.1",
            namespace="kube-system",
            labels={"k8s-app": "kube-dns"},
            args=["-conf", "/etc/coredns/Corefile"],
        )
        self.service(
            "kube-dns",
            "10.96.0.10",
            [("dns", 53, 53, "UDP"), ("dns-tcp", 53, 53, "TCP")],
            [self.dns],
            namespace="kube-system",
        )

    def create(self, document: Document) -> Document:
        kind = self.store.registry.of(document)
        assert kind is not None
        return self.store.create(kind, document)

    def namespace(self, name: str, **labels: str) -> None:
        labels = {"kubernetes.io/metadata.name": name, **labels}
        self.create(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": labels},
                "status": {"phase": "Active"},
            }
        )

    def node(self, name: str, number: int) -> None:
        cidr = f"10.244.{number}.0/24"
        address = f"172.18.0.{number + 2}"
        self.create(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name},
                "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
                "status": {"addresses": [{"type": "InternalIP", "address": address}]},
            }
        )

    def pod(
        self,
        name: str,
        image: str,
        *,
        namespace: str = "default",
        node: int = 0,
        labels: dict[str, str] | None = None,
        spec: Document | None = None,
        start: bool = True,
        **container: Any,
    ) -> Document:
        cidr = f"10.244.{node}"
        self._addresses[cidr] = self._addresses.get(cidr, 1) + 1
        address = f"{cidr}.{self._addresses[cidr]}"
        document = self.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
                "spec": {
                    "nodeName": f"node-{node}",
                    "containers": [{"name": "main", "image": image, **container}],
                    **(spec or {}),
                },
                "status": {
                    "phase": "Running",
                    "podIP": address,
                    "podIPs": [{"ip": address}],
                    "hostIP": f"172.18.0.{node + 2}",
                },
            }
        )
        if start:
            self.codes = self.containers.start(document)
        return document

    def service(
        self,
        name: str,
        address: str,
        ports: list[tuple[str, int, int, str]],
        pods: list[Document],
        *,
        namespace: str = "default",
    ) -> None:
        self.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    "type": "ClusterIP",
                    "clusterIP": address,
                    "clusterIPs": [address],
                    "ports": [
                        {"name": label, "port": port, "targetPort": target, "protocol": protocol}
                        for label, port, target, protocol in ports
                    ],
                },
            }
        )
        self.create(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-abcde",
                    "namespace": namespace,
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "ports": [
                    {"name": label, "port": target, "protocol": protocol}
                    for label, _, target, protocol in ports
                ],
                "endpoints": [
                    {
                        "addresses": [pod["status"]["podIP"]],
                        "conditions": {"ready": True},
                        "nodeName": pod["spec"]["nodeName"],
                        "targetRef": {
                            "kind": "Pod",
                            "name": pod["metadata"]["name"],
                            "namespace": pod["metadata"]["namespace"],
                        },
                    }
                    for pod in pods
                ],
            }
        )

    def big_service(self, name: str, count: int, namespace: str = "default") -> None:
        """A headless Service with many addresses at which nobody lives."""
        self.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    "clusterIP": "None",
                    "clusterIPs": ["None"],
                    "ports": [{"port": 8080, "protocol": "TCP", "targetPort": 8080}],
                },
            }
        )
        self.create(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-abcde",
                    "namespace": namespace,
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
                "endpoints": [
                    {"addresses": [f"10.244.0.{100 + number}"], "conditions": {"ready": True}}
                    for number in range(count)
                ],
            }
        )

    def translate(self, text: str) -> str:
        """Addresses of the recorded cluster as those of this one."""
        for recorded, name in (("10.244.0.6", "backend"), ("10.244.0.5", "frontend")):
            text = text.replace(recorded, f"<{name}>")
        text = text.replace("10.244.0.2", "<coredns>")
        for pod in self.store.list(self.store.registry.of({"apiVersion": "v1", "kind": "Pod"})):
            text = text.replace(f"<{pod['metadata']['name']}>", pod["status"]["podIP"])
        return text

    def policy(self, name: str, spec: Document, namespace: str = "default") -> None:
        self.create(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": namespace},
                "spec": spec,
            }
        )

    def session(self, pod: str, *argv: str, namespace: str = "default", **options: Any) -> Any:
        return self.containers.exec(namespace, pod, "main", list(argv), **options)

    def run(
        self,
        pod: str,
        *argv: str,
        namespace: str = "default",
        tty: bool = False,
        stdin: bytes | None = None,
    ) -> Ran:
        start = self.clock.now
        session = self.session(pod, *argv, namespace=namespace, tty=tty, stdin=stdin is not None)
        if stdin is not None:
            session.write_stdin(stdin)
            session.close_stdin()
        session.run()
        chunks = session.output()
        return Ran(
            b"".join(data for stream, data in chunks if stream == 1),
            b"".join(data for stream, data in chunks if stream == 2),
            session.exit_code,
            self.clock.now - start,
        )


def demo() -> World:
    """The tutorial's demo app: frontend, backend and the Service backend."""
    world = World()
    world.pod(
        "frontend",
        CURL_MUSL,
        labels={"app": "frontend"},
        command=["/bin/ash", "-c", "sleep 1000000000"],
    )
    backend = world.pod(
        "backend",
        JSON_MOCK,
        node=1,
        labels={"app": "backend"},
        env=[{"name": "PORT", "value": "8080"}],
        ports=[{"containerPort": 8080}],
    )
    world.service("backend", "10.96.105.101", [("http", 8080, 8080, "TCP")], [backend])
    return world
