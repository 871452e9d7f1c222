"""`kubectl logs` with the real kubectl, above all of containers that write a lot."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from server_kubectl import Kubectl, binary
from server_wire import WebSocket, Wire

from minik8s import Cluster

TALKER = "seq 6000; sleep 1; seq 6001 12000; sleep 1; seq 12001 18000; echo; echo end; "


def pod(name: str, *scripts: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    containers = [
        {"name": f"c{number}", "image": "busybox", "command": ["sh", "-c", script]}
        for number, script in enumerate(scripts)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 0},
    }


def served(serve: Callable[..., Any], *pods: dict[str, Any]) -> Any:
    server = serve(Cluster())
    with Wire(server) as wire:
        for each in pods:
            path = "/api/v1/namespaces/default/pods"
            assert wire.call("POST", path, "Content-Type: application/json", body=each)[0] == 201
    return server


@contextmanager
def started(kubectl: Kubectl, *args: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [binary(), *args], env=kubectl.env, text=True, stdout=-1, stderr=-1, stdin=-3
    ) as process:
        yield process
        process.kill()


def test_following_a_container_that_writes_more_than_is_kept(
    serve: Callable[..., Any], kubectl: Callable[[Any], Kubectl]
) -> None:
    server = served(serve, pod("talker", TALKER + "sleep 1000000"))
    with started(kubectl(server), "logs", "-f", "talker") as process:
        assert process.stdout is not None
        seen = [line.rstrip("\n") for line in iter(process.stdout.readline, "end\n")]
    assert seen == [*(str(number) for number in range(1, 18_001)), ""]


def test_a_followed_log_ends_with_its_container(
    serve: Callable[..., Any], kubectl: Callable[[Any], Kubectl]
) -> None:
    server = served(serve, pod("short", "echo a; sleep 1; printf b"))
    ended = kubectl(server).run("logs", "-f", "short")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("a\nb", "", 0)


def test_what_is_written_is_shown_at_once(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minik8s.server.hub.PULSE", 60.0)
    web = pod("web", "")
    web["spec"]["containers"] = [{"name": "web", "image": "nginx"}]
    server = served(serve, web)
    pods = "/api/v1/namespaces/default/pods"
    with Wire(server) as wire, WebSocket(server) as caller:
        wire.send("GET", f"{pods}/web/log?follow=true&tailLines=0")
        assert wire.head()[0] == 200
        caller.open(f"{pods}/web/exec?command=curl&command=localhost", "v5.channel.k8s.io")
        assert b'"GET / HTTP/1.1" 200' in wire.chunk()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("--tail=2", "4\n5\n"),
        ("--tail=0", ""),
        ("--since=1h --tail=1", "5\n"),
        ("--since-time=2000-01-01T00:00:00Z --tail=1", "5\n"),
        ("--since-time=2100-01-01T00:00:00Z", ""),
        ("--limit-bytes=3", "1\n2"),
        ("-c c1", "side\n"),
        ("--all-containers", "1\n2\n3\n4\n5\nside\n"),
        ("--all-containers --prefix --tail=1", "[pod/two/c0] 5\n[pod/two/c1] side\n"),
        ("-c c0 --prefix --tail=1", "[pod/two/c0] 5\n"),
    ],
)
def test_both_kubectls_show_the_same(
    serve: Callable[..., Any], kubectl: Callable[[Any], Kubectl], options: str, wanted: str
) -> None:
    cluster = Cluster()
    cluster.apply([pod("two", "seq 5; sleep 1000000", "echo side; sleep 1000000")])
    command = f"logs two {options}"
    mine = cluster.kubectl(command)
    theirs = kubectl(serve(cluster)).run(*command.split())
    assert (mine.stdout, mine.exit_code) == (wanted, 0)
    if "--all-containers" in options:  # whose order is random, as that of a Go map
        assert sorted(theirs.stdout.splitlines()) == sorted(wanted.splitlines())
    else:
        assert theirs.stdout == wanted
    assert (theirs.returncode, theirs.stderr) == (0, mine.stderr)


def test_timestamps(serve: Callable[..., Any], kubectl: Callable[[Any], Kubectl]) -> None:
    server = served(serve, pod("one", "echo a; sleep 1000000"))
    shown = kubectl(server)("logs one --timestamps")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a\n", shown)


def test_the_log_before_a_restart(
    serve: Callable[..., Any], kubectl: Callable[[Any], Kubectl]
) -> None:
    script = "if [ -e /data/x ]; then echo second; sleep 1000000; fi; touch /data/x; echo first"
    twice = pod("twice", script)
    spec = twice["spec"]
    spec["volumes"] = [{"name": "data", "emptyDir": {}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    server = served(serve, twice)
    run = kubectl(server)
    deadline = time.monotonic() + 20
    while (before := run.run("logs", "twice", "--previous")).returncode:
        assert time.monotonic() < deadline, before.stderr
        time.sleep(0.2)
    assert before.stdout.endswith("first\n")
    followed = run.run("logs", "-f", "--previous", "twice")
    assert (followed.stdout, followed.returncode) == (before.stdout, 0)


def test_following_many_containers_at_once(
    serve: Callable[..., Any], kubectl: Callable[[Any], Kubectl]
) -> None:
    labels = {"app": "many"}
    pods = [pod(f"p{n}", f"echo hello {n}; sleep 1", labels=labels) for n in range(6)]
    run = kubectl(served(serve, *pods))
    refused = run.run("logs", "-f", "-l", "app=many")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "error: you are attempting to follow 6 log streams, but maximum allowed concurrency is 5, "
        "use --max-log-requests to increase the limit\n"
    )
    ended = run.run("logs", "-f", "-l", "app=many", "--max-log-requests=6", "--prefix")
    expected = [f"[pod/p{n}/c0] hello {n}" for n in range(6)]
    assert sorted(ended.stdout.splitlines()) == expected


def test_a_log_that_nobody_reads_keeps_nothing_back(serve: Callable[..., Any]) -> None:
    """Whoever reads slowly is not dropped, and the others go on."""
    talk = "while true; do seq 100000 104000; sleep 1; done"
    server = served(serve, pod("talker", talk))
    path = "/api/v1/namespaces/default/pods/talker/log?follow=true"
    with Wire(server) as slow, Wire(server) as quick:
        for wire in (slow, quick):
            wire.send("GET", path)
            assert wire.head()[0] == 200
        seen = b""
        while seen.count(b"104000\n") < 3:
            seen += quick.chunk()
        first = slow.chunk()
    assert first.startswith(b"100000\n100001\n")
