"""Scripts that are a container's own program: they wait as everybody does, and end with the pod."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from minik8s import Cluster

LOOPS = [
    ("for i in 1 2 3; do echo $i; sleep 5; done; echo end", "1 2 3 end", 15, 0),
    ("for i in $(seq 3); do [ $i = 2 ] && continue; echo $i; sleep 2; done", "1 3", 4, 0),
    ("while true; do echo x; sleep 3; [ -f /no ] || break; done; echo end", "x end", 3, 0),
    ("for a in 1 2; do for b in x y; do [ $b = y ] && break 2; echo $b; sleep 1; done; done",
     "x", 1, 0),
    ("x=$(sleep 5; echo hi); echo $x", "hi", 5, 0),
    ("if sleep 4; then echo yes; fi; exit 3", "yes", 4, 3),
    ("(sleep 2; echo sub) && echo done", "sub done", 2, 0),
]  # fmt: skip


def pod(script: str, name: str = "own") -> dict[str, object]:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }


def state(cluster: Cluster, name: str = "own") -> str:
    path = "{.status.containerStatuses[0].state.terminated.exitCode}"
    return cluster.kubectl(f"get pod {name} -o jsonpath={path}").stdout


@pytest.mark.parametrize(("script", "says", "seconds", "code"), LOOPS)
def test_it_waits_in_the_cluster_s_time(script: str, says: str, seconds: float, code: int) -> None:
    cluster = Cluster()
    start = cluster.clock.now
    cluster.apply([pod(script)])
    assert cluster.clock.now == start, "nothing but time makes time pass"
    cluster.clock.advance(seconds - 0.5)
    assert state(cluster) == "", "it still sleeps"
    cluster.clock.advance(1)
    assert state(cluster) == str(code)
    assert cluster.kubectl("logs own").stdout.split() == says.split()


def test_what_it_waits_for_comes_meanwhile() -> None:
    cluster = Cluster()
    look = "nslookup db.default.svc.cluster.local >/dev/null"
    cluster.apply([pod(f"for i in $(seq 9); do {look} && break; sleep 2; done; echo $i")])
    cluster.clock.advance(5)
    cluster.kubectl("create service clusterip db --tcp=5432")
    cluster.clock.advance(3)
    assert cluster.kubectl("logs own").stdout.split() == ["4"]


def own_threads() -> int:
    return sum(1 for each in threading.enumerate() if each.name == "minik8s-shell")


def settled(expected: int) -> int:
    """The number of waiting threads, once those that end have done so."""
    deadline = time.monotonic() + 10
    while own_threads() > expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return own_threads()


def test_it_ends_with_its_pod() -> None:
    before = own_threads()
    cluster = Cluster()
    cluster.apply([pod("for i in $(seq 99); do sleep 100; done")])
    assert own_threads() == before + 1
    cluster.kubectl("delete pod own --force --grace-period=0")
    assert settled(before) == before


def test_it_ends_with_its_cluster() -> None:
    before = own_threads()
    cluster = Cluster()
    cluster.apply([pod("for i in $(seq 99); do sleep 100; done")])
    assert own_threads() == before + 1
    del cluster
    gc.collect()
    assert settled(before) == before
