"""TCP connections: handshake, data with retransmission, FIN and RST (RFC 9293).

The times are those of Linux 6.18. There is no congestion control and no window: a segment is
on its way as soon as it is written, and is sent again until it is acknowledged.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from minik8s.clock import Clock
from minik8s.network.packet import ACK, FIN, PSH, RST, SYN, Endpoint, Packet
from minik8s.network.sockets import Connection, ConnectionState, Listener, Phase, Wire
from minik8s.network.trace import Trace

SYN_TIMES = (0.0, 1.0, 2.03, 3.05, 4.08, 5.11, 7.12, 11.21, 19.41, 35.54, 68.05)
"""When a SYN is sent, in seconds after the first: `tcp_syn_linear_timeouts` 4, then doubling.

Observed with a timer wheel of 250 Hz, which adds its rounding to each whole second."""

SYN_GIVE_UP = 133.6
"""When a connect ends with ETIMEDOUT (`tcp_syn_retries` 6)."""

SYN_ACK_TIMES = (1.0, 3.0, 7.0, 15.0, 31.0)
"""When a SYN-ACK is sent again (`tcp_synack_retries` 5)."""

SYN_ACK_GIVE_UP = 63.0

RTO = 0.208
"""The retransmission time-out of a short path: 200 ms (TCP_RTO_MIN) and the wheel's rounding."""

RTO_MAX = 120.0
DATA_RETRIES = 16
"""A tail loss probe and `tcp_retries2` retransmissions, then the connection has timed out."""

FIN_TIMEOUT = 60.0
"""How long a closed end waits for the other's FIN (`tcp_fin_timeout`)."""

SEGMENT = 32768
"""The most bytes of one segment; a network card would cut it up (GSO)."""


class _Segment(NamedTuple):
    seq: int
    end: int
    flags: int
    payload: bytes


class TcpConnection(Connection):
    """One end of a TCP connection."""

    __slots__ = (
        "_ack_due",
        "_attempts",
        "_finished",
        "_next",
        "_opened",
        "_received",
        "_unacknowledged",
        "_unsent",
    )

    def __init__(
        self,
        wire: Wire,
        local: Endpoint,
        remote: Endpoint,
        clock: Clock,
        listener: Listener | None = None,
    ) -> None:
        phase: Phase = "syn sent" if listener is None else "syn received"
        super().__init__(wire, "TCP", local, remote, clock, listener, phase)
        self._next = wire.initial_number()
        self._received = 0
        self._unacknowledged: deque[_Segment] = deque()
        self._unsent = bytearray()
        self._attempts = 0
        self._opened = clock.now
        self._ack_due = self._finished = False

    # -- what the program does

    def open(self) -> None:
        """Send the SYN, and plan its retransmissions."""
        self._send_syn()

    def send(self, data: bytes) -> None:
        """Queue bytes; they are retransmitted until the other end has them."""
        if self.state == "connecting":
            self._unsent += data
        elif self.state == "established" and not self._finished:
            for start in range(0, len(data), SEGMENT):
                self._send_segment(PSH | ACK, data[start : start + SEGMENT])

    def shutdown(self) -> None:
        """Send FIN behind what is queued, and go on reading."""
        if self._phase in ("open", "syn received") and not self._finished:
            self._finished = True
            self._send_segment(FIN | ACK)

    def close(self) -> None:
        """Send FIN behind what is queued; a connection that never stood just ends."""
        if self._phase == "syn sent":
            self._end("closed")
        elif self._phase != "over":
            self.shutdown()
            self.state = "closed"

    def abort(self) -> None:
        """Send RST and forget the connection."""
        if self._phase in ("open", "syn received"):
            self._emit(RST | ACK, self._next)
        self._end("closed")

    # -- what the network does

    def _arrive(self, packet: Packet) -> None:
        if self._phase == "syn sent":
            self._handle_answer(packet)
        elif packet.flags & RST:
            self._end("reset")
        elif packet.flags & SYN:
            self._handle_late_syn(packet)
        elif self._handle_acknowledgment(packet):
            self._handle_data(packet)

    def answer_syn(self, packet: Packet) -> None:
        """Begin as the server's end: answer the first SYN."""
        self._received = packet.seq + 1
        self._send_syn_ack()

    def _handle_answer(self, packet: Packet) -> None:
        flags, acceptable = packet.flags, packet.ack == self._next + 1
        if flags & ACK and not acceptable:
            if not flags & RST:  # it answers a connection of the past (RFC 9293 3.10.7.3)
                self._emit(RST, packet.ack)
        elif flags & RST:
            if flags & ACK:
                self._end("refused")
        elif flags & SYN and flags & ACK:
            self._next += 1
            self._received = packet.seq + 1
            self._establish()
            self._ack_due = True
            self._flush()
            self._notify()
            self._acknowledge()

    def _handle_late_syn(self, packet: Packet) -> None:
        if self._phase == "syn received" and not packet.flags & ACK:
            self._emit(SYN | ACK, self._next - 1)
        else:
            self._emit(ACK, self._next)  # a challenge (RFC 5961 section 4), or a late SYN-ACK

    def _handle_acknowledgment(self, packet: Packet) -> bool:
        """Take note of what the other end has; False if the segment is out of place."""
        if not packet.flags & ACK:
            return False
        if self._phase == "syn received":
            if packet.ack != self._next:
                self._emit(RST, packet.ack)
                return False
            self._establish()
            if self.listener is not None:
                self.listener.established(self)
        progress, waiting = False, self._unacknowledged
        while waiting and waiting[0].end <= packet.ack:
            waiting.popleft()
            progress = True
        if progress:
            repeating, self._attempts = self._attempts > 0, 0
            self._stop_timer()
            if waiting:
                if repeating:
                    self._resend(waiting[0])
                self._plan_retransmission()
            elif self._finished:
                self._finish()
        return True

    def _handle_data(self, packet: Packet) -> None:
        payload, fin = packet.payload, packet.flags & FIN
        if not payload and not fin:
            return
        if self.state == "closed" and payload and self._phase != "over":
            self._emit(RST, packet.ack)  # nobody will ever read it
            self._end("closed")
            return
        self._ack_due = True
        if packet.seq == self._received and not self.eof:
            self._received += len(payload) + (1 if fin else 0)
            self._inbox += payload
            self.eof = bool(fin)
            self._notify()
        self._acknowledge()
        if self.eof and self._finished and not self._unacknowledged:
            self._finish()

    # -- inside

    def _establish(self) -> None:
        self._phase = "open"
        self._stop_timer()
        self._attempts = 0
        self.state = "established"

    def _flush(self) -> None:
        data = bytes(self._unsent)
        self._unsent.clear()
        self.send(data)

    def _acknowledge(self) -> None:
        if self._ack_due and self._phase != "over":
            self._emit(ACK, self._next)

    def _send_syn(self) -> None:
        self.traces.append(self._emit(SYN, self._next))
        self._attempts += 1
        if self._attempts < len(SYN_TIMES):
            self._at(self._opened + SYN_TIMES[self._attempts], self._send_syn)
        else:
            self._at(self._opened + SYN_GIVE_UP, self._time_out)

    def _send_syn_ack(self) -> None:
        if self._attempts == 0:
            self._next += 1
        self._emit(SYN | ACK, self._next - 1)
        if self._attempts < len(SYN_ACK_TIMES):
            self._at(self._opened + SYN_ACK_TIMES[self._attempts], self._send_syn_ack)
        else:
            self._at(self._opened + SYN_ACK_GIVE_UP, self._time_out)
        self._attempts += 1

    def _send_segment(self, flags: int, payload: bytes = b"") -> None:
        end = self._next + len(payload) + (1 if flags & FIN else 0)
        segment = _Segment(self._next, end, flags, payload)
        self._next = end
        self._unacknowledged.append(segment)
        if self._timer is None:
            self._plan_retransmission()
        self._resend(segment)

    def _resend(self, segment: _Segment) -> None:
        self._emit(segment.flags, segment.seq, segment.payload)

    def _plan_retransmission(self) -> None:
        doublings = max(0, self._attempts - 1)
        self._at(self.clock.now + min(RTO * 2**doublings, RTO_MAX), self._retransmit)

    def _retransmit(self) -> None:
        self._timer = None
        if self._attempts >= DATA_RETRIES:
            self._time_out()
            return
        self._attempts += 1
        self._plan_retransmission()
        self._resend(self._unacknowledged[0])

    def _time_out(self) -> None:
        self._timer = None
        self._end("timed out")

    def _finish(self) -> None:
        """Our FIN is acknowledged: wait for the other's, for a while."""
        if self.eof:
            self._end("closed")
        else:
            self._at(self.clock.now + FIN_TIMEOUT, lambda: self._end("closed"))

    def _end(self, state: ConnectionState) -> None:
        self._unacknowledged.clear()
        super()._end(state)

    def _emit(self, flags: int, seq: int, payload: bytes = b"") -> Trace:
        self._ack_due = False
        acknowledged = self._received if flags & ACK or flags & RST else 0
        (source, sport), (destination, dport) = self.local, self.remote
        packet = Packet("TCP", source, destination, sport, dport, flags, seq, acknowledged, payload)
        return self._wire.transmit(packet, self.clock)
