"""Label selectors: which objects a policy, a Service or a query picks.

A *requirement* is a key, an operator and values; a *selector* is a list of requirements that
must all hold. The meaning is that of `k8s.io/apimachinery/pkg/labels/selector.go`: `NotIn` and
`DoesNotExist` hold for an object without the key, and a key with an empty value is a key.

Three sources: `metav1.LabelSelector` documents (`label_selector`), plain maps such as a Service's
`spec.selector` (`map_selector`) and the text behind `-l` (`parse_selector`). Selectors on fields
are made in `fields.py`, and can be had from here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from minik8s.model.fields import FieldSelector, parse_field_selector
from minik8s.model.formats import SelectorError, label_value, qualified_name, quote

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


class Operator(StrEnum):
    """How a requirement's key relates to its values (apimachinery's selection.Operator)."""

    IN = "in"
    NOT_IN = "notin"
    EQUALS = "="
    DOUBLE_EQUALS = "=="
    NOT_EQUALS = "!="
    GREATER_THAN = "gt"
    LESS_THAN = "lt"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"


_IN = frozenset({Operator.EQUALS, Operator.DOUBLE_EQUALS, Operator.IN})
_NOT_IN = frozenset({Operator.NOT_EQUALS, Operator.NOT_IN})
_COMPARING = frozenset({Operator.GREATER_THAN, Operator.LESS_THAN})
_BINARY = [
    operator for operator in Operator if operator not in (Operator.EXISTS, Operator.DOES_NOT_EXIST)
]
_WHOLE_NUMBER = re.compile("[+-]?[0-9]+")
_EXPRESSIONS = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}
"""The operators of metav1.LabelSelectorRequirement."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on an object's labels."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the condition."""
        value = labels.get(self.key)
        operator = self.operator
        if operator in _IN:
            return value is not None and value in self.values
        if operator in _NOT_IN:
            return value is None or value not in self.values
        if operator is Operator.EXISTS:
            return value is not None
        if operator is Operator.DOES_NOT_EXIST:
            return value is None
        return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        number, bound = _integer(value), _integer(self.values[0])
        if number is None or bound is None:
            return False
        return number > bound if self.operator is Operator.GREATER_THAN else number < bound

    def __str__(self) -> str:
        values = ",".join(sorted(self.values))
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator} ({values})"
            case Operator.GREATER_THAN:
                return f"{self.key}>{values}"
            case Operator.LESS_THAN:
                return f"{self.key}<{values}"
            case _:
                return f"{self.key}{self.operator}{values}"


def _integer(text: str | None) -> int | None:
    """A whole number of 64 bits as Go's strconv.ParseInt reads it, or None."""
    if text is None or not _WHOLE_NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all hold; without any, everything is selected.

    >>> str(parse_selector("tier notin (db), app=web"))
    'app=web,tier notin (db)'
    >>> parse_selector("app=web").matches({"app": "web", "tier": "front"})
    True
    """

    requirements: tuple[Requirement, ...] = ()
    selectable: bool = True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet every requirement."""
        if not self.selectable:
            return False
        for requirement in self.requirements:  # noqa: SIM110 - a plain loop is twice as fast
            if not requirement.matches(labels):
                return False
        return True

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return self.selectable and not self.requirements

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = Selector()
NOTHING = Selector(selectable=False)


def _sorted(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda requirement: requirement.key))


def map_selector(labels: Mapping[str, str] | None) -> Selector:
    """The selector that asks for every given label; None and {} select everything.

    A Service without a selector selects nothing: its callers ask that first.
    """
    return Selector(
        _sorted(Requirement(k, Operator.EQUALS, (v,)) for k, v in (labels or {}).items())
    )


def label_selector(document: Mapping[str, Any] | None) -> Selector:
    """The meaning of a metav1.LabelSelector; None selects nothing, {} everything.

    Raises SelectorError for an operator that the API does not know.
    """
    if document is None:
        return NOTHING
    labels = document.get("matchLabels") or {}
    requirements = [Requirement(key, Operator.IN, (value,)) for key, value in labels.items()]
    requirements += [_requirement(entry) for entry in document.get("matchExpressions") or ()]
    return Selector(_sorted(requirements))


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
    return ",".join(map(str, _sorted(requirements))) or "<none>"


def parse_selector(text: str) -> Selector:
    """The selector that a query's text means, sorted by key; raises SelectorError.

    Syntax: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`,
    joined by commas.
    """
    return Selector(_sorted(_Parser(text).parse()))


_SPECIAL = "=!(),><"
_BLANK = " \t\r\n"
_SYMBOLS = frozenset({")", ",", "!", "==", "=", ">", "<", "!=", "("})
_END = "end"
_IDENTIFIER = "identifier"
_ERROR = "error"


def _tokens(text: str) -> list[tuple[str, str]]:
    """The text cut into (type, literal); the type of a symbol or of in/notin is itself."""
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        start = position
        if text[position] in _BLANK:
            position += 1
        elif text[position] in _SPECIAL:
            token, position = _symbol(text, position)
            tokens.append(token)
        else:
            while position < len(text) and text[position] not in _SPECIAL + _BLANK:
                position += 1
            word = text[start:position]
            tokens.append((word if word in ("in", "notin") else _IDENTIFIER, word))
    return [*tokens, (_END, "")]


def _symbol(text: str, start: int) -> tuple[tuple[str, str], int]:
    """The longest known symbol at a position, and where it ends."""
    for length in (2, 1):
        symbol = text[start : start + length]
        if symbol in _SYMBOLS:
            return (symbol, symbol), start + len(symbol)
    raise AssertionError(f"{text[start]!r} is a symbol of its own")


class _Parser:
    """Recursive descent over the tokens, with the error texts of the real parser."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.position = 0

    def peek(self) -> tuple[str, str]:
        """The next token where a key or a value may stand: in/notin are words there."""
        kind, literal = self.tokens[self.position]
        return (_IDENTIFIER if kind in ("in", "notin") else kind), literal

    def take(self) -> tuple[str, str]:
        token = self.peek()
        if self.position < len(self.tokens) - 1:
            self.position += 1
        return token

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        kind, literal = self.peek()
        while kind != _END:
            if kind not in (_IDENTIFIER, "!"):
                raise SelectorError(
                    f"found '{literal}', expected: !, identifier, or 'end of string'"
                )
            try:
                requirements.append(self.requirement())
                kind, literal = self.separator()
            except _RequirementError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
        return requirements

    def separator(self) -> tuple[str, str]:
        """Step over the comma; the token after it, or the end."""
        kind, literal = self.take()
        if kind == _END:
            return kind, literal
        if kind != ",":
            raise _RequirementError(f"found '{literal}', expected: ',' or 'end of string'")
        kind, literal = self.peek()
        if kind not in (_IDENTIFIER, "!"):
            raise SelectorError(f"found '{literal}', expected: identifier after ','")
        return kind, literal

    def requirement(self) -> Requirement:
        kind, key = self.take()
        negated = kind == "!"
        if negated:
            kind, key = self.take()
        if kind != _IDENTIFIER:
            raise _RequirementError(f"found '{key}', expected: identifier")
        if complaints := qualified_name(key):
            raise _RequirementError(f"<nil>: Invalid value: {quote(key)}: {'; '.join(complaints)}")
        if negated:
            return Requirement(key, Operator.DOES_NOT_EXIST)
        if self.peek()[0] in (_END, ","):
            return Requirement(key, Operator.EXISTS)
        operator = self.operator()
        values = self.values() if operator in (Operator.IN, Operator.NOT_IN) else self.value()
        return _checked(key, operator, tuple(sorted(values)))

    def operator(self) -> Operator:
        kind, literal = self.tokens[self.position]
        self.take()
        symbol = {">": "gt", "<": "lt"}.get(kind, kind)
        if symbol not in _BINARY:
            raise _RequirementError(f"found '{literal}', expected: {', '.join(_BINARY)}")
        return Operator(symbol)

    def value(self) -> set[str]:
        if self.peek()[0] in (_END, ","):
            return {""}
        kind, literal = self.take()
        if kind != _IDENTIFIER:
            raise _RequirementError(f"found '{literal}', expected: identifier")
        return {literal}

    def values(self) -> set[str]:
        kind, literal = self.take()
        if kind != "(":
            raise _RequirementError(f"found '{literal}' expected: '('")
        kind, literal = self.peek()
        if kind == ")":
            self.take()
            return {""}
        if kind not in (_IDENTIFIER, ","):
            raise _RequirementError(f"found '{literal}', expected: ',', ')' or identifier")
        return self.value_list()

    def value_list(self) -> set[str]:
        """The values up to the closing parenthesis; nothing between commas is the empty value."""
        values: set[str] = set()
        wanted = True
        while True:
            kind, literal = self.take()
            if kind == ")":
                return values | {""} if wanted else values
            if kind == ",":
                if wanted:
                    values.add("")
                wanted = True
            elif kind == _IDENTIFIER and wanted:
                values.add(literal)
                wanted = False
            elif wanted:
                raise _RequirementError(f"found '{literal}', expected: ',', or identifier")
            else:
                raise _RequirementError(f"found '{literal}', expected: ',' or ')'")


class _RequirementError(Exception):
    pass


def _checked(key: str, operator: Operator, values: tuple[str, ...]) -> Requirement:
    errors = []
    if operator in _COMPARING and _integer(values[0]) is None:
        errors.append(
            f"values[0]: Invalid value: {quote(values[0])}: for 'Gt', 'Lt' operators, "
            "the value must be an integer"
        )
    for index, value in enumerate(values):
        if complaints := label_value(value):
            errors.append(
                f"values[{index}][{key}]: Invalid value: {quote(value)}: {'; '.join(complaints)}"
            )
    if errors:
        raise _RequirementError(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    return Requirement(key, operator, values)
