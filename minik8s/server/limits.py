"""How much one server takes on; what goes beyond is refused with a Status."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.errors import TooLarge, TooManyRequests


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a server.

    `body` is the longest body of a request in bytes (as of the real API server), `headers` the
    longest head; `watches`, `sessions` (exec, attach, port-forward) and `follows` (logs) count
    what is open at a time. A client that leaves `slow` seconds of its watch unread is dropped.
    """

    body: int = 3 * 1024 * 1024
    headers: int = 64 * 1024
    watches: int = 2_000
    sessions: int = 500
    follows: int = 500
    slow: float = 20.0


DEFAULT = Limits()


class Counter:
    """How many of one thing are open."""

    __slots__ = ("_most", "_what", "open")

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self.open = 0

    def __enter__(self) -> Counter:
        """One more; raises TooManyRequests at the bound."""
        if self.open >= self._most:
            raise TooManyRequests(
                f"too many {self._what}: at most {self._most} may be open, please try again later",
                retry_after=1,
            )
        self.open += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.open -= 1


def too_large(limit: int) -> TooLarge:
    """The answer to a body beyond the bound."""
    return TooLarge(f"Request entity too large: limit is {limit}")
