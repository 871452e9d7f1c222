"""exec, attach and port-forward, byte for byte: WebSocket channels and SPDY/3.1."""

from __future__ import annotations

import json
import socket as socket_module
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from server_wire import BOX, PODS, Spdy, WebSocket, Wire

from minik8s import Cluster
from minik8s.runtime.sessions import ExecSession
from minik8s.server.limits import Limits

DEMO = Path(__file__).parents[2] / "minik8s" / "data" / "tutorial" / "demo-app.yaml"


@pytest.fixture
def server(serve: Callable[..., Any]) -> Any:
    cluster = Cluster()
    cluster.apply(DEMO)
    cluster.apply([BOX])
    return serve(cluster)


@pytest.fixture
def backend(server: Any) -> str:
    with Wire(server) as wire:
        _, listed = wire.call("GET", f"{PODS}?labelSelector=app%3Dbackend")
        return str(listed["items"][0]["metadata"]["name"])


def command(*words: str) -> str:
    return f"{PODS}/box/exec?" + "&".join(f"command={word}" for word in words)


def ends_soon(read: Callable[[], object]) -> None:
    """What is read comes to an end."""
    try:
        for _ in range(10):
            read()
    except (EOFError, ConnectionError):
        return
    pytest.fail("the connection goes on")


# -- WebSocket channels


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
def test_streams_and_status(server: Any, protocol: str) -> None:
    with WebSocket(server) as socket:
        path = command("sh", "-c", "echo+out;echo+err+>%262;exit+7") + "&stdout=true&stderr=true"
        assert socket.open(path, protocol)["sec-websocket-protocol"] == protocol
        texts, close = socket.channels()
    assert texts[1] == b"out\n"
    assert texts[2] == b"err\n"
    status = json.loads(texts[3])
    assert status == {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": "command terminated with non-zero exit code: error executing command "
        "[sh -c echo out;echo err >&2;exit 7], exit code 7",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }
    assert close == struct.pack(">H", 1000)


def test_the_newest_common_protocol_is_chosen(server: Any) -> None:
    with WebSocket(server) as socket:
        headers = socket.open(command("true"), "v4.channel.k8s.io, v5.channel.k8s.io")
        assert headers["sec-websocket-protocol"] == "v5.channel.k8s.io"
        assert json.loads(socket.channels()[0][3]) == {"metadata": {}, "status": "Success"}


def test_stdin_and_its_end(server: Any) -> None:
    with WebSocket(server) as socket:
        socket.open(command("cat") + "&stdin=true&stdout=true", "v5.channel.k8s.io")
        socket.write(b"\x00hel", fin=False)
        socket.write(b"lo", opcode=0)
        socket.write(b"")
        socket.write(b"\x00 world")
        socket.write(b"\xff\x00")
        texts, _ = socket.channels()
    assert texts[1] == b"hello world"
    assert json.loads(texts[3])["status"] == "Success"


def test_base64_channels(server: Any) -> None:
    with WebSocket(server) as socket:
        socket.open(command("echo", "hi") + "&stdout=true", "v4.base64.channel.k8s.io")
        texts, _ = socket.channels()
    assert texts[ord("1")] == b"aGkK"
    assert ord("3") in texts


def test_a_ping_is_answered(server: Any) -> None:
    with WebSocket(server) as socket:
        socket.open(command("cat") + "&stdin=true&stdout=true", "v5.channel.k8s.io")
        socket.write(b"still there?", opcode=9)
        while (found := socket.read())[0] != 10:
            assert found[0] == 2
        assert found[1] == b"still there?"


def test_a_terminal_echoes_and_has_a_size(server: Any) -> None:
    with WebSocket(server) as socket:
        socket.open(command("sh") + "&stdin=true&stdout=true&tty=true", "v5.channel.k8s.io")
        socket.write(b'\x04{"Width":100,"Height":30}\n')
        socket.write(b"\x04not a size")
        socket.write(b"\x00echo $((40+2))\rexit\r")
        texts, _ = socket.channels()
    assert b"echo $((40+2))\r\n42\r\n" in texts[1]
    assert 2 not in texts


def test_frames_that_make_no_sense_end_the_connection_only(server: Any) -> None:
    for bad in (b"\xff\xff\xff\xff", b"\x82\x05hello", b"\x83\x80\0\0\0\0"):
        with WebSocket(server) as socket:
            socket.open(command("cat") + "&stdin=true&stdout=true", "v5.channel.k8s.io")
            socket.socket.sendall(bad)
            ends_soon(socket.read)
    with Wire(server) as wire:
        assert wire.call("GET", "/readyz") == (200, b"ok")


def test_a_program_whose_client_goes_is_killed(server: Any) -> None:
    with WebSocket(server) as socket:
        socket.open(command("nc", "-l", "-p", "7777") + "&stdout=true", "v5.channel.k8s.io")
    deadline = time.monotonic() + 5
    while server._hub.parked and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not server._hub.parked


def test_a_listener_really_waits_until_somebody_comes(server: Any) -> None:
    with WebSocket(server) as listener, WebSocket(server) as caller, Wire(server) as wire:
        listener.open(command("nc", "-l", "-p", "7777") + "&stdout=true", "v5.channel.k8s.io")
        assert listener.read()[1] == b"\x01"
        address = wire.call("GET", f"{PODS}/box")[1]["status"]["podIP"]
        script = f"echo+over+|+nc+-w+2+{address}+7777"
        caller.open(command("sh", "-c", script) + "&stdout=true", "v5.channel.k8s.io")
        assert json.loads(caller.channels()[0][3])["status"] == "Success"
        texts, _ = listener.channels()
    assert texts[1] == b"over\n"


# -- refusals


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refusals_come_before_the_upgrade(server: Any, method: str) -> None:
    upgrades = {
        "GET": ("Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        "POST": ("Upgrade: SPDY/3.1", "Content-Length: 0"),
    }
    head = ("Connection: Upgrade", *upgrades[method], "Sec-WebSocket-Key: " + "a" * 22 + "==")
    cases = {
        f"{PODS}/gone/exec?command=ls": (404, 'pods "gone" not found'),
        f"{PODS}/gone/portforward": (404, 'pods "gone" not found'),
        f"{PODS}/box/exec?command=ls&container=zz": (
            400,
            "container zz is not valid for pod box",
        ),
        f"{PODS}/box/exec": (400, "you must specify at least one command for the container"),
    }
    for path, (code, message) in cases.items():
        with Wire(server) as wire:
            found, status = wire.call(method, path, *head)
            assert (found, status["message"]) == (code, message)


def test_a_plain_request_is_told_to_upgrade(server: Any) -> None:
    with Wire(server) as wire:
        code, status = wire.call("POST", command("true"), "Content-Length: 0")
    assert (code, status["message"]) == (400, "Upgrade request required")


def test_unknown_protocols_are_refused(server: Any) -> None:
    head = ("Connection: Upgrade", "Upgrade: SPDY/3.1", "X-Stream-Protocol-Version: v9.x")
    with Wire(server) as wire:
        code, status = wire.call("POST", command("true"), *head, "Content-Length: 0")
    assert (code, status["reason"]) == (403, "Forbidden")


def test_too_many_sessions(serve: Callable[..., Any]) -> None:
    cluster = Cluster()
    cluster.apply([BOX])
    server = serve(cluster, limits=Limits(sessions=1))
    with WebSocket(server) as first:
        first.open(command("cat") + "&stdin=true&stdout=true", "v5.channel.k8s.io")
        with Wire(server) as second:
            lines = ["Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0"]
            second.send("POST", command("true"), *lines)
            code, headers, status = second.answer()
    assert (code, status["reason"], headers["retry-after"]) == (429, "TooManyRequests", "1")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with Wire(server) as again:
            again.send("POST", command("true"), *lines)
            if again.head()[0] == 101:
                return
    pytest.fail("the place was not given back")


# -- SPDY


def test_spdy_exec(server: Any) -> None:
    with Spdy(server) as spdy:
        path = command("sh", "-c", "echo+out;echo+err+>%262;exit+7") + "&stdout=true&stderr=true"
        headers = spdy.open(path, "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io")
        assert headers["upgrade"] == "SPDY/3.1"
        assert headers["x-stream-protocol-version"] == "v4.channel.k8s.io"
        spdy.stream(1, streamtype="error")
        assert spdy.frame()[:2] == ("reply", 1)
        spdy.stream(3, streamtype="stdout")
        assert spdy.frame()[:2] == ("reply", 3), "nothing runs before all streams are there"
        spdy.stream(5, streamtype="stderr")
        texts = spdy.until_closed(1, 3, 5)
    assert (texts[3], texts[5]) == (b"out\n", b"err\n")
    status = json.loads(texts[1])
    assert status["details"] == {"causes": [{"reason": "ExitCode", "message": "7"}]}
    assert status["reason"] == "NonZeroExitCode"


def test_spdy_stdin_and_ping(server: Any) -> None:
    with Spdy(server) as spdy:
        spdy.open(command("cat") + "&stdin=true&stdout=true", "v4.channel.k8s.io")
        for number, name in ((1, "error"), (3, "stdin"), (5, "stdout")):
            spdy.stream(number, streamtype=name)
            assert spdy.frame()[:2] == ("reply", number)
        spdy.control(6, struct.pack(">I", 77))
        assert spdy.frame()[:2] == ("ping", 77)
        spdy.control(9, struct.pack(">II", 5, 65536))  # a window update is ignored
        spdy.write(3, b"hello ")
        spdy.write(3, b"world")
        spdy.write(3, b"", fin=True)
        texts = spdy.until_closed(1, 5)
    assert texts[5] == b"hello world"
    assert json.loads(texts[1]) == {"metadata": {}, "status": "Success"}


def test_spdy_as_cyclonus_asks(server: Any) -> None:
    """tty and stderr, but no resize stream; and a stderr that comes late is closed, too."""
    path = command("echo", "hi") + "&stdout=true&stderr=true&tty=true"
    with Spdy(server) as spdy:
        spdy.open(path, "v4.channel.k8s.io")
        for number, name in ((1, "error"), (3, "stdout"), (5, "stderr")):
            spdy.stream(number, streamtype=name)
        texts = spdy.until_closed(1, 3, 5)
        assert texts[3] == b"hi\r\n"
        assert texts[5] == b""
        for number in (1, 3, 5):
            spdy.control(3, struct.pack(">II", number, 5))
        spdy.control(7, struct.pack(">II", 0, 0))


def test_spdy_streams_that_never_come(server: Any) -> None:
    with Spdy(server) as spdy:
        spdy.open(command("echo", "hi") + "&stdin=true&stdout=true", "v4.channel.k8s.io")
        spdy.stream(1, streamtype="error")
        spdy.stream(3, streamtype="stdout")
        texts = spdy.until_closed(1, 3)
    assert texts[3] == b"hi\n"


def test_spdy_old_versions_get_a_text(server: Any) -> None:
    with Spdy(server) as spdy:
        headers = spdy.open(command("false") + "&stdout=true", "v2.channel.k8s.io")
        assert headers["x-stream-protocol-version"] == "v2.channel.k8s.io"
        spdy.stream(1, streamtype="error")
        spdy.stream(3, streamtype="stdout")
        texts = spdy.until_closed(1, 3)
    assert texts[1].startswith(b"command terminated with non-zero exit code")


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 4,
        struct.pack(">HHI", 0x8003, 1, 12) + b"\0\0\0\1\0\0\0\0\0\0xx",
        struct.pack(">HHI", 0x8003, 1, 0xFFFFFF),
        struct.pack(">HHI", 0x8002, 1, 0),
        struct.pack(">HHI", 0x8003, 6, 0),
    ],
)
def test_bytes_that_are_no_spdy_end_the_connection_only(server: Any, bad: bytes) -> None:
    with Spdy(server) as spdy:
        spdy.open(command("cat") + "&stdin=true", "v4.channel.k8s.io")
        spdy.socket.sendall(bad)
        ends_soon(spdy.frame)
    with Wire(server) as wire:
        assert wire.call("GET", "/readyz") == (200, b"ok")


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_spdy_port_forward(server: Any, backend: str) -> None:
    with Spdy(server) as spdy:
        headers = spdy.open(f"{PODS}/{backend}/portforward", "portforward.k8s.io")
        assert headers["x-stream-protocol-version"] == "portforward.k8s.io"
        for number in (0, 1):
            request = str(number)
            first = 1 + 4 * number
            spdy.stream(first, fin=True, streamtype="error", port="8080", requestid=request)
            spdy.stream(first + 2, streamtype="data", port="8080", requestid=request)
            spdy.write(first + 2, REQUEST)
        texts = spdy.until_closed(1, 3, 5, 7)
    assert texts[3].startswith(b"HTTP/1.1 200 OK\r\n")
    assert texts[7].startswith(b"HTTP/1.1 200 OK\r\n")
    assert (texts[1], texts[5]) == (b"", b"")


def test_port_forward_to_a_port_where_nobody_listens(server: Any) -> None:
    with Spdy(server) as spdy:
        spdy.open(f"{PODS}/box/portforward", "portforward.k8s.io")
        spdy.stream(1, streamtype="error", port="1234", requestid="0")
        spdy.stream(3, streamtype="data", port="1234", requestid="0")
        texts = spdy.until_closed(1, 3)
    assert b"connection refused" in texts[1]
    assert texts[3] == b""


def test_spdy_within_a_websocket(server: Any, backend: str) -> None:
    """As kubectl forwards ports: SPDY's bytes, cut anyhow into messages."""
    with WebSocket(server) as socket, Spdy(server) as packer:
        protocol = "SPDY/3.1+portforward.k8s.io"
        path = f"{PODS}/{backend}/portforward"
        assert socket.open(path, protocol)["sec-websocket-protocol"] == protocol
        packer.open(path, "portforward.k8s.io")
        written = bytearray()

        class Pipe:
            def sendall(self, data: bytes) -> None:
                written.extend(data)

        real, packer.socket = packer.socket, Pipe()  # type: ignore[assignment]
        packer.stream(1, fin=True, streamtype="error", port="8080", requestid="0")
        packer.stream(3, streamtype="data", port="8080", requestid="0")
        packer.write(3, REQUEST)
        packer.socket = real
        for start in range(0, len(written), 3):
            socket.write(bytes(written[start : start + 3]))
        got = b""
        while not got.endswith(b"}"):
            opcode, data = socket.read()
            assert opcode == 2
            if not data[0] & 0x80:
                got += data[8:]
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", ""])
def test_port_forward_over_channels(server: Any, backend: str, protocol: str) -> None:
    """As Python's clients do it: `kubernetes` names the protocol, `kr8s` none."""
    with WebSocket(server) as socket:
        socket.open(f"{PODS}/{backend}/portforward?ports=8080&ports=1234", protocol)
        opening = [socket.read()[1] for _ in range(4)]
        assert opening == [bytes([c]) + struct.pack("<H", p) for c, p in _channels(8080, 1234)]
        socket.write(b"\x00" + REQUEST)
        texts, _ = socket.channels()
    assert texts[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection refused" in texts[3]


def _channels(*ports: int) -> list[tuple[int, int]]:
    return [(2 * i + e, port) for i, port in enumerate(ports) for e in (0, 1)]


def test_channels_need_ports(server: Any) -> None:
    with Wire(server) as wire:
        lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        code, status = wire.call("GET", f"{PODS}/box/portforward?ports=0", *lines)
    assert code == 400
    assert "ports" in status["message"]


def test_port_forward_ends_with_its_pod(server: Any, backend: str) -> None:
    """An open connection is closed, a new one is told that there is no sandbox any more."""
    with Spdy(server) as spdy, WebSocket(server) as socket, Wire(server) as wire:
        spdy.open(f"{PODS}/{backend}/portforward", "portforward.k8s.io")
        spdy.stream(1, streamtype="error", port="8080", requestid="0")
        spdy.stream(3, streamtype="data", port="8080", requestid="0")
        socket.open(f"{PODS}/{backend}/portforward?ports=8080", "v4.channel.k8s.io")
        assert wire.call("DELETE", f"{PODS}/{backend}?gracePeriodSeconds=0")[0] == 200
        assert spdy.until_closed(1, 3) == {1: b"", 3: b""}
        assert socket.channels()[1] == struct.pack(">H", 1000)
        spdy.stream(5, streamtype="error", port="8080", requestid="1")
        spdy.stream(7, streamtype="data", port="8080", requestid="1")
        texts = spdy.until_closed(5, 7)
    assert texts[5].decode() == (
        f"error forwarding port 8080 to pod {backend}, uid : "
        f'failed to find sandbox "{backend}" in store: not found'
    )


def test_a_half_closed_forwarded_connection_still_gets_its_answer(
    server: Any, backend: str
) -> None:
    with Spdy(server) as spdy:
        spdy.open(f"{PODS}/{backend}/portforward", "portforward.k8s.io")
        spdy.stream(1, fin=True, streamtype="error", port="8080", requestid="0")
        spdy.stream(3, streamtype="data", port="8080", requestid="0")
        spdy.write(3, REQUEST, fin=True)
        texts = spdy.until_closed(1, 3)
    assert texts[3].startswith(b"HTTP/1.1 200 OK\r\n")
    assert texts[1] == b""


def test_a_hundred_forwarded_connections_at_once(server: Any, backend: str) -> None:
    with Spdy(server) as spdy:
        spdy.open(f"{PODS}/{backend}/portforward", "portforward.k8s.io")
        numbers = range(1, 401, 4)
        for number in numbers:
            spdy.stream(number, streamtype="error", port="8080", requestid=str(number))
            spdy.stream(number + 2, streamtype="data", port="8080", requestid=str(number))
            spdy.write(number + 2, REQUEST)
        texts = spdy.until_closed(*numbers, *(number + 2 for number in numbers))
    assert all(texts[number + 2].startswith(b"HTTP/1.1 200 OK\r\n") for number in numbers)


def test_a_policy_does_not_apply_to_port_forward(server: Any, backend: str) -> None:
    """The connection is made within the pod's own network namespace."""
    deny = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
    with Wire(server) as wire:
        made = wire.call("POST", policies, "Content-Type: application/json", body=deny)
        assert made[0] == 201
    test_spdy_port_forward(server, backend)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes that terminals in pods are told."""
    told: list[tuple[int, int]] = []
    resize = ExecSession.resize

    def noted(session: ExecSession, width: int, height: int) -> None:
        resize(session, width, height)
        told.append((session.width, session.height))

    monkeypatch.setattr(ExecSession, "resize", noted)
    return told


def test_a_terminals_size_is_passed_on(server: Any, sizes: list[tuple[int, int]]) -> None:
    path = command("sh") + "&stdin=true&stdout=true&tty=true"
    with WebSocket(server) as socket:
        socket.open(path, "v5.channel.k8s.io")
        socket.write(b'\x04{"Width":100,"Height":30}\n')
        socket.write(b'\x04{"Width":70000,"Height":30}\n')
        socket.write(b"\x00exit\r")
        socket.channels()
    assert sizes == [(100, 30)]


def test_a_terminals_size_is_passed_on_over_spdy(server: Any, sizes: list[tuple[int, int]]) -> None:
    """The first size may come before all streams are there."""
    with Spdy(server) as spdy:
        path = command("sh") + "&stdin=true&stdout=true&tty=true"
        spdy.open(path, "v4.channel.k8s.io")
        spdy.stream(1, streamtype="error")
        spdy.stream(3, streamtype="resize")
        spdy.write(3, b'{"Width":100,"Height":30}\n')
        spdy.stream(5, streamtype="stdin")
        spdy.stream(7, streamtype="stdout")
        spdy.write(3, b'{"Width":90,"Height":20}\n')
        spdy.write(5, b"exit 3\r")
        texts = spdy.until_closed(1, 7)
    assert sizes == [(100, 30), (90, 20)]
    assert json.loads(texts[1])["details"]["causes"][0]["message"] == "3"


@pytest.mark.parametrize("way", ["websocket", "spdy"])
def test_bounds_hold_for_each_way_and_give_places_back(serve: Callable[..., Any], way: str) -> None:
    """exec, attach and port-forward share one bound; a refusal comes before the upgrade."""
    cluster = Cluster()
    cluster.apply([BOX])
    server = serve(cluster, limits=Limits(sessions=2))
    heads = {
        "websocket": (
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        "spdy": ("Upgrade: SPDY/3.1", "Content-Length: 0"),
    }
    head = ("Connection: Upgrade", *heads[way])
    method = "GET" if way == "websocket" else "POST"
    paths = [
        command("cat") + "&stdin=true",
        f"{PODS}/box/attach",
        f"{PODS}/box/portforward?ports=1",
    ]

    with ExitStack() as stack:

        def asked(path: str) -> tuple[Wire, int]:
            wire = stack.enter_context(Wire(server))
            wire.send(method, path, *head)
            return wire, wire.head()[0]

        held = [asked(path) for path in (paths[0], paths[0])]
        assert [code for _, code in held] == [101, 101]
        for path in paths:
            wire, code = asked(path)
            assert (code, b"too many sessions in pods" in wire.exactly(200)) == (429, True)
        for wire, _ in held:
            wire.close()
        deadline = time.monotonic() + 10
        while asked(paths[0])[1] == 429:
            assert time.monotonic() < deadline, "the places were not given back"
            time.sleep(0.02)


def test_a_thousand_idle_connections_do_no_harm(serve: Callable[..., Any]) -> None:
    """Half of them have not even finished their TLS handshake."""
    server = serve()
    with ExitStack() as stack:
        for number in range(1000):
            idle = socket_module.create_connection(("127.0.0.1", server.port), timeout=10)
            stack.enter_context(idle)
            if number % 2:
                idle.sendall(b"\x16\x03\x01\x02\x00\x01")
        with Wire(server) as wire:
            for _ in range(3):
                assert wire.call("GET", "/api/v1/pods")[0] == 200
    with Wire(server) as wire:
        assert wire.call("GET", "/readyz") == (200, b"ok")


def test_much_goes_through_in_both_directions(serve: Callable[..., Any]) -> None:
    """1 MB there and back, over both ways; the client of SPDY sends no window updates.

    Without TLS: two threads may not write to and read from one TLS socket of Python 3.11.
    """
    cluster = Cluster()
    cluster.apply([BOX])
    server = serve(cluster, insecure_http=True)
    data = bytes(range(256)) * 4096
    path = command("cat") + "&stdin=true&stdout=true"
    with Spdy(server) as spdy:
        spdy.open(path, "v4.channel.k8s.io")
        for number, name in ((1, "error"), (3, "stdin"), (5, "stdout")):
            spdy.stream(number, streamtype=name)
        sender = Thread(target=lambda: spdy.write(3, data, fin=True))
        sender.start()
        texts = spdy.until_closed(1, 5)
        sender.join()
    assert texts[5] == data
    with WebSocket(server) as socket:
        socket.open(path, "v5.channel.k8s.io")

        def send() -> None:
            for start in range(0, len(data), 32768):
                socket.write(b"\x00" + data[start : start + 32768])
            socket.write(b"\xff\x00")

        sender = Thread(target=send)
        sender.start()
        channels, _ = socket.channels()
        sender.join()
    assert channels[1] == data
