"""Sets of small integers as the bits of one int: unions and intersections in one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress, count

_DENSE = 8
"""Where one bit in so many is set, looking at each is faster than jumping to the next."""

_TRUTH = bytes.maketrans(b"01", b"\x00\x01")


def bits(value: int) -> Iterator[int]:
    """The positions of the set bits, in order.

    >>> list(bits(0b10110))
    [1, 2, 4]
    """
    text = bin(value)[:1:-1]
    if value.bit_count() * _DENSE > len(text):
        return compress(count(), text.encode().translate(_TRUTH))
    return _sparse(text)


def _sparse(text: str) -> Iterator[int]:
    position = text.find("1")
    while position >= 0:
        yield position
        position = text.find("1", position + 1)


def union(values: Iterable[int]) -> int:
    """The bits that any value has."""
    result = 0
    for value in values:
        result |= value
    return result
