"""What the API server needs of the cluster behind it, and the sessions that it hands out.

`minik8s.runtime` is the backend of a real cluster; a test may bring a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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


class ContainerLog(Protocol):
    """What one started container writes. Lines are numbered and bounded: old ones go."""

    ended: bool
    listeners: list[Callable[[], None]]
    """Called when something was written or the container has ended, on whatever thread."""

    def __len__(self) -> int:
        """How many lines there have been, the dropped ones included."""

    def lines(self, skip: int = 0) -> Iterator[tuple[float, bytes]]:
        """The kept lines from number `skip` on: the moment, and the text without its end."""

    def partial(self) -> tuple[float, bytes] | None:
        """The line that has not ended yet."""


class LogStream(Protocol):
    """The output of a container, followed (`kubectl logs -f`)."""

    closed: bool

    def listen(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, on any thread, when there may be something new."""

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
    """Raises LookupError if the pod has no network any more."""

    def complaint(self, port: int, why: str) -> str:
        """What the kubelet says of a port that cannot be reached, in containerd's words.

        `why` is the error of dialling, empty if the pod is gone.
        """
        reason = f'failed to find sandbox "{self.pod}" in store: not found'
        if why:
            reason = (
                f'failed to connect to localhost:{port} inside namespace "{self.pod}", IPv4: '
                f"dial tcp4 127.0.0.1:{port}: {why} IPv6 dial tcp6: address localhost: no "
                "suitable address found"
            )
        return f"error forwarding port {port} to pod {self.pod}, uid : {reason}"


class HttpReply(Protocol):
    """What a web server in a pod answered."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """Names and values, as they came."""

    @property
    def body(self) -> bytes:
        """The body, without any transfer coding."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What part of a log is wanted (core/v1 PodLogOptions); `since_time` is RFC 3339."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    since_time: str = ""
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
        if self.since_time:
            texts["sinceTime"] = self.since_time
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

    def log(
        self, namespace: str, pod: str, container: str, *, previous: bool = False
    ) -> ContainerLog:
        """What a container (or the one before its restart) writes; raises NotFound."""

    def dial(self, namespace: str, pod: str, port: int) -> Connection:
        """Open a TCP connection to a port of a pod, from inside the pod."""

    def fetch(
        self, scheme: str, address: str, port: int, message: bytes, *, head_only: bool
    ) -> HttpReply:
        """Send an HTTP request from the API server's host; raises ServiceUnavailable."""
