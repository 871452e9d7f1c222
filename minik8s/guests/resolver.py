"""Name resolution as the container's C library does it: files first, then real DNS.

How each library searches, waits and gives up was measured (`tests/data/guests/kernel.json`,
sections p, mq and long).
"""

from __future__ import annotations

from collections.abc import Callable

from minik8s.guests.addresses import is_address
from minik8s.guests.base import Process, Steps
from minik8s.guests.catalogue import ResolverKind
from minik8s.guests.resolver_libc import glibc, musl
from minik8s.guests.resolver_others import ares, go
from minik8s.guests.resolver_search import (
    NOT_FOUND,
    TIMED_OUT,
    Answer,
    Config,
    Search,
    candidates,
    from_hosts,
    parse_config,
    read_config,
    sort_addresses,
)

__all__ = [
    "NOT_FOUND",
    "TIMED_OUT",
    "Answer",
    "Config",
    "candidates",
    "lookup",
    "parse_config",
    "read_config",
]

TYPES = {"ipv4": ("A",), "ipv6": ("AAAA",), "": ("A", "AAAA")}

_KINDS: dict[str, Callable[[Search], Steps[Answer]]] = {
    "musl": musl,
    "glibc": glibc,
    "c-ares": ares,
    "go": go,
}


def lookup(
    process: Process, host: str, family: str = "", kind: ResolverKind | None = None
) -> Steps[Answer]:
    """The addresses of a name; `family` is "", "ipv4" or "ipv6".

    `kind` is for a program that brings a resolver of its own.
    """
    if is_address(host):
        return Answer([host], name=host)
    known = from_hosts(process, host)
    if known:
        return Answer(sort_addresses(process, known), name=host)
    chosen = kind or process.container.image.resolver
    return (yield from _KINDS[chosen](Search(process, host, TYPES[family])))
