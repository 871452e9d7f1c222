"""A picture as data: shapes on a canvas, with no thought of how they are drawn.

Units are abstract: a canvas of 16 by 9 becomes a picture of that proportion. The origin is the
bottom left corner.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Zone:
    """A box with a name at its top left: a namespace, a cluster, a layer."""

    corner: Point
    size: Point
    title: str
    tone: str = "namespace"  # "namespace", "layer" or "plain"


@dataclass(frozen=True, slots=True)
class Icon:
    """A Kubernetes object: a heptagon with a symbol, its name and a label below."""

    centre: Point
    symbol: str  # "pod", "svc", "deploy", "netpol", "dns"
    name: str = ""
    label: str = ""
    tone: str = "blue"


@dataclass(frozen=True, slots=True)
class Cloud:
    """What lies outside the cluster."""

    centre: Point
    name: str


@dataclass(frozen=True, slots=True)
class Gate:
    """One direction of a pod: the box through which its traffic passes."""

    centre: Point
    title: str
    size: Point = (1.5, 2.6)


@dataclass(frozen=True, slots=True)
class Arrow:
    """Traffic from one point to another; `bend` curves it, `tone` says how it ends."""

    start: Point
    end: Point
    tone: str = "plain"  # "plain", "allowed", "denied", "own"
    bend: float = 0.0


@dataclass(frozen=True, slots=True)
class Route:
    """Traffic along straight pieces, with a corner at each point between."""

    points: tuple[Point, ...]
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Mark:
    """A tick or a cross, with the rule that it stands for."""

    centre: Point
    allowed: bool
    text: str = ""
    below: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """A closed lock: a place where policy is enforced."""

    centre: Point


@dataclass(frozen=True, slots=True)
class Note:
    """A line of text."""

    at: Point
    text: str
    tone: str = "ink"  # "ink" or "muted"
    size: float = 11.0
    align: str = "center"


Shape: TypeAlias = Zone | Icon | Cloud | Gate | Arrow | Route | Mark | Lock | Note


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture: its size, its shapes from back to front, and a description in words."""

    size: Point
    shapes: tuple[Shape, ...]
    description: str

    @property
    def digest(self) -> str:
        """A fingerprint of what the picture shows; it changes when the picture does."""
        return hashlib.sha256(repr(self).encode()).hexdigest()
