"""The `netpol` command: play, build and open the course."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course.lesson import LessonError, find, lessons
from course.player import Played, PromiseBroken, Terminal, terminal_for
from course.promise import visible_lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 1 if a promise broke, 2 for bad input."""
    parser = _parser()
    options, others = parser.parse_known_args(arguments)
    if others and options.command is not _lab:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.others = others
    try:
        return int(options.command(options))
    except LessonError as error:
        print(f"netpol: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netpol", description="The NetworkPolicy course, in a terminal or as notebooks."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="play the course, command by command")
    run.add_argument("lesson", nargs="?", help="one lesson: its name, slug or number")
    run.add_argument("--seed", type=int, default=1, help="another seed, other names and addresses")
    run.set_defaults(command=_run)
    listing = commands.add_parser("list", help="list the lessons")
    listing.set_defaults(command=_list)
    build = commands.add_parser("build", help="write notebooks/ and images/ from the lessons")
    build.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is stale")
    build.set_defaults(command=_build)
    lab = commands.add_parser(
        "lab", help="open JupyterLab on the notebooks", epilog="Other options go to JupyterLab."
    )
    lab.set_defaults(command=_lab)
    return parser


@dataclass(slots=True)
class Tally:
    """How many promises were kept and broken."""

    kept: int = 0
    broken: int = 0
    simulated: float = 0.0

    def count(self, played: Played) -> None:
        """Add one step."""
        self.kept += played.kept
        self.broken += not played.kept


class Style:
    """Colours on a terminal, plain text elsewhere (https://no-color.org)."""

    def __init__(self) -> None:
        self.on = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, code: str, text: str) -> str:
        """The text in a colour, given as an ANSI code."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.on else text


def _run(options: argparse.Namespace) -> int:
    style, tally, began = Style(), Tally(), time.perf_counter()
    chosen = (find(options.lesson),) if options.lesson else lessons()
    terminal: Terminal | None = None
    try:
        for lesson in chosen:
            if not lesson.steps:
                continue
            number = int(lesson.name[:2])
            print(f"\n{style('1', f'{number:2}  {lesson.title}')}")
            terminal = terminal_for(lesson, terminal, options.seed)
            started = terminal.laptop.clock.now
            for played in terminal.play_lesson(lesson):
                tally.count(played)
                _show(played, style)
            tally.simulated += terminal.laptop.clock.now - started
    except PromiseBroken as error:
        tally.count(error.played)
        _show(error.played, style)
    _summary(tally, time.perf_counter() - began, style)
    return 1 if tally.broken else 0


def _show(played: Played, style: Style) -> None:
    first, *more = played.step.script.split("\n")
    mark = style("32", "✔") if played.kept else style("31", "✘")
    print(f"\n {mark}  {style('36', '$')} {first}")
    for line in more:
        print(f"      {line}")
    for line in visible_lines(played.output):
        print(f"      {style('2', line)}")
    if not played.kept:
        print(f"      {style('31', 'promised (-) and printed (+):')}")
        for line in played.step.promise.difference(played.output).split("\n"):
            print(f"      {line}")


def _summary(tally: Tally, seconds: float, style: Style) -> None:
    kept = style("32", f"{tally.kept} promises kept")
    broken = style("31;1" if tally.broken else "2", f"{tally.broken} broken")
    print(
        f"\n    {kept}, {broken}  ·  {tally.simulated:.0f} s in the cluster, {seconds:.1f} s here\n"
    )


def _list(options: argparse.Namespace) -> int:
    del options
    for lesson in lessons():
        print(f"{lesson.name:28} {lesson.title}")
    return 0


def _build(options: argparse.Namespace) -> int:
    from course import build  # nbformat and matplotlib are slow to load

    if not options.check:
        for path in build.build():
            print(path.relative_to(build.ROOT))
        return 0
    stale = build.stale()
    for path in stale:
        print(f"stale: {path.relative_to(build.ROOT)}")
    return 1 if stale else 0


def _lab(options: argparse.Namespace) -> int:
    from course.build import ROOT

    notebooks = ROOT / "notebooks"
    if not notebooks.is_dir():
        print(f"netpol: there are no notebooks in {notebooks}", file=sys.stderr)
        return 2
    start = "--LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb"
    settings = str(Path(__file__).parent / "jupyter")  # no news pop-up over the first lesson
    paths = [settings, *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return subprocess.call(
        [sys.executable, "-m", "jupyterlab", start, *options.others],
        cwd=ROOT,
        env={**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)},
    )
