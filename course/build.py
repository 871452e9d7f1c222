"""Builds `notebooks/` and `images/` from the lessons.

A notebook carries the output of its terminal cells, computed by running them: the same seed gives
the same bytes, so a reader sees the results before running anything, and a test can tell a stale
notebook from a fresh one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.lesson import TERMINAL, Cell, Lesson, find, lessons
from course.magics import run_cell, start_lesson
from course.player import Terminal, terminal_for
from course.views.pictures import CONCEPTS, PICTURES
from course.views.render import fingerprint, write_png
from course.views.scene import Scene
from course.views.stage import Stage

ROOT = Path(__file__).resolve().parent.parent
TELLING = "06_across_namespaces", "07_egress_controls"
"""The lessons that, with those they depend on, pass through every state that a picture shows."""


def build(root: Path = ROOT) -> list[Path]:
    """Write every notebook and picture; the paths written."""
    written = []
    for name, text in notebooks().items():
        path = root / "notebooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    for name, scene in pictures().items():
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(scene, path)
        written.append(path)
    return written


def stale(root: Path = ROOT) -> list[Path]:
    """The built files that are missing, differ from their source, or have no source any more."""
    fresh = {root / "notebooks" / name: text for name, text in notebooks().items()}
    drawn = {root / "images" / name: scene for name, scene in pictures().items()}
    found = [
        path
        for path, text in fresh.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    found += [path for path, scene in drawn.items() if not _is_fresh(path, scene)]
    built = [*root.glob("notebooks/*.ipynb"), *root.glob("images/*.png")]
    return found + [path for path in built if path not in fresh and path not in drawn]


def notebooks() -> dict[str, str]:
    """Every notebook by file name, as JSON text."""
    everything = lessons()
    return {f"{lesson.name}.ipynb": _notebook(lesson, everything) for lesson in everything}


def pictures() -> dict[str, Scene]:
    """Every picture by file name; those of a cluster show it at its step of the course."""
    scenes = {f"{name}.png": draw() for name, draw in CONCEPTS.items()}
    waiting = dict(PICTURES)
    for terminal, script in _moments():
        for name, (manifest, draw) in list(waiting.items()):
            if f"tutorial/{manifest}.yaml" in script:
                scenes[f"{name}.png"] = draw(Stage(terminal.laptop.cluster))
                del waiting[name]
    if waiting:
        raise LookupError(f"no lesson creates what these pictures show: {', '.join(waiting)}")
    return dict(sorted(scenes.items()))


def _moments() -> Iterator[tuple[Terminal, str]]:
    """Each step of the telling lessons, after it has run in one terminal."""
    terminal = Terminal()
    for name in ("03_ingress_controls", "05_allowing_ingress", *TELLING):
        for played in terminal.play_lesson(find(name)):
            yield terminal, played.step.script


def _notebook(lesson: Lesson, everything: tuple[Lesson, ...]) -> str:
    cells = [_opening(lesson, everything)]
    if lesson.steps:
        terminal, state = start_lesson(lesson.name)
        cells.append(_code(f"%load_ext course\n%lesson {lesson.name}", f"{state}\n"))
    else:
        terminal = terminal_for(lesson)
    cells += [_cell(cell, terminal) for cell in lesson.cells]
    cells.append(_closing(lesson, everything))
    for number, cell in enumerate(cells):
        cell["id"] = f"{lesson.name}-{number:02d}"
    notebook = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


def _opening(lesson: Lesson, everything: tuple[Lesson, ...]) -> Any:
    number = everything.index(lesson)
    goals = "\n".join(f"- {goal}" for goal in lesson.goals)
    return new_markdown_cell(
        f"*Lesson {number} of {len(everything) - 1}: {lesson.title}*\n\n"
        f"After this lesson you will:\n\n{goals}"
    )


def _closing(lesson: Lesson, everything: tuple[Lesson, ...]) -> Any:
    number = everything.index(lesson)
    ways = []
    if number > 0:
        ways.append(f"← [{everything[number - 1].title}]({everything[number - 1].name}.ipynb)")
    if number + 1 < len(everything):
        ways.append(f"[{everything[number + 1].title}]({everything[number + 1].name}.ipynb) →")
    return new_markdown_cell("---\n\n" + " · ".join(ways))


def _cell(cell: Cell, terminal: Terminal) -> Any:
    if cell.kind == "markdown":
        return new_markdown_cell(cell.source.replace("](images/", "](../images/"))
    return _code(cell.source, run_cell(terminal, cell.source.removeprefix(TERMINAL)))


def _code(source: str, output: str) -> Any:
    outputs = [new_output("stream", name="stdout", text=output)] if output else []
    return new_code_cell(source, outputs=outputs)


def _is_fresh(path: Path, scene: Scene) -> bool:
    from PIL import Image  # matplotlib brings it; only this check needs it

    if not path.exists():
        return False
    with Image.open(path) as image:
        return image.info.get("Fingerprint") == fingerprint(scene)
