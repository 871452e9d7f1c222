"""kubectl's JSONPath: templates with paths in braces (k8s.io/client-go/util/jsonpath)."""

from __future__ import annotations

import re
from typing import Any

from minik8s.kubectl.jsonpath.evaluate import Evaluation, print_results
from minik8s.kubectl.jsonpath.nodes import JSONPathError, List
from minik8s.kubectl.jsonpath.parse import parse

__all__ = ["JSONPath", "JSONPathError", "relaxed"]

_RELAXED = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")


class JSONPath:
    """One parsed template."""

    def __init__(self, text: str, *, allow_missing: bool = True) -> None:
        """Parse a template; raises JSONPathError."""
        self.text = text
        self._root: List = parse(text)
        self._allow_missing = allow_missing

    def find(self, data: Any) -> list[list[Any]]:
        """The values of each part of the template, in order; raises JSONPathError."""
        return Evaluation(self._root.nodes, self._allow_missing).find(data)

    def render(self, data: Any, *, as_json: bool = False) -> str:
        """The template filled in; raises JSONPathError."""
        return "".join(print_results(results, as_json) for results in self.find(data))


def relaxed(expression: str) -> str:
    """A path as people write it for columns and sorting, made complete; raises JSONPathError.

    >>> relaxed("metadata.name"), relaxed("{.a}"), relaxed(".b[0]")
    ('{.metadata.name}', '{.a}', '{.b[0]}')
    """
    if not expression:
        return expression
    match = _RELAXED.fullmatch(expression)
    if match is None:
        raise JSONPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or "
            "'{name1.name2}' or '{.name1.name2}'"
        )
    return f"{{.{match[1] or match[2]}}}"
