"""How a DNS server answers: from the bytes of a query to those of its response.

What it knows is a function from a question to an `Answer`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from struct import unpack_from
from typing import Literal

from minik8s.network.dns import (
    AAAA,
    FORMERR,
    NOERROR,
    NOTIMP,
    A,
    Message,
    Question,
    Record,
    decode,
    encode,
)

UDP_LIMIT = 512
"""The most bytes of an answer over UDP for who does not speak EDNS."""

Transport = Literal["udp", "tcp"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server knows about a question."""

    rcode: int = NOERROR
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    authoritative: bool = False
    recursion_available: bool = False


def respond(data: bytes, transport: Transport, lookup: Callable[[Question], Answer]) -> bytes:
    """The response to a query; empty if the query is not even a header.

    Address records come in an order that depends on the query's identifier, as CoreDNS's
    `loadbalance` has it. Over UDP what does not fit is cut off, with the TC flag set.
    """
    try:
        asked = decode(data)
    except ValueError:
        return _malformed(data)
    if asked.response:
        return b""
    if asked.opcode or len(asked.questions) != 1:
        rcode = NOTIMP if asked.opcode else FORMERR
        return encode(replace(asked, response=True, rcode=rcode, additional=()))
    answer = lookup(asked.questions[0])
    message = Message(
        asked.identifier,
        response=True,
        authoritative=answer.authoritative,
        recursion_desired=asked.recursion_desired,
        recursion_available=answer.recursion_available,
        rcode=answer.rcode,
        questions=asked.questions,
        answers=_rotated(answer.answers, asked.identifier),
        authority=answer.authority,
        additional=answer.additional,
        edns=None if asked.edns is None else 1232,
    )
    limit = 65535 if transport == "tcp" else max(UDP_LIMIT, asked.edns or 0)
    return _fitted(message, limit)


def _malformed(data: bytes) -> bytes:
    if len(data) < 12 or data[2] & 0x80:
        return b""
    identifier = unpack_from("!H", data)[0]
    return encode(Message(identifier, response=True, rcode=FORMERR))


def _rotated(records: tuple[Record, ...], identifier: int) -> tuple[Record, ...]:
    fixed = tuple(each for each in records if each.type not in (A, AAAA))
    turning = tuple(each for each in records if each.type in (A, AAAA))
    if len(turning) < 2:
        return records
    start = identifier % len(turning)
    return fixed + turning[start:] + turning[:start]


def _fitted(message: Message, limit: int) -> bytes:
    data = encode(message)
    if len(data) <= limit:
        return data
    slim = replace(message, additional=())
    if len(data := encode(slim)) <= limit:
        return data
    low, high = 0, len(message.answers)
    while low < high:  # the most answers that fit
        middle = (low + high + 1) // 2
        cut = replace(slim, answers=message.answers[:middle], authority=(), truncated=True)
        if len(encode(cut)) <= limit:
            low = middle
        else:
            high = middle - 1
    return encode(replace(slim, answers=message.answers[:low], authority=(), truncated=True))
