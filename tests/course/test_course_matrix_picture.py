"""The picture of a matrix: every cell has the colour of what its pair comes to."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from course.views.matrix import DPI, PIXELS, png
from course.views.render import GREEN, RED
from minik8s.analysis.matrix import Matrix
from minik8s.analysis.matrix_grid import Grid
from minik8s.analysis.matrix_svg import FILLS, Layout

Document = dict[str, Any]


def pod(name: str, space: str, **labels: str) -> Document:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": space, "labels": labels}}


def documents(pods: int = 4) -> list[Document]:
    policy = {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"odd": "1"}},
            "ingress": [{"ports": [{"port": 80}], "from": [{"podSelector": {}}]}],
        },
    }
    spaces = ("shop", "other")
    made = [pod(f"p{i}", spaces[i % 3 == 2], odd=str(i % 2)) for i in range(pods)]
    return [policy, *made]


@pytest.mark.parametrize(("port", "pods"), [(("TCP", 80), 4), (("TCP", 81), 4), (None, 4),
                                            (("TCP", 80), 101)])  # fmt: skip
def test_cells_have_their_colours(port: Any, pods: int) -> None:
    grid = Grid.of(Matrix.of(documents(pods)), port)
    layout, image = Layout.of(grid), imread(io.BytesIO(png(grid)))
    scale = DPI / PIXELS
    words = set()
    for row, down in zip(grid.cells, layout.offsets, strict=True):
        for access, right in zip(row, layout.offsets, strict=True):
            word = grid.word(access)
            x, y = layout.left + right + layout.cell / 2 - 1, layout.top + down + 3
            fills = FILLS if layout.cell > 12 else {**FILLS, "yes": GREEN, "no": RED}
            seen = image[round(y * scale), round(x * scale)][:3]
            assert seen == pytest.approx(to_rgb(fills[word]), abs=0.02), (word, x, y)
            words.add(word)
    assert {"yes", ""} < words


def test_a_big_matrix_keeps_to_a_size_that_viewers_take() -> None:
    image = imread(io.BytesIO(png(Grid.of(Matrix.of(documents(400)), ("TCP", 80)))))
    assert max(image.shape) <= 8000


def test_the_command_finds_the_renderer(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text("\n".join(json.dumps(
        {"apiVersion": "networking.k8s.io/v1" if d["kind"] == "NetworkPolicy" else "v1", **d}
    ) for d in documents()))  # fmt: skip
    command = [sys.executable, "-c", _WITH_THE_RENDERER, "matrix", "all.json", "-o", "png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"\x89PNG")


_WITH_THE_RENDERER = """
import sys
import tomllib
from importlib.metadata import EntryPoint
from minik8s.cli import main, questions
point = EntryPoint("course", "course.views.matrix:png", questions.RENDERERS)
questions.entry_points = lambda group: [point] if group == point.group else []
sys.exit(main())
"""


def test_the_entry_point_is_declared() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["minik8s.renderers"] == {"course": "course.views.matrix:png"}


def test_a_name_from_a_file_is_never_mathematics() -> None:
    odd = [pod("a$\\frac{1}$b", "shop"), pod("c", "d$x$")]
    assert png(Grid.of(Matrix.of(odd), ("TCP", 80))).startswith(b"\x89PNG")
