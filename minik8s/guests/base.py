"""What a program in a pod is made of: its process, and the effects that it asks for.

A *program* is a generator function: it gets a `Process`, yields *effects* (connect, sleep,
read input, ...), receives each effect's result, and returns its exit code. It never blocks
and never sees the machine that minik8s runs on. `runtime.processes` executes the effects
against a network host and a clock, so a time-out costs simulated time only.

A time-out of None means: for ever. An effect that timed out gives None, where nothing else
is said.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from posixpath import join, normpath
from random import Random
from typing import Any, Literal, TypeVar

from minik8s.bash import Aside
from minik8s.clock import Clock
from minik8s.guests.container import Container
from minik8s.network import Connection, DatagramSocket, EchoSocket, Host, Listener

T = TypeVar("T")

StreamProtocol = Literal["TCP", "SCTP"]


@dataclass(slots=True)
class Input:
    """What has been typed or piped so far; `wake` is called when there is more."""

    data: bytearray = field(default_factory=bytearray)
    closed: bool = False
    ended: bool = False
    wake: Callable[[], None] | None = None

    @classmethod
    def of(cls, data: bytes) -> Input:
        """Input that is complete from the start, as behind a pipe."""
        return cls(bytearray(data), closed=True)

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self.data += data
        self._notify()

    def close(self) -> None:
        """There will be no more."""
        self.closed = True
        self._notify()

    def end_of_file(self) -> None:
        """Ctrl-D on a terminal: one reader sees the end, the next may read on."""
        self.ended = True
        self._notify()

    def take(self) -> bytes | None:
        """All that is there; b"" at the end, None if one must wait."""
        if self.data:
            data = bytes(self.data)
            self.data.clear()
            return data
        if self.ended:
            self.ended = False
            return b""
        return b"" if self.closed else None

    def _notify(self) -> None:
        if self.wake is not None:
            self.wake()


@dataclass(frozen=True, slots=True)
class Sleep:
    """Let simulated seconds pass; gives None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Forever:
    """Wait for ever: a server whose work is done by callbacks, `tail -f /dev/null`."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Wait for what somebody else may do (`tail -f`), and look again after some seconds.

    Whoever waits for the program's end is not made to wait for this; gives None.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Compute:
    """Wait for work that computes beside the cluster, such as a shell's script; gives None.

    It takes no simulated time. On a served cluster others go on meanwhile.
    """

    aside: Aside[Any]


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection; gives the Connection, still "connecting" if the time ran out."""

    protocol: StreamProtocol
    address: str
    port: int
    timeout: float | None = None
    sport: int | None = None


@dataclass(frozen=True, slots=True)
class AwaitConnection:
    """Wait until a connection is no longer "connecting"; gives it, whatever its state."""

    connection: Connection
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes over a connection; gives None at once."""

    connection: Connection
    data: bytes


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for bytes; gives them, b"" at the end of the stream (or a reset), None in vain."""

    connection: Connection
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Tell the other end that there is no more to come, and go on reading; gives None."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class Close:
    """Close a connection, listener or socket; gives None."""

    connection: Connection | Listener | DatagramSocket | EchoSocket


@dataclass(frozen=True, slots=True)
class OpenDatagram:
    """Open a UDP socket; with an address it is connected, so that ICMP errors come back."""

    address: str = ""
    port: int = 0
    sport: int | None = None


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send one datagram; address "" means the connected end. Gives None."""

    socket: DatagramSocket
    data: bytes
    address: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class ReceiveFrom:
    """Wait for a datagram; gives a Datagram, the socket's error as a str, or None in vain."""

    socket: DatagramSocket
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class OpenEcho:
    """Open a socket for ping; gives an EchoSocket."""


@dataclass(frozen=True, slots=True)
class SendEcho:
    """Send an echo request with `size` bytes of data; gives whether there was a way to send."""

    socket: EchoSocket
    address: str
    sequence: int
    size: int = 56
    ttl: int = 64


@dataclass(frozen=True, slots=True)
class ReceiveEcho:
    """Wait for an answer to an echo request; gives an EchoReply or None."""

    socket: EchoSocket
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Listen on a TCP or SCTP port; gives a Listener, or None if the port is taken."""

    protocol: StreamProtocol
    port: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Bind:
    """Open a UDP server socket; gives a DatagramSocket, or None if the port is taken."""

    port: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Accept:
    """Wait for a connection; gives a Connection or None."""

    listener: Listener
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ReadInput:
    """Wait for input; gives bytes, b"" at its end, None in vain."""

    stdin: Input
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class FirstOf:
    """Wait for whichever comes first; gives (index, that effect's result), or None in vain."""

    effects: tuple[Effect, ...]
    timeout: float | None = None


Effect = (
    Sleep
    | Forever
    | LookAgain
    | Compute
    | Connect
    | AwaitConnection
    | Send
    | Receive
    | Shutdown
    | Close
    | OpenDatagram
    | SendTo
    | ReceiveFrom
    | OpenEcho
    | SendEcho
    | ReceiveEcho
    | Listen
    | Bind
    | Accept
    | ReadInput
    | FirstOf
)

Steps = Generator[Effect, Any, T]
"""A part of a program: yields effects, ends with a T."""


Signal = Literal["SIGINT", "SIGTERM", "SIGKILL"]


class Interrupted(Exception):
    """A signal (SIGINT is Ctrl-C's); thrown into the program where it waits."""

    def __init__(self, signal: Signal) -> None:
        super().__init__(signal)
        self.signal = signal

    @property
    def exit_code(self) -> int:
        """What a shell reports for a process that this signal ended: 128 and its number."""
        return 128 + {"SIGINT": 2, "SIGKILL": 9, "SIGTERM": 15}[self.signal]


Output = Callable[[int, bytes], None]
"""Where a process writes: stream 1 is its output, stream 2 its errors."""


class WaitsForEver(Exception):
    """A program that was run at once waits for somebody outside, and nobody can wait for it."""


RunNow = Callable[["Process", "Program", float | None], int]
"""Runs a program to its end (or to a deadline: 124) while its parent stands still.

A program that would wait for ever is interrupted; in the background WaitsForEver is raised."""


@dataclass(slots=True, weakref_slot=True)
class Process:
    """One running program: its arguments, environment, streams, container and clock.

    `tty` says whether standard output is a terminal, `interactive` whether somebody types the
    input, `background` that nobody waits for the end (a container's own program). `own_env` is
    None as long as the environment is the container's.
    """

    argv: list[str]
    container: Container
    clock: Clock
    output: Output
    run_now: RunNow
    own_env: Mapping[str, str] | None = None
    cwd: str = "/"
    stdin: Input = field(default_factory=lambda: Input.of(b""))
    tty: bool = False
    interactive: bool = False
    background: bool = False

    @property
    def name(self) -> str:
        """The program's name as it was typed."""
        return self.argv[0] if self.argv else ""

    @property
    def arguments(self) -> list[str]:
        """The arguments behind the name."""
        return self.argv[1:]

    @property
    def env(self) -> Mapping[str, str]:
        """The environment."""
        return self.container.env if self.own_env is None else self.own_env

    @property
    def host(self) -> Host:
        """The network namespace of the pod."""
        return self.container.host

    def out(self, text: str | bytes) -> None:
        """Write to standard output; lone surrogates are bytes that are no text (PEP 383)."""
        self.output(1, _bytes(text))

    def err(self, text: str | bytes) -> None:
        """Write to standard error."""
        self.output(2, _bytes(text))

    def resolve(self, path: str) -> str:
        """The absolute form of a path."""
        return normpath(join(self.cwd, path))

    def random(self, purpose: str) -> Random:
        """The container's source of random values for a purpose."""
        return self.container.random(purpose)

    def pause(self, seconds: float) -> None:
        """Let time pass at once, for callers that cannot yield."""
        self.run_now(self, lambda _: _pause(seconds), None)

    def child(self, argv: list[str], **changes: Any) -> Process:
        """Another process with the same surroundings, `changes` apart."""
        return replace(self, argv=argv, **changes)


def _bytes(text: str | bytes) -> bytes:
    return text.encode(errors="surrogateescape") if isinstance(text, str) else text


def _pause(seconds: float) -> Steps[int]:
    yield Sleep(seconds)
    return 0


Program = Callable[[Process], Steps[int]]
"""Runs a process and returns its exit code."""

Programs = Mapping[str, Program]


def read_all(process: Process) -> Steps[bytes]:
    """All of standard input, up to its end."""
    data = b""
    while True:
        more = yield ReadInput(process.stdin)
        if not more:
            return data
        data += more
