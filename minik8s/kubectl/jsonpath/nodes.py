"""What a JSONPath template consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


class JSONPathError(Exception):
    """A template that makes no sense, or that the data does not fit."""


@dataclass(slots=True)
class List:
    """Nodes that are walked one after the other: one pair of braces."""

    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text."""

    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object."""

    name: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """`range`, `end`, or a word that nobody knows."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number or truth value."""

    value: bool | int | float


@dataclass(frozen=True, slots=True)
class Bound:
    """One of the three numbers of a slice; *derived* means that `[n]` was written."""

    value: int = 0
    known: bool = False
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """An index or a slice."""

    bounds: tuple[Bound, Bound, Bound]


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(left operator right)]`; the operator may be `exists`."""

    left: List
    right: List
    operator: str


@dataclass(frozen=True, slots=True)
class Union:
    """Several selections, one after the other."""

    parts: tuple[List, ...]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`.*`."""


@dataclass(frozen=True, slots=True)
class Recursive:
    """`..`."""


Node: TypeAlias = (
    List | Text | Field | Identifier | Number | Array | Filter | Union | Wildcard | Recursive
)
