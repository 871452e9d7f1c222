"""The parts of a template, each with its place in the text and its own text for messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

NAME = "output"
"""What kubectl calls its template; messages begin with it."""


class TemplateError(Exception):
    """A template that cannot be read, or not be filled in."""


@dataclass(slots=True)
class Text:
    """Text that is printed as it is."""

    place: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Literal:
    """A string, number, truth value or `nil`; `word` is how it was written."""

    place: int
    word: str
    value: str | int | float | bool | None

    def __str__(self) -> str:
        return self.word


@dataclass(slots=True)
class Dot:
    """`.`."""

    place: int

    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Field:
    """`.a.b`."""

    place: int
    names: list[str]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Variable:
    """`$x.a`; the first name has its `$`."""

    place: int
    names: list[str]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class Function:
    """A function's name."""

    place: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Chain:
    """Fields of something in parentheses, or of a function's result."""

    place: int
    node: Operand
    names: list[str]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Command:
    """A function with arguments, or one value."""

    place: int
    arguments: list[Operand] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(f"({a})" if isinstance(a, Pipe) else str(a) for a in self.arguments)


@dataclass(slots=True)
class Pipe:
    """Commands, each taking the one before as its last argument; may set variables."""

    place: int
    commands: list[Command] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    assigns: bool = False

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.variables:
            return text
        sign = " = " if self.assigns else " := "
        return ", ".join(map(str, self.variables)) + sign + text


@dataclass(slots=True)
class Action:
    """`{{pipe}}`."""

    place: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True)
class Branch:
    """`{{if}}`, `{{with}}` or `{{range}}`, with its `{{else}}`."""

    place: int
    word: str
    pipe: Pipe
    body: list[Node]
    otherwise: list[Node] | None

    def __str__(self) -> str:
        text = f"{{{{{self.word} {self.pipe}}}}}" + "".join(map(str, self.body))
        if self.otherwise is not None:
            text += "{{else}}" + "".join(map(str, self.otherwise))
        return text + "{{end}}"


@dataclass(slots=True)
class Jump:
    """`{{break}}` or `{{continue}}`."""

    place: int
    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(slots=True)
class Call:
    """`{{template "name" pipe}}`."""

    place: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        text = f'{{{{template "{self.name}"'
        return f"{text} {self.pipe}}}}}" if self.pipe else text + "}}"


Operand: TypeAlias = Literal | Dot | Field | Variable | Function | Chain | Pipe
Node: TypeAlias = Text | Action | Branch | Jump | Call
Placed: TypeAlias = Operand | Node | Command
