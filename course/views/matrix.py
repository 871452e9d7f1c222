"""A matrix as PNG: the renderer that `minik8s matrix -o png` finds (`minik8s.renderers`).

Where things stand is `minik8s.analysis.matrix_svg`'s affair, so both pictures look alike; the
colours are those of the lessons' pictures.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Wedge

from course.views.render import GREEN, INK, MUTED, RED, ZONES
from minik8s.analysis.matrix_grid import Grid
from minik8s.analysis.matrix_svg import FILLS, SIGNS, Layout, legend_of, title_of

DPI = 160
PIXELS = 96
"""Units of the layout to an inch, as browsers have it."""

LARGEST = 8000
"""No side of the picture gets more pixels; a big matrix gets a coarser one."""

_COLOURS = {**SIGNS, "yes": GREEN, "no": RED}


def png(grid: Grid) -> bytes:
    """Draw a grid."""
    layout = Layout.of(grid)
    width = max(layout.left + layout.side + round(layout.top * 0.62), 420)
    height = layout.top + layout.side + 58
    figure = Figure(figsize=(width / PIXELS, height / PIXELS), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    pen = _Pen(axes)
    pen.text(18, 34, title_of(grid), size=17, weight="bold")
    pen.text(18, 54, "rows are sources, columns are targets", colour=MUTED)
    _draw_bands(pen, layout)
    _draw_labels(pen, layout)
    _draw_cells(pen, grid, layout)
    _draw_legend(pen, grid, height - 36)
    dpi = min(DPI, LARGEST * PIXELS / max(width, height))
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()


class _Pen:
    """Axes whose unit is the pixel of the layout, the origin at the top left."""

    def __init__(self, axes: Any) -> None:
        self._axes = axes

    def text(
        self, x: float, y: float, text: str, *, size: float = 12, colour: str = INK, **style: Any
    ) -> None:
        """Write text on a base line."""
        style = {"ha": "left", "va": "baseline", **style}
        points = size * 72 / PIXELS
        # A name from a file is text: without this a `$` in it would begin mathematics.
        self._axes.text(x, y, text, fontsize=points, color=colour, parse_math=False, **style)

    def box(self, x: float, y: float, width: float, height: float, colour: str, r: float) -> None:
        """A rectangle with round corners."""
        shape = FancyBboxPatch(
            (x + r, y + r),
            width - 2 * r,
            height - 2 * r,
            boxstyle=f"round,pad={r},rounding_size={r}",
            facecolor=colour,
            edgecolor="none",
        )
        self._axes.add_patch(shape)

    def line(self, points: list[tuple[float, float]], colour: str) -> None:
        """A line through points."""
        xs, ys = zip(*points, strict=True)
        style = {"solid_capstyle": "round", "solid_joinstyle": "round"}
        self._axes.plot(xs, ys, color=colour, linewidth=2.2 * 72 / PIXELS, **style)

    def mesh(self, xs: Any, ys: Any, picture: Any, colours: ListedColormap) -> None:
        """Rectangles between lines, each in the colour with its number."""
        self._axes.pcolormesh(xs, ys, picture, cmap=colours, vmin=0, vmax=colours.N - 1)

    def sign(self, word: str, x: float, y: float, cell: int) -> None:
        """A tick, a cross or a half-filled dot in the cell at a place."""
        colour, arm = _COLOURS.get(word, ""), cell * 0.17
        x, y = x + cell / 2 - 1, y + cell / 2 - 1
        if word == "no":
            for way in (1, -1):
                self.line([(x - arm, y - arm * way), (x + arm, y + arm * way)], colour)
        elif word == "yes":
            tick = [(-1.2, 0.1), (-0.25, 1), (1.3, -1)]
            self.line([(x + arm * right, y + arm * down) for right, down in tick], colour)
        elif word == "some":
            width = 2.2 * 72 / PIXELS
            ring = Circle((x, y), arm * 1.2, fill=False, edgecolor=colour, linewidth=width)
            self._axes.add_patch(ring)
            self._axes.add_patch(Wedge((x, y), arm * 1.2, -90, 90, facecolor=colour))


def _draw_bands(pen: _Pen, layout: Layout) -> None:
    face, edge = ZONES["namespace"]
    for group, start, end in layout.spans():
        y, size = layout.top + start, end - start
        pen.box(18, y, layout.left - 24, size - 2, face, 5)
        pen.text(26, y + layout.cell / 2 + 4, group.title, colour=MUTED, weight="bold")
        pen.box(layout.left + start, layout.top - 8, size - 2, 3, edge, 1.5)


def _draw_labels(pen: _Pen, layout: Layout) -> None:
    size = min(12, layout.cell - 2)
    names = [name for group in layout.groups for name in group.names]
    for name, at in zip(names, layout.offsets, strict=True):
        middle = at + layout.cell / 2 - 1
        pen.text(layout.left - 14, layout.top + middle + 4, name, size=size, ha="right")
        place = (layout.left + middle - 4, layout.top - 13)
        pen.text(*place, name, size=size, rotation=50, rotation_mode="anchor")


def _draw_cells(pen: _Pen, grid: Grid, layout: Layout) -> None:
    if layout.cell <= 12:
        _draw_small_cells(pen, grid, layout)
        return
    for row, down in zip(grid.cells, layout.offsets, strict=True):
        for access, right in zip(row, layout.offsets, strict=True):
            word = grid.word(access)
            x, y = layout.left + right, layout.top + down
            pen.box(x, y, layout.cell - 2, layout.cell - 2, FILLS[word], 4)
            pen.sign(word, x, y, layout.cell)


def _draw_small_cells(pen: _Pen, grid: Grid, layout: Layout) -> None:
    """Plain squares, all at once, since there are many: every other quad of a mesh is a gap."""
    words = ["gap", "", *_COLOURS]
    count = len(grid.ends)
    picture = np.zeros((2 * count - 1, 2 * count - 1))
    picture[::2, ::2] = [[words.index(grid.word(access)) for access in row] for row in grid.cells]
    edges = np.array([at + inset for at in layout.offsets for inset in (0, layout.cell - 2)])
    colours = ListedColormap(["white", FILLS[""], *_COLOURS.values()])
    pen.mesh(layout.left + edges, layout.top + edges, picture, colours)


def _draw_legend(pen: _Pen, grid: Grid, y: float) -> None:
    x = 18.0
    for word, text in legend_of(grid):
        pen.box(x, y, 18, 18, FILLS[word], 4)
        pen.sign(word, x, y, 20)
        pen.text(x + 26, y + 13, text, colour=MUTED)
        x += 52 + len(text) * 6.7
