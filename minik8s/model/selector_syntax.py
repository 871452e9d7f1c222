"""The text behind `-l` and `labelSelector=`, read with the error texts of the real parser."""

from __future__ import annotations

from minik8s.model.formats import SelectorError, label_value, qualified_name, quote
from minik8s.model.requirements import (
    COMPARING,
    Operator,
    Requirement,
    Selector,
    by_key,
    integer,
)

_BINARY = [
    operator for operator in Operator if operator not in (Operator.EXISTS, Operator.DOES_NOT_EXIST)
]
_SPECIAL = "=!(),><"
_BLANK = " \t\r\n"
_SYMBOLS = frozenset({")", ",", "!", "==", "=", ">", "<", "!=", "("})
_END = "end"
_IDENTIFIER = "identifier"


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
            # apimachinery's own tests have this text without the words that go before it here;
            # the recorded answer of the API has them.
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
    """What is wrong with one requirement; the message for the client begins one level up."""


def _checked(key: str, operator: Operator, values: tuple[str, ...]) -> Requirement:
    errors = []
    if operator in COMPARING and integer(values[0]) is None:
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


def parse_selector(text: str) -> Selector:
    """The selector that a query's text means, sorted by key; raises SelectorError.

    >>> str(parse_selector("tier notin (db), app=web"))
    'app=web,tier notin (db)'

    Syntax: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`,
    joined by commas.
    """
    return by_key(_Parser(text).parse())
