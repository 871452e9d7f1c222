"""Little clusters to send packets through, and the kernel's observations to compare with."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.model.registry import NETWORK_POLICY, POD
from minik8s.network import Connection, DatagramSocket, Host, Network, Settings
from minik8s.store import Store

DATA = Path(__file__).parents[1] / "data"
Document = dict[str, Any]


@cache
def observations() -> list[dict[str, Any]]:
    """The rows of the kernel that this part is tested against."""
    rows: list[dict[str, Any]] = json.loads((DATA / "network" / "kernel.json").read_text())
    return rows


def observed(name: str, run: int = 1) -> dict[str, Any]:
    """One row."""
    return next(row for row in observations() if row["id"] == name and row["run"] == run)


# -- documents


def namespace(name: str, **labels: str) -> Document:
    labels = {"kubernetes.io/metadata.name": name, **labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def node(name: str, address: str, *cidrs: str, more: tuple[str, ...] = ()) -> Document:
    addresses = [{"type": "InternalIP", "address": each} for each in (address, *more) if each]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"podCIDR": cidrs[0], "podCIDRs": list(cidrs)} if cidrs else {},
        "status": {"addresses": addresses},
    }


def pod(
    key: str,
    *addresses: str,
    node: str = "node",
    ports: tuple[tuple[str, int], ...] = (),
    host_network: bool = False,
    **labels: str,
) -> Document:
    namespace_, name = key.split("/")
    container = {"name": "main", "image": "example"}
    if ports:
        container["ports"] = [{"name": each, "containerPort": port} for each, port in ports]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace_,
            "uid": key,
            "labels": labels or {"app": name},
        },
        "spec": {"nodeName": node, "hostNetwork": host_network, "containers": [container]},
        "status": {
            "phase": "Running",
            "podIP": addresses[0],
            "podIPs": [{"ip": each} for each in addresses],
        },
    }


def service(
    key: str, address: str, port: int, *, protocol: str = "TCP", target: int = 0, **spec: Any
) -> Document:
    namespace_, name = key.split("/")
    entry: Document = {"port": port, "protocol": protocol, "targetPort": target or port}
    if "node_port" in spec:
        entry["nodePort"] = spec.pop("node_port")
    status = spec.pop("status", {})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace_},
        "spec": {"clusterIP": address, "clusterIPs": [address], "ports": [entry], **spec},
        "status": status,
    }


def endpoint_slice(
    key: str,
    port: int,
    *endpoints: tuple[str, str],
    protocol: str = "TCP",
    port_name: str = "",
    conditions: Document | None = None,
) -> Document:
    """A slice of a Service's endpoints, each an address and its node."""
    namespace_, name = key.split("/")
    ipv6 = any(":" in address for address, _ in endpoints)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-{protocol.lower()}-{port}{'-v6' if ipv6 else ''}",
            "namespace": namespace_,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv6" if ipv6 else "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": protocol}],
        "endpoints": [
            {
                "addresses": [address],
                "nodeName": node_name,
                "conditions": conditions if conditions is not None else {"ready": True},
            }
            for address, node_name in endpoints
        ],
    }


def policy(key: str, **spec: Any) -> Document:
    """A NetworkPolicy; `pods` is its podSelector's matchLabels."""
    namespace_, name = key.split("/")
    labels = spec.pop("pods", None)
    selector = {"matchLabels": labels} if labels else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace_},
        "spec": {"podSelector": selector, **spec},
    }


def deny_ingress(app: str) -> Document:
    return policy(f"default/deny-{app}", pods={"app": app}, policyTypes=["Ingress"])


def deny_egress(app: str) -> Document:
    return policy(f"default/mute-{app}", pods={"app": app}, policyTypes=["Egress"])


# -- worlds


@dataclass
class World:
    """A cluster made of documents; time passes with `clock.advance`."""

    documents: list[Document] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    seed: int = 1

    def __post_init__(self) -> None:
        self.clock = Clock(start=0)
        ids = Ids(self.seed)
        self.store = Store(self.clock, ids)
        self.network = Network(self.store, self.clock, ids, self.settings)
        self.store.load(self.documents)

    def load(self, *documents: Document) -> None:
        self.store.load(documents)

    def pod(self, name: str) -> Host:
        return self.network.pod_host(*(name if "/" in name else f"default/{name}").split("/"))

    def remove_policy(self, document: Document) -> None:
        metadata = document["metadata"]
        self.store.delete(NETWORK_POLICY, metadata["namespace"], metadata["name"])

    def remove_pod(self, name: str) -> None:
        self.store.delete(POD, "default", name)

    def connect(
        self,
        source: Host | str,
        address: str,
        port: int,
        *,
        sport: int | None = None,
        wait: float = 2.0,
        protocol: Any = "TCP",
    ) -> Connection:
        host = self.pod(source) if isinstance(source, str) else source
        connection = host.connect(protocol, address, port, clock=self.clock, sport=sport)
        self.until(lambda: connection.state != "connecting", wait)
        return connection

    def reach(self, source: Host | str, address: str, port: int, **more: Any) -> str:
        """How a connect ends: connected, refused or timed out."""
        connection = self.connect(source, address, port, **more)
        words = {"established": "connected", "connecting": "timed out"}
        outcome = words.get(connection.state, connection.state)
        connection.close()
        self.clock.advance(0.05)
        return outcome

    def head(self, connection: Connection, wait: float = 2.0) -> str:
        """Ask for HEAD / on an open connection: the status line, the end, or the error."""
        connection.send(b"HEAD / HTTP/1.1\r\nHost: backend\r\n\r\n")
        return self.read(connection, wait).split("\r\n")[0]

    def read(self, connection: Connection, wait: float = 2.0) -> str:
        """What arrives next; `timed out`, `EOF` or the state if nothing does."""
        inbox = bytearray()

        def arrived() -> bool:
            inbox.extend(connection.receive())
            return bool(inbox) or connection.eof or connection.state != "established"

        if not self.until(arrived, wait):
            return "timed out"
        if inbox:
            return inbox.decode()
        return "EOF" if connection.eof else connection.state

    def ask(self, socket: DatagramSocket, data: bytes, wait: float = 2.0) -> str:
        """Send a datagram on a connected socket, and what comes back."""
        socket.send(data)
        return self.listen(socket, wait)

    def listen(self, socket: DatagramSocket, wait: float = 2.0) -> str:
        got: list[str] = []

        def arrived() -> bool:
            datagram = socket.receive()
            if datagram is not None:
                got.append(datagram.data.decode())
            elif error := socket.error():
                got.append(error)
            return bool(got)

        return got[0] if self.until(arrived, wait) else "timed out"

    def until(self, happened: Any, wait: float) -> bool:
        """Step the clock until something has happened, for some seconds at most."""
        deadline = self.clock.now + wait
        while not happened():
            due = self.clock.next_event()
            if due is None or due > deadline:
                self.clock.run_until(deadline)
                return bool(happened())
            self.clock.step()
        return True

    def lines(self, node_name: str = "node") -> list[str]:
        """The node's table as `conntrack -L` prints it."""
        table = self.network.conntrack[node_name]
        return [entry.line(self.clock.now) for entry in table.entries()]


def serve_http(host: Host, port: int, text: str = "HTTP/1.1 200 OK") -> None:
    """A server that answers each request with a status line and the peer that it saw."""
    listener = host.listen("TCP", port)

    def accept() -> None:
        while (connection := listener.accept()) is not None:
            _attach(connection, text)

    listener.wake = accept


def _attach(connection: Connection, text: str) -> None:
    def read() -> None:
        data = connection.receive()
        if data:
            peer = connection.remote[0]
            connection.send(f"{text}\r\nX-Peer: {peer}\r\n\r\n".encode())
        if connection.eof:
            connection.close()

    connection.wake = read
    read()


def serve_udp(host: Host, port: int, prefix: str = "", after: float = 0.0) -> DatagramSocket:
    """A UDP server that says everything again, after some seconds."""
    socket = host.bind(port)

    def answer() -> None:
        while (datagram := socket.receive()) is not None:
            reply = partial(socket.reply, datagram, prefix.encode() + datagram.data)
            if after:
                datagram.clock.call_later(after, reply)
            else:
                reply()

    socket.wake = answer
    return socket


# -- the cluster in which the kernel was observed

FRONTEND, BACKEND, DNS = "10.244.0.5", "10.244.0.6", "10.244.0.2"
BACKEND_IP, DNS_IP = "10.96.105.101", "10.96.0.10"
NODE, GATEWAY, WEB = "203.0.113.1", "10.244.0.1", "203.0.113.80"


def kernel_world(*more: Document, settings: Settings | None = None) -> World:
    """One node, a frontend and a backend behind a Service, CoreDNS, and a host outside."""
    world = World(
        [
            namespace("default"),
            namespace("kube-system"),
            node("node", NODE, "10.244.0.0/24"),
            pod("kube-system/coredns", DNS, **{"k8s-app": "kube-dns"}),
            pod("default/frontend", FRONTEND),
            pod("default/backend", BACKEND),
            service("default/backend", BACKEND_IP, 8080),
            endpoint_slice("default/backend", 8080, (BACKEND, "node")),
            *more,
        ],
        settings or Settings(),
    )
    serve_http(world.pod("backend"), 8080)
    serve_http(world.network.outside.host(WEB), 80, "HTTP/1.1 301 Moved Permanently")
    return world


_LINE = re.compile(
    r"(?P<protocol>\w+) +\d+ (?P<seconds>\d+) (?P<state>[A-Z_0-9]+ )?(?P<rest>src=.*) mark=0 use=1"
)


def parsed(line: str) -> tuple[str, int, str, str]:
    """Protocol, remaining seconds, state and the rest of a `conntrack -L` line."""
    match = _LINE.fullmatch(line.strip())
    assert match, line
    return (
        match["protocol"],
        int(match["seconds"]),
        (match["state"] or "").strip(),
        match["rest"],
    )


def sport_of(line: str) -> int:
    """The first source port of a `conntrack -L` line."""
    return int(line.split("sport=")[1].split()[0])


def same_lines(ours: list[str], rows: list[str], *, seconds: int = 3) -> None:
    """Assert that two tables are equal, up to a few seconds and the order."""
    expected = sorted(parsed(row)[2:] for row in rows)
    assert sorted(parsed(line)[2:] for line in ours) == expected
    theirs_left = {parsed(row)[2:]: parsed(row)[1] for row in rows}
    for line in ours:
        _, left, *key = parsed(line)
        assert abs(left - theirs_left[tuple(key)]) <= seconds, line
