"""Programs that compute for long: others are answered meanwhile, and each one ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote_plus

import pytest
from server_wire import BOX, PODS, Spdy, WebSocket, Wire

from minik8s import Cluster

LONG = "for i in $(seq 9000); do for j in $(seq 9000); do :; done; done"
"""Some seconds of work, up to the bound on commands."""


@pytest.fixture
def server(serve: Callable[..., Any]) -> Any:
    cluster = Cluster()
    cluster.apply([BOX])
    return serve(cluster)


def script(text: str, *words: str) -> str:
    words = words or ("sh", "-c", text)
    return f"{PODS}/box/exec?" + "&".join(f"command={quote_plus(word)}" for word in words)


def opened(server: Any, path: str) -> WebSocket:
    socket = WebSocket(server)
    socket.open(path + "&stdout=true&stderr=true", "v5.channel.k8s.io")
    return socket


def helpers() -> int:
    """How many threads compute for shells."""
    return sum(1 for thread in threading.enumerate() if thread.name == "minik8s-shell")


def none_is_left(server: Any) -> None:
    deadline = time.monotonic() + 20
    while (helpers() or server._hub.parked) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (helpers(), len(server._hub.parked)) == (0, 0)


@pytest.mark.parametrize(
    ("text", "times"), [(LONG, 15), (f"exec sh -c '{LONG}'", 2), (f"hostname; {LONG}", 2)]
)
def test_others_are_answered_while_programs_compute(server: Any, text: str, times: int) -> None:
    with ExitStack() as stack:
        busy = [stack.enter_context(opened(server, script(text))) for _ in range(times)]
        wire = stack.enter_context(Wire(server))
        for _ in range(20):
            assert wire.call("GET", f"{PODS}/box")[0] == 200
        assert helpers() > 0, "they are still at it"
        assert len(busy) == len(server._hub.parked)
    none_is_left(server)  # as soon as their clients have gone


def test_a_script_ends_at_its_bound(server: Any) -> None:
    with opened(server, script("while :; do :; done")) as socket:
        texts, _ = socket.channels()
    assert texts[2] == b"minik8s: stopped: a loop went round more than 10,000 times\n"
    assert json.loads(texts[3])["details"]["causes"][0]["message"] == "130"
    with opened(server, script("s=x; while :; do s=$s$s; done")) as socket:
        texts, _ = socket.channels()
    assert b"memory limit exceeded" in texts[2]
    assert json.loads(texts[3])["details"]["causes"][0]["message"] == "130"
    none_is_left(server)


def test_a_loop_of_programs_lets_others_go_on(server: Any) -> None:
    with opened(server, script("while :; do hostname; done")) as socket, Wire(server) as wire:
        for _ in range(10):
            assert wire.call("GET", f"{PODS}/box")[0] == 200
        texts, _ = socket.channels()
    assert texts[1] == b"box\n" * 10_000
    assert texts[2] == b"sh: stopped: a loop went round more than 10,000 times\n"


def test_programs_and_output_of_a_computing_script_keep_their_order(server: Any) -> None:
    text = (
        "for i in $(seq 300); do echo $i; [ $i = 100 ] && hostname; [ $i = 200 ] && sleep 1; "
        "x=$(hostname)$i; done; echo $x"
    )
    with opened(server, script(text)) as socket:
        texts, _ = socket.channels()
    numbers = [str(number) for number in range(1, 301)]
    numbers.insert(100, "box")
    assert texts[1].decode().split() == [*numbers, "box300"]
    assert json.loads(texts[3])["status"] == "Success"


def test_a_tool_computes_aside(server: Any) -> None:
    """A program that only the shell's engine has, without a shell around it."""
    text = "BEGIN { for (i = 0; i < 9000; i++) for (j = 0; j < 100; j++) k++; print k }"
    with opened(server, script("", "awk", text)) as socket, Wire(server) as wire:
        for _ in range(5):
            assert wire.call("GET", f"{PODS}/box")[0] == 200
        texts, _ = socket.channels()
    assert texts[1] == b"900000\n"


def test_ctrl_c_stops_a_computing_script(server: Any) -> None:
    with WebSocket(server) as socket:
        path = script("", "sh") + "&stdin=true&stdout=true&tty=true"
        socket.open(path, "v5.channel.k8s.io")
        socket.write(b'\x04{"Width":100,"Height":30}\n')
        socket.write(b"\x00" + LONG.encode() + b"\r")
        while helpers() == 0:
            time.sleep(0.01)
        socket.write(b"\x00\x03")
        socket.write(b"\x00echo $((40+2)) $?\rexit\r")
        texts, _ = socket.channels()
    assert b"^C" in texts[1]
    assert b"42 130\r\n" in texts[1]
    none_is_left(server)


def test_a_computing_program_is_killed_over_spdy(server: Any) -> None:
    with Spdy(server) as spdy:
        spdy.open(script(LONG) + "&stdout=true", "v4.channel.k8s.io")
        spdy.stream(1, streamtype="error")
        spdy.stream(3, streamtype="stdout")
        while helpers() == 0:
            time.sleep(0.01)
    none_is_left(server)


def test_a_pod_is_deleted_while_its_program_computes(server: Any) -> None:
    with opened(server, script(LONG)) as socket, Wire(server) as wire:
        while helpers() == 0:
            time.sleep(0.01)
        assert wire.call("DELETE", f"{PODS}/box?gracePeriodSeconds=0")[0] == 200
        texts, _ = socket.channels()
    assert json.loads(texts[3])["details"]["causes"][0]["message"] == "137"
    none_is_left(server)


def test_a_busy_container_leaves_the_server_alone(server: Any) -> None:
    busy = json.loads(json.dumps(BOX).replace('"box"', '"busy"'))
    busy["spec"]["containers"][0]["command"] = ["sh", "-c", "while :; do x=$((x+1)); done"]
    with Wire(server) as wire:
        assert wire.call("POST", PODS, "Content-Type: application/json", body=busy)[0] == 201
        start, count = time.monotonic(), 0
        while time.monotonic() - start < 2:
            assert wire.call("GET", f"{PODS}/busy")[0] == 200
            count += 1
    assert count > 20
