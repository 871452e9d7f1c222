"""Mistakes of ours: the client gets a Status, the log the reason, and the server goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from server_kubectl import Kubectl
from server_wire import BOX, PODS, Spdy, WebSocket, Wire

from minik8s import Cluster
from minik8s.guests.base import Process, ReadInput, Steps

MESSAGE = "Internal error occurred: see the server's log"


class Mistake(Exception):
    """What nobody foresaw."""


@pytest.fixture
def server(serve: Callable[..., Any]) -> Any:
    cluster = Cluster()
    cluster.apply([BOX])
    return serve(cluster)


def broken_at_once(_process: Process) -> Steps[int]:
    raise Mistake
    yield


def broken_later(process: Process) -> Steps[int]:
    process.out("so far\n")
    yield ReadInput(process.stdin)
    raise Mistake


def logged(caplog: pytest.LogCaptureFixture) -> list[object]:
    """The exceptions in the server's log."""
    return [record.exc_info[0] for record in caplog.records if record.exc_info]


UPGRADES = {
    "http": (),
    "websocket": (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "spdy": ("Connection: Upgrade", "Upgrade: SPDY/3.1"),
}


@pytest.mark.parametrize("way", UPGRADES)
def test_a_request_that_fails(
    server: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    def fail(*_: object) -> None:
        raise Mistake

    path = f"{PODS}/box" if way == "http" else f"{PODS}/box/exec?command=true"
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR), Wire(server) as wire:
        patch.setattr("minik8s.apiserver.server.handler_of", fail)
        code, status = wire.call("GET", path, *UPGRADES[way])
    assert (code, status["reason"], status["message"]) == (500, "InternalError", MESSAGE)
    assert logged(caplog) == [Mistake]
    with Wire(server) as wire:
        assert wire.call("GET", f"{PODS}/box")[0] == 200


@pytest.mark.parametrize("program", [broken_at_once, broken_later])
def test_a_program_that_fails(
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    program: Callable[[Process], Steps[int]],
) -> None:
    monkeypatch.setattr("minik8s.runtime.containers.find_program", lambda *_: program)
    output = b"so far\n" if program is broken_later else b""
    path = f"{PODS}/box/exec?command=any&stdin=true&stdout=true"
    with caplog.at_level(logging.ERROR), WebSocket(server) as socket:
        socket.open(path, "v5.channel.k8s.io")
        socket.write(b"\x00x")
        texts, _ = socket.channels()
        assert (texts[1], json.loads(texts[3])["message"]) == (output, MESSAGE)
    with caplog.at_level(logging.ERROR), Spdy(server) as spdy:
        spdy.open(path, "v4.channel.k8s.io")
        for number, name in ((1, "error"), (3, "stdin"), (5, "stdout")):
            spdy.stream(number, streamtype=name)
        spdy.write(3, b"x")
        texts = spdy.until_closed(1, 5)
        assert (texts[5], json.loads(texts[1])["message"]) == (output, MESSAGE)
    assert logged(caplog) == [Mistake, Mistake]
    assert not server._hub.parked
    with Wire(server) as wire:
        assert wire.call("GET", f"{PODS}/box")[0] == 200


def test_what_kubectl_says_of_it(
    server: Any, kubectl: Callable[[Any], Kubectl], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minik8s.runtime.containers.find_program", lambda *_: broken_at_once)
    ended = kubectl(server).run("exec", "box", "--", "any")
    assert (ended.returncode, ended.stderr) == (1, f"error: {MESSAGE}\n")


def forwarded_over_websocket(server: Any) -> None:
    with WebSocket(server) as socket:
        socket.open(f"{PODS}/box/portforward?ports=80", "v4.channel.k8s.io")
        while True:
            socket.read()


def forwarded_over_spdy(server: Any) -> None:
    with Spdy(server) as spdy:
        spdy.open(f"{PODS}/box/portforward", "portforward.k8s.io")
        spdy.stream(1, streamtype="error", port="80", requestid="0")
        spdy.stream(3, streamtype="data", port="80", requestid="0")
        while True:
            spdy.frame()


@pytest.mark.parametrize("forward", [forwarded_over_websocket, forwarded_over_spdy])
def test_a_forwarded_connection_that_fails(
    server: Any, monkeypatch: pytest.MonkeyPatch, forward: Callable[[Any], None]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Mistake

    monkeypatch.setattr("minik8s.runtime.containers.Containers.dial", fail)
    with pytest.raises((EOFError, ConnectionError)):
        forward(server)
    with Wire(server) as wire:
        assert wire.call("GET", f"{PODS}/box")[0] == 200
