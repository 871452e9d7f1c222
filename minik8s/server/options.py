"""How a server is to be run."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from minik8s.apiserver import User
from minik8s.server.limits import DEFAULT, Limits
from minik8s.server.tls import Pair, make_pair
from minik8s.server.users import new_token


class ServeError(Exception):
    """The server cannot be started as asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. `pair` None is plain HTTP without identities.

    `tokens` are those of other users; the administrator's `token` comes on top.
    """

    host: str = "127.0.0.1"
    port: int = 0
    pair: Pair | None = None
    token: str = ""
    tokens: Mapping[str, User] = field(default_factory=dict)
    real_time: bool = False
    keep_date: bool = False
    limits: Limits = DEFAULT


def secure_options(host: str = "127.0.0.1", port: int = 0) -> Options:
    """TLS with a pair of its own and a token of its own."""
    return Options(host, port, make_pair(names_of(host)), new_token())


def names_of(host: str) -> list[str]:
    """The names and addresses that a certificate for a host should have."""
    wildcard = host in ("", "0.0.0.0", "::")
    return [socket.gethostname(), socket.getfqdn()] if wildcard else [host]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
