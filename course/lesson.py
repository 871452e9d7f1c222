"""Lessons as data: MyST text with terminal cells, read from `course/lessons/`.

A lesson is a folder `NN_slug` with `lesson.md`: front matter (title, goals, depends), text,
and cells that open with ```` ```{code-cell} ````. A cell whose first line is `%%terminal` is
a script for the shared terminal; the lines after a command that begin with `#>` say what it
must print. Lessons can show named regions of the terminal's own files with
```` ```{literalinclude} tutorial/demo-app.yaml ````.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from markdown_it import MarkdownIt

from course.promise import MARK, Promise

TERMINAL = "%%terminal"


@dataclass(frozen=True, slots=True)
class Step:
    """One or more shell lines that run together, and what they must print."""

    script: str
    promise: Promise


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a lesson: text, or code for a notebook cell."""

    kind: str  # "markdown" or "code"
    source: str

    @property
    def steps(self) -> tuple[Step, ...]:
        """The terminal steps of the cell; none if it is text or Python."""
        if self.kind != "code" or not self.source.startswith(TERMINAL):
            return ()
        return parse_steps(self.source.removeprefix(TERMINAL))


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson; `depends` names the lessons whose end it starts from."""

    name: str
    title: str
    goals: tuple[str, ...]
    depends: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every terminal step, in order."""
        return tuple(step for cell in self.cells for step in cell.steps)


class LessonError(ValueError):
    """A lesson that is not written as it should be, with file and line."""


def parse_steps(script: str) -> tuple[Step, ...]:
    """Cut a terminal cell into steps: each ends with its promise or with a blank line.

    >>> [step.script for step in parse_steps("echo a\\n#> a\\necho b\\n#> b\\n")]
    ['echo a', 'echo b']
    """
    steps: list[Step] = []
    commands: list[str] = []
    promised: list[str] = []

    def finish() -> None:
        if commands:
            steps.append(Step("\n".join(commands), Promise(tuple(promised))))
        commands.clear()
        promised.clear()

    for line in script.strip("\n").split("\n"):
        if line.startswith(MARK):
            promised.append(line.removeprefix(MARK).removeprefix(" ").rstrip())
            continue
        if promised or not line.strip():
            finish()
        if line.strip():
            commands.append(line)
    finish()
    return tuple(steps)


@cache
def lessons() -> tuple[Lesson, ...]:
    """Every lesson of the course, in order; read once."""
    folders = sorted(
        (entry for entry in _root().iterdir() if entry.is_dir() and entry.name[:2].isdigit()),
        key=lambda entry: entry.name,
    )
    return tuple(read(folder) for folder in folders)


def find(name: str) -> Lesson:
    """The lesson with this name, slug or number; raises LessonError with the names there are."""
    everything = lessons()
    for lesson in everything:
        number, _, slug = lesson.name.partition("_")
        if name in (lesson.name, number, str(int(number)), slug, slug.replace("_", "-")):
            return lesson
    known = ", ".join(lesson.name for lesson in everything)
    raise LessonError(f"there is no lesson {name!r}; there are {known}")


def prerequisites(lesson: Lesson) -> tuple[Lesson, ...]:
    """The lessons to play before this one, each once, in the order of the course."""
    needed: dict[str, Lesson] = {}

    def visit(name: str) -> None:
        if name not in needed:
            other = find(name)
            for earlier in other.depends:
                visit(earlier)
            needed[name] = other

    for name in lesson.depends:
        visit(name)
    return tuple(sorted(needed.values(), key=lambda other: other.name))


def read(folder: Traversable) -> Lesson:
    """Read one lesson folder; raises LessonError with file and line."""
    name = folder.name
    text = folder.joinpath("lesson.md").read_text(encoding="utf-8")
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if match is None:
        raise LessonError(f"{name}/lesson.md:1: front matter is missing")
    front: dict[str, Any] = yaml.safe_load(match.group(1))
    missing = {"title", "goals", "depends"} - front.keys()
    if missing:
        raise LessonError(f"{name}/lesson.md:1: front matter lacks {', '.join(sorted(missing))}")
    return Lesson(
        name=name,
        title=str(front["title"]),
        goals=tuple(front["goals"]),
        depends=tuple(front["depends"]),
        cells=tuple(_cells(text[match.end() :])),
    )


def _cells(text: str) -> list[Cell]:
    """Split MyST text at its code cells; other fences stay in the text."""
    lines = text.split("\n")
    cells: list[Cell] = []
    start = 0
    for token in MarkdownIt("zero").enable("fence").parse(text):
        if token.type != "fence" or token.map is None:
            continue
        directive, _, argument = token.info.strip().partition(" ")
        first, last = token.map
        if directive == "{code-cell}":
            _add_text(cells, lines[start:first])
            cells.append(Cell("code", token.content.strip("\n")))
            start = last
        elif directive == "{literalinclude}":
            _add_text(cells, [*lines[start:first], *_included(argument.strip())])
            start = last
    _add_text(cells, lines[start:])
    return cells


def _add_text(cells: list[Cell], lines: list[str]) -> None:
    source = "\n".join(lines).strip("\n")
    if not source.strip():
        return
    if cells and cells[-1].kind == "markdown":
        source = f"{cells.pop().source}\n\n{source}"
    cells.append(Cell("markdown", source))


def _included(path: str) -> list[str]:
    """One of the terminal's own manifests, as a YAML block."""
    text = files("minik8s").joinpath("data", path).read_text(encoding="utf-8")
    return ["```yaml", *text.strip("\n").split("\n"), "```"]


def _root() -> Traversable:
    return files("course").joinpath("lessons")
