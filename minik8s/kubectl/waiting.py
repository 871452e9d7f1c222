"""Waiting for something to happen in the cluster, in the cluster's own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minik8s.client import Client
from minik8s.errors import NotFound
from minik8s.model.metadata import Document, uid_of
from minik8s.model.registry import Kind

FOR_EVER = 168 * 3600.0
"""What kubectl takes for ever: a week, in seconds."""

_FIRST_STEP = 0.5
_LONGEST_STEP = 600.0
_PATIENCE = 120.0
"""After so many seconds the looks at the cluster get rarer."""


def ticks(client: Client, timeout: float) -> Iterator[float]:
    """Moments to look at the cluster, with simulated time passing in between.

    The first is now, the last when the timeout ends; each value is the seconds passed.
    """
    passed, step = 0.0, _FIRST_STEP
    while True:
        yield passed
        if passed >= timeout:
            return
        if passed >= _PATIENCE:
            step = min(step * 2, _LONGEST_STEP)
        pause = min(step, timeout - passed)
        client.wait(pause)
        passed += pause


def wait_until(client: Client, timeout: float, done: Callable[[], bool]) -> bool:
    """Wait until something holds; False if it does not before the timeout."""
    return any(done() for _ in ticks(client, timeout))


def find(client: Client, kind: Kind, namespace: str, name: str) -> Document | None:
    """An object, or None if it is not there."""
    try:
        return client.get(kind, name, namespace)
    except NotFound:
        return None


def is_gone(client: Client, kind: Kind, namespace: str, name: str, uid: str) -> bool:
    """Whether an object has gone, or another one has taken its name."""
    document = find(client, kind, namespace, name)
    return document is None or bool(uid and uid_of(document) != uid)
