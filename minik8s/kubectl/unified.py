"""Unified differences of two texts, as `diff -u` shows them.

The shortest edit script is found as E. Myers describes ("An O(ND) difference algorithm and its
variations", 1986, section 4b): search from both ends at once, split where the searches meet, and
solve the parts. Of scripts that are equally short people expect the one whose changes stand as
late as possible, with deletions beside insertions: runs of changed lines are slid there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_CONTEXT = 3
Match = Callable[[int, int], None]


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """The difference with its two header lines; empty if the texts are equal.

    >>> print(unified("a\\nb\\n", "a\\nc\\n", "x", "y"), end="")
    --- x
    +++ y
    @@ -1,2 +1,2 @@
     a
    -b
    +c
    """
    left, right = old.splitlines(), new.splitlines()
    if left == right:
        return ""
    out = [f"--- {old_name}\n", f"+++ {new_name}\n"]
    for hunk in _hunks(list(_changes(matches(left, right), len(right)))):
        out += _hunk(hunk, left, right)
    return "".join(out)


def matches(left: Sequence[str], right: Sequence[str]) -> list[int | None]:
    """For each line of the left text the line of the right one that it stays as, or None."""
    found: list[int | None] = [None] * len(left)
    shared = set(left) & set(right)
    # Lines that only one text has cannot match; without them the search is shorter.
    rows = [place for place, line in enumerate(left) if line in shared]
    columns = [place for place, line in enumerate(right) if line in shared]

    def match(row: int, column: int) -> None:
        found[rows[row]] = columns[column]

    _solve([left[row] for row in rows], [right[column] for column in columns], 0, 0, match)
    _slide(found, left, len(right))
    inverse = _inverse(found, len(right))
    _slide(inverse, right, len(left))
    return _inverse(inverse, len(left))


def _inverse(found: Sequence[int | None], length: int) -> list[int | None]:
    inverse: list[int | None] = [None] * length
    for place, other in enumerate(found):
        if other is not None:
            inverse[other] = place
    return inverse


# -- the shortest edit script


def _solve(left: Sequence[str], right: Sequence[str], row: int, column: int, match: Match) -> None:
    """Match the lines of two texts; their first lines have the numbers `row` and `column`."""
    while left and right and left[0] == right[0]:
        match(row, column)
        left, right, row, column = left[1:], right[1:], row + 1, column + 1
    while left and right and left[-1] == right[-1]:
        match(row + len(left) - 1, column + len(right) - 1)
        left, right = left[:-1], right[:-1]
    if left and right:
        x, y = _middle(left, right)
        _solve(left[:x], right[:y], row, column, match)
        _solve(left[x:], right[y:], row + x, column + y, match)


def _middle(left: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """Where a shortest path from corner to corner of the edit graph can be cut in two.

    `ahead` holds how far a path from the start gets on each diagonal x - y, `behind` how far one
    from the end.
    """
    width, height = len(left), len(right)
    delta = width - height
    ahead, behind = {0: 0}, {delta: width}
    for cost in range(1, width + height + 1):
        for diagonal in _diagonals(0, cost, width, height):
            x = _forward(ahead, diagonal, left, right)
            ahead[diagonal] = x
            met = delta % 2 and behind.get(diagonal, width + 1) <= x
            if met and _inside(x, diagonal, width, height):
                return x, x - diagonal
        for diagonal in _diagonals(delta, cost, width, height):
            x = _backward(behind, diagonal, left, right)
            behind[diagonal] = x
            met = not delta % 2 and x <= ahead.get(diagonal, -1)
            if met and _inside(x, diagonal, width, height):
                return x, x - diagonal
    raise AssertionError("every two texts have an edit script")


def _inside(x: int, diagonal: int, width: int, height: int) -> bool:
    """Whether a point is in the graph; the longest steps lead out of it."""
    return 0 <= x <= width and 0 <= x - diagonal <= height


def _diagonals(middle: int, cost: int, width: int, height: int) -> Iterator[int]:
    """The diagonals that a path of a cost can end on, from the last to the first."""
    for diagonal in range(middle + cost, middle - cost - 1, -2):
        if -height <= diagonal <= width:
            yield diagonal


def _forward(
    ahead: dict[int, int], diagonal: int, left: Sequence[str], right: Sequence[str]
) -> int:
    below, above = ahead.get(diagonal - 1, -1), ahead.get(diagonal + 1, -1)
    x = above if below < above else below + 1
    y = x - diagonal
    while x < len(left) and y < len(right) and left[x] == right[y]:
        x, y = x + 1, y + 1
    return x


def _backward(
    behind: dict[int, int], diagonal: int, left: Sequence[str], right: Sequence[str]
) -> int:
    far = len(left) + 1
    below, above = behind.get(diagonal - 1, far), behind.get(diagonal + 1, far)
    x = below if below < above else above - 1
    y = x - diagonal
    while x > 0 and y > 0 and left[x - 1] == right[y - 1]:
        x, y = x - 1, y - 1
    return x


# -- sliding


def _slide(found: list[int | None], lines: Sequence[str], others: int) -> None:
    """Slide each run of unmatched lines: together with its neighbours, then down, if the lines
    allow it; to a place where the other text has a run too, if there is one."""
    place = 0
    while place < len(lines):
        if found[place] is not None:
            place += 1
            continue
        run = _Run(found, lines, others, place)
        run.settle()
        place = run.end


@dataclass(slots=True)
class _Run:
    """Neighbouring lines without a match."""

    found: list[int | None]
    lines: Sequence[str]
    others: int
    """How many lines the other text has."""
    start: int
    end: int = 0

    def settle(self) -> None:
        """Find the run's place."""
        self.end = self.start
        self._grow()
        length = 0
        beside: int | None = None
        while length != self.end - self.start:
            length = self.end - self.start
            while self._up():
                pass
            beside = self.end if self._beside() else None
            while self._down():
                if self._beside():
                    beside = self.end
        while beside is not None and beside < self.end:
            self._up()

    def _grow(self) -> None:
        while self.end < len(self.lines) and self.found[self.end] is None:
            self.end += 1

    def _up(self) -> bool:
        """Slide by one line towards the beginning."""
        if not self.start or self.lines[self.start - 1] != self.lines[self.end - 1]:
            return False
        self.start, self.end = self.start - 1, self.end - 1
        self.found[self.end], self.found[self.start] = self.found[self.start], None
        while self.start and self.found[self.start - 1] is None:
            self.start -= 1
        return True

    def _down(self) -> bool:
        """Slide by one line towards the end."""
        if self.end == len(self.lines) or self.lines[self.start] != self.lines[self.end]:
            return False
        self.found[self.start], self.found[self.end] = self.found[self.end], None
        self.start, self.end = self.start + 1, self.end + 1
        self._grow()
        return True

    def _beside(self) -> bool:
        """Whether the other text has unmatched lines at this place."""
        before = self.found[self.start - 1] if self.start else -1
        after = self.found[self.end] if self.end < len(self.lines) else self.others
        assert before is not None
        assert after is not None
        return after - before > 1


# -- hunks


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines of the left text that are replaced by lines of the right one."""

    start: int
    end: int
    new_start: int
    new_end: int


def _changes(found: Sequence[int | None], others: int) -> Iterator[_Change]:
    place = other = 0
    while place < len(found) or other < others:
        start, new_start = place, other
        while place < len(found) and found[place] is None:
            place += 1
        kept = found[place] if place < len(found) else others
        assert kept is not None
        if place > start or kept > other:
            yield _Change(start, place, new_start, kept)
        place, other = place + 1, kept + 1


def _hunks(changes: Sequence[_Change]) -> Iterator[list[_Change]]:
    """Changes that share their context."""
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _hunk(changes: Sequence[_Change], left: Sequence[str], right: Sequence[str]) -> list[str]:
    first, last = changes[0], changes[-1]
    before = min(first.start, _CONTEXT)
    after = min(len(left) - last.end, _CONTEXT)
    start, end = first.start - before, last.end + after
    old = _span(start, end)
    new = _span(first.new_start - before, last.new_end + after)
    out = [f"@@ -{old} +{new} @@\n"]
    place = start
    for change in changes:
        out += [f" {line}\n" for line in left[place : change.start]]
        out += [f"-{line}\n" for line in left[change.start : change.end]]
        out += [f"+{line}\n" for line in right[change.new_start : change.new_end]]
        place = change.end
    return out + [f" {line}\n" for line in left[place:end]]


def _span(start: int, end: int) -> str:
    """Lines from `start` (counted from 0) to `end`, as a hunk's header tells them."""
    if end - start == 1:
        return str(end)
    return f"{start + 1 if end > start else start},{end - start}"
