"""Image references: parsed as containerd does, with a digest, a size and a pull time of their own.

Nothing is ever pulled. What a real registry would tell is derived from the name, so that it is
the same in every cluster.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_DOMAIN_PART = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile("[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


class InvalidReference(ValueError):
    """A text that names no image; its words are those of distribution/reference."""


@lru_cache(maxsize=1024)
def normalize(reference: str) -> str:
    """The full name behind a short one; raises InvalidReference.

    >>> normalize("nginx"), normalize("quay.io/cilium/json-mock:1.2")
    ('docker.io/library/nginx:latest', 'quay.io/cilium/json-mock:1.2')
    """
    name, at, digest = reference.partition("@")
    name, tag = _split_tag(name)
    domain, path = _split_domain(name)
    if path != path.lower():
        raise InvalidReference(
            f"invalid reference format: repository name ({path}) must be lowercase"
        )
    parts = [(_PATH, path), (_DOMAIN, domain)]
    parts += [(_TAG, tag)] if tag else []
    parts += [(_DIGEST, digest)] if at else []
    if not all(pattern.fullmatch(part) for pattern, part in parts):
        raise InvalidReference("invalid reference format")
    if digest:
        return f"{domain}/{path}@{digest}"
    return f"{domain}/{path}:{tag or 'latest'}"


def _split_tag(name: str) -> tuple[str, str]:
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, ""
    return head, tag or ":"


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return ("docker.io" if first == "index.docker.io" else first), rest
    return "docker.io", name if slash else f"library/{name}"


@lru_cache(maxsize=1024)
def image_id(reference: str) -> str:
    """The repository with its digest, as `status.containerStatuses[].imageID` shows it."""
    full = normalize(reference)
    if "@" in full:
        return full
    digest = hashlib.sha256(full.encode()).hexdigest()
    return f"{full.rpartition(':')[0]}@sha256:{digest}"


def size_of(reference: str) -> int:
    """How many bytes the image has, between 2 and 200 MB."""
    return 2_000_000 + int(image_id(reference)[-8:], 16) % 198_000_000


def pull_time(reference: str) -> float:
    """How many seconds a pull takes, in whole milliseconds: 40 MB a second."""
    return round(0.5 + size_of(reference) / 40_000_000, 3)


def pull_policy(container: dict[str, object]) -> str:
    """When the image is pulled: `imagePullPolicy`, or what an image without one gets."""
    given = container.get("imagePullPolicy")
    if given:
        return str(given)
    name = str(container.get("image", "")).partition("@")[0]
    return "Always" if _split_tag(name)[1] in ("", "latest") else "IfNotPresent"
