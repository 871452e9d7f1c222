"""A matrix as a grid of rows and columns: what every rendering is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from minik8s.analysis.ends import Access, End
from minik8s.analysis.matrix import Matrix
from minik8s.policy.ports import EVERYTHING, PROTOCOLS, PortSet

Port = tuple[str, int | None]
"""Protocol and number."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The ends and what each pair of them comes to; None where no pod is involved."""

    ends: tuple[End, ...]
    cells: tuple[tuple[Access | None, ...], ...]
    port: Port | None

    @classmethod
    def of(cls, matrix: Matrix, port: Port | None = None) -> Grid:
        """The whole matrix as a grid."""
        found = {(one.name, other.name): access for one, other, access in matrix.table()}
        ends = tuple(matrix.ends)
        cells = tuple(tuple(found.get((one.name, other.name)) for other in ends) for one in ends)
        return cls(ends, cells, port)

    def within(self, namespaces: Collection[str]) -> Grid:
        """The part about the workloads of some namespaces, and addresses outside."""
        kept = [
            index
            for index, end in enumerate(self.ends)
            if end.outside or any(peer.namespace in namespaces for peer in end.members)
        ]
        cells = tuple(tuple(self.cells[row][column] for column in kept) for row in kept)
        return Grid(tuple(self.ends[index] for index in kept), cells, self.port)

    def pairs(self) -> Iterator[tuple[End, End, Access]]:
        """Every pair that policy could concern, row by row."""
        for source, row in zip(self.ends, self.cells, strict=True):
            for target, access in zip(self.ends, row, strict=True):
                if access is not None:
                    yield source, target, access

    def word(self, access: Access | None) -> str:
        """`yes`, `no` or `some` for the grid's port, or for all ports at once."""
        if access is None:
            return ""
        if self.port is not None:
            return _word(self.port in access.every, self.port in access.some)
        return _word(access.every == EVERYTHING, bool(access.some))

    def text(self, access: Access | None) -> str:
        """The cell as text: a word for one port, the ports otherwise."""
        if access is None:
            return ""
        if self.port is not None:
            return self.word(access)
        text = ports_text(access.some)
        return text if access.agreed else f"{text} (of all pods: {ports_text(access.every)})"


def _word(every: bool, some: bool) -> str:
    return "yes" if every else "some" if some else "no"


def ports_text(ports: PortSet) -> str:
    """Ports in few words: `all`, `none`, `80,443/TCP`."""
    if ports == EVERYTHING or not ports:
        return str(ports)
    parts = []
    for protocol in PROTOCOLS:
        spans = [(a, b) for name, a, b in ports.intervals if name == protocol]
        if spans == [(0, 65535)]:
            parts.append(f"*/{protocol}")
        elif spans:
            texts = (str(a) if a == b else f"{a}-{b}" for a, b in spans)
            parts.append(f"{','.join(texts)}/{protocol}")
    if any(name not in PROTOCOLS for name, _, _ in ports.intervals):
        parts.append("other")
    return " ".join(parts)
