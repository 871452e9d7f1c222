"""Time on a served cluster: it keeps to the wall, and a program's waiting is its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from server_wire import WebSocket, Wire

from minik8s import Cluster
from minik8s.clock import Clock
from minik8s.guests.base import Interrupted
from minik8s.server.timing import NESTED_LIMIT, PrivateClock, Wall

PODS = "/api/v1/namespaces/default/pods"


def pod(name: str, *command: str) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox", "command": list(command)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [container]},
    }


DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny"},
    "spec": {"podSelector": {"matchLabels": {"app": "server"}}, "policyTypes": ["Ingress"]},
}


def run(server: Any, script: str) -> tuple[dict[int, bytes], float]:
    """What a script in the pod `client` wrote, and how long it took by the wall."""
    start = time.monotonic()
    with WebSocket(server) as socket:
        words = ("sh", "-c", script.replace(" ", "+").replace(";", "%3B").replace("&", "%26"))
        query = "&".join(f"command={word}" for word in words)
        path = f"{PODS}/client/exec?{query}&stdout=true&stderr=true"
        socket.open(path, "v5.channel.k8s.io")
        return socket.channels()[0], time.monotonic() - start


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.apply([pod("client", "sleep", "1000000"), pod("server", "nc", "-lk", "-p", "80")])
    return cluster


def test_a_hundred_denied_programs_change_no_age(
    cluster: Cluster, serve: Callable[..., Any]
) -> None:
    address = cluster.pods["server"].ip
    standing = cluster.network.pod_host("default", "client").connect(
        "TCP", address, 80, clock=cluster.clock
    )
    cluster.clock.advance(1)
    assert standing.state == "established"
    server = serve(cluster, insecure_http=True)
    cluster.apply([DENY])
    before, start = cluster.clock.now, time.monotonic()
    for _ in range(100):
        texts, _ = run(server, f"wget -T 100 -q {address}")
        assert b"timed out" in texts[2]
    passed = time.monotonic() - start
    assert cluster.clock.now - before == pytest.approx(passed, abs=1.5)
    assert passed < 60
    assert standing.state == "established"
    with Wire(server) as wire:
        table = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"
        rows = wire.call("GET", f"{PODS}", table)[1]["rows"]
    ages = {row["cells"][0]: row["cells"][4] for row in rows}
    assert all(age.endswith("s") for age in ages.values()), ages


def test_waits_pass_at_once(cluster: Cluster, serve: Callable[..., Any]) -> None:
    server = serve(cluster, insecure_http=True)
    texts, took = run(server, "sleep 3600; echo woken")
    assert texts[1] == b"woken\n"
    assert took < 5


def test_with_real_time_programs_wait(cluster: Cluster, serve: Callable[..., Any]) -> None:
    server = serve(cluster, insecure_http=True, real_time=True)
    texts, took = run(server, "sleep 1; echo woken")
    assert texts[1] == b"woken\n"
    assert 0.9 < took < 4
    texts, took = run(server, "for i in 1 2; do sleep 0.5; done; echo woken")
    assert texts[1] == b"woken\n"
    assert 0.9 < took < 4


def test_an_endless_loop_ends_up_waiting_really(
    cluster: Cluster, serve: Callable[..., Any]
) -> None:
    server = serve(cluster, insecure_http=True)
    with WebSocket(server) as socket, Wire(server) as wire:
        query = "command=sh&command=-c&command=while+true%3B+do+echo+turn%3B+sleep+1%3B+done"
        socket.open(f"{PODS}/client/exec?{query}&stdout=true", "v5.channel.k8s.io")
        lines, start = 0, time.monotonic()
        while time.monotonic() - start < 2.5:
            lines += socket.read()[1].count(b"turn")
        assert 100 < lines < 230
        assert wire.call("GET", "/readyz") == (200, b"ok")


def test_the_clock_goes_on_by_itself(cluster: Cluster, serve: Callable[..., Any]) -> None:
    serve(cluster, insecure_http=True)
    before = cluster.clock.now
    time.sleep(1.5)
    assert 1.0 < cluster.clock.now - before < 4


def test_a_job_ends_by_the_clock(cluster: Cluster, serve: Callable[..., Any]) -> None:
    server = serve(cluster, insecure_http=True)
    once = pod("once", "sleep", "1")
    once["spec"]["restartPolicy"] = "Never"
    with Wire(server) as wire:
        assert wire.call("POST", PODS, body=once)[1]["status"].get("phase") == "Pending"
        phases = []
        for _ in range(60):
            phases.append(wire.call("GET", f"{PODS}/once")[1]["status"]["phase"])
            if phases[-1] == "Succeeded":
                break
            time.sleep(0.1)
    assert phases[0] == "Running"
    assert phases[-1] == "Succeeded"


# -- clocks alone


def private(patience: int = 3) -> tuple[PrivateClock, list[float]]:
    machine = [1000.0]
    wall = Wall(Clock(start=50.0), now=lambda: machine[0], keep_date=True)
    assert wall.now() == 50.0
    return PrivateClock(50.0, wall, patience), machine


def test_patience_runs_out_and_comes_back() -> None:
    clock, _ = private(patience=2)
    for number in range(5):
        clock.call_at(60.0 + 10 * number, lambda: None)
    assert [clock.leap() for _ in range(3)] == [True, True, False]
    assert clock.now == 70.0
    clock.refresh()
    assert clock.leap()


def test_short_waits_cost_no_patience() -> None:
    clock, _ = private(patience=0)
    for number in range(1, 50):
        clock.call_at(50.0 + 0.2 * number, lambda: None)
    assert all(clock.leap() for _ in range(49))
    assert not clock.leap()


def test_following_the_wall() -> None:
    clock, machine = private()
    calls: list[float] = []
    clock.call_at(60.0, lambda: calls.append(clock.now))
    clock.follow()
    machine[0] += 9
    clock.catch_up()
    assert (clock.now, calls) == (59.0, [])
    assert clock.due_in() == pytest.approx(1.0)
    machine[0] += 2
    clock.catch_up()
    assert (clock.now, calls) == (61.0, [60.0])


def test_what_a_shell_runs_in_one_go_is_limited() -> None:
    clock, _ = private()

    def again() -> None:
        clock.call_later(1.0, again)

    again()
    for _ in range(NESTED_LIMIT):
        clock.step()
    with pytest.raises(Interrupted):
        clock.step()
