"""Carry out the effects of programs: each one becomes a wait, which may be over at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from minik8s.guests.base import (
    Accept,
    AwaitConnection,
    Bind,
    Close,
    Compute,
    Connect,
    Effect,
    FirstOf,
    Forever,
    Listen,
    LookAgain,
    OpenDatagram,
    OpenEcho,
    Process,
    ReadInput,
    Receive,
    ReceiveEcho,
    ReceiveFrom,
    Send,
    SendEcho,
    SendTo,
    Shutdown,
    Sleep,
)
from minik8s.network import AddressInUse, Connection, DatagramSocket, EchoSocket, Listener

PENDING = object()
"""What a poll gives while there is nothing."""

Socket = Connection | Listener | DatagramSocket | EchoSocket
_S = TypeVar("_S", Connection, Listener, DatagramSocket, EchoSocket)


class Source(Protocol):
    """What wakes a wait."""

    wake: Callable[[], None] | None


@dataclass(slots=True)
class Wait:
    """What a task waits for: `poll` gives the result or PENDING, `late` that of a time-out."""

    effect: Effect
    since: float
    poll: Callable[[], Any]
    sources: tuple[Source, ...] = ()
    timeout: float | None = None
    late: Callable[[], Any] = lambda: None


class Kernel:
    """Opens the effects of one process, and closes what the process leaves open."""

    __slots__ = ("_grace", "_process", "_sockets")

    def __init__(self, process: Process, grace: float | None = None) -> None:
        """Computing holds the caller up for `grace` real seconds; None for as long as it takes."""
        self._process = process
        self._grace = grace
        self._sockets: list[Socket] = []

    def open(self, effect: Effect) -> Wait:
        """Begin an effect."""
        return _HANDLERS[type(effect)](self, effect)

    def close_all(self) -> None:
        """The process has ended."""
        for socket in self._sockets:
            socket.wake = None
            if isinstance(socket, Listener):
                self._hang_up(socket)
            socket.close()
        self._sockets.clear()

    def _hang_up(self, listener: Listener) -> None:
        for connection in self._process.host.connections:
            if connection.listener is listener:
                connection.wake = None
                connection.close()

    def _keep(self, socket: _S) -> _S:
        if len(self._sockets) >= 16:
            self._sockets = [each for each in self._sockets if not _is_over(each)]
        self._sockets.append(socket)
        return socket

    def _wait(
        self,
        effect: Effect,
        poll: Callable[[], Any],
        *sources: Source,
        timeout: float | None = None,
        late: Callable[[], Any] = lambda: None,
    ) -> Wait:
        return Wait(effect, self._process.clock.now, poll, sources, timeout, late)

    def _done(self, effect: Effect, value: Any = None) -> Wait:
        return self._wait(effect, lambda: value)

    # -- time and input

    def _sleep(self, effect: Sleep | LookAgain) -> Wait:
        return self._wait(effect, _never, timeout=effect.seconds)

    def _forever(self, effect: Forever) -> Wait:
        return self._wait(effect, _never)

    def _compute(self, effect: Compute) -> Wait:
        aside = effect.aside
        aside.wait(self._grace)
        return self._wait(effect, lambda: None if aside.attend() else PENDING)

    def _read_input(self, effect: ReadInput) -> Wait:
        stdin = effect.stdin

        def poll() -> Any:
            data = stdin.take()
            return PENDING if data is None else data

        return self._wait(effect, poll, stdin, timeout=effect.timeout)

    def _first_of(self, effect: FirstOf) -> Wait:
        waits = [self.open(part) for part in effect.effects]

        def poll() -> Any:
            for index, wait in enumerate(waits):
                value = wait.poll()
                if value is not PENDING:
                    return index, value
            return PENDING

        sources = [source for wait in waits for source in wait.sources]
        return self._wait(effect, poll, *sources, timeout=effect.timeout)

    # -- connections

    def _connect(self, effect: Connect) -> Wait:
        process = self._process
        connection = process.host.connect(
            effect.protocol,
            effect.address,
            effect.port,
            clock=process.clock,
            sport=effect.sport,
        )
        self._keep(connection)
        return self._await_connection(AwaitConnection(connection, effect.timeout))

    def _await_connection(self, effect: AwaitConnection) -> Wait:
        connection = effect.connection
        return self._wait(
            effect,
            lambda: PENDING if connection.state == "connecting" else connection,
            connection,
            timeout=effect.timeout,
            late=lambda: connection,
        )

    def _send(self, effect: Send) -> Wait:
        effect.connection.send(effect.data)
        return self._done(effect)

    def _receive(self, effect: Receive) -> Wait:
        connection = effect.connection
        return self._wait(effect, lambda: _read(connection), connection, timeout=effect.timeout)

    def _shutdown(self, effect: Shutdown) -> Wait:
        effect.connection.shutdown()
        return self._done(effect)

    def _close(self, effect: Close) -> Wait:
        effect.connection.close()
        if effect.connection in self._sockets:
            self._sockets.remove(effect.connection)
        return self._done(effect)

    def _listen(self, effect: Listen) -> Wait:
        try:
            listener = self._process.host.listen(effect.protocol, effect.port, effect.address)
        except AddressInUse:
            return self._done(effect)
        return self._done(effect, self._keep(listener))

    def _accept(self, effect: Accept) -> Wait:
        listener = effect.listener

        def poll() -> Any:
            connection = listener.accept()
            return PENDING if connection is None else self._keep(connection)

        return self._wait(effect, poll, listener, timeout=effect.timeout)

    # -- datagrams and echoes

    def _open_datagram(self, effect: OpenDatagram) -> Wait:
        process = self._process
        socket = process.host.datagram(clock=process.clock, port=effect.sport)
        if effect.address:
            socket.connect(effect.address, effect.port)
        return self._done(effect, self._keep(socket))

    def _bind(self, effect: Bind) -> Wait:
        try:
            socket = self._process.host.bind(effect.port, effect.address)
        except AddressInUse:
            return self._done(effect)
        return self._done(effect, self._keep(socket))

    def _send_to(self, effect: SendTo) -> Wait:
        if effect.address:
            effect.socket.send_to(effect.data, effect.address, effect.port)
        else:
            effect.socket.send(effect.data)
        return self._done(effect)

    def _receive_from(self, effect: ReceiveFrom) -> Wait:
        socket = effect.socket
        return self._wait(
            effect,
            lambda: socket.receive() or socket.error() or PENDING,
            socket,
            timeout=effect.timeout,
        )

    def _open_echo(self, effect: OpenEcho) -> Wait:
        process = self._process
        return self._done(effect, self._keep(process.host.echo(clock=process.clock)))

    def _send_echo(self, effect: SendEcho) -> Wait:
        sent = effect.socket.send(effect.address, effect.sequence, effect.size, effect.ttl)
        return self._done(effect, sent)

    def _receive_echo(self, effect: ReceiveEcho) -> Wait:
        socket = effect.socket
        return self._wait(
            effect, lambda: socket.receive() or PENDING, socket, timeout=effect.timeout
        )


def _never() -> Any:
    return PENDING


def _is_over(socket: Socket) -> bool:
    return isinstance(socket, Connection) and socket.state not in ("connecting", "established")


def _read(connection: Connection) -> Any:
    data = connection.receive()
    if data:
        return data
    if connection.eof or connection.state not in ("connecting", "established"):
        return b""
    return PENDING


_HANDLERS: dict[type, Callable[[Any, Any], Wait]] = {
    Accept: Kernel._accept,
    AwaitConnection: Kernel._await_connection,
    Bind: Kernel._bind,
    Close: Kernel._close,
    Compute: Kernel._compute,
    Connect: Kernel._connect,
    FirstOf: Kernel._first_of,
    Forever: Kernel._forever,
    Listen: Kernel._listen,
    LookAgain: Kernel._sleep,
    OpenDatagram: Kernel._open_datagram,
    OpenEcho: Kernel._open_echo,
    ReadInput: Kernel._read_input,
    Receive: Kernel._receive,
    ReceiveEcho: Kernel._receive_echo,
    ReceiveFrom: Kernel._receive_from,
    Send: Kernel._send,
    SendEcho: Kernel._send_echo,
    SendTo: Kernel._send_to,
    Shutdown: Kernel._shutdown,
    Sleep: Kernel._sleep,
}
