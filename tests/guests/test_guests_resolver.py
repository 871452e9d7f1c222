"""Names: configuration, search lists, and corners that no recording covers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from guests_world import World, demo
from hypothesis import given
from hypothesis import strategies as st

from minik8s.guests.catalogue import find_image
from minik8s.guests.resolver import Config, candidates, parse_config
from minik8s.network.dns import TYPE_NAMES, decode


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("", Config()),
        ("nameserver 1.1.1.1\nnameserver ::1\n", Config(nameservers=("1.1.1.1", "::1"))),
        ("search a b\nsearch c\n", Config(search=("c",))),
        ("domain x.y # comment\n", Config(search=("x.y",))),
        ("options ndots:3 timeout:1 attempts:4 rotate", Config((), (), 3, 1.0, 4)),
        ("options ndots:x attempts:0\nnonsense\n", Config(attempts=1)),
        ("nameserver a\n" * 5, Config(nameservers=("a",) * 3)),
    ],
)
def test_resolv_conf(text: str, config: Config) -> None:
    expected = replace(config, nameservers=config.nameservers or ("127.0.0.1",))
    assert parse_config(text) == expected


@given(st.text(max_size=200))
def test_any_text_is_a_configuration(text: str) -> None:
    config = parse_config(text)
    assert 1 <= len(config.nameservers) <= 3
    assert config.attempts >= 1


SEARCH = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")


@pytest.mark.parametrize(
    ("host", "bare_first", "names"),
    [
        ("a", True, [f"a.{each}." for each in SEARCH] + ["a."]),
        ("a.", True, ["a."]),
        ("a.b.c.d.e", True, [f"a.b.c.d.e.{each}." for each in SEARCH] + ["a.b.c.d.e."]),
        ("a.b.c.d.e.f", True, ["a.b.c.d.e.f."] + [f"a.b.c.d.e.f.{each}." for each in SEARCH]),
        ("a.b.c.d.e.f", False, ["a.b.c.d.e.f."]),
    ],
)
def test_names_to_ask_for(host: str, bare_first: bool, names: list[str]) -> None:
    config = Config(search=SEARCH, ndots=5)
    assert candidates(host, config, bare_first=bare_first) == names


def asked(world: World) -> list[tuple[str, str]]:
    found = []
    for trace in world.network.traces:
        if trace.packet.protocol == "UDP" and trace.packet.dport == 53:
            question = decode(trace.packet.payload).questions[0]
            found.append((TYPE_NAMES[question.type], question.name))
    return found


def test_the_hosts_file_comes_first() -> None:
    world = demo()
    ran = world.run("backend", "curl", "-s", "backend:8080/hostname")
    assert ran.stdout == '{"hostname": "backend"}'
    assert asked(world) == []


def test_an_address_needs_no_resolver() -> None:
    world = demo()
    world.run("frontend", "curl", "-s", "10.96.105.101:8080")
    world.run("frontend", "curl", "-s", "[::1]:8080")
    assert asked(world) == []


def test_only_one_family_is_asked_for() -> None:
    world = demo()
    world.run("frontend", "curl", "-4", "-s", "backend:8080")
    assert {kind for kind, _ in asked(world)} == {"A"}


@pytest.mark.parametrize("kind", ["musl", "glibc", "c-ares", "go"])
def test_every_resolver_finds_and_fails_to_find(kind: Any) -> None:
    world = demo()
    container = world.containers.container("default", "frontend", "main")
    container.image = replace(find_image("buildpack-deps"), resolver=kind)
    assert world.run("frontend", "curl", "-sI", "backend:8080").exit_code == 0
    assert world.run("frontend", "curl", "-s", "nosuch").exit_code == 6
    outside = world.run("frontend", "curl", "-sI", "kubernetes.io")
    assert outside.stdout.startswith("HTTP/1.1 301")


@pytest.mark.parametrize(
    ("kind", "seconds"), [("musl", 5), ("glibc", 20), ("c-ares", 75), ("go", 40)]
)
def test_how_long_each_resolver_waits_for_a_silent_server(kind: Any, seconds: float) -> None:
    world = demo()
    world.policy("deny", {"podSelector": {}, "policyTypes": ["Egress"]})
    container = world.containers.container("default", "frontend", "main")
    container.image = replace(find_image("buildpack-deps"), resolver=kind)
    ran = world.run("frontend", "curl", "-s", "backend:8080")
    assert ran.exit_code == 6
    assert ran.seconds == pytest.approx(seconds, abs=0.1)


def test_two_nameservers_share_the_work() -> None:
    world = demo()
    spec = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.244.9.9", "10.96.0.10"]}}
    world.pod("two", "buildpack-deps", command=["sleep", "infinity"], spec=spec)
    ran = world.run("two", "curl", "-sI", "backend.default.svc.cluster.local:8080")
    assert ran.exit_code == 0
    assert ran.seconds == pytest.approx(5, abs=0.1)
    world.pod("both", "curlimages/curl", command=["sleep", "infinity"], spec=spec)
    ran = world.run("both", "curl", "-sI", "backend.default.svc.cluster.local:8080")
    assert ran.exit_code == 0
    assert ran.seconds < 0.1


def test_getent_and_the_search_list() -> None:
    world = demo()
    world.pod("deb", "debian", command=["sleep", "infinity"])
    ran = world.run("deb", "getent", "hosts", "backend")
    assert ran.stdout == "10.96.105.101   backend.default.svc.cluster.local backend\n"
    assert world.run("deb", "getent", "hosts", "nosuch").exit_code == 2
