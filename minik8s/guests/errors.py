"""What the C libraries call the errors of a socket."""

from __future__ import annotations

from minik8s.guests.catalogue import Libc
from minik8s.network import Connection

_GLIBC = {
    "refused": "Connection refused",
    "timed out": "Connection timed out",
    "reset": "Connection reset by peer",
    "unreachable": "No route to host",
    "host unreachable": "No route to host",
    "network unreachable": "Network is unreachable",
    "in use": "Address already in use",
    "denied": "Permission denied",
}
_MUSL = {
    **_GLIBC,
    "timed out": "Operation timed out",
    "unreachable": "Host is unreachable",
    "host unreachable": "Host is unreachable",
    "network unreachable": "Network unreachable",
    "in use": "Address in use",
}


def strerror(error: str, libc: Libc) -> str:
    """The C library's words for an error of the network layer.

    >>> strerror("timed out", "musl")
    'Operation timed out'
    """
    table = _MUSL if libc == "musl" else _GLIBC
    return table.get(error, error[:1].upper() + error[1:])


def failure(connection: Connection) -> str:
    """What a connection ended with: "refused", "timed out", "unreachable", "reset"."""
    return connection.state
