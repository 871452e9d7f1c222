"""Columns made of tab-separated cells, aligned with spaces (Go's text/tabwriter).

A cell ends with a tab; what follows the last tab of a line belongs to no column. A column is a
run of lines that have a cell there, and is as wide as its widest cell and the padding.
"""

from __future__ import annotations

from collections.abc import Callable


class TabWriter:
    """Keeps text until `flush`, then writes it aligned.

    With `remember`, a column never gets narrower from one flush to the next.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        least: int = 6,
        padding: int = 3,
        *,
        remember: bool = False,
    ) -> None:
        self._write = write
        self._least = least
        self._padding = padding
        self._remember = remember
        self._text: list[str] = []
        self._widest: list[int] = []

    def write(self, text: str) -> None:
        """Add text; cells end with a tab, lines with a line end."""
        self._text.append(text)

    def forget(self) -> None:
        """Forget the widths of earlier flushes."""
        self._widest = []

    def flush(self) -> None:
        """Write what has been added."""
        text = "".join(self._text)
        self._text = []
        if not text:
            return
        lines = [line.split("\t") for line in text.split("\n")]
        out: list[str] = []
        self._format(lines, 0, len(lines), [], out)
        self._write("\n".join(out))

    def _format(
        self, lines: list[list[str]], first: int, end: int, widths: list[int], out: list[str]
    ) -> None:
        column = len(widths)
        place = first
        while place < end:
            if column >= len(lines[place]) - 1:
                out.append(self._line(lines[place], widths))
                place += 1
                continue
            start, width = place, self._least
            while place < end and column < len(lines[place]) - 1:
                width = max(width, len(lines[place][column]) + self._padding)
                place += 1
            width = self._remembered(column, width)
            self._format(lines, start, place, [*widths, width], out)

    def _remembered(self, column: int, width: int) -> int:
        if not self._remember:
            return width
        if column < len(self._widest):
            width = self._widest[column] = max(width, self._widest[column])
        else:
            self._widest.append(width)
        return width

    def _line(self, cells: list[str], widths: list[int]) -> str:
        parts = [
            cell.ljust(widths[place]) if place < len(widths) else cell
            for place, cell in enumerate(cells)
        ]
        return "".join(parts)


def table_writer(write: Callable[[str], object]) -> TabWriter:
    """The writer of tables: columns of six characters at least, three spaces between them."""
    return TabWriter(write, 6, 3, remember=True)
