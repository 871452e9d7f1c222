"""What the API server needs of the cluster behind it, and the sessions that it hands out.

`minik8s.runtime` is the backend of a real cluster; a test may bring a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.ipam import AddressPool
from minik8s.model.metadata import Document
from minik8s.model.registry import Registry
from minik8s.store import Store


class EventStream(Protocol):
    """The events of a watch."""

    closed: bool

    def poll(self) -> list[Document]:
        """The events since the last call, as documents `{"type": ..., "object": ...}`."""

    def close(self) -> None:
        """End the watch."""


class ExecSession(Protocol):
    """A program in a pod, run by `exec` or reached by `attach`."""

    @property
    def exit_code(self) -> int | None:
        """How the program ended; None while it runs."""

    def write_stdin(self, data: bytes) -> None:
        """Give the program input."""

    def close_stdin(self) -> None:
        """End the program's input."""

    def resize(self, width: int, height: int) -> None:
        """Tell the terminal's size, in characters."""

    def run(self, seconds: float | None = None) -> bool:
        """Go on until the program ends or waits; False if it could go on after `seconds`."""

    def output(self) -> list[tuple[int, bytes]]:
        """What was written since the last call: (1 or 2, bytes), in order."""

    def kill(self) -> None:
        """End the program."""


class LogStream(Protocol):
    """The output of a container, followed (`kubectl logs -f`)."""

    closed: bool

    def poll(self) -> bytes:
        """What was written since the last call."""

    def close(self) -> None:
        """Stop following."""


class Connection(Protocol):
    """A TCP connection into a pod (`minik8s.network.Connection`)."""

    @property
    def state(self) -> str:
        """`connecting`, `established`, `refused`, `timed out`, `reset` or `closed`."""

    @property
    def eof(self) -> bool:
        """Whether the other side has sent its last byte."""

    def send(self, data: bytes) -> None:
        """Send bytes."""

    def receive(self) -> bytes:
        """What has arrived since the last call."""

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True)
class PortForward:
    """A way into a pod: each call of `dial` opens one connection to a port of the pod."""

    namespace: str
    pod: str
    dial: Callable[[int], Connection]


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What part of a log is wanted (core/v1 PodLogOptions)."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    limit_bytes: int | None = None

    def parameters(self) -> dict[str, str]:
        """The options as query parameters."""
        flags = {
            "follow": self.follow,
            "previous": self.previous,
            "timestamps": self.timestamps,
        }
        numbers = {
            "tailLines": self.tail_lines,
            "sinceSeconds": self.since_seconds,
            "limitBytes": self.limit_bytes,
        }
        texts = {name: "true" for name, on in flags.items() if on}
        texts.update({name: str(n) for name, n in numbers.items() if n is not None})
        return texts


class Backend(Protocol):
    """The cluster that the API server fronts."""

    store: Store
    clock: Clock
    ids: Ids
    registry: Registry
    autosettle: bool
    service_addresses: Sequence[AddressPool]
    """One pool for each IP family that the cluster has, the preferred one first."""

    def settle(self) -> None:
        """Let the controllers run until nothing changes."""

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        argv: Sequence[str],
        *,
        stdin: bool = False,
        tty: bool = False,
        clock: Clock | None = None,
    ) -> ExecSession:
        """Start a program in a running container, on the cluster's clock or another."""

    def attach(
        self, namespace: str, pod: str, container: str, *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        """Reach the main program of a running container."""

    def log_lines(
        self, namespace: str, pod: str, container: str = "", *, previous: bool = False
    ) -> Sequence[tuple[float, bytes]]:
        """The lines that a container (or the one before its restart) has written, each with
        the moment of its writing and without its line end."""

    def dial(self, namespace: str, pod: str, port: int) -> Connection:
        """Open a TCP connection to a port of a pod, from inside the pod."""
