"""Ways into a pod, and why one may be refused."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import DOORS, PODS, START, Api, FakeBackend, pod

from minik8s.apiserver import ApiServer, Request
from minik8s.guests.container import Log

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
        ("sinceTime=2023-11-14T22:13:15Z", b"two\nthree\n"),
        ("sinceTime=2023-11-15T00:13:18%2B02:00&tailLines=2", b"three\n"),
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


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "sinceSeconds=5&sinceTime=2023-11-14T22:13:15Z",
            422,
            'PodLogOptions "" is invalid: []: Forbidden: at most one of `sinceTime` or '
            "`sinceSeconds` may be specified",
        ),
        (
            "tailLines=-1&limitBytes=0",
            422,
            'PodLogOptions "" is invalid: [tailLines: Invalid value: -1: must be greater than or '
            "equal to 0, limitBytes: Invalid value: 0: must be greater than 0]",
        ),
        (
            "sinceTime=yesterday",
            400,
            'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" '
            'as "2006"',
        ),
        ("tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
def test_what_is_said_of_such_options(api: Api, query: str, code: int, message: str) -> None:
    make(api, "a")
    refused = api.fails("GET", f"{PODS}/a/log?{query}")
    assert (refused["code"], refused["message"]) == (code, message)


def test_following_a_log(api: Api) -> None:
    make(api, "a")
    follower: Any = api.call("GET", f"{PODS}/a/log?follow=true&tailLines=1").log
    assert follower.poll() == b"three\n"
    assert follower.poll() == b""
    api.backend.written.write(START, b"four\nfi")
    assert follower.poll() == b"four\n", "a line that goes on is not shown yet"
    assert not follower.closed
    api.backend.written.write(START, b"ve")
    api.backend.written.end()
    assert follower.poll() == b"five", "what was written before the end"
    assert follower.closed
    assert follower.poll() == b""


def test_a_follower_goes_on_when_old_lines_are_dropped(api: Api) -> None:
    make(api, "a")
    log = api.backend.written = Log(limit=4)
    follower: Any = api.call("GET", f"{PODS}/a/log?follow=true").log
    seen = b""
    for number in range(0, 30, 3):
        log.write(START, b"%d\n%d\n%d\n" % (number, number + 1, number + 2))
        seen += follower.poll()
    assert seen == b"".join(b"%d\n" % number for number in range(30))
    log.write(START, b"".join(b"%d\n" % number for number in range(30, 40)))
    assert follower.poll() == b"36\n37\n38\n39\n", "who is slow misses what is gone"


def test_a_follower_tells_when_it_has_news(api: Api) -> None:
    make(api, "a")
    follower: Any = api.call("GET", f"{PODS}/a/log?follow=true").log
    told: list[int] = []
    follower.listen(lambda: told.append(1))
    api.backend.written.write(START, b"four\n")
    assert len(told) == 1
    follower.close()
    api.backend.written.end()
    assert len(told) == 1


@pytest.mark.parametrize(
    ("query", "first", "then"),
    [
        ("tailLines=0", b"", b"four\n"),
        ("sinceSeconds=5", b"two\nthree\n", b"four\n"),
        ("limitBytes=6", b"one\ntw", b""),
        ("limitBytes=18", b"one\ntwo\nthree\n", b"four"),
        ("timestamps=true&tailLines=0", b"", b"2023-11-14T22:13:20.000000000Z four\n"),
    ],
)
def test_options_of_a_followed_log(api: Api, query: str, first: bytes, then: bytes) -> None:
    make(api, "a")
    follower: Any = api.call("GET", f"{PODS}/a/log?follow=true&{query}").log
    assert follower.poll() == first
    api.backend.written.write(START, b"four\n")
    assert follower.poll() == then
    assert follower.closed is ("limitBytes" in query)


def test_following_the_container_before_ends_at_once(api: Api) -> None:
    make(api, "a")
    ended = {"terminated": {"exitCode": 1}}
    statuses = [{"name": "main", "state": {"running": {}}, "lastState": ended}]
    status = {"status": {"containerStatuses": statuses}}
    api.ok("PATCH", f"{PODS}/a/status", status, media=MERGE)
    api.backend.before.end()
    follower: Any = api.call("GET", f"{PODS}/a/log?follow=true&previous=true").log
    assert (follower.poll(), follower.closed) == (b"before\n", True)


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
