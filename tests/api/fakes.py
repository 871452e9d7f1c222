"""Stand-ins for what lies below the API server, and the doors that lead to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from minik8s.apiserver import ApiServer, Request, Response
from minik8s.clock import Clock
from minik8s.errors import InternalError
from minik8s.guests.container import Log
from minik8s.ids import Ids
from minik8s.ipam import AddressPool
from minik8s.model.registry import NAMESPACE, SERVICE, Registry
from minik8s.store import Store

START = 1_700_000_000.0
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class FakeSession:
    """A program that has already ended: it tells how it was started."""

    def __init__(self, started: tuple[Any, ...]) -> None:
        self.started = started
        self.exit_code: int | None = 0

    def write_stdin(self, data: bytes) -> None: ...

    def close_stdin(self) -> None: ...

    def resize(self, width: int, height: int) -> None: ...

    def run(self) -> None: ...

    def output(self) -> list[tuple[int, bytes]]:
        return [(1, repr(self.started).encode())]

    def kill(self) -> None: ...


class FakeBackend:
    """A store with the four namespaces of a fresh cluster, and no controller."""

    def __init__(self) -> None:
        self.clock = Clock(start=START)
        self.ids = Ids(seed=1)
        self.registry = Registry()
        self.store = Store(self.clock, self.ids, self.registry)
        self.service_addresses = (AddressPool("10.96.0.0/12"),)
        self.autosettle = True
        self.settled = 0
        self.program_clock: Clock | None = None
        self.before, self.written = Log(), Log()
        self.before.write(START - 60, b"before\n")
        for ago, text in ((9, b"one\n"), (5, b"two\n"), (0.25, b"three\n")):
            self.written.write(START - ago, text)
        for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
            self.add_namespace(name)
        self.store.create(
            SERVICE,
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "kubernetes", "namespace": "default"},
                "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"]},
            },
        )

    def add_namespace(self, name: str) -> None:
        self.store.create(
            NAMESPACE,
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )

    def settle(self) -> None:
        self.settled += 1

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        argv: Sequence[str],
        *,
        clock: Clock | None = None,
        **how: bool,
    ) -> FakeSession:
        self.program_clock = clock
        if argv[0] == "nope":
            raise InternalError.wrap(f'exec: "{argv[0]}": executable file not found in $PATH')
        return FakeSession(("exec", namespace, pod, container, tuple(argv), how))

    def attach(self, namespace: str, pod: str, container: str, **how: bool) -> FakeSession:
        return FakeSession(("attach", namespace, pod, container, how))

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
        return self.before if previous else self.written

    def dial(self, namespace: str, pod: str, port: int) -> Any:
        return (namespace, pod, port)


class Api:
    """A door to the API; a test says what it wants in the words of HTTP."""

    def __init__(self, backend: FakeBackend, handle: Callable[[Request], Response]) -> None:
        self.backend = backend
        self.handle = handle

    def call(
        self, method: str, url: str, body: Any = None, accept: str = "", media: str = ""
    ) -> Response:
        parts = urlsplit(url)
        headers = {"accept": accept, "content-type": media or "application/json"}
        query = parse_qs(parts.query, keep_blank_values=True)
        return self.handle(Request(method, parts.path, query, headers, body))

    def ok(self, method: str, url: str, body: Any = None, **how: str) -> Any:
        response = self.call(method, url, body, **how)
        assert response.code < 400, response.body
        return response.body

    def fails(self, method: str, url: str, body: Any = None, **how: str) -> Any:
        response = self.call(method, url, body, **how)
        assert response.code >= 400, response.body
        assert isinstance(response.body, dict)
        assert response.body["code"] == response.code
        return response.body

    def table(self, url: str) -> Any:
        return self.ok("GET", url, accept=TABLE)


def _in_process(backend: FakeBackend) -> Api:
    return Api(backend, ApiServer(backend).handle)


def _bytes(backend: FakeBackend) -> Api:
    """As over HTTP: bodies are bytes, and answers have been through JSON."""
    server = ApiServer(backend)

    def handle(request: Request) -> Response:
        if request.body is not None and not isinstance(request.body, bytes):
            request.body = json.dumps(request.body).encode()
        response = server.handle(request)
        if isinstance(response.body, dict):
            response.body = json.loads(json.dumps(response.body))
        return response

    return Api(backend, handle)


DOORS: dict[str, Callable[[FakeBackend], Api]] = {"bytes": _bytes, "in process": _in_process}
"""The ways to the API; the HTTP server adds its own."""


def pod(name: str, **spec: Any) -> dict[str, Any]:
    """A manifest of a pod with one container."""
    spec = {"containers": [{"name": "main", "image": "busybox"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def policy(name: str, **spec: Any) -> dict[str, Any]:
    """A manifest of a network policy."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": {}, **spec},
    }


def service(name: str, **spec: Any) -> dict[str, Any]:
    """A manifest of a service with one port."""
    spec = {"selector": {"app": name}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    """A manifest of a deployment."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod("x")["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
