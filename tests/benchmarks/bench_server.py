"""How fast a served cluster answers, measured from another process.

    python tests/benchmarks/bench_server.py [get] [post] [exec] [list] [start] [--http]

Prints a line for each figure; exits 1 if one misses the promise of the project.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

PODS = "/api/v1/namespaces/default/pods"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"
failed: list[str] = []


def report(name: str, value: float, unit: str, promise: float, *, least: bool) -> None:
    good = value >= promise if least else value <= promise
    sign = ">=" if least else "<="
    print(f"{name:44} {value:9.1f} {unit:5} ({sign} {promise:g}) {'ok' if good else 'MISSED'}")
    if not good:
        failed.append(name)


def cost(seconds: float, requests: int) -> None:
    print(f"  ({seconds / requests * 1000:.2f} ms of the server's processor time each)")


class Served:
    """A server in a process of its own."""

    def __init__(self, *, http: bool, nodes: int = 2, data: str = "") -> None:
        self.folder = tempfile.TemporaryDirectory()
        config = Path(self.folder.name) / "kubeconfig"
        command = [sys.executable, "-m", "minik8s.cli", "serve", "--port", "0"]
        command += ["--kubeconfig", str(config), "--nodes", str(nodes)]
        command += ["--insecure-http"] if http else []
        command += ["--data", data] if data else []
        script = "import sys; from minik8s.cli import main; sys.exit(main(sys.argv[1:]))"
        command[1:3] = ["-c", script]
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        while "export" not in (line := self.process.stdout.readline()):
            assert line, "the server has ended"
        document = json.loads(config.read_text())
        cluster = document["clusters"][0]["cluster"]
        self.host, _, port = cluster["server"].rpartition("//")[2].partition(":")
        self.port = int(port)
        self.token = document["users"][0]["user"].get("token", "")
        self.tls = None
        if "certificate-authority-data" in cluster:
            ca = b64decode(cluster["certificate-authority-data"]).decode()
            self.tls = ssl.create_default_context(cadata=ca)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = self.host if self.tls else None
        return await asyncio.open_connection(
            self.host, self.port, ssl=self.tls, server_hostname=name
        )

    def head(self, method: str, path: str, *lines: str, body: bytes = b"") -> bytes:
        parts = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *lines]
        if self.token:
            parts.append(f"Authorization: Bearer {self.token}")
        if body:
            parts += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
        return ("\r\n".join(parts) + "\r\n\r\n").encode() + body

    def memory(self) -> float:
        """Resident megabytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def cpu(self) -> float:
        """Processor seconds that the server has used: what a rate costs on a busy machine."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.folder.cleanup()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    code = int(head[9:12])
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return code, await reader.readexactly(int(length)) if length.strip() else b""


def pod(name: str) -> bytes:
    container = {"name": "main", "image": AGNHOST, "args": ["netexec"]}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": "bench"}},
            "spec": {"containers": [container]},
        }
    ).encode()


async def hammer(
    served: Served, requests: list[bytes], connections: int, expect: int
) -> tuple[float, list[float]]:
    """Send all requests over some connections: rate, and the time of each."""
    times: list[float] = []
    queue = iter(requests)

    async def work() -> None:
        reader, writer = await served.connect()
        for request in queue:
            start = time.perf_counter()
            writer.write(request)
            code, body = await answer(reader)
            times.append(time.perf_counter() - start)
            assert code == expect, body
        writer.close()

    begin, used = time.perf_counter(), served.cpu()
    await asyncio.gather(*(work() for _ in range(connections)))
    if len(requests) > 100:
        cost(served.cpu() - used, len(requests))
    return len(requests) / (time.perf_counter() - begin), times


async def paced(
    served: Served, requests: list[bytes], connections: int, rate: float
) -> list[float]:
    """Send requests at a fixed rate over some connections: the time of each, queueing included."""
    times: list[float] = []
    begin = time.perf_counter() + 0.2

    async def work(first: int) -> None:
        reader, writer = await served.connect()
        for index in range(first, len(requests), connections):
            due = begin + index / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(requests[index])
            await answer(reader)
            times.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(work(first) for first in range(connections)))
    return times


def p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98] * 1000


async def bench_get(served: Served) -> None:
    await hammer(served, [served.head("POST", PODS, body=pod("one"))], 1, 201)
    requests = [served.head("GET", f"{PODS}/one", "Accept: application/json")] * 8000
    rate, _ = await hammer(served, requests, 50, 200)
    report("GET of a pod, 50 connections", rate, "/s", 1500, least=True)
    times = await paced(served, requests[:4000], 50, 1500)
    report("  its p99 at 1,500/s", p99(times), "ms", 50, least=False)


async def bench_post(served: Served) -> None:
    requests = [served.head("POST", PODS, body=pod(f"p{n}")) for n in range(4000)]
    rate, _ = await hammer(served, requests[:2500], 50, 201)
    report("POST of a pod, 50 connections", rate, "/s", 700, least=True)
    times = await paced(served, requests[2500:], 50, 700)
    report("  its p99 at 700/s", p99(times), "ms", 50, least=False)


async def bench_list(served: Served, count: int = 10_000) -> None:
    requests = [served.head("POST", PODS, body=pod(f"l{n}")) for n in range(count)]
    await hammer(served, requests, 20, 201)
    table = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    best = 1e9
    for _ in range(3):
        _, times = await hammer(served, [served.head("GET", PODS, table)], 1, 200)
        best = min(best, times[0] * 1000)
    report(f"LIST of {count:,} pods as a table", best, "ms", 400, least=False)


def exec_path(target: str) -> str:
    words = ["/agnhost", "connect", target, "--timeout=1s", "--protocol=tcp"]
    return f"{PODS}/client/exec?" + "&".join(f"command={word}" for word in words)


async def exec_spdy(served: Served, target: str) -> tuple[bytes, dict[str, Any]]:
    """One program over SPDY/3.1: what it wrote on stderr, and its Status."""
    reader, writer = await served.connect()
    lines = ["Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0"]
    lines.append("X-Stream-Protocol-Version: v4.channel.k8s.io")
    writer.write(served.head("POST", exec_path(target) + "&stdout=true&stderr=true", *lines))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    deflate = zlib.compressobj(zdict=DICTIONARY)
    for stream, name in ((1, b"error"), (3, b"stdout"), (5, b"stderr")):
        block = struct.pack(">II", 1, 10) + b"streamtype" + struct.pack(">I", len(name)) + name
        packed = deflate.compress(block) + deflate.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">IIBB", stream, 0, 0, 0) + packed
        writer.write(struct.pack(">HHI", 0x8003, 1, len(body)) + body)
    texts: dict[int, bytes] = {}
    while True:
        first, second = struct.unpack(">II", await reader.readexactly(8))
        data = await reader.readexactly(second & 0xFFFFFF)
        if not first >> 31:
            texts[first] = texts.get(first, b"") + data
            if first == 1 and second >> 24 & 1:
                break
    writer.close()
    return texts.get(5, b""), json.loads(texts[1])


async def exec_websocket(served: Served, target: str) -> tuple[bytes, dict[str, Any]]:
    """The same over a WebSocket."""
    reader, writer = await served.connect()
    lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]
    lines += ["Sec-WebSocket-Protocol: v5.channel.k8s.io"]
    writer.write(served.head("GET", exec_path(target) + "&stdout=true&stderr=true", *lines))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    texts: dict[int, bytes] = {}
    while True:
        first, length = await reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack(">H", await reader.readexactly(2))
        data = await reader.readexactly(length)
        if first & 15 == 8:
            break
        texts[data[0]] = texts.get(data[0], b"") + data[1:]
    writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
    writer.close()
    return texts.get(2, b""), json.loads(texts[3])


DICTIONARY = b64decode(
    (Path(__file__).parents[2] / "minik8s" / "data" / "spdy-dictionary.txt").read_text()
)

DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny"},
    "spec": {"podSelector": {"matchLabels": {"app": "denied"}}, "policyTypes": ["Ingress"]},
}


async def bench_exec(served: Served) -> None:
    """Programs that connect, every other one to a pod that policy cuts off."""
    policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
    denied = pod("denied").replace(b'"bench"', b'"denied"')
    for path, body in ((PODS, pod("client")), (PODS, pod("open")), (PODS, denied)):
        await hammer(served, [served.head("POST", path, body=body)], 1, 201)
    await hammer(served, [served.head("POST", policies, body=json.dumps(DENY).encode())], 1, 201)
    addresses = {}
    for name in ("open", "denied"):
        reader, writer = await served.connect()
        writer.write(served.head("GET", f"{PODS}/{name}"))
        addresses[name] = json.loads((await answer(reader))[1])["status"]["podIP"]
        writer.close()
    for label, run in (("SPDY", exec_spdy), ("WebSocket", exec_websocket)):
        await exec_many(served, label, run, addresses)


Exec = Callable[[Served, str], Awaitable[tuple[bytes, dict[str, Any]]]]


async def exec_many(served: Served, label: str, run: Exec, addresses: dict[str, str]) -> None:
    count, gate = 1500, asyncio.Semaphore(15)

    async def one(number: int) -> None:
        name = "denied" if number % 2 else "open"
        async with gate:
            said, status = await run(served, f"{addresses[name]}:8080")
        if name == "open":
            assert status["status"] == "Success", (said, status)
        else:
            assert said == b"TIMEOUT\n", (said, status)

    start, used = time.perf_counter(), served.cpu()
    await asyncio.gather(*(one(number) for number in range(count)))
    cost(served.cpu() - used, count)
    rate = count / (time.perf_counter() - start)
    report(f"exec of agnhost connect over {label}, 15 at a time", rate, "/s", 300, least=True)


def bench_start(*, http: bool) -> None:
    with Served(http=http) as served:

        async def first() -> None:
            reader, writer = await served.connect()
            writer.write(served.head("GET", f"{PODS}"))
            assert (await answer(reader))[0] == 200
            writer.close()

        asyncio.run(first())
        report("start to first answer", time.perf_counter() - served.begun, "s", 1, least=False)
        time.sleep(1)
        report("idle memory", served.memory(), "MB", 120, least=False)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", nargs="*", default=["start", "get", "post", "exec", "list"])
    parser.add_argument("--http", action="store_true", help="without TLS")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {'HTTP' if options.http else 'HTTPS'}")
    if "start" in options.which:
        bench_start(http=options.http)
    benches = {"get": (bench_get, 2), "post": (bench_post, 50), "exec": (bench_exec, 2)}
    benches["list"] = (bench_list, 100)
    for name, (bench, nodes) in benches.items():
        if name in options.which:
            with Served(http=options.http, nodes=nodes) as served:
                asyncio.run(bench(served))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
