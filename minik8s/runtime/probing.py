"""How the kubelet asks a container whether it is well: over the network, or inside it.

The question comes from the pod's own node, so no policy is in its way. It is asked on a private
timeline: the cluster's clock stands still meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.clock import Clock
from minik8s.errors import ApiError
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.workloads import node_name, pod_addresses
from minik8s.network import Connection, Network
from minik8s.runtime.containers import Containers


class NetworkProber:
    """Carries out httpGet, tcpSocket, grpc and exec probes."""

    def __init__(self, containers: Containers, network: Network, clock: Clock) -> None:
        self.containers = containers
        self.network = network
        self.clock = clock

    def probe(self, pod: Document, container: Document, spec: Mapping[str, Any]) -> str | None:
        """Ask once: why the container is not well (possibly no words), or None."""
        timeout = float(spec.get("timeoutSeconds") or 1)
        if command := spec.get("exec"):
            return self._exec(pod, container, list(command.get("command") or ()))
        if http := spec.get("httpGet"):
            return self._http(pod, container, http, timeout)
        target = spec.get("tcpSocket") or spec.get("grpc")
        if target:
            return self._connect(pod, container, target, timeout)[1] or None
        return None

    def _exec(self, pod: Document, container: Document, argv: list[str]) -> str | None:
        try:
            session = self.containers.exec(
                namespace_of(pod), name_of(pod), container["name"], argv, clock=self.clock.fork()
            )
        except ApiError as error:
            return error.message
        session.run()
        text = b"".join(chunk for _, chunk in session.output()).decode(errors="replace")
        return None if session.exit_code == 0 else text

    def _http(
        self, pod: Document, container: Document, spec: Mapping[str, Any], timeout: float
    ) -> str | None:
        scheme = str(spec.get("scheme") or "HTTP").lower()
        connection, problem = self._connect(pod, container, spec, timeout)
        address, port = _target(pod, container, spec)
        url = f"{scheme}://{_bracketed(address)}:{port}{spec.get('path') or '/'}"
        if connection is None:
            return f'Get "{url}": {problem}'
        if scheme == "https":
            connection.close()
            return None
        host = f"{_bracketed(address)}:{port}"
        headers = [("Host", host), ("User-Agent", "kube-probe/1.37"), ("Connection", "close")]
        headers += [(h["name"], h["value"]) for h in spec.get("httpHeaders") or ()]
        lines = [f"GET {spec.get('path') or '/'} HTTP/1.1", *(f"{k}: {v}" for k, v in headers)]
        connection.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = _read(connection, timeout)
        connection.close()
        status = answer.split(b" ", 2)[1:2]
        if not status:
            reason = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            return f'Get "{url}": {reason}'
        code = int(status[0])
        return None if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"

    def _connect(
        self, pod: Document, container: Document, spec: Mapping[str, Any], timeout: float
    ) -> tuple[Connection | None, str]:
        address, port = _target(pod, container, spec)
        clock = self.clock.fork()
        host = self.network.node_host(node_name(pod))
        connection = host.connect("TCP", address, port, clock=clock)
        deadline = clock.now + timeout
        while connection.state == "connecting" and (due := clock.next_event()) is not None:
            if due > deadline:
                break
            clock.step()
        if connection.state == "established":
            return connection, ""
        refused = connection.state == "refused"
        connection.abort()
        reason = "connect: connection refused" if refused else "i/o timeout"
        return None, f"dial tcp {_bracketed(address)}:{port}: {reason}"


def _read(connection: Connection, timeout: float) -> bytes:
    """What arrives until the other end closes, or the time is over."""
    clock, data = connection.clock, b""
    deadline = clock.now + timeout
    while not connection.eof and (due := clock.next_event()) is not None and due <= deadline:
        clock.step()
        data += connection.receive()
    return data + connection.receive()


def _target(pod: Document, container: Document, spec: Mapping[str, Any]) -> tuple[str, int]:
    address = str(spec.get("host") or (pod_addresses(pod) or ("",))[0])
    port = spec["port"]
    if isinstance(port, int):
        return address, port
    named = {each.get("name"): int(each["containerPort"]) for each in container.get("ports") or ()}
    return address, named.get(port, int(port) if str(port).isdigit() else 0)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
