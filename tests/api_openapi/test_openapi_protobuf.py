"""Protobuf bodies: compared with what Go's own types make of the same object."""

from __future__ import annotations

import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from minik8s.apiserver.body import decode
from minik8s.apiserver.messages import Request
from minik8s.apiserver.protobuf import MAGIC, MEDIA_TYPE, decode_protobuf
from minik8s.errors import BadRequest

DATA = Path(__file__).parents[1] / "data" / "api_openapi" / "protobuf.jsonl.gz"
ROWS = [json.loads(line) for line in gzip.decompress(DATA.read_bytes()).splitlines()]
PAIRS = [(base64.b64decode(row["pb"]), row["json"]) for row in ROWS]


def without_nulls(value: Any) -> Any:
    """A value without the nulls that Go's JSON has for empty lists and bytes.

    Protobuf has no nulls; those inside maps come out as an empty text or list.
    """
    if isinstance(value, dict):
        return {
            key: without_nulls(each) for key, each in value.items() if each not in (None, "", [])
        }
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def test_the_truth_covers_every_kind() -> None:
    assert len({(row["apiVersion"], row["kind"]) for _, row in PAIRS}) >= 47


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_objects_are_what_go_says(number: int) -> None:
    body, document = PAIRS[number]
    assert without_nulls(decode_protobuf(body)) == without_nulls(document)


def test_zero_behind_a_pointer_is_kept() -> None:
    # Deployment{spec: {replicas: 0 (a *int32), minReadySeconds: 0 (an int32)}}
    spec = bytes([0x08, 0, 0x28, 0])
    body = envelope("apps/v1", "Deployment", bytes([0x12, len(spec)]) + spec)
    assert decode_protobuf(body)["spec"] == {"replicas": 0}


def test_empty_struct_behind_a_pointer_is_kept() -> None:
    # NetworkPolicySpec{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}
    spec = bytes([0x0A, 0, 0x12, 4, 0x12, 2, 0x0A, 0])
    body = envelope("networking.k8s.io/v1", "NetworkPolicy", bytes([0x12, len(spec)]) + spec)
    found = decode_protobuf(body)["spec"]["ingress"]
    assert found == [{"from": [{"podSelector": {}}]}]


def test_delete_options_are_known_in_every_group() -> None:
    body = envelope("apps/v1", "DeleteOptions", b"\x22\x0aBackground")
    request = Request("DELETE", "/", headers={"content-type": MEDIA_TYPE}, body=body)
    assert decode(request)["propagationPolicy"] == "Background"


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    def chunk(number: int, data: bytes) -> bytes:
        assert len(data) < 128
        return bytes([number << 3 | 2, len(data)]) + data

    types = chunk(1, api_version.encode()) + chunk(2, kind.encode())
    return MAGIC + chunk(1, types) + chunk(2, raw)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "expected prefix [107 56 115 0]"),
        (b"{}", "expected prefix [107 56 115 0]"),
        (MAGIC, 'no kind "" is registered for version ""'),
        (MAGIC + b"\x0a\x7f", "unexpected EOF"),
        (MAGIC + b"\xff" * 12, "integer overflow"),
        (MAGIC + b"\x0f", "illegal wireType 7"),
        (envelope("v1", "Nothing", b""), 'no kind "Nothing" is registered for version "v1"'),
        (envelope("v1", "Pod", b"\x0a\x03\x0a\x01\xff"), "invalid UTF-8"),
        (envelope("v1", "Pod", b"\x08\x01"), "wrong wireType"),
    ],
)
def test_malformed_bodies_are_bad_requests(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_protobuf(body)
    assert message in caught.value.message


def test_truncated_and_garbled_bodies_never_crash() -> None:
    generator = random.Random(7)
    outcomes = {"read": 0, "refused": 0}
    for body, _ in PAIRS:
        for _ in range(12):
            cut = generator.choice([len(body), generator.randrange(len(body))])
            broken = bytearray(body[:cut])
            for _ in range(generator.randrange(4)):
                if broken:
                    broken[generator.randrange(len(broken))] ^= 1 << generator.randrange(8)
            try:
                assert isinstance(decode_protobuf(bytes(broken)), dict)
                outcomes["read"] += 1
            except BadRequest:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 200


def test_nesting_has_a_limit() -> None:
    inner = b""
    for _ in range(400):
        length = bytearray()
        size = len(inner)
        while size > 127:
            length.append(size & 127 | 128)
            size >>= 7
        inner = b"\xe2\x01" + bytes([*length, size]) + inner  # JSONSchemaProps.not
    head = b"\x0a\x2b\x0a\x17apiextensions.k8s.io/v1"
    kind = b"\x12\x18CustomResourceDefinition"
    head = bytes([0x0A, len(head) - 2 + len(kind)]) + head[2:] + kind
    with pytest.raises(BadRequest):
        decode_protobuf(MAGIC + head + b"\x12" + b"\xff\xff\x7f" + inner)
