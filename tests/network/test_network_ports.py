"""Ports and protocols of a rule, by packets, against the kernel's rows k1 to k5 and j3."""

from __future__ import annotations

import json

import pytest
from network_probe import probe
from network_worlds import BACKEND, FRONTEND, World, kernel_world, observed, pod, policy, serve_udp


def outcome(world: World, protocol: str, port: int, source="frontend", address=BACKEND) -> str:
    return probe(world.network, world.pod(source), protocol, address, port).outcome


def expected(text: str) -> str:
    if text.startswith("connected"):
        return "connected"
    return {"Ti": "timed out", "Co": "refused"}[text[:2]]


def ingress(*rules: dict) -> dict:
    return policy("default/p", pods={"app": "backend"}, ingress=list(rules))


def test_a_range_includes_both_ends() -> None:
    rows = json.loads(observed("k1")["stdout"])
    wide = [{"protocol": each, "port": 8000, "endPort": 8010} for each in ("TCP", "UDP")]
    world = kernel_world(ingress({"ports": wide}))
    for protocol, ports in rows.items():
        for port, text in ports.items():
            assert outcome(world, protocol.upper(), int(port)) == expected(text), (protocol, port)


@pytest.mark.parametrize(
    ("name", "ports"), [("k2", [{"protocol": "TCP"}]), ("k3", [{"port": 8080}])]
)
def test_a_port_without_protocol_is_tcp(name: str, ports: list) -> None:
    row = json.loads(observed(name)["stdout"])
    world = kernel_world(ingress({"ports": ports}))
    serve_udp(world.pod("backend"), 8080)
    assert outcome(world, "TCP", 8080) == expected(row["tcp"])
    assert outcome(world, "UDP", 8080) == expected(row["udp"])


def test_an_empty_rule_allows_everything() -> None:
    world = kernel_world(ingress({}))
    assert outcome(world, "TCP", 8080) == expected(observed("k4")["stdout"])


def test_an_empty_egress_list_does_not_isolate() -> None:
    rows = json.loads(observed("k5")["stdout"])
    world = kernel_world(policy("default/p", pods={"app": "backend"}, egress=[]))
    assert outcome(world, "TCP", 9, "backend", FRONTEND) == expected(rows[0])
    assert outcome(world, "TCP", 9) == expected(rows[1])


def test_a_named_port_that_nobody_has_matches_nothing() -> None:
    rows = json.loads(observed("j3")["stdout"])
    world = kernel_world(
        policy("default/p", pods={"tier": "web"}, ingress=[{"ports": [{"port": "nosuch"}]}]),
        pod("default/web-a", "10.244.0.7", ports=(("http", 8081),), tier="web"),
        pod("default/web-b", "10.244.0.8", ports=(("http", 9091),), tier="web"),
    )
    for target, text in rows.items():
        name, port = target.split(":")
        address = world.pod(name).addresses[0]
        assert outcome(world, "TCP", int(port), address=address) == expected(text)
