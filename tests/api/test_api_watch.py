"""Watches: who sees what, from where on, and in which form."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import CONFIGMAPS, PODS, TABLE, Api, FakeBackend, pod

from minik8s.apiserver import ApiServer, Request

MERGE = "application/merge-patch+json"


def watch(api: Api, url: str, **how: str) -> Any:
    response = api.call("GET", url, **how)
    assert response.code == 200, response.body
    assert response.stream is not None
    return response.stream


def seen(stream: Any) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in stream.poll()]


def make(api: Api, name: str, **labels: str) -> Any:
    return api.ok("POST", CONFIGMAPS, {"metadata": {"name": name, "labels": labels}})


def relabel(api: Api, name: str, **labels: Any) -> Any:
    patch = {"metadata": {"labels": labels}}
    return api.ok("PATCH", f"{CONFIGMAPS}/{name}", patch, media=MERGE)


def test_a_watch_without_a_version_begins_with_what_is_there(api: Api) -> None:
    make(api, "a")
    for query in ("watch=true", "watch=1&resourceVersion=0"):
        stream = watch(api, f"{CONFIGMAPS}?{query}")
        assert seen(stream) == [("ADDED", "a")]
        assert seen(stream) == []
    make(api, "b")
    api.ok("DELETE", f"{CONFIGMAPS}/a")
    assert seen(stream) == [("ADDED", "b"), ("DELETED", "a")]


def test_a_watch_from_a_version_sees_what_came_after_it(api: Api) -> None:
    make(api, "a")
    version = api.ok("GET", CONFIGMAPS)["metadata"]["resourceVersion"]
    make(api, "b")
    stream = watch(api, f"{CONFIGMAPS}?watch=true&resourceVersion={version}")
    relabel(api, "a", x="y")
    assert seen(stream) == [("ADDED", "b"), ("MODIFIED", "a")]


def test_every_watcher_sees_each_event_once_and_in_order(backend: FakeBackend) -> None:
    from fakes import DOORS

    api = DOORS["in process"](backend)
    streams = [watch(api, f"{CONFIGMAPS}?watch=true") for _ in range(20)]
    counts: list[list[str]] = [[] for _ in streams]
    for number in range(200):
        make(api, f"c{number}")
        for index, stream in enumerate(streams):
            if number % (index + 1) == 0:
                counts[index] += [name for _, name in seen(stream)]
    wanted = [f"c{number}" for number in range(200)]
    for index, stream in enumerate(streams):
        counts[index] += [name for _, name in seen(stream)]
        assert counts[index] == wanted


def test_a_slow_watcher_is_dropped_and_the_others_are_not(backend: FakeBackend) -> None:
    from fakes import DOORS

    api = DOORS["in process"](backend)
    backend.store._log_limit = 10
    slow, quick = (watch(api, f"{CONFIGMAPS}?watch=true") for _ in range(2))
    told = 0
    for number in range(30):
        make(api, f"c{number}")
        told += len(seen(quick))
    assert told == 30
    assert not quick.closed
    (event,) = slow.poll()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: ")
    assert slow.closed
    assert slow.poll() == []


def test_a_version_that_has_been_compacted(backend: FakeBackend) -> None:
    from fakes import DOORS

    api = DOORS["in process"](backend)
    backend.store._log_limit = 2
    for number in range(5):
        make(api, f"c{number}")
    stream = watch(api, f"{CONFIGMAPS}?watch=true&resourceVersion=1")
    (event,) = stream.poll()
    oldest = backend.store.resource_version - 2
    assert event["object"] == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"too old resource version: 1 ({oldest})",
        "reason": "Expired",
        "code": 410,
    }


def test_objects_come_into_sight_and_leave_it(api: Api) -> None:
    stream = watch(api, f"{CONFIGMAPS}?watch=true&labelSelector=x%3Dy")
    make(api, "a")
    make(api, "b", x="y")
    assert seen(stream) == [("ADDED", "b")]
    relabel(api, "a", x="y")
    relabel(api, "b", z="1")
    assert seen(stream) == [("ADDED", "a"), ("MODIFIED", "b")]
    hidden = relabel(api, "b", x=None)
    (event,) = stream.poll()
    assert event["type"] == "DELETED"
    assert event["object"]["metadata"]["labels"] == {"x": "y", "z": "1"}, "as it was last seen"
    version = hidden["metadata"]["resourceVersion"]
    assert event["object"]["metadata"]["resourceVersion"] == version
    relabel(api, "b", z="2")
    api.ok("DELETE", f"{CONFIGMAPS}/b")
    api.ok("DELETE", f"{CONFIGMAPS}/a")
    assert seen(stream) == [("DELETED", "a")]


def test_a_watch_of_one_object(api: Api) -> None:
    make(api, "a")
    stream = watch(api, f"{CONFIGMAPS}?watch=true&fieldSelector=metadata.name%3Da")
    make(api, "b")
    api.ok("DELETE", f"{CONFIGMAPS}/a")
    assert seen(stream) == [("ADDED", "a"), ("DELETED", "a")]


def test_a_watch_of_one_namespace_or_of_all(api: Api) -> None:
    here = watch(api, f"{CONFIGMAPS}?watch=true")
    everywhere = watch(api, "/api/v1/configmaps?watch=true")
    make(api, "a")
    api.ok("POST", "/api/v1/namespaces/kube-system/configmaps", {"metadata": {"name": "b"}})
    assert seen(here) == [("ADDED", "a")]
    assert seen(everywhere) == [("ADDED", "a"), ("ADDED", "b")]


STREAMING = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


def test_a_streaming_list_ends_its_initial_events_with_a_bookmark(api: Api) -> None:
    make(api, "a")
    version = api.ok("GET", CONFIGMAPS)["metadata"]["resourceVersion"]
    stream = watch(api, f"{CONFIGMAPS}?{STREAMING}&allowWatchBookmarks=true")
    added, bookmark = stream.poll()
    assert (added["type"], added["object"]["metadata"]["name"]) == ("ADDED", "a")
    assert bookmark == {
        "type": "BOOKMARK",
        "object": {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {
                "resourceVersion": version,
                "creationTimestamp": None,
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        },
    }
    make(api, "b")
    assert seen(stream) == [("ADDED", "b")]


def test_a_watch_may_leave_the_initial_events_out(api: Api) -> None:
    make(api, "a")
    query = "watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    stream = watch(api, f"{CONFIGMAPS}?{query}")
    make(api, "b")
    assert seen(stream) == [("ADDED", "b")]


@pytest.mark.parametrize(
    "query",
    [
        "watch=true&sendInitialEvents=true",
        "watch=true&resourceVersionMatch=NotOlderThan",
        "watch=true&sendInitialEvents=true&resourceVersionMatch=Exact",
        "watch=true&resourceVersion=x",
    ],
)
def test_options_that_make_no_sense(api: Api, query: str) -> None:
    refused = api.fails("GET", f"{CONFIGMAPS}?{query}")
    assert (refused["code"], refused["reason"]) == (422, "Invalid")


def test_a_bookmark_each_minute(api: Api) -> None:
    stream = watch(api, f"{CONFIGMAPS}?watch=true&allowWatchBookmarks=true")
    api.backend.clock.advance(59)
    assert stream.poll() == []
    api.ok("POST", PODS, pod("a"))
    api.backend.clock.advance(1)
    (bookmark,) = stream.poll()
    assert bookmark["type"] == "BOOKMARK"
    version = bookmark["object"]["metadata"]["resourceVersion"]
    assert version == str(api.backend.store.resource_version)
    api.backend.clock.advance(30)
    assert stream.poll() == []


def test_a_watch_ends_after_its_time(api: Api) -> None:
    stream = watch(api, f"{CONFIGMAPS}?watch=true&timeoutSeconds=5")
    api.backend.clock.advance(4)
    make(api, "a")
    assert seen(stream) == [("ADDED", "a")]
    assert not stream.closed
    api.backend.clock.advance(1)
    make(api, "b")
    assert seen(stream) == [("ADDED", "b")]
    assert stream.closed
    make(api, "c")
    assert stream.poll() == []


def test_a_closed_watch_says_nothing_more(api: Api) -> None:
    stream = watch(api, f"{CONFIGMAPS}?watch=true")
    make(api, "a")
    stream.close()
    assert stream.poll() == []


def test_a_watch_as_a_table(api: Api) -> None:
    make(api, "a")
    stream = watch(api, f"{CONFIGMAPS}?watch=true", accept=TABLE)
    make(api, "b")
    first, second = stream.poll()
    assert first["object"]["kind"] == second["object"]["kind"] == "Table"
    assert [c["name"] for c in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["object"]["columnDefinitions"] == [], "told once"
    assert [row["cells"] for row in second["object"]["rows"]] == [["b", 0, "0s"]]
    assert second["object"]["rows"][0]["object"]["metadata"]["name"] == "b"


def test_ages_in_a_watched_table_are_those_of_the_moment(api: Api) -> None:
    make(api, "a")
    stream = watch(api, f"{CONFIGMAPS}?watch=true", accept=TABLE)
    stream.poll()
    api.backend.clock.advance(75)
    relabel(api, "a", x="y")
    (event,) = stream.poll()
    assert event["object"]["rows"][0]["cells"] == ["a", 0, "75s"]


def test_a_watch_of_metadata(api: Api) -> None:
    stream = watch(
        api,
        f"{CONFIGMAPS}?watch=true",
        accept="application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    )
    make(api, "a")
    (event,) = stream.poll()
    assert event["object"]["kind"] == "PartialObjectMetadata"


def test_a_watcher_is_woken(backend: FakeBackend) -> None:
    server = ApiServer(backend)
    request = Request("GET", CONFIGMAPS, {"watch": ["true"]})
    streams: list[Any] = [server.handle(request).stream for _ in range(2)]
    woken: list[int] = []
    for number, stream in enumerate(streams):
        stream.wake = lambda number=number: woken.append(number)
    body = {"metadata": {"name": "a"}}
    server.handle(Request("POST", CONFIGMAPS, body=body))
    server.handle(Request("POST", PODS, body=pod("p")))
    assert woken == [0, 1]
    streams[0].close()
    server.handle(Request("DELETE", f"{CONFIGMAPS}/a"))
    assert woken == [0, 1, 1]
