"""Answers about a running cluster: the data of this package, which print as their text.

`enforced` is False where no network plugin enforces policies: what policies say stands, and
the text begins by saying that nothing comes of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from minik8s.analysis import matrix_text
from minik8s.analysis.diff import Difference
from minik8s.analysis.explain import Explanation
from minik8s.analysis.explain_text import explain_data, explain_text
from minik8s.analysis.matrix import Matrix
from minik8s.analysis.matrix_text import Grid, Port
from minik8s.analysis.report import diff_text
from minik8s.model.metadata import Document

NOT_ENFORCED = "No network plugin enforces policies here: every connection passes. They say:\n"


class Printer(Protocol):
    """What IPython hands to `_repr_pretty_`."""

    def text(self, text: str) -> None:
        """Print a text."""


def _introduced(text: str, enforced: bool) -> str:
    return (text if enforced else NOT_ENFORCED + text).rstrip("\n")


@dataclass(frozen=True, slots=True)
class Explained(Explanation):
    """An explanation; `print` shows every rule that was tried."""

    enforced: bool = True

    @classmethod
    def of(cls, explanation: Explanation, enforced: bool) -> Explained:
        """An explanation, as an answer."""
        values = {each.name: getattr(explanation, each.name) for each in fields(explanation)}
        return cls(**values, enforced=enforced)

    def __str__(self) -> str:
        return _introduced(explain_text(self), self.enforced)

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        printer.text(str(self))

    def data(self) -> dict[str, object]:
        """The explanation as JSON data, as `minik8s explain -o json` prints it."""
        return explain_data(self)


class AllPairs(Matrix):
    """A matrix; `print` shows it as a table, for one port or for all of them."""

    __slots__ = ("enforced", "namespaces", "port")

    def __init__(
        self,
        documents: Sequence[Document],
        port: Port | None = None,
        namespaces: Collection[str] = (),
        enforced: bool = True,
    ) -> None:
        super().__init__(documents)
        self.port = port
        self.namespaces = namespaces
        self.enforced = enforced

    @property
    def grid(self) -> Grid:
        """Rows, columns and cells: what every rendering is made of."""
        grid = Grid.of(self, self.port)
        return grid.within(self.namespaces) if self.namespaces else grid

    def render(self, output: str = "table") -> str:
        """The matrix as `table`, `wide`, `json`, `csv`, `dot` or `svg`."""
        return matrix_text.FORMATS[output](self.grid)

    def __str__(self) -> str:
        return _introduced(self.render("table" if self.port else "wide"), self.enforced)

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        printer.text(str(self))

    def _repr_svg_(self) -> str:
        return self.render("svg")


@dataclass(frozen=True, slots=True)
class Changed(Difference):
    """What a change would open and close; true if it does anything."""

    enforced: bool = True

    def __str__(self) -> str:
        return _introduced(diff_text(self), self.enforced)

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        printer.text(str(self))
