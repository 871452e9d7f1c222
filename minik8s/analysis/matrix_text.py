"""A matrix as table, JSON, CSV, DOT or SVG.

With one port a cell is `yes`, `no` or `some` (the pods disagree); without it, a cell says
which ports pass.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from minik8s.analysis.ends import Access, End
from minik8s.analysis.matrix import Matrix
from minik8s.policy.ports import EVERYTHING, PROTOCOLS, PortSet

Port = tuple[str, int | None]
"""Protocol and number."""

_CELL, _GAP, _TOP = 26, 8, 120
_COLOURS = {"yes": "#2e7d32", "no": "#c62828", "some": "#f9a825", "": "#eeeeee"}


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


def ports_data(ports: PortSet) -> list[dict[str, Any]]:
    """Ports as JSON data."""
    return [{"protocol": p, "first": a, "last": b} for p, a, b in ports.intervals]


def table(grid: Grid) -> str:
    """Rows are sources, columns are targets; columns are numbered if there are many."""
    return _table(grid, grid.word)


def wide(grid: Grid) -> str:
    """The table with the ports in each cell."""
    return _table(grid, grid.text)


def _table(grid: Grid, cell: Callable[[Access | None], str]) -> str:
    numbered = sum(len(end.name) for end in grid.ends) > 100
    names = [f"{i} {e.name}" if numbered else e.name for i, e in enumerate(grid.ends, 1)]
    head = [str(i) if numbered else e.name for i, e in enumerate(grid.ends, 1)]
    rows = [["FROM \\ TO", *head]]
    rows += [[name, *map(cell, row)] for name, row in zip(names, grid.cells, strict=True)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (
        "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines) + "\n"


def as_json(grid: Grid) -> str:
    """One JSON object with the ends and the pairs."""
    data: dict[str, Any] = {
        "port": None if grid.port is None else {"protocol": grid.port[0], "port": grid.port[1]},
        "ends": [
            {"name": end.name, "kind": end.kind, "members": [peer.key for peer in end.members]}
            for end in grid.ends
        ],
        "pairs": [_pair_data(grid, *pair) for pair in grid.pairs()],
    }
    return json.dumps(data, indent=1) + "\n"


def _pair_data(grid: Grid, source: End, target: End, access: Access) -> dict[str, Any]:
    ends = {"from": source.name, "to": target.name}
    if grid.port is not None:
        words = {"yes": "allow", "no": "deny", "some": "mixed"}
        return {**ends, "verdict": words[grid.word(access)]}
    found = {**ends, "ports": ports_data(access.some)}
    return found if access.agreed else {**found, "portsOfAllPods": ports_data(access.every)}


def as_csv(grid: Grid) -> str:
    """One line for each pair."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["from", "to", "verdict" if grid.port else "ports"])
    for source, target, access in grid.pairs():
        writer.writerow([source.name, target.name, grid.text(access)])
    return out.getvalue()


def dot(grid: Grid) -> str:
    """The pairs that pass, as a graph for Graphviz."""
    lines = ["digraph policy {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {json.dumps(end.name)};" for end in grid.ends]
    for source, target, access in grid.pairs():
        if source is target or grid.word(access) == "no":
            continue
        style = ", style=dashed" if grid.word(access) == "some" and grid.port else ""
        label = "" if grid.port else grid.text(access)
        edge = f"{json.dumps(source.name)} -> {json.dumps(target.name)}"
        lines.append(f"  {edge} [label={json.dumps(label)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def svg(grid: Grid) -> str:
    """The matrix as a picture: green passes, red does not, yellow passes in part."""
    left = _GAP + 7 * max((len(end.name) for end in grid.ends), default=0)
    top = min(_TOP, left)
    width, height = left + _CELL * len(grid.ends) + _GAP, top + _CELL * len(grid.ends) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + top}" height="{height}" '
        'font-family="sans-serif" font-size="12">'
    ]
    for index, end in enumerate(grid.ends):
        at = index * _CELL + _CELL / 2
        name = escape(end.name)
        parts.append(
            f'<text x="{left - 4}" y="{top + at + 4}" text-anchor="end">{name}</text>'
            f'<text transform="translate({left + at + 4} {top - 4}) rotate(-40)">{name}</text>'
        )
    for row, source in enumerate(grid.ends):
        for column, target in enumerate(grid.ends):
            access = grid.cells[row][column]
            title = escape(f"{source.name} -> {target.name}: {grid.text(access) or 'not asked'}")
            parts.append(
                f'<rect x="{left + column * _CELL}" y="{top + row * _CELL}" width="{_CELL - 2}" '
                f'height="{_CELL - 2}" fill="{_COLOURS[grid.word(access)]}">'
                f"<title>{title}</title></rect>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


FORMATS: dict[str, Callable[[Grid], str]] = {
    "table": table,
    "wide": wide,
    "json": as_json,
    "csv": as_csv,
    "dot": dot,
    "svg": svg,
}
"""The renderings of a grid by the name that `-o` takes."""
