"""The paper that `kubectl describe` writes on: lines at levels, cells lined up by tabs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from minik8s.kubectl.tables import escape_terminal
from minik8s.kubectl.tabwriter import TabWriter

_STEP = "  "


class Writer:
    """Collects lines; `text` is all of them with their cells lined up.

    Cells of a line are separated by tabs. A level is two spaces before the first cell.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._level = 0

    def line(self, level: int, *cells: object) -> None:
        """Add a line; all cells but the last belong to columns."""
        self.write(level, "\t".join(map(str, cells)) + "\n")

    def write(self, level: int, text: str) -> None:
        """Add text that ends where it ends."""
        self._parts.append(escape_terminal(_STEP * (self._level + level) + text))

    @contextmanager
    def nested(self, levels: int) -> Iterator[Writer]:
        """Within the block every line stands further to the right."""
        self._level += levels
        try:
            yield self
        finally:
            self._level -= levels

    @property
    def text(self) -> str:
        """Everything written, lined up."""
        out: list[str] = []
        aligned = TabWriter(out.append, 0, 2)
        aligned.write("".join(self._parts))
        aligned.flush()
        return "".join(out)

    @property
    def bare(self) -> str:
        """Everything written, with the tabs between its cells."""
        return "".join(self._parts)

    # -- maps and lists of a field

    def labels(self, title: str, labels: Mapping[str, str] | None, indent: str = "") -> None:
        """A map, one `key=value` a line, in the order of its keys; `<none>` if it is empty."""
        pairs = [f"{key}={value}" for key, value in sorted((labels or {}).items())]
        self.values(title, pairs, indent)

    def values(self, title: str, values: Iterable[str], indent: str = "") -> None:
        """A field's values one below the other; `<none>` if there are none."""
        self.write(0, f"{indent}{title}:\t")
        for place, value in enumerate(list(values) or ["<none>"]):
            if place:
                self.write(0, indent)
                self.write(0, "\t")
            self.write(0, f"{value}\n")
