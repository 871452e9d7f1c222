"""DNS messages as bytes (RFC 1035), with EDNS (RFC 6891) and truncation.

Names are written without the final dot; the root is the empty string.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import pack, unpack_from

A, NS, CNAME, SOA, PTR, TXT, AAAA, SRV, OPT, ANY = 1, 2, 5, 6, 12, 16, 28, 33, 41, 255
"""Record types (IANA: DNS resource record types)."""

TYPE_NAMES = {
    A: "A",
    NS: "NS",
    CNAME: "CNAME",
    SOA: "SOA",
    PTR: "PTR",
    TXT: "TXT",
    AAAA: "AAAA",
    SRV: "SRV",
    ANY: "ANY",
}
"""The types by number, as tools print them."""

TYPES = {name: number for number, name in TYPE_NAMES.items()}

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
"""Response codes (RFC 1035 section 4.1.1)."""

RCODE_NAMES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")

_IN = 1
_POINTER = 0xC000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: a name and a type."""

    name: str
    type: int = A


@dataclass(frozen=True, slots=True)
class Srv:
    """The data of an SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Soa:
    """The data of an SOA record: the zone's first server, its keeper, and its times."""

    server: str
    mailbox: str
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record; `data` is an address, a name or a text, or an Srv or a Soa."""

    name: str
    type: int
    ttl: int
    data: str | Srv | Soa


@dataclass(frozen=True, slots=True)
class Message:
    """One DNS message; `edns` is the sender's UDP payload size, None if it speaks no EDNS."""

    identifier: int
    response: bool = False
    opcode: int = 0
    authoritative: bool = False
    truncated: bool = False
    recursion_desired: bool = False
    recursion_available: bool = False
    rcode: int = NOERROR
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    edns: int | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """The header's flags as dig prints them."""
        named = (
            ("qr", self.response),
            ("aa", self.authoritative),
            ("tc", self.truncated),
            ("rd", self.recursion_desired),
            ("ra", self.recursion_available),
        )
        return tuple(name for name, set_ in named if set_)


def query(identifier: int, name: str, record_type: int, *, edns: int | None = None) -> bytes:
    """A question as a resolver sends it, recursion desired."""
    question = Question(name.removesuffix("."), record_type)
    return encode(Message(identifier, recursion_desired=True, questions=(question,), edns=edns))


def encode(message: Message) -> bytes:
    """A message as bytes; names that repeat are pointers."""
    return _Writer().message(message)


def decode(data: bytes) -> Message:
    """The message that bytes hold; raises ValueError."""
    try:
        return _Reader(data).message()
    except (IndexError, struct.error) as error:
        raise ValueError("the DNS message is cut off") from error


class _Writer:
    """Builds one message, and remembers where each name stands."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.places: dict[str, int] = {}

    def message(self, message: Message) -> bytes:
        flags = (
            message.response << 15
            | message.opcode << 11
            | message.authoritative << 10
            | message.truncated << 9
            | message.recursion_desired << 8
            | message.recursion_available << 7
            | message.rcode
        )
        sections: Sequence[Sequence[Record]] = (
            message.answers,
            message.authority,
            message.additional,
        )
        counts = [len(section) for section in sections]
        counts[2] += message.edns is not None
        self.data += pack("!6H", message.identifier, flags, len(message.questions), *counts)
        for question in message.questions:
            self.name(question.name)
            self.data += pack("!HH", question.type, _IN)
        for section in sections:
            for record in section:
                self.record(record)
        if message.edns is not None:
            self.data += b"\0" + pack("!HHIH", OPT, message.edns, 0, 0)
        return bytes(self.data)

    def name(self, name: str) -> None:
        labels = name.split(".") if name else []
        for index, label in enumerate(labels):
            rest = ".".join(labels[index:]).lower()
            if rest in self.places:
                self.data += pack("!H", _POINTER | self.places[rest])
                return
            if len(self.data) < _POINTER:
                self.places[rest] = len(self.data)
            raw = label.encode()
            if not 0 < len(raw) < 64:
                raise ValueError(f"{name!r} is not a domain name")
            self.data += bytes((len(raw),)) + raw
        self.data += b"\0"

    def record(self, record: Record) -> None:
        self.name(record.name)
        self.data += pack("!HHI", record.type, _IN, record.ttl)
        start = len(self.data)
        self.data += b"\0\0"
        self.content(record.type, record.data)
        self.data[start : start + 2] = pack("!H", len(self.data) - start - 2)

    def content(self, record_type: int, data: str | Srv | Soa) -> None:
        if isinstance(data, Srv):
            self.data += pack("!HHH", data.priority, data.weight, data.port)
            self.name(data.target)
        elif isinstance(data, Soa):
            self.name(data.server)
            self.name(data.mailbox)
            times = (data.serial, data.refresh, data.retry, data.expire, data.minimum)
            self.data += pack("!5I", *times)
        elif record_type == A:
            self.data += IPv4Address(data).packed
        elif record_type == AAAA:
            self.data += IPv6Address(data).packed
        elif record_type == TXT:
            raw = data.encode()[:255]
            self.data += bytes((len(raw),)) + raw
        else:
            self.name(data)


class _Reader:
    """Reads one message, names through their pointers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def message(self) -> Message:
        identifier, flags, questions, *counts = self.fields("!6H")
        asked = tuple(self.question() for _ in range(questions))
        sections: list[list[Record]] = [[], [], []]
        edns = None
        for section, count in zip(sections, counts, strict=True):
            for _ in range(count):
                name = self.name()
                record_type, size, ttl, length = self.fields("!HHIH")
                end = self.at + length
                if end > len(self.data):
                    raise ValueError("the DNS message is cut off")
                if record_type == OPT:
                    edns = size
                elif (content := self.content(record_type, length)) is not None:
                    section.append(Record(name, record_type, ttl, content))
                self.at = end
        return Message(
            identifier,
            bool(flags & 0x8000),
            flags >> 11 & 0xF,
            bool(flags & 0x400),
            bool(flags & 0x200),
            bool(flags & 0x100),
            bool(flags & 0x80),
            flags & 0xF,
            asked,
            tuple(sections[0]),
            tuple(sections[1]),
            tuple(sections[2]),
            edns,
        )

    def fields(self, layout: str) -> tuple[int, ...]:
        values = unpack_from(layout, self.data, self.at)
        self.at += sum({"H": 2, "I": 4}[letter] * number for letter, number in _letters(layout))
        return values

    def question(self) -> Question:
        name = self.name()
        record_type, _ = self.fields("!HH")
        return Question(name, record_type)

    def name(self) -> str:
        labels: list[str] = []
        at, back = self.at, -1
        for _ in range(128):  # more jumps than any honest message has
            length = self.data[at]
            if length >= 0xC0:
                back = at + 2 if back < 0 else back
                at = unpack_from("!H", self.data, at)[0] & 0x3FFF
                continue
            at += 1
            if length == 0:
                self.at = at if back < 0 else back
                return ".".join(labels)
            if length > 63 or at + length > len(self.data):
                break
            labels.append(self.data[at : at + length].decode("latin-1"))
            at += length
        raise ValueError("a domain name in the DNS message is malformed")

    def content(self, record_type: int, length: int) -> str | Srv | Soa | None:
        """The data of a record; None for a type that is not known."""
        start = self.at
        if record_type == A:
            return str(IPv4Address(self.data[start : start + length]))
        if record_type == AAAA:
            return str(IPv6Address(self.data[start : start + length]))
        if record_type in (NS, CNAME, PTR):
            return self.name()
        if record_type == TXT:
            return self.data[start + 1 : start + length].decode("latin-1")
        if record_type == SRV:
            priority, weight, port = self.fields("!HHH")
            return Srv(priority, weight, port, self.name())
        if record_type == SOA:
            server, mailbox = self.name(), self.name()
            return Soa(server, mailbox, *self.fields("!5I"))
        return None


def _letters(layout: str) -> list[tuple[str, int]]:
    pairs, number = [], ""
    for char in layout[1:]:
        if char.isdigit():
            number += char
        else:
            pairs.append((char, int(number or 1)))
            number = ""
    return pairs
