"""A selector that a person types, as the metav1.LabelSelector that it means."""

from __future__ import annotations

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.model.metadata import Document
from minik8s.model.selectors import Operator, Requirement, SelectorError, parse_selector

_EQUALS = (Operator.EQUALS, Operator.DOUBLE_EQUALS)


def parse_label_selector(text: str) -> Document:
    """The LabelSelector of `a=b,c in (d,e)` (metav1.ParseToLabelSelector); raises Failure."""
    try:
        requirements = parse_selector(text).requirements
    except SelectorError as error:
        raise Failure(f"couldn't parse the selector string {quote(text)}: {_bare(error)}") from None
    labels = {r.key: r.values[0] for r in requirements if r.operator in _EQUALS}
    expressions = [_expression(r) for r in requirements if r.operator not in _EQUALS]
    selector: Document = {}
    if labels:
        selector["matchLabels"] = dict(sorted(labels.items()))
    if expressions:
        selector["matchExpressions"] = expressions
    return selector


def _bare(error: SelectorError) -> str:
    return str(error).removeprefix("unable to parse requirement: ")


def _expression(requirement: Requirement) -> Document:
    words = {
        Operator.IN: "In",
        Operator.NOT_IN: "NotIn",
        Operator.NOT_EQUALS: "NotIn",
        Operator.EXISTS: "Exists",
        Operator.DOES_NOT_EXIST: "DoesNotExist",
    }
    word = words.get(requirement.operator)
    if word is None:
        raise Failure(f"{quote(requirement.operator)} isn't supported in label selectors")
    expression: Document = {"key": requirement.key, "operator": word}
    if requirement.values:
        expression["values"] = sorted(requirement.values)
    return expression
