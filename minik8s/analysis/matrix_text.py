"""A matrix as table, JSON, CSV or DOT.

With one port a cell is `yes`, `no` or `some` (the pods disagree); without it, a cell says
which ports pass.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from minik8s.analysis.ends import Access, End
from minik8s.analysis.matrix_grid import Grid, Port, ports_text
from minik8s.analysis.matrix_svg import svg
from minik8s.policy.ports import PortSet

__all__ = ["FORMATS", "Grid", "Port", "ports_data", "ports_text", "svg"]


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
        "ends": [_end_data(end) for end in grid.ends],
        "pairs": [_pair_data(grid, *pair) for pair in grid.pairs()],
    }
    return json.dumps(data, indent=1) + "\n"


def _end_data(end: End) -> dict[str, Any]:
    """An end: its pods, or its addresses, which its name may cut short."""
    found = {"name": end.name, "kind": end.kind, "members": [peer.key for peer in end.members]}
    return {**found, "blocks": end.blocks} if end.outside else found


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


FORMATS: dict[str, Callable[[Grid], str]] = {
    "table": table,
    "wide": wide,
    "json": as_json,
    "csv": as_csv,
    "dot": dot,
    "svg": svg,
}
"""The renderings of a grid by the name that `-o` takes."""
