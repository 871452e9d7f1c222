"""The image catalogue: what each container image brings (`data/images.yaml`).

An image reference is matched by the end of its repository path, so that registries, mirrors
and tags do not matter: `docker.io/library/nginx:1.27` and `mirror.local/nginx` are `nginx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

ResolverKind = Literal["musl", "glibc", "c-ares", "go"]


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its programs (name to implementation), default command, and system."""

    name: str
    programs: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    resolver: ResolverKind = "musl"
    curl: str = ""
    shell: str = ""
    user: str = "root"
    workdir: str = "/"
    os_release: str = ""
    known: bool = True


def split_reference(reference: str) -> tuple[str, str]:
    """The repository and the tag of an image reference.

    >>> split_reference("docker.io/library/nginx:1.27")
    ('docker.io/library/nginx', '1.27')
    >>> split_reference("localhost:5000/app")
    ('localhost:5000/app', 'latest')
    """
    reference = reference.split("@")[0]
    head, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return head, tag


@cache
def _table() -> tuple[Image, ...]:
    raise NotImplementedError


def find_image(reference: str) -> Image:
    """The image that a reference names; an unknown one brings no programs."""
    raise NotImplementedError
