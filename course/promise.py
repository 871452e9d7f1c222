"""What a command must print, and whether it did.

A promise is written under its command as comment lines that begin with `#>`. Output and
promise are compared line by line; runs of white space count as one blank, and `…` stands for
what no two clusters share: names, addresses, ages. A line that is only `…` stands for any
number of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import ndiff

MARK = "#>"
ANY = "…"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Promise:
    """The lines that must come out; no lines promise silence."""

    lines: tuple[str, ...]

    def kept_by(self, output: str) -> bool:
        """Whether an output is what was promised.

        >>> Promise(("pod/web-… 1/1 Running",)).kept_by("pod/web-kx4sz   1/1   Running")
        True
        """
        return _match(self.lines, visible_lines(output))

    def difference(self, output: str) -> str:
        """Promise and output side by side, for a person: `-` promised, `+` came out."""
        return "\n".join(
            line.rstrip()
            for line in ndiff(list(self.lines), visible_lines(output))
            if not line.startswith("?")
        )


def visible_lines(output: str) -> list[str]:
    """The lines a person reads: without colours, carriage returns, trailing blanks, empty ends."""
    lines = [line.rstrip() for line in _COLOUR.sub("", output).replace("\r", "").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _match(promised: tuple[str, ...], lines: list[str]) -> bool:
    """Backtracking over `…` lines; every other line must match its own."""
    if not promised:
        return not lines
    first, rest = promised[0], promised[1:]
    if first.strip() == ANY:
        return any(_match(rest, lines[skipped:]) for skipped in range(len(lines) + 1))
    return bool(lines) and _line_matches(first, lines[0]) and _match(rest, lines[1:])


def _line_matches(promised: str, line: str) -> bool:
    words = [
        r"\S+".join(re.escape(part) for part in word.split(ANY)) if ANY in word else re.escape(word)
        for word in promised.split()
    ]
    return re.fullmatch(r"\s+".join(words), line.strip()) is not None
