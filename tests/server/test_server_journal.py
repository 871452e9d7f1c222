"""The data file: no acknowledged write is lost, none is half there."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from server_wire import Wire

from minik8s.journal import VERSION_GAP, Journal, JournalError
from minik8s.model.registry import CONFIG_MAP
from minik8s.store import StoreEvent

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
JSON = "Content-Type: application/json"
MAIN = "import sys; from minik8s.cli import main; sys.exit(main(sys.argv[1:]))"


def event(kind: str, name: str, version: int, **data: str) -> StoreEvent:
    metadata = {"name": name, "namespace": "default", "resourceVersion": str(version)}
    document = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": data}
    return StoreEvent(kind, CONFIG_MAP, document, None, version)  # type: ignore[arg-type]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cluster.db"
    journal = Journal(path)
    assert journal.read().resource_version == 0
    journal.write([event("ADDED", "a", 5), event("ADDED", "b", 6)])
    journal.write([event("MODIFIED", "a", 7, x="y"), event("DELETED", "b", 8)])
    journal.close()
    saved = Journal(path).read()
    assert [document["metadata"]["name"] for document in saved.documents] == ["a"]
    assert saved.documents[0]["data"] == {"x": "y"}
    assert saved.resource_version == 8
    assert path.stat().st_mode & 0o077 == 0, "nobody else reads tokens and Secrets"


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "cluster.db")
    with pytest.raises(JournalError, match="locked"):
        Journal(tmp_path / "cluster.db")
    journal.close()
    Journal(tmp_path / "cluster.db").close()


def test_files_that_are_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database" * 100)
    with pytest.raises(JournalError):
        Journal(path)
    with pytest.raises(JournalError):
        Journal(tmp_path)
    other = tmp_path / "other.db"
    Journal(other).close()
    with sqlite3.connect(other) as file:
        file.execute("INSERT OR REPLACE INTO facts VALUES ('format', '99')")
    file.close()
    with pytest.raises(JournalError, match="format 99"):
        Journal(other)


@dataclass
class Process:
    """`minik8s serve --data` in a process of its own."""

    data: Path
    kubeconfig: Path

    def start(self) -> SimpleNamespace:
        command = [sys.executable, "-c", MAIN, "serve", "--port", "0", "--data", str(self.data)]
        command += ["--kubeconfig", str(self.kubeconfig)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        while "export KUBECONFIG=" not in (line := self.process.stdout.readline()):
            assert line, "the server has ended"
        document = json.loads(self.kubeconfig.read_text())
        from base64 import b64decode

        cluster = document["clusters"][0]["cluster"]
        pair = SimpleNamespace(ca=b64decode(cluster["certificate-authority-data"]).decode())
        return SimpleNamespace(
            port=int(cluster["server"].rpartition(":")[2]),
            token=document["users"][0]["user"]["token"],
            options=SimpleNamespace(pair=pair),
        )

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path / "cluster.db", tmp_path / "kubeconfig")
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGKILL)


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_a_restart_changes_nothing(process: Process) -> None:
    server = process.start()
    pods = "/api/v1/namespaces/default/pods"
    container = {"name": "main", "image": "busybox", "command": ["nc", "-lk", "-p", "80"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "toys.example.org"},
        "spec": {
            "group": "example.org",
            "names": {"kind": "Toy", "plural": "toys"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    toys = "/apis/example.org/v1/namespaces/default/toys"
    with Wire(server) as wire:
        wire.call("POST", pods, JSON, body={**pod, "spec": {"containers": [container]}})
        wire.call(
            "POST",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            JSON,
            body=definition,
        )
        toy = {"apiVersion": "example.org/v1", "kind": "Toy", "metadata": {"name": "bear"}}
        assert wire.call("POST", toys, JSON, body=toy)[0] == 201
        deleted = "/api/v1/namespaces/kube-system/services/kube-dns"
        assert wire.call("DELETE", deleted)[0] == 200
        before = wire.call("GET", f"{pods}/web")[1]
        version = int(wire.call("GET", pods)[1]["metadata"]["resourceVersion"])
    assert process.end(signal.SIGTERM) == 0
    again = process.start()
    assert (again.token, again.options) == (server.token, server.options), "kubeconfigs stay valid"
    with Wire(again) as wire:
        after = wire.call("GET", f"{pods}/web")[1]
        assert after["metadata"] == before["metadata"]
        assert after["status"] == before["status"]
        assert wire.call("GET", deleted)[0] == 404
        assert wire.call("GET", f"{toys}/bear")[0] == 200
        later = int(wire.call("GET", pods)[1]["metadata"]["resourceVersion"])
        assert later >= version + VERSION_GAP
        other = {**pod, "metadata": {"name": "other"}, "spec": {"containers": [container]}}
        assert wire.call("POST", pods, JSON, body=other)[0] == 201
        made = wire.call("GET", f"{pods}/other")[1]
        assert made["status"]["phase"] == "Running"
        assert made["metadata"]["uid"] != before["metadata"]["uid"]
        assert made["status"]["podIP"] != before["status"]["podIP"]


def write_until_killed(server: Any, worker: int, acknowledged: dict[str, str]) -> None:
    """Create, change and delete, noting what the server has acknowledged."""
    try:
        with Wire(server) as wire:
            for number in range(10_000):
                name = f"k{worker}-{number}"
                code, _ = wire.call("POST", CONFIGMAPS, JSON, body=config(name, a="1", b="1"))
                assert code == 201
                acknowledged[name] = "1"
                merge = "Content-Type: application/merge-patch+json"
                change = {"data": {"a": "2", "b": "2"}}
                code, _ = wire.call("PATCH", f"{CONFIGMAPS}/{name}", merge, body=change)
                assert code == 200
                acknowledged[name] = "2"
                if number % 3 == 2:
                    acknowledged[name] = "going"
                    assert wire.call("DELETE", f"{CONFIGMAPS}/{name}")[0] == 200
                    acknowledged[name] = "gone"
    except (OSError, EOFError, ValueError):
        return


def kill_test(process: Process, rounds: int, writers: int, seed: int) -> int:
    """Kill the server at random moments while others write; gives how many writes it took."""
    chance = random.Random(seed)
    everything: dict[str, str] = {}
    for turn in range(rounds):
        server = process.start()
        told: list[dict[str, str]] = [{} for _ in range(writers)]
        threads = [
            threading.Thread(target=write_until_killed, args=(server, turn * 100 + w, told[w]))
            for w in range(writers)
        ]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.3, 1.2))
        process.end(signal.SIGKILL)
        for thread in threads:
            thread.join(20)
        for each in told:
            everything.update(each)
    server = process.start()
    with Wire(server) as wire:
        found = {
            item["metadata"]["name"]: item["data"]
            for item in wire.call("GET", CONFIGMAPS)[1]["items"]
            if item["metadata"]["name"].startswith("k")
        }
    for data in found.values():
        if "a" in data:
            assert data["a"] == data["b"], "half a write"
    for name, state in everything.items():
        if state == "gone":
            assert name not in found
        elif state != "going":
            assert found[name]["a"] >= state, f"{name} was acknowledged as {state}"
    return len(everything)


def test_kill_nine_loses_nothing(process: Process) -> None:
    assert kill_test(process, rounds=3, writers=4, seed=1) > 30


@pytest.mark.skipif("MINIK8S_NIGHTLY" not in os.environ, reason="takes minutes")
def test_kill_nine_loses_nothing_at_length(process: Process) -> None:
    assert kill_test(process, rounds=20, writers=8, seed=2) >= 2000
