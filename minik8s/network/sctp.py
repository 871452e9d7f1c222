"""SCTP associations: the four-way handshake, DATA with SACK, SHUTDOWN and ABORT (RFC 9260).

One chunk a packet, one path, one stream. The verification tag travels in `seq` of an INIT
chunk's answer, a chunk's number (TSN) in `seq`, what is acknowledged in `ack`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from minik8s.clock import Clock
from minik8s.network.packet import Endpoint, Packet
from minik8s.network.sockets import Connection, Listener, Phase, Wire
from minik8s.network.trace import Trace

RTO_INITIAL = 3.0
RTO_MAX = 60.0
HANDSHAKE_RETRIES = 8
"""`max_init_retransmits`; the first three are Linux' defaults (net.sctp.*)."""

DATA_RETRIES = 10
"""`association_max_retrans`."""

RTO_DATA = 1.0


class SctpAssociation(Connection):
    """One end of an SCTP association."""

    __slots__ = ("_attempts", "_next", "_received", "_unacknowledged")

    def __init__(
        self,
        wire: Wire,
        local: Endpoint,
        remote: Endpoint,
        clock: Clock,
        listener: Listener | None = None,
    ) -> None:
        phase: Phase = "cookie wait" if listener is None else "open"
        super().__init__(wire, "SCTP", local, remote, clock, listener, phase)
        self._next = 1
        self._received = 0
        self._attempts = 0
        self._unacknowledged: deque[tuple[int, bytes]] = deque()

    # -- what the program does

    def open(self) -> None:
        """Send the INIT, and again until it is answered."""
        self._repeat("INIT", RTO_INITIAL, HANDSHAKE_RETRIES)

    def send(self, data: bytes) -> None:
        """Send one message; it waits for the handshake, and is repeated until it is there."""
        if self.state not in ("connecting", "established") or not data:
            return
        self._unacknowledged.append((self._next, data))
        self._next += 1
        if self.state == "established":
            self._emit("DATA", *self._unacknowledged[-1])
            if self._timer is None:
                self._attempts = 0
                self._plan_data()

    def shutdown(self) -> None:
        """SCTP knows no half-closed association (RFC 9260 section 9): the same as `close`."""
        self.close()

    def close(self) -> None:
        """Send SHUTDOWN; an association that never stood just ends."""
        if self._phase in ("cookie wait", "cookie echoed"):
            self._end("closed")
        elif self._phase == "open":
            self._phase = "shutdown sent"
            self.state = "closed"
            self._attempts = 0
            self._repeat("SHUTDOWN", RTO_DATA, DATA_RETRIES)

    def abort(self) -> None:
        """Send ABORT and forget the association."""
        if self._phase in ("open", "shutdown sent"):
            self._emit("ABORT")
        self._end("closed")

    # -- what the network does

    def _arrive(self, packet: Packet) -> None:
        handler = _HANDLERS.get(packet.chunk)
        if handler is not None:
            handler(self, packet)

    def answer_cookie(self) -> None:
        """Begin as the server's end: the client has echoed its cookie."""
        self._emit("COOKIE_ACK")
        self.state = "established"
        if self.listener is not None:
            self.listener.established(self)

    def _on_init_ack(self, _packet: Packet) -> None:
        if self._phase == "cookie wait":
            self._phase = "cookie echoed"
            self._attempts = 0
            self._repeat("COOKIE_ECHO", RTO_DATA, HANDSHAKE_RETRIES)

    def _on_cookie_echo(self, _packet: Packet) -> None:
        if self._phase == "open":
            self._emit("COOKIE_ACK")  # the first one was lost

    def _on_cookie_ack(self, _packet: Packet) -> None:
        if self._phase != "cookie echoed":
            return
        self._phase, self.state, self._attempts = "open", "established", 0
        self._stop_timer()
        for number, data in self._unacknowledged:
            self._emit("DATA", number, data)
        if self._unacknowledged:
            self._plan_data()
        self._notify()

    def _on_data(self, packet: Packet) -> None:
        fresh = packet.seq == self._received + 1
        if fresh:
            self._received = packet.seq
            self._inbox += packet.payload
        self._emit("SACK", acknowledged=self._received)
        if fresh:
            self._notify()

    def _on_sack(self, packet: Packet) -> None:
        waiting, progress = self._unacknowledged, False
        while waiting and waiting[0][0] <= packet.ack:
            waiting.popleft()
            progress = True
        if progress and self._phase == "open":
            self._stop_timer()
            self._attempts = 0
            if waiting:
                self._plan_data()

    def _on_shutdown(self, _packet: Packet) -> None:
        self.eof = True
        self._emit("SHUTDOWN_ACK")
        self._notify()

    def _on_shutdown_ack(self, _packet: Packet) -> None:
        self._emit("SHUTDOWN_COMPLETE")
        self._end("closed")

    def _on_shutdown_complete(self, _packet: Packet) -> None:
        self._end("closed")

    def _on_abort(self, _packet: Packet) -> None:
        self._end("refused" if self.state == "connecting" else "reset")

    # -- inside

    def _repeat(self, chunk: str, interval: float, retries: int) -> None:
        trace = self._emit(chunk)
        if chunk == "INIT":
            self.traces.append(trace)
        wait = min(interval * 2**self._attempts, RTO_MAX)
        self._attempts += 1
        if self._attempts <= retries:
            self._later(wait, lambda: self._repeat(chunk, interval, retries))
        else:
            self._later(wait, lambda: self._end("timed out"))

    def _plan_data(self) -> None:
        self._later(min(RTO_DATA * 2**self._attempts, RTO_MAX), self._repeat_data)

    def _repeat_data(self) -> None:
        if self._attempts >= DATA_RETRIES:
            self._end("timed out")
            return
        self._attempts += 1
        self._plan_data()
        self._emit("DATA", *self._unacknowledged[0])

    def _later(self, delay: float, callback: Callable[[], None]) -> None:
        self._at(self.clock.now + delay, callback)

    def _emit(
        self, chunk: str, number: int = 0, payload: bytes = b"", acknowledged: int = 0
    ) -> Trace:
        (source, sport), (destination, dport) = self.local, self.remote
        packet = Packet(
            "SCTP", source, destination, sport, dport, 0, number, acknowledged, payload, chunk
        )
        return self._wire.transmit(packet, self.clock)


_HANDLERS: dict[str, Callable[[SctpAssociation, Packet], None]] = {
    "INIT_ACK": SctpAssociation._on_init_ack,
    "COOKIE_ECHO": SctpAssociation._on_cookie_echo,
    "COOKIE_ACK": SctpAssociation._on_cookie_ack,
    "DATA": SctpAssociation._on_data,
    "SACK": SctpAssociation._on_sack,
    "SHUTDOWN": SctpAssociation._on_shutdown,
    "SHUTDOWN_ACK": SctpAssociation._on_shutdown_ack,
    "SHUTDOWN_COMPLETE": SctpAssociation._on_shutdown_complete,
    "ABORT": SctpAssociation._on_abort,
}
