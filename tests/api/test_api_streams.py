"""Ways into a pod, and why one may be refused."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import DOORS, PODS, Api, FakeBackend, pod

from minik8s.apiserver import ApiServer, Request

MERGE = "application/merge-patch+json"


def make(
    api: Api, name: str, *containers: str, state: dict[str, Any] | None = None, **spec: Any
) -> None:
    names = containers or ("main",)
    spec = {
        "containers": [{"name": each, "image": "busybox"} for each in names],
        "nodeName": "n1",
        **spec,
    }
    api.ok("POST", PODS, pod(name, **spec))
    statuses = [{"name": each, "state": state or {"running": {}}} for each in names]
    status = {"status": {"phase": "Running", "containerStatuses": statuses}}
    api.ok("PATCH", f"{PODS}/{name}/status", status, media=MERGE)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_exec_starts_a_program(api: Api, method: str) -> None:
    make(api, "a")
    query = "command=curl&command=-I&command=--&command=backend%3A8080&container=main"
    response = api.call(method, f"{PODS}/a/exec?{query}&stdin=true&stdout=true&tty=true")
    assert response.code == 101
    session: Any = response.session
    assert session.started == (
        "exec", "default", "a", "main", ("curl", "-I", "--", "backend:8080"),
        {"stdin": True, "tty": True},
    )  # fmt: skip
    assert api.backend.settled == 2, "a program is no write: only the two requests before"


@pytest.mark.parametrize("waiting", ["shared", "private"])
def test_whose_clock_a_program_waits_on(backend: FakeBackend, waiting: Any) -> None:
    make(DOORS["in process"](backend), "a")
    new_clock = backend.clock.fork if waiting == "private" else None
    server = ApiServer(backend, new_clock=new_clock)
    server.handle(Request("POST", f"{PODS}/a/exec", {"command": ["sleep"]}))
    if waiting == "shared":
        assert backend.program_clock is None
        return
    assert backend.program_clock is not None
    before = backend.clock.now
    backend.program_clock.advance(5)
    assert backend.clock.now == before


def test_attach(api: Api) -> None:
    make(api, "a")
    session: Any = api.call("POST", f"{PODS}/a/attach?stdout=true").session
    assert session.started == ("attach", "default", "a", "main", {"stdin": False, "tty": False})


def test_port_forward(api: Api) -> None:
    make(api, "a")
    session: Any = api.call("GET", f"{PODS}/a/portforward").session
    assert (session.namespace, session.pod) == ("default", "a")
    assert session.dial(8080) == ("default", "a", 8080)


@pytest.mark.parametrize("what", ["exec?command=ls", "attach", "log", "portforward"])
def test_a_pod_that_is_not_there(api: Api, what: str) -> None:
    for method in ("GET", "POST") if what != "log" else ("GET",):
        refused = api.fails(method, f"{PODS}/nope/{what}")
        assert refused["message"] == 'pods "nope" not found'


def test_containers_must_be_named_where_there_are_several(api: Api) -> None:
    make(api, "two", "main", "side")
    refused = api.fails("GET", f"{PODS}/two/log")
    assert (refused["code"], refused["message"]) == (
        400,
        "a container name must be specified for pod two, choose one of: [main side]",
    )
    refused = api.fails("POST", f"{PODS}/two/exec?command=ls&container=zz")
    assert (refused["code"], refused["message"]) == (
        400,
        "container zz is not valid for pod two",
    )
    init = [{"name": "first", "image": "busybox"}]
    make(api, "three", "main", "side", initContainers=init)
    refused = api.fails("GET", f"{PODS}/three/log")
    assert refused["message"].endswith(
        "choose one of: [main side] or one of the init containers: [first]"
    )


def test_a_pod_without_a_node(api: Api) -> None:
    api.ok("POST", PODS, pod("pend"))
    for what in ("exec?command=ls", "log", "portforward"):
        refused = api.fails("GET", f"{PODS}/pend/{what}")
        assert refused["message"] == "pod pend does not have a host assigned"


@pytest.mark.parametrize("state", [{"waiting": {}}, {"terminated": {"exitCode": 0}}])
def test_a_container_that_does_not_run(api: Api, state: dict[str, Any]) -> None:
    make(api, "a", state=state)
    refused = api.fails("POST", f"{PODS}/a/exec?command=ls")
    assert (refused["code"], refused["reason"]) == (500, "InternalError")
    assert refused["message"] == (
        'Internal error occurred: unable to upgrade connection: container not found ("main")'
    )


def test_a_program_that_is_not_there(api: Api) -> None:
    make(api, "a")
    refused = api.fails("POST", f"{PODS}/a/exec?command=nope")
    assert refused["message"] == (
        'Internal error occurred: exec: "nope": executable file not found in $PATH'
    )


def test_exec_without_a_command(api: Api) -> None:
    make(api, "a")
    assert api.fails("POST", f"{PODS}/a/exec")["message"] == (
        "you must specify at least one command for the container"
    )


# -- logs


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", b"one\ntwo\nthree\n"),
        ("tailLines=1", b"three\n"),
        ("tailLines=0", b""),
        ("tailLines=9", b"one\ntwo\nthree\n"),
        ("limitBytes=5", b"one\nt"),
        ("tailLines=2&limitBytes=4", b"two\n"),
        ("container=main", b"one\ntwo\nthree\n"),
        ("sinceSeconds=5", b"two\nthree\n"),
        ("sinceSeconds=5&tailLines=5", b"two\nthree\n"),
        ("tailLines=1&timestamps=true", b"2023-11-14T22:13:19.750000000Z three\n"),
    ],
)
def test_logs(api: Api, query: str, wanted: bytes) -> None:
    make(api, "a")
    response = api.call("GET", f"{PODS}/a/log?{query}")
    assert response.body == wanted
    assert response.content_type.startswith("text/plain")


@pytest.mark.parametrize("query", ["tailLines=-1", "limitBytes=0", "sinceSeconds=0"])
def test_log_options_that_make_no_sense(api: Api, query: str) -> None:
    make(api, "a")
    refused = api.fails("GET", f"{PODS}/a/log?{query}")
    assert refused["message"].startswith('PodLogOptions "" is invalid: ')


def test_following_a_log(api: Api) -> None:
    make(api, "a")
    follower: Any = api.call("GET", f"{PODS}/a/log?follow=true&tailLines=1").log
    assert follower.poll() == b"three\n"
    assert follower.poll() == b""
    api.backend.written.append((0, b"four"))
    assert follower.poll() == b"four\n"
    assert not follower.closed
    api.ok("DELETE", f"{PODS}/a", {"gracePeriodSeconds": 0})
    api.backend.written.append((0, b"five"))
    assert follower.poll() == b"five\n", "what was written before the end"
    assert follower.closed
    assert follower.poll() == b""


def test_logs_of_a_container_that_has_not_started(api: Api) -> None:
    make(api, "a", state={"waiting": {"reason": "ContainerCreating"}})
    refused = api.fails("GET", f"{PODS}/a/log")
    assert (refused["code"], refused["message"]) == (
        400,
        'container "main" in pod "a" is waiting to start: ContainerCreating',
    )


def test_logs_of_the_container_before(api: Api) -> None:
    make(api, "a")
    refused = api.fails("GET", f"{PODS}/a/log?previous=true")
    assert refused["message"] == 'previous terminated container "main" in pod "a" not found'
    ended = {"terminated": {"exitCode": 1}}
    statuses = [{"name": "main", "state": {"running": {}}, "lastState": ended}]
    status = {"status": {"containerStatuses": statuses}}
    api.ok("PATCH", f"{PODS}/a/status", status, media=MERGE)
    assert api.ok("GET", f"{PODS}/a/log?previous=true") == b"before\n"
