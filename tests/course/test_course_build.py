"""The built files: fresh, complete, and runnable as they are."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course import build

ROOT = Path(build.ROOT)
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
PICTURES = {
    "networkpolicy", "resources", "ingress_egress", "demo-app", "stateful", "pod_to_pod_ingress",
    "pod_to_pod_across_namespaces", "pod_to_pod_across_namespaces_combined", "pod_to_pod_egress",
    "pod_to_pod_egress_coredns",
}  # fmt: skip


def test_nothing_built_is_stale():
    assert build.stale() == []


def test_a_changed_notebook_or_picture_is_found(tmp_path):
    written = build.build(tmp_path)
    assert build.stale(tmp_path) == []
    notebook = next(path for path in written if path.suffix == ".ipynb")
    picture = next(path for path in written if path.suffix == ".png")
    notebook.write_text(notebook.read_text().replace("Welcome", "Hello"))
    picture.unlink()
    (tmp_path / "images" / "extra.png").write_bytes(b"")
    assert {path.name for path in build.stale(tmp_path)} == {
        notebook.name,
        picture.name,
        "extra.png",
    }


def test_all_ten_pictures_are_there_and_shown():
    assert {path.stem for path in ROOT.glob("images/*.png")} == PICTURES
    text = "".join(path.read_text() for path in NOTEBOOKS)
    assert {name for name in PICTURES if f"../images/{name}.png" in text} == PICTURES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_it_carries(path):
    """Executed in a real kernel, every cell prints exactly what the built file shows."""
    notebook = nbformat.read(path, as_version=4)
    carried = [_text(cell) for cell in notebook.cells]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute()
    assert [_text(cell) for cell in notebook.cells] == carried


def _text(cell):
    return "".join(output.get("text", "") for output in cell.get("outputs", ()))
