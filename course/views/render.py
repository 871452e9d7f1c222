"""Scenes drawn with matplotlib, as PNG files.

The file carries the fingerprint of the scene and of this module, so that a test can tell a stale
picture without drawing it again: pixels differ between versions of matplotlib, the scene does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import singledispatch
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, RegularPolygon

from course.views.scene import Arrow, Cloud, Gate, Icon, Lock, Mark, Note, Route, Scene, Zone

INK = "#1f2a37"
MUTED = "#6b7785"
BLUE = "#326ce5"
GREEN = "#1a8f4c"
RED = "#cf3232"
LINE = "#8a96a3"

ZONES = {
    "namespace": ("#eaf1fd", "#b9cef5"),
    "layer": ("#f3f5f7", "#d3d9df"),
    "plain": ("#ffffff", "#d3d9df"),
}
ARROWS = {"plain": LINE, "allowed": GREEN, "denied": RED, "own": BLUE}
TONES = {"blue": BLUE, "grey": "#7b8794", "violet": "#6d4fc2"}
UNIT = 0.62  # inches a unit
DPI = 160


def fingerprint(scene: Scene) -> str:
    """What a picture file must carry to count as fresh."""
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return hashlib.sha256(f"{scene.digest}{own}".encode()).hexdigest()


def write_png(scene: Scene, path: Path) -> None:
    """Draw a scene into a PNG file, with its description and fingerprint as metadata."""
    width, height = scene.size
    figure = Figure(figsize=(width * UNIT, height * UNIT), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_aspect("equal")
    axes.axis("off")
    for order, shape in enumerate(scene.shapes, start=1):
        draw(shape, Pen(axes, order))
    metadata = {
        "Software": None,
        "Description": scene.description,
        "Fingerprint": fingerprint(scene),
    }
    figure.savefig(path, metadata=metadata)


class Pen:
    """Axes and a drawing order: what every shape is drawn with."""

    def __init__(self, axes: Any, order: int) -> None:
        self.axes = axes
        self.order = order

    def add(self, patch: Any) -> None:
        """Put a patch on the picture."""
        patch.set_zorder(self.order)
        self.axes.add_patch(patch)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write text, centred unless told otherwise."""
        style = {"ha": "center", "va": "center", "color": INK, "fontsize": 11, **style}
        self.axes.text(x, y, text, zorder=self.order, **style)

    def path(self, points: list[tuple[float, float]], **style: Any) -> None:
        """Draw a line through points."""
        xs, ys = zip(*points, strict=True)
        self.axes.plot(xs, ys, zorder=self.order, solid_capstyle="round", **style)


@singledispatch
def draw(shape: object, pen: Pen) -> None:
    """Draw one shape; each kind of shape registers its own way."""
    raise TypeError(f"nothing draws shape {pen.order}, a {type(shape).__name__}")


@draw.register
def _(shape: Zone, pen: Pen) -> None:
    (x, y), (width, height) = shape.corner, shape.size
    face, edge = ZONES[shape.tone]
    pen.add(_rounded(x, y, width, height, 0.25, facecolor=face, edgecolor=edge, linewidth=1.2))
    pen.text(
        x + 0.35,
        y + height - 0.42,
        shape.title,
        ha="left",
        color=MUTED,
        fontsize=11,
        fontweight="bold",
    )


@draw.register
def _(shape: Icon, pen: Pen) -> None:
    x, y = shape.centre
    colour = TONES[shape.tone]
    pen.add(
        RegularPolygon(
            (x, y),
            7,
            radius=0.72,
            facecolor=colour,
            edgecolor="white",
            linewidth=2,
            joinstyle="round",
        )
    )
    SYMBOLS[shape.symbol](x, y, pen)
    pen.text(x, y - 1.0, shape.name, fontsize=10, fontweight="bold")
    pen.text(x, y - 1.38, shape.label, fontsize=9, color=MUTED, family="monospace")


@draw.register
def _(shape: Cloud, pen: Pen) -> None:
    x, y = shape.centre
    for dx, dy, width, height in (
        (-0.5, -0.08, 0.9, 0.62),
        (0.5, -0.08, 0.9, 0.62),
        (0.0, 0.16, 1.1, 0.9),
        (0.0, -0.16, 1.5, 0.5),
    ):
        pen.add(Ellipse((x + dx, y + dy), width, height, facecolor="#dfe5eb", edgecolor="none"))
    pen.text(x, y - 0.75, shape.name, fontsize=10.5, fontweight="bold")


@draw.register
def _(shape: Gate, pen: Pen) -> None:
    (x, y), (width, height) = shape.centre, shape.size
    pen.add(
        _rounded(
            x - width / 2,
            y - height / 2,
            width,
            height,
            0.18,
            facecolor="#e4e8ec",
            edgecolor="#aab4be",
            linewidth=1.2,
        )
    )
    pen.text(x, y + height / 2 + 0.28, shape.title, fontsize=10.5, fontweight="bold")


@draw.register
def _(shape: Arrow, pen: Pen) -> None:
    pen.add(
        FancyArrowPatch(
            shape.start,
            shape.end,
            arrowstyle="-|>,head_length=6,head_width=3.4",
            connectionstyle=f"arc3,rad={shape.bend}",
            color=ARROWS[shape.tone],
            linewidth=1.7,
            shrinkA=0,
            shrinkB=0,
        )
    )


@draw.register
def _(shape: Route, pen: Pen) -> None:
    *corners, last = shape.points
    pen.path(list(corners), color=ARROWS[shape.tone], lw=1.7, solid_joinstyle="round")
    draw(Arrow(corners[-1], last, shape.tone), pen)


@draw.register
def _(shape: Mark, pen: Pen) -> None:
    x, y = shape.centre
    colour = GREEN if shape.allowed else RED
    pen.add(Circle((x, y), 0.3, facecolor=colour, edgecolor="white", linewidth=1.5))
    if shape.allowed:
        pen.path([(x - 0.13, y), (x - 0.04, y - 0.1), (x + 0.14, y + 0.12)], color="white", lw=2.2)
    else:
        pen.path([(x - 0.1, y - 0.1), (x + 0.1, y + 0.1)], color="white", lw=2.2)
        pen.path([(x - 0.1, y + 0.1), (x + 0.1, y - 0.1)], color="white", lw=2.2)
    lines = shape.text.split("\n")
    for number, line in enumerate(lines if shape.below else reversed(lines)):
        offset = -0.58 - 0.36 * number if shape.below else 0.58 + 0.36 * number
        pen.text(x, y + offset, line, fontsize=9, color=colour, family="monospace")


@draw.register
def _(shape: Lock, pen: Pen) -> None:
    x, y = shape.centre
    pen.add(Circle((x, y + 0.12), 0.15, facecolor="none", edgecolor=INK, linewidth=2))
    pen.add(_rounded(x - 0.22, y - 0.24, 0.44, 0.36, 0.06, facecolor=INK, edgecolor="white"))


@draw.register
def _(shape: Note, pen: Pen) -> None:
    colour = MUTED if shape.tone == "muted" else INK
    pen.text(*shape.at, shape.text, fontsize=shape.size, color=colour, ha=shape.align)


def _rounded(
    x: float, y: float, width: float, height: float, radius: float, **style: Any
) -> FancyBboxPatch:
    box = f"round,pad=0,rounding_size={radius}"
    return FancyBboxPatch((x, y), width, height, boxstyle=box, **style)


def _pod(x: float, y: float, pen: Pen) -> None:
    """A cube seen from a corner."""
    r = 0.36
    top, low = (x, y + r), (x, y - r)
    left_up, right_up = (x - r * 0.87, y + r / 2), (x + r * 0.87, y + r / 2)
    left_low, right_low = (x - r * 0.87, y - r / 2), (x + r * 0.87, y - r / 2)
    outline = [top, right_up, right_low, low, left_low, left_up, top]
    pen.path(outline, color="white", lw=1.8)
    for corner in (left_up, right_up, low):
        pen.path([(x, y), corner], color="white", lw=1.8)


def _service(x: float, y: float, pen: Pen) -> None:
    """One door, three ways on."""
    for dx in (-0.3, 0.0, 0.3):
        pen.path([(x, y + 0.26), (x, y), (x + dx, y), (x + dx, y - 0.24)], color="white", lw=1.8)
        pen.add(Circle((x + dx, y - 0.28), 0.08, facecolor="white", edgecolor="none"))
    pen.add(Circle((x, y + 0.3), 0.1, facecolor="white", edgecolor="none"))


def _deployment(x: float, y: float, pen: Pen) -> None:
    """A stack of equal sheets."""
    for shift in (0.2, 0.0, -0.2):
        pen.path(
            [
                (x - 0.34, y + shift),
                (x, y + shift + 0.16),
                (x + 0.34, y + shift),
                (x, y + shift - 0.16),
                (x - 0.34, y + shift),
            ],
            color="white",
            lw=1.6,
        )


def _policy(x: float, y: float, pen: Pen) -> None:
    """A shield."""
    pen.path(
        [
            (x, y + 0.38),
            (x + 0.3, y + 0.24),
            (x + 0.27, y - 0.08),
            (x, y - 0.38),
            (x - 0.27, y - 0.08),
            (x - 0.3, y + 0.24),
            (x, y + 0.38),
        ],
        color="white",
        lw=1.8,
    )
    pen.path([(x - 0.11, y), (x - 0.02, y - 0.1), (x + 0.13, y + 0.12)], color="white", lw=1.8)


def _dns(x: float, y: float, pen: Pen) -> None:
    pen.text(x, y, "DNS", color="white", fontsize=10.5, fontweight="bold")


SYMBOLS: dict[str, Callable[[float, float, Pen], None]] = {
    "pod": _pod,
    "svc": _service,
    "deploy": _deployment,
    "netpol": _policy,
    "dns": _dns,
}
