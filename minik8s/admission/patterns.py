"""Regular expressions in Go's syntax (RE2), matched in time that grows with the text alone.

Whoever writes a CustomResourceDefinition chooses its patterns; Python's own engine tries what
fits in turn and can be kept busy for ever by `(a+)+$`. Here all ways are followed at once
(Thompson's construction), as Go does it. The messages of errors are those of regexp/syntax.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from minik8s.admission.patternclasses import is_word
from minik8s.admission.patternsyntax import parse_pattern
from minik8s.admission.patterntree import (
    Alternatives,
    Assertion,
    Character,
    Node,
    PatternError,
    Repeat,
    Sequence,
)

MOST_STATES = 20_000
"""How many states a pattern may have; Go allows more, and needs less time for each."""

MOST_STEPS = 5_000_000
"""How many states are looked at for one text; a text that needs more does not match."""

_KEPT = 5_000
"""How many moves of one pattern are remembered."""

_MATCH = -1


class Pattern:
    """A pattern, ready to be looked for in texts.

    >>> Pattern("^(a+)+$").found_in("a" * 5000 + "b")
    False
    """

    def __init__(self, text: str) -> None:
        """Raises PatternError for text that is no pattern."""
        self._characters: dict[int, tuple[Character, int]] = {}
        self._assertions: dict[int, tuple[str, int]] = {}
        self._splits: dict[int, tuple[int, ...]] = {}
        self._count = 0
        self._moves: dict[tuple[frozenset[int], str, str], frozenset[int] | None] = {}
        self._start = self._build(parse_pattern(text), _MATCH)

    # -- building, from the end to the start

    def _new(self) -> int:
        self._count += 1
        if self._count > MOST_STATES:
            raise PatternError("expression too large")
        return self._count

    def _build(self, node: Node, then: int) -> int:
        """The state from which a node leads to the state `then`."""
        match node:
            case Character():
                state = self._new()
                self._characters[state] = (node, then)
                return state
            case Assertion():
                state = self._new()
                self._assertions[state] = (node.kind, then)
                return state
            case Sequence():
                for part in reversed(node.parts):
                    then = self._build(part, then)
                return then
            case Alternatives():
                state = self._new()
                self._splits[state] = tuple(self._build(part, then) for part in node.parts)
                return state
            case Repeat():
                return self._build_repeat(node, then)

    def _build_repeat(self, node: Repeat, then: int) -> int:
        if node.most is None:
            loop = self._new()
            self._splits[loop] = (self._build(node.part, loop), then)
            then = loop
        else:
            end = then
            for _ in range(node.most - node.least):
                state = self._new()
                self._splits[state] = (self._build(node.part, then), end)
                then = state
        for _ in range(node.least):
            then = self._build(node.part, then)
        return then

    # -- matching

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches somewhere in a text."""
        pending: frozenset[int] = frozenset()
        before, steps = "", 0
        for after in _characters(text):
            steps += len(pending) + 1
            if steps > MOST_STEPS:
                return False
            moved = self._move(pending, before, after)
            if moved is None:
                return True
            pending, before = moved, after
        return False

    def _move(self, pending: frozenset[int], before: str, after: str) -> frozenset[int] | None:
        """The states after one more character; None once the pattern has matched."""
        key = (pending, before, after)
        if key not in self._moves:
            if len(self._moves) >= _KEPT:
                self._moves.clear()
            self._moves[key] = self._moved(pending, before, after)
        return self._moves[key]

    def _moved(self, pending: frozenset[int], before: str, after: str) -> frozenset[int] | None:
        waiting, seen, reached = [self._start, *pending], set[int](), set[int]()
        while waiting:
            state = waiting.pop()
            if state == _MATCH:
                return None
            if state in seen:
                continue
            seen.add(state)
            if state in self._splits:
                waiting += self._splits[state]
            elif state in self._assertions:
                kind, then = self._assertions[state]
                if _holds(kind, before, after):
                    waiting.append(then)
            else:
                character, then = self._characters[state]
                if after and character.fits(after):
                    reached.add(then)
        return frozenset(reached)


def _characters(text: str) -> Iterator[str]:
    yield from text
    yield ""


def _holds(kind: str, before: str, after: str) -> bool:
    """Whether an assertion holds between two characters; the empty one is the text's edge."""
    match kind:
        case "start":
            return not before
        case "end":
            return not after
        case "line start":
            return before in ("", "\n")
        case "line end":
            return after in ("", "\n")
    return (is_word(before) != is_word(after)) == (kind == "word edge")


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """The pattern of a text; raises PatternError."""
    return Pattern(text)


def pattern_problem(text: str) -> str | None:
    """Why a text is no pattern, in Go's words; None if it is one."""
    try:
        compiled(text)
    except PatternError as error:
        return str(error)
    return None
