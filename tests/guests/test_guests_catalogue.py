"""The image catalogue: references, and that everything it names is there."""

from __future__ import annotations

import pytest
from guests_world import World

from minik8s.guests.catalogue import _catalogue, find_image, repository
from minik8s.guests.programs import IMPLEMENTATIONS, find_program, implementation

IMAGES = [entry["names"][0] for entry in _catalogue()["images"]]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx", "nginx"),
        ("nginx:1.27-alpine", "nginx"),
        ("docker.io/library/nginx@sha256:00", "nginx"),
        ("mirror.local:5000/team/nginx:1", "nginx"),
        ("docker.io/byrnedo/alpine-curl:0.1.8", "byrnedo/alpine-curl"),
        ("quay.io/cilium/json-mock:1.2", "cilium/json-mock"),
        ("registry.k8s.io/e2e-test-images/agnhost:2.53", "e2e-test-images/agnhost"),
        ("registry.k8s.io/coredns/coredns:v1.12.1", "coredns/coredns"),
        ("curlimages/curl", "curlimages/curl"),
        ("localhost:5000/nothing", "unknown"),
        ("nginx/nginx-ingress", "unknown"),
    ],
)
def test_references(reference: str, name: str) -> None:
    assert find_image(reference).name == name


def test_repositories() -> None:
    assert repository("a/b:c@sha256:d") == "a/b"
    assert repository("host:1/a") == "host:1/a"


@pytest.mark.parametrize("name", sorted(IMPLEMENTATIONS))
def test_every_implementation_is_there(name: str) -> None:
    assert callable(implementation(name))


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_is_whole(name: str) -> None:
    image = find_image(name)
    assert image.known
    for program, kind in image.programs.items():
        assert kind in IMPLEMENTATIONS, program
    words = [*image.entrypoint, *image.command]
    assert words
    assert find_program(image, words[0]) is not None
    if "curl" in image.programs:
        assert image.curl
    if image.shell:
        assert "sh" in image.programs
        assert image.os_release or name in ("busybox", "radial/busyboxplus")


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_starts(name: str) -> None:
    world = World(nodes=1)
    env = [{"name": key, "value": "x"} for key in ("POSTGRES_PASSWORD", "MYSQL_ROOT_PASSWORD")]
    env.append({"name": "ECHO_TEXT", "value": "hi"})
    world.pod("p", name, env=env)
    image = find_image(name)
    shells = ("sh", "bash", "python3", "/bin/sh", "/bin/bash", "/usr/bin/curl", "/entrypoint.sh")
    ends = [*image.entrypoint, *image.command][0] in shells and "nginx" not in name
    assert (world.codes["main"] is not None) is ends
    if ends:
        assert world.codes["main"] == (2 if "entrypoint" in str(image.entrypoint) else 0)


def test_programs_are_found_by_path_and_by_name() -> None:
    image = find_image("busybox")
    assert find_program(image, "wget") is find_program(image, "/bin/wget")
    assert find_program(image, "/usr/bin/wget") is not None
    assert find_program(image, "/wget") is None
    assert find_program(image, "./wget") is None
    assert find_program(image, "curl") is None
    assert find_program(image, "grep") is not None
    assert find_program(find_image("agnhost"), "agnhost") is None
    assert find_program(find_image("agnhost"), "/agnhost") is not None
