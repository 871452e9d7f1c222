"""Rows and columns of a matrix, and what a cell says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from minik8s.policy.addresses import Span, cidrs
from minik8s.policy.ports import PortSet
from minik8s.policy.values import Peer

OUTSIDE = "Outside"
"""The kind of an end that stands for addresses outside the cluster."""


@dataclass(frozen=True, slots=True)
class Access:
    """The ports that every pair of pods of two ends has, and those that some pair has."""

    every: PortSet
    some: PortSet

    @property
    def agreed(self) -> bool:
        """Whether all pods behave alike."""
        return self.every == self.some


@dataclass(frozen=True, slots=True)
class End:
    """A row or column: a workload, a node, or addresses outside the cluster.

    `classes` counts the members in each class; `spans` are the addresses of an end outside.
    """

    name: str
    kind: str
    classes: tuple[tuple[int, int], ...]
    members: tuple[Peer, ...] = ()
    spans: tuple[tuple[int, Span], ...] = ()

    @property
    def outside(self) -> bool:
        """Whether these are addresses outside the cluster."""
        return self.kind == OUTSIDE

    @property
    def blocks(self) -> list[str]:
        """The addresses of an end outside, all of them, as CIDRs."""
        return [text for version, span in self.spans for text in cidrs(version, span)]


def outside_name(spans: Sequence[tuple[int, Span]], cover: int, limit: int = 3) -> str:
    """Addresses outside as CIDRs, the first few of many; `cover` are the blocks that hold them."""
    if spans[0] == (4, (0, 2**32 - 1)) and not cover:
        return "outside"
    texts = [text for version, span in spans for text in islice(cidrs(version, span), limit + 1)]
    if len(texts) <= limit:
        return "outside " + ",".join(texts)
    holed = _block_with_holes(spans, limit) if cover else ""
    if holed:
        return f"outside {holed}"
    return f"outside {','.join(texts[:limit])},..." if cover else "outside elsewhere"


def _block_with_holes(spans: Sequence[tuple[int, Span]], limit: int) -> str:
    """Addresses as one CIDR without a few others; empty if they are not of that form."""
    version, (first, last) = spans[0][0], (spans[0][1][0], spans[-1][1][1])
    if spans[-1][0] != version:
        return ""
    around = list(islice(cidrs(version, (first, last)), 2))
    gaps = [(one[1] + 1, other[0] - 1) for (_, one), (_, other) in pairwise(spans)]
    holes = [text for gap in gaps[:limit] for text in islice(cidrs(version, gap), limit)]
    if len(around) > 1 or len(gaps) >= limit or len(holes) >= limit:
        return ""
    return f"{around[0]} without {','.join(holes)}"
