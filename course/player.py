"""Plays lessons in a terminal, step by step, and keeps count of their promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from course.lesson import Lesson, Step, prerequisites
from minik8s.laptop import Laptop


@dataclass(frozen=True, slots=True)
class Played:
    """One step, what came out of it, and whether that was promised."""

    step: Step
    output: str

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return self.step.promise.kept_by(self.output)


class PromiseBroken(Exception):
    """A step printed something else than it promised."""

    def __init__(self, played: Played) -> None:
        super().__init__(f"{played.step.script}\n{played.step.promise.difference(played.output)}")
        self.played = played

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows: the difference alone, not the way through our code."""
        promised = self.played.step.promise.difference(self.played.output)
        return [f"✘ {self.played.step.script}", "  promised (-) and printed (+):", promised]


@dataclass(slots=True)
class Terminal:
    """One shared terminal, and the lessons that have been played in it."""

    seed: int = 1
    laptop: Laptop = field(init=False)
    history: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.laptop = Laptop(seed=self.seed)

    def play(self, step: Step) -> Played:
        """Run one step."""
        return Played(step, self.laptop.run(step.script).output)

    def play_lesson(self, lesson: Lesson) -> Iterator[Played]:
        """Run every step of a lesson, one at a time."""
        for step in lesson.steps:
            yield self.play(step)
        self.history.append(lesson.name)


def terminal_for(lesson: Lesson, current: Terminal | None = None, seed: int = 1) -> Terminal:
    """A terminal at the point where a lesson starts.

    The current one is kept if it has played just the lessons that this one builds on; otherwise a
    fresh one plays them. Raises PromiseBroken if one of their steps goes wrong.
    """
    needed = prerequisites(lesson)
    if current is not None and needed and current.history == [other.name for other in needed]:
        return current
    fresh = Terminal(seed)
    for other in needed:
        for played in fresh.play_lesson(other):
            if not played.kept:
                raise PromiseBroken(played)
    return fresh
