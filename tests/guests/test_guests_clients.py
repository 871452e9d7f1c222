"""curl and wget against recordings of the real ones (`tests/data/guests/clients.json`)."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from guests_world import World

from minik8s.network import Connection, Listener

DATA = json.loads((Path(__file__).parents[1] / "data/guests/clients.json").read_text())


def serve(world: World, port: int, answer: bytes, hangs_up: bool) -> None:
    """The recorded server: it sends its bytes after each request."""
    host = world.network.pod_host("default", "client")
    listener: Listener = host.listen("TCP", port)
    listener.wake = partial(accept, listener, answer, hangs_up)


def accept(listener: Listener, answer: bytes, hangs_up: bool) -> None:
    while (connection := listener.accept()) is not None:
        connection.wake = partial(talk, connection, bytearray(), answer, hangs_up)
        connection.wake()


def talk(connection: Connection, data: bytearray, answer: bytes, hangs_up: bool) -> None:
    data += connection.receive()
    if connection.eof:
        connection.close()
        return
    head, end, body = bytes(data).partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    if not end or len(body) < int(length[1] if length else 0):
        return
    data.clear()
    if head.startswith(b"HEAD") and answer.startswith(b"HTTP"):
        answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    if answer:
        connection.send(answer)
    if hangs_up:
        connection.close()


@pytest.fixture(scope="module")
def world() -> World:
    world = World(nodes=1)
    world.pod("client", "buildpack-deps", command=["sleep", "infinity"])
    for port, (answer, hangs_up) in DATA["servers"].items():
        serve(world, int(port), answer.encode("latin-1"), hangs_up)
    return world


def same(text: str) -> str:
    """A recorded text without what differs from run to run: times, rates, dates, addresses."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"(?<=after )\d+(?= ms| milliseconds)", "N", text)
    text = re.sub(r"0x[0-9a-f]+", "HEAP", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r" *[\d.]+[KMG]?=[\d.]+s", " RATE", text)
    text = re.sub(r"\([\d.]+ [KMG]?B/s\)", "(RATE)", text)
    text = re.sub(r"( +[\d.]+[kM]?){2} (?=--:--:-- --:--:-- --:--:--)", " RATE ", text)
    return re.sub(r"(?<=--:--:-- --:--:-- --:--:--) +\d+[kM]?", " RATE", text)


@pytest.mark.parametrize(
    "row", DATA["rows"], ids=lambda row: " ".join([row["tool"], *row["argv"]])[:60]
)
def test_like_the_real_one(world: World, row: dict[str, Any]) -> None:
    ran = world.run("client", row["tool"], *row["argv"], tty=row.get("tty", False))
    if row.get("tty") and "left intact" in row["stdout"]:
        # curl writes what -v says at once, and a body when its buffer is flushed
        assert sorted(same(ran.stdout)) == sorted(same(row["stdout"]))
    else:
        assert same(ran.stdout) == same(row["stdout"])
    assert same(ran.stderr) == same(row["stderr"])
    assert ran.exit_code == row["exit"]
