"""What resolvers and DNS tools need of DNS messages."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.guests.base import Close, Connect, Receive, Send, Steps
from minik8s.network.dns import AAAA, CNAME, TYPES, A, Message, Record, decode
from minik8s.network.dns import query as encode_query


def query(number: int, name: str, kind: str) -> bytes:
    """A question of a resolver, without EDNS as the C libraries ask it."""
    return encode_query(number, name, TYPES[kind])


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, as a resolver looks at it."""

    message: Message

    @classmethod
    def parse(cls, data: bytes) -> Reply | None:
        """The response that bytes hold, or None if they hold none."""
        try:
            message = decode(data)
        except ValueError:
            return None
        return cls(message) if message.response else None

    @property
    def id(self) -> int:
        """The number of the question that is answered."""
        return self.message.identifier

    @property
    def rcode(self) -> int:
        """The response code."""
        return self.message.rcode

    @property
    def truncated(self) -> bool:
        """Whether the answer did not fit into a datagram."""
        return self.message.truncated

    @property
    def addresses(self) -> list[str]:
        """The addresses in the answer."""
        return [str(r.data) for r in self.message.answers if r.type in (A, AAAA)]

    @property
    def canonical(self) -> str:
        """The name that the addresses belong to, behind all aliases."""
        records: tuple[Record, ...] = self.message.answers
        owners = [r.name for r in records if r.type in (A, AAAA)]
        aliases = [str(r.data) for r in records if r.type == CNAME]
        asked = self.message.questions[0].name if self.message.questions else ""
        return owners[0] if owners else (aliases[-1] if aliases else asked)


def ask_over_tcp(server: str, message: bytes, timeout: float | None = None) -> Steps[Reply | None]:
    """One question over TCP, where a length stands in front (RFC 1035, 4.2.2); None in vain."""
    connection = yield Connect("TCP", server, 53, timeout)
    if connection.state != "established":
        connection.abort()
        return None
    yield Send(connection, len(message).to_bytes(2, "big") + message)
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        more = yield Receive(connection, 5.0 if timeout is None else timeout)
        if not more:
            break
        data += more
    yield Close(connection)
    return Reply.parse(data[2:])
