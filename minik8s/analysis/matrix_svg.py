"""A matrix as a picture in SVG: sources down, targets across, grouped by namespace.

A cell says by colour and sign whether its pair connects; its title says on which ports.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from minik8s.analysis.ends import End
from minik8s.analysis.matrix_grid import Grid

INK, MUTED, GREEN, RED, AMBER = "#1f2a37", "#6b7785", "#1a8f4c", "#cf3232", "#d99a06"
PAPER, BAND, EDGE = "#ffffff", "#eaf1fd", "#b9cef5"
FILLS = {"yes": "#d9f0e2", "no": "#fae3e3", "some": "#fdf0cf", "": "#f3f5f7"}
SIGNS = {"yes": GREEN, "no": RED, "some": AMBER}

_CHARACTER = 6.7
"""The width of a letter, on average, at 12 pixels."""

_MARGIN, _GROUP_GAP, _TITLE = 18, 10, 34
_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_SLANT = 0.78
"""The height of a column label of length 1, since it leans by about 50 degrees."""


@dataclass(frozen=True, slots=True)
class Group:
    """Ends that stand together: one namespace, the nodes, or the world outside."""

    title: str
    names: tuple[str, ...]


def groups_of(ends: tuple[End, ...]) -> list[Group]:
    """The ends of a grid, in their order, by where they are."""
    return [
        Group(title, tuple(map(_short, members))) for title, members in groupby(ends, key=_place)
    ]


def _place(end: End) -> str:
    if end.outside:
        return "outside"
    namespace, slash, _ = end.name.partition("/")
    return namespace if slash else "nodes"


def _short(end: End) -> str:
    if end.outside:
        return end.name.removeprefix("outside").strip() or "every address"
    return end.name.partition("/")[2] or end.name


def legend_of(grid: Grid) -> list[tuple[str, str]]:
    """The words of the cells that occur, each with what it means."""
    if grid.port is not None:
        meanings = {"yes": "allowed", "some": "allowed for some of the pods", "no": "denied"}
    else:
        meanings = {"yes": "every port", "some": "some ports or pods", "no": "nothing"}
    meanings[""] = "no pod, so no policy"
    found = {grid.word(access) for row in grid.cells for access in row}
    return [(word, text) for word, text in meanings.items() if word in found]


def title_of(grid: Grid) -> str:
    """What the picture shows."""
    if grid.port is None:
        return "Who may reach whom"
    protocol, number = grid.port
    return f"Who may reach whom: {protocol if number is None else f'{number}/{protocol}'}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the cells stand: offsets of rows and columns are the same."""

    cell: int
    offsets: tuple[int, ...]
    left: int
    top: int
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, grid: Grid) -> Layout:
        """The layout of a grid; cells get smaller where there are many."""
        groups = tuple(groups_of(grid.ends))
        count = len(grid.ends)
        cell = 30 if count <= 40 else 20 if count <= 100 else 12
        offsets, at = [], 0
        for group in groups:
            for _ in group.names:
                offsets.append(at)
                at += cell
            at += _GROUP_GAP
        longest = max((len(name) for group in groups for name in group.names), default=0)
        heads = max((len(group.title) for group in groups), default=0)
        label = round(longest * _CHARACTER)
        left = _MARGIN + round(heads * _CHARACTER * 1.1) + 22 + label + 14
        top = _MARGIN + _TITLE + 26 + round(label * _SLANT) + 14
        return cls(cell, tuple(offsets), left, top, groups)

    @property
    def side(self) -> int:
        """Width and height of the field of cells."""
        return self.offsets[-1] + self.cell if self.offsets else 0

    def spans(self) -> Iterator[tuple[Group, int, int]]:
        """Each group with where it begins and ends."""
        index = 0
        for group in self.groups:
            last = index + len(group.names) - 1
            yield group, self.offsets[index], self.offsets[last] + self.cell
            index = last + 1


def svg(grid: Grid) -> str:
    """The matrix as a picture: green passes, red does not, amber passes in part."""
    layout = Layout.of(grid)
    lean = round(layout.top * 0.62)
    width = max(layout.left + layout.side + lean, 420)
    height = layout.top + layout.side + 58
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{_FONT}" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" rx="10" fill="{PAPER}"/>',
        f'<text x="{_MARGIN}" y="{_MARGIN + 16}" font-size="17" font-weight="600">'
        f"{escape(title_of(grid))}</text>",
        f'<text x="{_MARGIN}" y="{_MARGIN + 36}" fill="{MUTED}">'
        "rows are sources, columns are targets</text>",
        *_bands(layout),
        *_labels(layout),
        *_cells(grid, layout),
        *_legend(grid, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bands(layout: Layout) -> Iterator[str]:
    """A band behind the labels of each group, with its title."""
    for group, start, end in layout.spans():
        y, size = layout.top + start, end - start
        yield (
            f'<rect x="{_MARGIN}" y="{y}" width="{layout.left - _MARGIN - 6}" '
            f'height="{size - 2}" rx="5" fill="{BAND}"/>'
        )
        yield (
            f'<text x="{_MARGIN + 8}" y="{y + layout.cell / 2 + 4:g}" font-weight="600" '
            f'fill="{MUTED}">{escape(group.title)}</text>'
        )
        yield (
            f'<rect x="{layout.left + start}" y="{layout.top - 8}" width="{size - 2}" '
            f'height="3" rx="1.5" fill="{EDGE}"/>'
        )


def _labels(layout: Layout) -> Iterator[str]:
    size = min(12, layout.cell - 2)
    names = [name for group in layout.groups for name in group.names]
    for name, at in zip(names, layout.offsets, strict=True):
        text, middle = escape(name), at + layout.cell / 2 - 1
        yield (
            f'<text x="{layout.left - 14}" y="{layout.top + middle + 4:g}" '
            f'font-size="{size}" text-anchor="end">{text}</text>'
        )
        yield (
            f'<text transform="translate({layout.left + middle + 2:g} {layout.top - 14}) '
            f'rotate(-50)" font-size="{size}">{text}</text>'
        )


def _cells(grid: Grid, layout: Layout) -> Iterator[str]:
    for source, row, y in zip(grid.ends, grid.cells, layout.offsets, strict=True):
        for target, access, x in zip(grid.ends, row, layout.offsets, strict=True):
            word = grid.word(access)
            title = f"{source.name} -> {target.name}: {grid.text(access) or 'not asked'}"
            mark = _sign(word, layout.cell) if layout.cell > 12 else ""
            yield (
                f'<g transform="translate({layout.left + x} {layout.top + y})">'
                f"<title>{escape(title)}</title>"
                f'<rect width="{layout.cell - 2}" height="{layout.cell - 2}" rx="4" '
                f'fill="{FILLS[word] if mark or not word else SIGNS[word]}"/>{mark}</g>'
            )


def _sign(word: str, cell: int) -> str:
    """A tick, a cross or a half-filled dot, so that colour is not all there is."""
    middle, arm = cell / 2 - 1, cell * 0.17
    if not word:
        return ""
    style = f'fill="none" stroke="{SIGNS[word]}" stroke-width="2.2" stroke-linecap="round"'
    low, high = f"{middle - arm:g}", f"{middle + arm:g}"
    if word == "no":
        return f'<path d="M{low} {low}L{high} {high}M{high} {low}L{low} {high}" {style}/>'
    if word == "yes":
        corner = f"{middle - arm * 0.25:g} {middle + arm:g}"
        return (
            f'<path d="M{middle - arm * 1.2:g} {middle + arm * 0.1:g}L{corner}'
            f'L{middle + arm * 1.3:g} {middle - arm:g}" stroke-linejoin="round" {style}/>'
        )
    return (
        f'<circle cx="{middle:g}" cy="{middle:g}" r="{arm * 1.2:g}" {style}/>'
        f'<path d="M{middle:g} {middle - arm * 1.2:g}a{arm * 1.2:g} {arm * 1.2:g} 0 0 1 '
        f'0 {arm * 2.4:g}z" fill="{SIGNS[word]}"/>'
    )


def _legend(grid: Grid, height: int) -> Iterator[str]:
    x, y = _MARGIN, height - 36
    for word, text in legend_of(grid):
        yield (
            f'<g transform="translate({x} {y})"><rect width="18" height="18" rx="4" '
            f'fill="{FILLS[word]}"/>{_sign(word, 20)}'
            f'<text x="26" y="13" fill="{MUTED}">{text}</text></g>'
        )
        x += round(26 + len(text) * _CHARACTER + 26)
