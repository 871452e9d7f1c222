"""Whatever comes in, the answer is an error Status, and the server goes on."""

from __future__ import annotations

import json
import os
import random
import socket
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest
from clients_serving import Served

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
PROTOBUF = "application/vnd.kubernetes.protobuf"
NAMESPACE = b"k8s\0" + bytes.fromhex(
    "0a0f0a0276311209 4e616d657370616365 12150a110a0a6d6f6e69746f72696e6712001a00 22002a00 12001a00"
)
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


class Door:
    """Requests as bytes, to the server of a test."""

    def __init__(self, served: Served) -> None:
        document = json.loads(served.kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        self.place = urlsplit(cluster["server"])
        ca = b64decode(cluster["certificate-authority-data"]).decode()
        self.context = ssl.create_default_context(cadata=ca)
        self.token = f"Bearer {user['token']}"

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> tuple[int, bytes]:
        """The code and the body of an answer."""
        connection = HTTPSConnection(
            self.place.hostname or "", self.place.port, timeout=60, context=self.context
        )
        try:
            headers = {"Authorization": self.token, "Content-Type": kind}
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def raw(self, data: bytes, patience: float = 2, then: bytes = b"") -> bytes:
        """What comes back for bytes, up to the end; `then` is sent after the first answer."""
        plain = socket.create_connection((self.place.hostname, self.place.port), timeout=patience)
        with self.context.wrap_socket(plain, server_hostname=self.place.hostname) as connection:
            connection.sendall(data)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
                    if then:
                        connection.sendall(then)
                        then = b""
            except (OSError, ssl.SSLError):
                pass
            return answer


@pytest.fixture(scope="module")
def door(served: Served) -> Iterator[Door]:
    yield Door(served)
    assert served.alive
    assert "Traceback" not in (served.folder / "serve.err").read_text()


def is_refused(answer: tuple[int, bytes]) -> bool:
    """Whether an answer is a Status that tells of the client's error."""
    code, body = answer
    status = json.loads(body)
    return 400 <= code < 500 and status["kind"] == "Status" and status["code"] == code


BODIES = {
    "empty": b"",
    "no JSON": b"{",
    "a number": b"1",
    "a list": b"[]",
    "null": b"null",
    "text": b'"x"',
    "bad UTF-8": b'{"metadata":{"name":"\xff\xfe"}}',
    "NaN": b'{"metadata":{"name":NaN}}',
    "a lone surrogate": b'{"metadata":{"name":"\\ud800"}}',
    "a lone surrogate in a patch": b'{"data":{"a":"\\ud800"}}',
    "wrong types": b'{"metadata":[],"spec":3}',
    "a NUL": b'{"metadata":{"name":"a\\u0000b"}}',
    "a huge number": b'{"metadata":{"name":"a","generation":' + b"9" * 5000 + b"}}",
    "deep": b'{"metadata":' * 20_000 + b"1" + b"}" * 20_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_malformed_bodies(door: Door, body: bytes, method: str) -> None:
    path = PODS if method == "POST" else f"{PODS}/a"
    assert is_refused(door.ask(method, path, body))


@pytest.mark.parametrize("kind", PATCHES)
def test_malformed_patches(door: Door, kind: str) -> None:
    made, _ = door.ask("POST", MAPS, b'{"metadata":{"generateName":"p"},"data":{"a":"b"}}')
    assert made == 201
    for name, body in BODIES.items():
        code, text = door.ask("PATCH", f"{MAPS}/kube-root-ca.crt", body, kind)
        assert code < 500, (name, text)
        assert json.loads(text)["kind"] in ("Status", "ConfigMap")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/json; charset=x", "nonsense", "*/*"]
)
def test_wrong_content_types(door: Door, kind: str) -> None:
    code, body = door.ask("POST", MAPS, b"<a/>", kind)
    assert is_refused((code, body))


def test_truncated_protobuf(door: Door) -> None:
    for length in range(len(NAMESPACE)):
        code, body = door.ask("POST", "/api/v1/namespaces", NAMESPACE[:length], PROTOBUF)
        assert code < 500, (length, body)
    chance = random.Random(1)
    for _ in range(100):
        garbled = bytearray(NAMESPACE)
        for _ in range(3):
            garbled[chance.randrange(4, len(garbled))] = chance.randrange(256)
        code, body = door.ask("POST", "/api/v1/namespaces", bytes(garbled), PROTOBUF)
        assert code < 500, (garbled.hex(), body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_ten_megabytes_of_nesting(door: Door, opening: bytes) -> None:
    assert is_refused(door.ask("POST", PODS, opening * (10_000_000 // len(opening))))
    assert is_refused(door.ask("POST", PODS, b"{" * 10_000_000, "application/yaml"))


@pytest.mark.parametrize(
    "query",
    ["limit=x", "limit=-1", "continue=x", "watch=true&resourceVersion=x", "labelSelector=a%3Db%3Dc",
     "fieldSelector=%00", "resourceVersionMatch=x", "timeoutSeconds=x", "labelSelector=%ff"],
)  # fmt: skip
def test_malformed_queries(door: Door, query: str) -> None:
    code, body = door.ask("GET", f"{PODS}?{query}&timeoutSeconds=1")
    assert code < 500, body


@pytest.mark.parametrize(
    "token",
    ['{"rv":1e400,"start":["",""]}', "[" * 30_000, '{"rv":-5,"start":["a","b"]}', '{"rv":[]}'],
    ids=["endless", "deep", "negative", "a list"],
)
def test_malformed_continue_tokens(door: Door, token: str) -> None:
    text = b64encode(token.encode()).decode().rstrip("=")
    assert is_refused(door.ask("GET", f"{PODS}?limit=1&continue={text}"))


FRAMINGS = {
    "garbage for a chunk": (b"Transfer-Encoding: chunked", b"zz\r\nabc\r\n0\r\n\r\n", b"400"),
    "a negative chunk": (b"Transfer-Encoding: chunked", b"-1\r\nabc\r\n0\r\n\r\n", b"400"),
    "an endless chunk": (b"Transfer-Encoding: chunked", b"f" * 18 + b"\r\nabc", b"400"),
    "a chunk cut off": (b"Transfer-Encoding: chunked", b"7fffffff\r\nabc", b""),
    "chunks of 4 MB": (
        b"Transfer-Encoding: chunked",
        (b"1000\r\n" + b"{" * 4096 + b"\r\n") * 1100 + b"0\r\n\r\n",
        b"413",
    ),
    "a negative length": (b"Content-Length: -1", b"{}", b"400"),
    "two lengths": (b"Content-Length: 3\r\nContent-Length: 5", b"{}", b"400"),
    "a length beyond 64 bits": (b"Content-Length: 99999999999999999999", b"{}", b"400"),
    "a gigabyte to come": (b"Content-Length: 1000000000", b"{}", b"413"),
    "a body cut off": (b"Content-Length: 1000", b"{}", b""),
}


@pytest.mark.parametrize(("header", "body", "code"), FRAMINGS.values(), ids=FRAMINGS)
def test_bodies_of_another_length_than_told(
    door: Door, header: bytes, body: bytes, code: bytes
) -> None:
    token = door.token.encode()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n%s\r\n\r\n"
    answer = door.raw(head % (MAPS.encode(), token, header) + body, patience=1)
    assert answer[9:12] == code
    assert not code or b'"kind":"Status"' in answer.replace(b": ", b":")
    assert door.ask("GET", "/readyz") == (200, b"ok")


def test_a_request_about_no_path(door: Door) -> None:
    head = (
        f"OPTIONS * HTTP/1.1\r\nHost: x\r\nAuthorization: {door.token}\r\nConnection: close\r\n\r\n"
    )
    assert b"404 page not found" in door.raw(head.encode())


def test_bytes_that_are_no_http(door: Door) -> None:
    for data in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", os.urandom(2000)):
        assert b" 500 " not in door.raw(data + b"\r\n\r\n")[:20]


def upgrade(door: Door, path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", f"Authorization: {door.token}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(message: bytes) -> bytes:
    """A binary WebSocket frame of a client, with a mask of zeros."""
    size = len(message)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x82" + length + bytes(4) + message


@pytest.mark.parametrize(
    "size",
    [b'{"Width":1e400,"Height":3}', b'{"Width":[],"Height":{}}', b"[" * 60_000, b"\xff", b"3"],
    ids=["endless", "lists", "deep", "bad UTF-8", "a number"],
)
def test_sizes_of_terminals_that_are_none(door: Door, size: bytes) -> None:
    start_pod(door)
    head = websocket_to(door, f"{PODS}/p/exec?command=cat&stdin=true&stdout=true&tty=true")
    typed, end = masked(b"\0still here\n"), masked(b"\xff\0")
    answer = door.raw(head, then=masked(b"\x04" + size) + typed + end)
    assert b"still here" in answer


def start_pod(door: Door) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    pod["spec"]["containers"][0]["command"] = ["sleep", "1000000"]  # type: ignore[index]
    assert door.ask("POST", PODS, json.dumps(pod).encode())[0] in (201, 409)


def websocket_to(door: Door, path: str) -> bytes:
    return upgrade(
        door,
        path,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Protocol: v5.channel.k8s.io",
    )


def test_invalid_frames(door: Door) -> None:
    start_pod(door)
    path = f"{PODS}/p/exec?command=cat&stdin=true&stdout=true"
    websocket = websocket_to(door, path)
    spdy = upgrade(
        door,
        path,
        "Connection: Upgrade",
        "Upgrade: SPDY/3.1",
        "X-Stream-Protocol-Version: v4.channel.k8s.io",
    ).replace(b"GET", b"POST", 1)
    chance = random.Random(2)
    for head in (websocket, spdy):
        for frames in (b"\xff" * 64, b"\x82\x05hello", b"\x80\x03\0\x01\0\xff\xff\xff" + b"x" * 99):
            assert door.raw(head, then=frames + chance.randbytes(200)).startswith(b"HTTP/1.1 101 ")
    for path in ("/exec", "/attach", "/portforward?ports=x"):
        answer = door.raw(
            upgrade(door, f"{PODS}/p{path}", "Connection: Upgrade", "Upgrade: nonsense")
        )
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 "))
        assert b'"kind":"Status"' in answer
