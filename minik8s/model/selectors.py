"""Label selectors: which objects a policy, a Service or a query picks.

Three sources: `metav1.LabelSelector` documents (`label_selector`), plain maps such as a Service's
`spec.selector` (`map_selector`) and the text behind `-l` (`parse_selector`). What they are made
of is in `requirements.py`, how the text is read in `selector_syntax.py`, and selectors on fields
in `fields.py`; all can be had from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.model.fields import FieldSelector, parse_field_selector
from minik8s.model.formats import SelectorError, quote
from minik8s.model.requirements import (
    EVERYTHING,
    NOTHING,
    Operator,
    Requirement,
    Selector,
    by_key,
)
from minik8s.model.selector_syntax import parse_selector

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "FieldSelector",
    "Operator",
    "Requirement",
    "Selector",
    "SelectorError",
    "format_label_selector",
    "label_selector",
    "map_selector",
    "parse_field_selector",
    "parse_selector",
]

_EXPRESSIONS = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}
"""The operators of metav1.LabelSelectorRequirement."""


def map_selector(labels: Mapping[str, str] | None) -> Selector:
    """The selector that asks for every given label; None and {} select everything.

    A Service without a selector selects nothing: its callers ask that first.
    """
    return by_key(Requirement(k, Operator.EQUALS, (v,)) for k, v in (labels or {}).items())


def label_selector(document: Mapping[str, Any] | None) -> Selector:
    """The meaning of a metav1.LabelSelector; None selects nothing, {} everything.

    Raises SelectorError for an operator that the API does not know.
    """
    if document is None:
        return NOTHING
    labels = document.get("matchLabels") or {}
    requirements = [Requirement(key, Operator.IN, (value,)) for key, value in labels.items()]
    requirements += [_requirement(entry) for entry in document.get("matchExpressions") or ()]
    return by_key(requirements)


def _requirement(expression: Mapping[str, Any]) -> Requirement:
    operator = _EXPRESSIONS.get(expression.get("operator", ""))
    if operator is None:
        raise SelectorError(
            f"{quote(expression.get('operator', ''))} is not a valid label selector operator"
        )
    return Requirement(expression.get("key", ""), operator, tuple(expression.get("values") or ()))


def format_label_selector(document: Mapping[str, Any] | None) -> str:
    """A metav1.LabelSelector as tables and `describe` print it; `<none>` if it has no parts.

    >>> format_label_selector({"matchLabels": {"app": "web"}})
    'app=web'
    """
    if document is None:
        return "<none>"
    labels = document.get("matchLabels") or {}
    requirements = [Requirement(key, Operator.EQUALS, (value,)) for key, value in labels.items()]
    try:
        requirements += [_requirement(entry) for entry in document.get("matchExpressions") or ()]
    except SelectorError:
        return "<error>"
    return str(by_key(requirements)) or "<none>"
