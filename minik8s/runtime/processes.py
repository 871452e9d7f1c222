"""Run programs: carry out their effects on a network host and a clock.

A *task* is one started program. It goes on until it must wait, and is taken up again by the
event that it waits for (a packet, a timer, input), whoever steps the clock. `Task.finish`
steps the clock itself until the task has ended, or waits for somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from minik8s.clock import Timer
from minik8s.guests.base import (
    Accept,
    AwaitConnection,
    Bind,
    Close,
    Connect,
    Effect,
    FirstOf,
    Forever,
    Interrupted,
    Listen,
    OpenDatagram,
    OpenEcho,
    Process,
    Program,
    ReadInput,
    Receive,
    ReceiveEcho,
    ReceiveFrom,
    Send,
    SendEcho,
    SendTo,
    Shutdown,
    Signal,
    Sleep,
    Steps,
    WaitsForEver,
)
from minik8s.network import AddressInUse, Connection, DatagramSocket, EchoSocket, Listener

QUIET = 20.0
"""How long a foreground program without a time-out of its own is given to hear something.

Enough for every retransmission of data; after that it would wait for ever, and says so."""

TIMED_OUT = 124
"""The exit code of a program that `timeout` has ended."""

_PENDING = object()


def run_now(process: Process, program: Program, deadline: float | None = None) -> int:
    """Run a program to its end on its own clock.

    One that would wait for ever is interrupted (130); in the background WaitsForEver is raised.
    """
    task = Task(process, program)
    task.start()
    if not task.finish(deadline):
        task.interrupt("SIGINT")
        if not task.finish():
            task.interrupt("SIGKILL")
        if process.background:
            raise WaitsForEver
    return task.exit_code or 0


_Socket = Connection | Listener | DatagramSocket | EchoSocket
T = TypeVar("T", Connection, Listener, DatagramSocket, EchoSocket)


class _Source(Protocol):
    wake: Callable[[], None] | None


@dataclass(slots=True)
class _Wait:
    """What a task waits for: `poll` gives the result or _PENDING, `late` that of a time-out."""

    effect: Effect
    poll: Callable[[], Any]
    sources: tuple[_Source, ...]
    timeout: float | None
    late: Callable[[], Any]
    since: float


class Task:
    """One started program; `exit_code` is None while it runs.

    `on_end` is called with the exit code, once.
    """

    __slots__ = (
        "_running",
        "_sockets",
        "_steps",
        "_timer",
        "_wait",
        "exit_code",
        "on_end",
        "process",
    )

    def __init__(
        self, process: Process, program: Program, on_end: Callable[[int], None] | None = None
    ) -> None:
        self.process = process
        self.on_end = on_end
        self.exit_code: int | None = None
        self._steps: Steps[int] = program(process)
        self._wait: _Wait | None = None
        self._timer: Timer | None = None
        self._running = False
        self._sockets: list[_Socket] = []

    def start(self) -> None:
        """Run until the first wait."""
        self._go(lambda: self._steps.send(None))

    def finish(self, deadline: float | None = None) -> bool:
        """Step the clock until the program has ended; False if it waits for the outside.

        At a deadline the program is ended, as `timeout` does: 124.
        """
        clock = self.process.clock
        while self.exit_code is None:
            if deadline is not None:
                due = clock.next_event()
                if due is None or due > deadline:
                    clock.run_until(deadline)
                    self._time_out()
                    return True
            elif self._waits_outside():
                return False
            if not clock.step():
                return False
        return True

    def _time_out(self) -> None:
        if self.exit_code is None:
            self.interrupt("SIGKILL")
            self.exit_code = TIMED_OUT

    @property
    def waiting(self) -> str:
        """What an unfinished task waits for: "input", or "" for anything else."""
        effects = _parts(self._wait.effect) if self._wait is not None else ()
        return "input" if any(isinstance(effect, ReadInput) for effect in effects) else ""

    def interrupt(self, signal: Signal = "SIGINT") -> None:
        """Send the program a signal; it may clean up, after SIGKILL it has no chance to."""
        if self.exit_code is not None or self._running:
            return
        self._disarm()
        interrupted = Interrupted(signal)
        if signal == "SIGKILL":
            self._steps.close()
            self._end(interrupted.exit_code)
        else:
            self._go(lambda: self._steps.throw(interrupted))

    def _waits_outside(self) -> bool:
        wait = self._wait
        if wait is None or wait.timeout is not None:
            return False
        if isinstance(wait.effect, ReadInput | Forever | Accept):
            return True
        if isinstance(wait.effect, Connect | AwaitConnection):
            return False  # the kernel gives up by itself
        due = self.process.clock.next_event()
        return due is None or due > wait.since + QUIET

    def _go(self, resume: Callable[[], Effect]) -> None:
        self._running = True
        try:
            effect = resume()
            while True:
                wait = self._open(effect)
                value = wait.poll()
                if value is _PENDING:
                    break
                effect = self._steps.send(value)
        except StopIteration as end:
            self._end(end.value or 0)
            return
        except Interrupted as signal:
            self._end(signal.exit_code)
            return
        finally:
            self._running = False
        self._arm(wait)

    def _end(self, code: int) -> None:
        self.exit_code = code
        for socket in self._sockets:
            self._release(socket)
        self._sockets.clear()
        if self.on_end is not None:
            self.on_end(code)

    def _release(self, socket: _Socket) -> None:
        """The kernel closes what a process leaves open."""
        socket.wake = None
        if isinstance(socket, Listener):
            for connection in self.process.host.connections:
                if connection.listener is socket:
                    connection.wake = None
                    connection.close()
        socket.close()

    def _keep(self, socket: T) -> T:
        if len(self._sockets) >= 16:
            self._sockets = [each for each in self._sockets if not _is_over(each)]
        self._sockets.append(socket)
        return socket

    def _arm(self, wait: _Wait) -> None:
        self._wait = wait
        for source in wait.sources:
            source.wake = self._woken
        if wait.timeout is not None:
            self._timer = self.process.clock.call_later(max(0.0, wait.timeout), self._late)

    def _disarm(self) -> None:
        if self._wait is not None:
            for source in self._wait.sources:
                source.wake = None
        if self._timer is not None:
            self._timer.cancel()
        self._wait = self._timer = None

    def _woken(self) -> None:
        if self._running or self._wait is None:
            return
        value = self._wait.poll()
        if value is not _PENDING:
            self._disarm()
            self._go(lambda: self._steps.send(value))

    def _late(self) -> None:
        if self._wait is None:
            return
        value = self._wait.poll()
        if value is _PENDING:
            value = self._wait.late()
        self._disarm()
        self._go(lambda: self._steps.send(value))

    def _open(self, effect: Effect) -> _Wait:
        """Start an effect: what is to be waited for, if anything is."""
        return _HANDLERS[type(effect)](self, effect)

    def _wait_for(
        self,
        effect: Effect,
        poll: Callable[[], Any],
        *sources: _Source,
        timeout: float | None = None,
        late: Callable[[], Any] = lambda: None,
    ) -> _Wait:
        return _Wait(effect, poll, sources, timeout, late, self.process.clock.now)

    def _done(self, effect: Effect, value: Any = None) -> _Wait:
        return self._wait_for(effect, lambda: value)

    def _sleep(self, effect: Sleep) -> _Wait:
        return self._wait_for(effect, _never, timeout=effect.seconds)

    def _forever(self, effect: Forever) -> _Wait:
        return self._wait_for(effect, _never)

    def _connect(self, effect: Connect) -> _Wait:
        process = self.process
        connection = process.host.connect(
            effect.protocol,
            effect.address,
            effect.port,
            clock=process.clock,
            sport=effect.sport,
        )
        self._keep(connection)
        return self._await_connection(AwaitConnection(connection, effect.timeout))

    def _await_connection(self, effect: AwaitConnection) -> _Wait:
        connection = effect.connection
        return self._wait_for(
            effect,
            lambda: _PENDING if connection.state == "connecting" else connection,
            connection,
            timeout=effect.timeout,
            late=lambda: connection,
        )

    def _send(self, effect: Send) -> _Wait:
        effect.connection.send(effect.data)
        return self._done(effect)

    def _receive(self, effect: Receive) -> _Wait:
        connection = effect.connection
        return self._wait_for(effect, lambda: _read(connection), connection, timeout=effect.timeout)

    def _shutdown(self, effect: Shutdown) -> _Wait:
        effect.connection.shutdown()
        return self._done(effect)

    def _close(self, effect: Close) -> _Wait:
        effect.connection.close()
        if effect.connection in self._sockets:
            self._sockets.remove(effect.connection)
        return self._done(effect)

    def _open_datagram(self, effect: OpenDatagram) -> _Wait:
        process = self.process
        socket = process.host.datagram(clock=process.clock, port=effect.sport)
        if effect.address:
            socket.connect(effect.address, effect.port)
        return self._done(effect, self._keep(socket))

    def _send_to(self, effect: SendTo) -> _Wait:
        if effect.address:
            effect.socket.send_to(effect.data, effect.address, effect.port)
        else:
            effect.socket.send(effect.data)
        return self._done(effect)

    def _receive_from(self, effect: ReceiveFrom) -> _Wait:
        socket = effect.socket
        return self._wait_for(
            effect,
            lambda: socket.receive() or socket.error() or _PENDING,
            socket,
            timeout=effect.timeout,
        )

    def _open_echo(self, effect: OpenEcho) -> _Wait:
        return self._done(effect, self._keep(self.process.host.echo(clock=self.process.clock)))

    def _send_echo(self, effect: SendEcho) -> _Wait:
        effect.socket.send(effect.address, effect.sequence, effect.size)
        return self._done(effect)

    def _receive_echo(self, effect: ReceiveEcho) -> _Wait:
        socket = effect.socket
        return self._wait_for(
            effect, lambda: socket.receive() or _PENDING, socket, timeout=effect.timeout
        )

    def _listen(self, effect: Listen) -> _Wait:
        try:
            listener = self.process.host.listen(effect.protocol, effect.port, effect.address)
        except AddressInUse:
            return self._done(effect)
        return self._done(effect, self._keep(listener))

    def _bind(self, effect: Bind) -> _Wait:
        try:
            socket = self.process.host.bind(effect.port, effect.address)
        except AddressInUse:
            return self._done(effect)
        return self._done(effect, self._keep(socket))

    def _accept(self, effect: Accept) -> _Wait:
        listener = effect.listener
        return self._wait_for(
            effect, lambda: self._accepted(listener), listener, timeout=effect.timeout
        )

    def _accepted(self, listener: Listener) -> Any:
        connection = listener.accept()
        return _PENDING if connection is None else self._keep(connection)

    def _read_input(self, effect: ReadInput) -> _Wait:
        stdin = effect.stdin

        def poll() -> Any:
            data = stdin.take()
            return _PENDING if data is None else data

        return self._wait_for(effect, poll, stdin, timeout=effect.timeout)

    def _first_of(self, effect: FirstOf) -> _Wait:
        waits = [self._open(part) for part in effect.effects]

        def poll() -> Any:
            for index, wait in enumerate(waits):
                value = wait.poll()
                if value is not _PENDING:
                    return index, value
            return _PENDING

        sources = [source for wait in waits for source in wait.sources]
        return self._wait_for(effect, poll, *sources, timeout=effect.timeout)


def _is_over(socket: _Socket) -> bool:
    return isinstance(socket, Connection) and socket.state not in ("connecting", "established")


def _never() -> Any:
    return _PENDING


def _read(connection: Connection) -> Any:
    data = connection.receive()
    if data:
        return data
    if connection.eof or connection.state in ("reset", "closed", "timed out", "refused"):
        return b""
    return _PENDING


def _parts(effect: Effect) -> tuple[Effect, ...]:
    return effect.effects if isinstance(effect, FirstOf) else (effect,)


_HANDLERS: dict[type, Callable[[Any, Any], _Wait]] = {
    Sleep: Task._sleep,
    Forever: Task._forever,
    Connect: Task._connect,
    AwaitConnection: Task._await_connection,
    Send: Task._send,
    Receive: Task._receive,
    Shutdown: Task._shutdown,
    Close: Task._close,
    OpenDatagram: Task._open_datagram,
    SendTo: Task._send_to,
    ReceiveFrom: Task._receive_from,
    OpenEcho: Task._open_echo,
    SendEcho: Task._send_echo,
    ReceiveEcho: Task._receive_echo,
    Listen: Task._listen,
    Bind: Task._bind,
    Accept: Task._accept,
    ReadInput: Task._read_input,
    FirstOf: Task._first_of,
}
