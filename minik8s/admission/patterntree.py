"""What a regular expression says, as a tree; and the error of a text that says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from minik8s.admission.patternclasses import Test


class PatternError(ValueError):
    """A text that is no regular expression; `error parsing regexp: ...` without the head."""

    def __init__(self, why: str, part: str | None = None) -> None:
        super().__init__(
            f"error parsing regexp: {why}" + (f": `{part}`" if part is not None else "")
        )


@dataclass(frozen=True, slots=True)
class Character:
    """One character that passes a test, in either case if `folds`."""

    test: Test
    folds: bool = False

    def fits(self, char: str) -> bool:
        """Whether a character is one of those meant."""
        if self.test(char):
            return True
        return self.folds and (self.test(char.lower()) or self.test(char.upper()))


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place in the text: its start or end, that of a line, a word's edge or none."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One or the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same several times; `most` is None for any number."""

    part: Node
    least: int
    most: int | None


Node: TypeAlias = Character | Assertion | Sequence | Alternatives | Repeat
