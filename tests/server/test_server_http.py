"""Requests over HTTP: identities, bounds, bodies, warnings, watches, the documentation."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from server_wire import Wire

from minik8s import Cluster
from minik8s.server.limits import Limits

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
JSON = "Content-Type: application/json"


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


# -- who may come in


def test_a_token_is_needed(serve: Callable[..., Any]) -> None:
    server = serve()
    for token in ("", "wrong", server.token + "x"):
        with Wire(server, token=token) as wire:
            code, status = wire.call("GET", "/api/v1/pods")
            assert (code, status["reason"], status["message"]) == (
                401,
                "Unauthorized",
                "Unauthorized",
            )
    with Wire(server) as wire:
        assert wire.call("GET", "/api/v1/pods")[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version", "/openapi/v3"])
def test_what_everybody_may_read(serve: Callable[..., Any], path: str) -> None:
    with Wire(serve(), token="") as wire:
        assert wire.call("GET", path)[0] == 200


def test_a_wrong_token_opens_nothing(serve: Callable[..., Any]) -> None:
    with Wire(serve(), token="wrong") as wire:
        assert wire.call("GET", "/healthz")[0] == 401


def test_plain_http_knows_nobody(serve: Callable[..., Any]) -> None:
    server = serve(insecure_http=True)
    assert server.url.startswith("http://127.0.0.1:")
    with Wire(server, token="") as wire:
        assert wire.call("GET", "/api/v1/pods")[0] == 200


def test_plain_http_stays_on_this_machine() -> None:
    from minik8s.server.options import ServeError

    with pytest.raises(ServeError, match="loopback"):
        Cluster().serve(host="0.0.0.0", insecure_http=True)


def test_a_port_that_is_taken() -> None:
    from minik8s.server.options import ServeError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match="in use"):
            Cluster().serve(port=port)


def test_the_certificate_is_for_this_host(serve: Callable[..., Any]) -> None:
    import ssl

    server = serve()
    context = ssl.create_default_context(cadata=server.options.pair.ca)
    for name in ("localhost", "127.0.0.1", "::1"):
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            assert wrapped.version() == "TLSv1.3"
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="example.org")


# -- bodies


def test_connections_are_kept(serve: Callable[..., Any]) -> None:
    with Wire(serve()) as wire:
        for number in range(3):
            code, made = wire.call("POST", CONFIGMAPS, JSON, body=config(f"c{number}"))
            assert (code, made["metadata"]["name"]) == (201, f"c{number}")
        assert wire.call("DELETE", f"{CONFIGMAPS}/c1")[0] == 200
        assert wire.call("GET", f"{CONFIGMAPS}/c1")[0] == 404


def test_requests_may_come_in_one_go(serve: Callable[..., Any]) -> None:
    with Wire(serve()) as wire:
        for _ in range(3):
            wire.send("GET", "/version")
        assert [wire.answer()[0] for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        (JSON, b"{", 400),
        (JSON, b"\xff\xfe{}", 400),
        (JSON, b"[" * 100_000, 400),
        (JSON, b"[]", 400),
        (JSON, b"null", 400),
        ("Content-Type: text/plain", b"hello", 415),
        ("Content-Type: application/vnd.kubernetes.protobuf", b"k8s\0\x0a\xff", 400),
        ("Content-Type: application/yaml", b"a: [", 400),
    ],
)
def test_bodies_that_make_no_sense(
    serve: Callable[..., Any], header: str, body: bytes, code: int
) -> None:
    with Wire(serve()) as wire:
        found, status = wire.call("POST", CONFIGMAPS, header, body=body)
        assert found == code, status
        assert status["kind"] == "Status"
        assert wire.call("GET", "/readyz") == (200, b"ok"), "the connection goes on"


def test_a_body_that_is_too_large(serve: Callable[..., Any]) -> None:
    server = serve(limits=Limits(body=1000))
    with Wire(server) as wire:
        code, status = wire.call("POST", CONFIGMAPS, JSON, body=config("a", text="x" * 1000))
        assert (code, status["reason"]) == (413, "RequestEntityTooLarge")
    with Wire(server) as wire:
        wire.send("POST", CONFIGMAPS, JSON, "Transfer-Encoding: chunked")
        wire.socket.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        assert wire.answer()[0] == 413
    with Wire(server) as wire:
        assert wire.call("POST", CONFIGMAPS, JSON, body=config("a"))[0] == 201


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server wait for clients that answer late, as on a busy machine."""
    monkeypatch.setattr("minik8s.server.connection.LINGER", 30.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("plain", [False, True])
def test_a_refused_client_may_finish_its_request_first(
    serve: Callable[..., Any], plain: bool
) -> None:
    """An answer that comes early is not lost, however much is still under way."""
    server = serve(insecure_http=plain)
    with Wire(server) as wire:
        code, status = wire.call("POST", CONFIGMAPS, JSON, body=b" " * 10_000_000)
        assert (code, status["reason"]) == (413, "RequestEntityTooLarge")
    with Wire(server) as wire:
        wire.socket.sendall(b"no HTTP\r\n" * 1_000_000)
        assert wire.answer()[0] == 400


def test_a_refused_client_is_not_waited_for_longer(serve: Callable[..., Any]) -> None:
    with Wire(serve()) as wire:
        wire.send("POST", CONFIGMAPS, JSON, "Content-Length: 10000000")
        assert wire.answer()[0] == 413
        with pytest.raises(EOFError):
            wire.exactly(1)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("filler", [b"X-A: b\r\n", b"x" * 8])
def test_a_head_that_never_ends(serve: Callable[..., Any], filler: bytes, plain: bool) -> None:
    server = serve(insecure_http=plain)
    with Wire(server) as wire:
        wire.socket.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(200):
            wire.socket.sendall(filler * 1024)
        code, _, status = wire.answer()
        assert (code, status["kind"]) == (431, "Status")
    with Wire(server) as wire:
        assert wire.call("GET", "/readyz")[0] == 200


def test_bytes_that_are_no_http(serve: Callable[..., Any]) -> None:
    with Wire(serve()) as wire:
        wire.socket.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        code, _, status = wire.answer()
        assert (code, status["kind"]) == (400, "Status")


def test_warnings_are_headers(serve: Callable[..., Any]) -> None:
    with Wire(serve()) as wire:
        body = json.dumps({**config("a"), "bogus": 1}).encode()
        wire.send("POST", f"{CONFIGMAPS}?fieldValidation=Warn", JSON, body=body)
        code, headers, _ = wire.answer()
    assert code == 201
    assert headers["warning"] == '299 - "unknown field \\"bogus\\""'


def test_methods_that_nobody_knows(serve: Callable[..., Any]) -> None:
    with Wire(serve()) as wire:
        for method in ("OPTIONS", "PROPFIND"):
            code, status = wire.call(method, "/api/v1/pods")
            assert (code, status["reason"]) == (405, "MethodNotAllowed")
        code, text = wire.call("GET", "/no/such/path")
        assert (code, text) == (404, b"404 page not found\n")


# -- watches


class Watch:
    """A watch that is read line by line."""

    def __init__(self, server: Any, path: str) -> None:
        self.wire = Wire(server)
        self.wire.send("GET", path)
        self.code, headers = self.wire.head()
        assert (self.code, headers["transfer-encoding"]) == (200, "chunked")
        self.rest = b""

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def event(self) -> dict[str, Any]:
        while b"\n" not in self.rest:
            chunk = self.wire.chunk()
            if not chunk:
                raise EOFError
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


def test_a_watch_tells_what_happens(serve: Callable[..., Any]) -> None:
    server = serve()
    with Wire(server) as wire:
        version = wire.call("GET", CONFIGMAPS)[1]["metadata"]["resourceVersion"]
        watch = Watch(server, f"{CONFIGMAPS}?watch=true&resourceVersion={version}")
        wire.call("POST", CONFIGMAPS, JSON, body=config("a"))
        event = watch.event()
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "a")
        wire.call("DELETE", f"{CONFIGMAPS}/a")
        assert watch.event()["type"] == "DELETED"
        watch.wire.close()


def test_nothing_is_wrong_when_watchers_leave(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A Go program says goodbye in TLS (close_notify), often while an event is on its way."""
    server, done = serve(), threading.Event()

    def write() -> None:
        with Wire(server) as wire:
            while not done.is_set():
                wire.call("POST", CONFIGMAPS, JSON, body=config("busy"))
                wire.call("DELETE", f"{CONFIGMAPS}/busy")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            wire = Watch(server, f"{CONFIGMAPS}?watch=true").wire
            assert isinstance(wire.socket, ssl.SSLSocket)
            with suppress(OSError):
                wire.socket.unwrap()
            wire.close()
    finally:
        done.set()
        writer.join()
    assert [record.getMessage() for record in caplog.records] == []


def test_a_watch_ends_at_its_time(serve: Callable[..., Any]) -> None:
    with Watch(serve(), f"{CONFIGMAPS}?watch=true&timeoutSeconds=1") as watch:
        start = time.monotonic()
        assert watch.event()["type"] == "ADDED"
        with pytest.raises(EOFError):
            watch.event()
        assert 0.5 < time.monotonic() - start < 4
        assert watch.wire.call("GET", "/readyz") == (200, b"ok"), "the connection goes on"


def test_too_many_watches(serve: Callable[..., Any]) -> None:
    server = serve(limits=Limits(watches=1))
    first = Watch(server, f"{CONFIGMAPS}?watch=true")
    with Wire(server) as wire:
        code, status = wire.call("GET", f"{CONFIGMAPS}?watch=true")
        assert (code, status["reason"]) == (429, "TooManyRequests")
    first.wire.close()
    for _ in range(50):
        with Wire(server) as wire:
            wire.send("GET", f"{CONFIGMAPS}?watch=true")
            if wire.head()[0] == 200:
                return
        time.sleep(0.05)
    pytest.fail("the place was not given back")


def watch_all(server: Any, watchers: int, events: int, path: str) -> list[list[str]]:
    """What each of many watchers saw of many writes."""
    seen: list[list[str]] = [[] for _ in range(watchers)]
    watches = [Watch(server, path) for _ in range(watchers)]

    def read(index: int) -> None:
        while len(seen[index]) < events:
            event = watches[index].event()
            if event["type"] == "ADDED":
                seen[index].append(event["object"]["metadata"]["name"])
        watches[index].wire.close()

    threads = [threading.Thread(target=read, args=(index,)) for index in range(watchers)]
    for thread in threads:
        thread.start()
    with Wire(server) as wire:
        for number in range(events):
            assert wire.call("POST", CONFIGMAPS, JSON, body=config(f"w{number}"))[0] == 201
    for thread in threads:
        thread.join(600)
    return seen


def test_many_watchers_see_each_event_once_in_order(serve: Callable[..., Any]) -> None:
    server = serve(insecure_http=True)
    with Wire(server) as wire:
        version = wire.call("GET", CONFIGMAPS)[1]["metadata"]["resourceVersion"]
    path = f"{CONFIGMAPS}?watch=true&resourceVersion={version}"
    slow = Watch(server, path)
    expected = [f"w{number}" for number in range(200)]
    assert watch_all(server, 20, 200, path) == [expected] * 20
    slow.wire.close()


@pytest.mark.skipif("MINIK8S_NIGHTLY" not in os.environ, reason="takes minutes")
def test_two_hundred_watchers_of_five_thousand_events(serve: Callable[..., Any]) -> None:
    server = serve(insecure_http=True)
    with Wire(server) as wire:
        version = wire.call("GET", CONFIGMAPS)[1]["metadata"]["resourceVersion"]
    path = f"{CONFIGMAPS}?watch=true&resourceVersion={version}"
    expected = [f"w{number}" for number in range(5000)]
    with Watch(server, path):  # nobody reads this one
        assert watch_all(server, 200, 5000, path) == [expected] * 200


def test_a_slow_watcher_is_dropped(serve: Callable[..., Any]) -> None:
    server = serve(insecure_http=True, limits=Limits(slow=0.5, watches=2))
    path = f"{CONFIGMAPS}?watch=true"
    with Wire(server) as wire, Watch(server, path) as slow, Watch(server, path) as quick:
        slow.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        names = []
        for number in range(24):
            body = config(f"b{number}", big="x" * 500_000)
            assert wire.call("POST", CONFIGMAPS, JSON, body=body)[0] == 201
            while len(names) <= number:
                event = quick.event()
                if event["object"]["metadata"]["name"].startswith("b"):
                    names.append(event["object"]["metadata"]["name"])
        assert names == [f"b{number}" for number in range(24)]
        for _ in range(100):
            with Wire(server) as next_one:
                next_one.send("GET", path)
                if next_one.head()[0] == 200:
                    return
            time.sleep(0.05)
        pytest.fail("the slow one still has its place")


# -- documentation


def test_the_documentation_needs_no_other_server(serve: Callable[..., Any]) -> None:
    pytest.importorskip("fastapi_offline")
    with Wire(serve(), token="") as wire:
        code, page = wire.call("GET", "/docs")
        assert code == 200
        text = page.decode()
        assert "apis/networking.k8s.io/v1" in text
        assert "http://" not in text
        assert "https://" not in text
        for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon.png"):
            assert f"/docs/{asset}" in text
            assert wire.call("GET", f"/docs/{asset}")[0] == 200
        assert wire.call("GET", "/docs/..%2fcore.py")[0] == 404
        assert wire.call("GET", "/docs/core.py")[0] == 404
