"""Sets of small integers as the bits of one int: unions and intersections in one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def bits(value: int) -> Iterator[int]:
    """The positions of the set bits, in order.

    >>> list(bits(0b10110))
    [1, 2, 4]
    """
    text = bin(value)[:1:-1]
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
