"""The wire format of protobuf: a message is a row of numbered fields.

Only reading, and only what Kubernetes' messages use (proto2 without groups; see
https://protobuf.dev/programming-guides/encoding). Whatever is malformed raises WireError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum


class WireError(ValueError):
    """Bytes that are no protobuf message."""


class Wire(IntEnum):
    """How a field's value is written."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5


Value = int | bytes
Field = tuple[int, Wire, Value]

_VARINT_LIMIT = 10
_WIRES = {int(wire): wire for wire in Wire}


def varint(data: bytes, start: int) -> tuple[int, int]:
    """An unsigned number and where it ends.

    >>> varint(bytes([0x96, 0x01]), 0)
    (150, 2)
    """
    number = shift = 0
    for place in range(start, min(start + _VARINT_LIMIT, len(data))):
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, place + 1
        shift += 7
    if start + _VARINT_LIMIT <= len(data):
        raise WireError("proto: integer overflow")
    raise WireError("unexpected EOF")


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message in the order of the wire."""
    place, end = 0, len(data)
    while place < end:
        key, place = varint(data, place)
        number, wire = key >> 3, _WIRES.get(key & 7)
        if wire is None:
            raise WireError(f"proto: illegal wireType {key & 7}")
        if number < 1:
            raise WireError(f"proto: illegal tag {number} (wire type {wire})")
        value: Value
        if wire is Wire.VARINT:
            value, place = varint(data, place)
        else:
            value, place = _counted(data, place, wire)
        yield number, wire, value


def _counted(data: bytes, place: int, wire: Wire) -> tuple[bytes, int]:
    if wire is Wire.BYTES:
        length, place = varint(data, place)
    else:
        length = 8 if wire is Wire.FIXED64 else 4
    stop = place + length
    if stop > len(data):
        raise WireError("unexpected EOF")
    return data[place:stop], stop


def signed(value: Value, bits: int) -> int:
    """A number that the wire holds as two's complement."""
    number = whole(value) & ((1 << bits) - 1)
    return number - (1 << bits) if number >> (bits - 1) else number


def whole(value: Value) -> int:
    """The value of a varint field."""
    if not isinstance(value, int):
        raise WireError("proto: wrong wireType = 2")
    return value


def chunk(value: Value) -> bytes:
    """The value of a length-delimited field."""
    if not isinstance(value, bytes):
        raise WireError("proto: wrong wireType = 0")
    return value


def text(value: Value) -> str:
    """The value of a string field."""
    try:
        return chunk(value).decode()
    except UnicodeDecodeError as error:
        raise WireError(f"invalid UTF-8 in a string: {error.reason}") from None


def double(value: Value) -> float:
    """The value of a double field."""
    data = chunk(value)
    if len(data) != 8:
        raise WireError("proto: wrong wireType")
    (number,) = struct.unpack("<d", data)
    return float(number)


def packed(value: Value) -> list[Value]:
    """The numbers of a packed repeated field."""
    data, place = chunk(value), 0
    numbers: list[Value] = []
    while place < len(data):
        number, place = varint(data, place)
        numbers.append(number)
    return numbers
