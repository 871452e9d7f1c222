"""Filling a template in.

Messages name the last node that was visited, so the walk notes each one as Go's does. A value
that came out of an object or a list is *boxed*: Go knows it as `interface {}`, and its messages
say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from minik8s.kubectl.gotemplate.functions import (
    FUNCTIONS,
    MISSING,
    TEXT_FIRST,
    Builtin,
    CallError,
    is_true,
)
from minik8s.kubectl.gotemplate.nodes import (
    NAME,
    Action,
    Branch,
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Function,
    Jump,
    Literal,
    Node,
    Operand,
    Pipe,
    Placed,
    TemplateError,
    Text,
    Variable,
)
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.govalue import Int, go_type, go_value

_DEEPEST = 100000


@dataclass(frozen=True, slots=True)
class Value:
    """A value, and whether it came out of a container."""

    data: Any
    boxed: bool = False

    def unboxed(self) -> Value:
        """The value itself; a null that came out of a container is nothing."""
        if not self.boxed:
            return self
        return NOTHING if self.data is None else Value(self.data)

    @property
    def type(self) -> str:
        """Its type, as a message names it."""
        return "interface {}" if self.boxed else go_type(self.data)


NOTHING = Value(MISSING)


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Execution:
    """One walk over a template."""

    def __init__(
        self, text: str, trees: Mapping[str, list[Node]], allow_missing: bool, out: list[str]
    ) -> None:
        self._text = text
        self._trees = trees
        self._allow_missing = allow_missing
        self._out = out
        self._at: Placed | None = None
        self._variables: list[tuple[str, Value]] = []
        self._template = NAME
        self._depth = 0

    def run(self, data: Any) -> None:
        """Print the template named by kubectl; raises TemplateError."""
        self._enter(NAME, Value(data))

    def _enter(self, name: str, dot: Value) -> None:
        outer = self._variables, self._template
        self._variables, self._template = [("$", dot)], name
        self._walk_all(self._trees[name], dot)
        self._variables, self._template = outer

    def _fail(self, message: str) -> NoReturn:
        node = self._at
        assert node is not None
        line = 1 + self._text.count("\n", 0, node.place)
        column = node.place - (self._text.rfind("\n", 0, node.place) + 1)
        raise TemplateError(
            f"template: {NAME}:{line}:{column}: executing {quote(self._template)} at "
            f"<{node}>: {message}"
        )

    # -- nodes

    def _walk_all(self, nodes: list[Node], dot: Value) -> None:
        for node in nodes:
            self._walk(node, dot)

    def _walk(self, node: Node, dot: Value) -> None:
        self._at = node
        match node:
            case Text():
                self._out.append(node.text)
            case Action():
                value = self._pipe(dot, node.pipe)
                if not node.pipe.variables:
                    self._at = node
                    self._out.append(_printed(value))
            case Jump():
                raise _Break if node.word == "break" else _Continue
            case Call():
                self._call(node, dot)
            case Branch():
                known = len(self._variables)
                if node.word == "range":
                    self._range(node, dot)
                else:
                    self._branch(node, dot)
                del self._variables[known:]

    def _branch(self, node: Branch, dot: Value) -> None:
        value = self._pipe(dot, node.pipe)
        if is_true(value.data):
            self._walk_all(node.body, value if node.word == "with" else dot)
        elif node.otherwise is not None:
            self._walk_all(node.otherwise, dot)

    def _range(self, node: Branch, dot: Value) -> None:
        value = self._pipe(dot, node.pipe).data
        entries: list[tuple[Value, Value]] = []
        if isinstance(value, list):
            entries = [
                (Value(Int(place)), Value(item, boxed=True)) for place, item in enumerate(value)
            ]
        elif isinstance(value, Mapping):
            entries = [(Value(key), Value(value[key], boxed=True)) for key in sorted(value)]
        elif isinstance(value, int) and not isinstance(value, bool):
            if len(node.pipe.variables) > 1:
                self._fail(f"can't use {value} to iterate over more than one variable")
            entries = [(NOTHING, Value(Int(number))) for number in range(value)]
        elif value is not MISSING:
            self._fail(f"range can't iterate over {go_value(value)}")
        self._loop(node, entries)
        if not entries and node.otherwise is not None:
            self._walk_all(node.otherwise, dot)

    def _loop(self, node: Branch, entries: list[tuple[Value, Value]]) -> None:
        known = len(self._variables)
        for place, item in entries:
            self._set_loop_variables(node.pipe, place, item)
            try:
                self._walk_all(node.body, item)
            except _Continue:
                pass
            except _Break:
                break
            finally:
                del self._variables[known:]

    def _set_loop_variables(self, pipe: Pipe, place: Value, item: Value) -> None:
        names = [variable.names[0] for variable in pipe.variables]
        values = [item] if len(names) == 1 else [place, item]
        for back, (name, value) in enumerate(zip(names, values, strict=False)):
            if pipe.assigns:
                self._assign(name, value)
            else:
                self._variables[back - len(names)] = (name, value)

    def _call(self, node: Call, dot: Value) -> None:
        if node.name not in self._trees:
            self._fail(f"template {quote(node.name)} not defined")
        if self._depth >= _DEEPEST:
            self._fail(f"exceeded maximum template depth ({_DEEPEST})")
        value = NOTHING if node.pipe is None else self._pipe(dot, node.pipe)
        self._depth += 1
        try:
            self._enter(node.name, value)
        except RecursionError:
            self._fail(f"exceeded maximum template depth ({_DEEPEST})")
        self._depth -= 1

    # -- values

    def _assign(self, name: str, value: Value) -> None:
        for place in range(len(self._variables) - 1, -1, -1):
            if self._variables[place][0] == name:
                self._variables[place] = (name, value)
                return
        self._fail(f"undefined variable: {name}")

    def _pipe(self, dot: Value, pipe: Pipe) -> Value:
        self._at = pipe
        value: Value | None = None
        for command in pipe.commands:
            value = self._command(dot, command, value).unboxed()
        assert value is not None
        for variable in pipe.variables:
            if pipe.assigns:
                self._assign(variable.names[0], value)
            else:
                self._variables.append((variable.names[0], value))
        return value

    def _command(self, dot: Value, command: Command, final: Value | None) -> Value:
        first = command.arguments[0]
        given = len(command.arguments) > 1 or final is not None
        match first:
            case Function():
                return self._function(dot, first, command, command.arguments[1:], final)
            case Field() | Chain() | Variable():
                return self._operand(dot, first, given=given)
            case Pipe():
                self._not_a_function(first, given)
                return self._pipe(dot, first)
        self._at = first
        self._not_a_function(first, given)
        if isinstance(first, Literal) and first.word == "nil":
            self._fail("nil is not a command")
        return self._operand(dot, first)

    def _not_a_function(self, node: Operand, given: bool) -> None:
        if given:
            self._fail(f"can't give argument to non-function {node}")

    def _operand(self, dot: Value, node: Operand, *, given: bool = False) -> Value:
        self._at = node
        match node:
            case Literal():
                return Value(node.value)
            case Dot():
                return dot
            case Field():
                return self._fields(dot, node.names, given)
            case Variable():
                value = self._variable(node.names[0])
                if len(node.names) == 1:
                    self._not_a_function(node, given)
                    return value
                return self._fields(value, node.names[1:], given)
            case Function():
                return self._function(dot, node, node, [], None)
            case Pipe():
                return self._pipe(dot, node)
            case Chain():
                if isinstance(node.node, Literal):
                    self._fail(f"indirection through explicit nil in {node}")
                value = self._operand(dot, node.node)
                return self._fields(value, node.names, given)

    def _variable(self, name: str) -> Value:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        self._fail(f"undefined variable: {name}")
        return None

    def _fields(self, value: Value, names: list[str], given: bool) -> Value:
        for name in names[:-1]:
            value = self._field(value, name, given=False)
        return self._field(value, names[-1], given)

    def _field(self, value: Value, name: str, given: bool) -> Value:
        data = value.data
        if data is MISSING:
            if not self._allow_missing:
                self._fail(f"nil data; no entry for key {quote(name)}")
            return NOTHING
        if data is None:
            self._fail(f"nil pointer evaluating {value.type}.{name}")
        if not isinstance(data, Mapping):
            self._fail(f"can't evaluate field {name} in type {value.type}")
        if given:
            self._fail(f"{name} is not a method but has arguments")
        if name in data:
            return Value(data[name], boxed=True)
        if not self._allow_missing:
            self._fail(f"map has no entry for key {quote(name)}")
        return NOTHING

    # -- functions

    def _function(
        self,
        dot: Value,
        node: Function,
        whole: Command | Function,
        arguments: list[Operand],
        final: Value | None,
    ) -> Value:
        self._at = node
        builtin = FUNCTIONS[node.name]
        self._check_count(node.name, builtin, len(arguments), final)
        if node.name in ("and", "or"):
            return self._until(dot, node.name == "or", arguments, final)
        values = [self._argument(dot, a, node.name, n) for n, a in enumerate(arguments)]
        if final is not None:
            values.append(self._checked(final, node.name, len(values)))
        data = [_given(value, builtin.raw) for value in values]
        try:
            result = builtin.call(data)
        except CallError as error:
            self._at = whole
            why = str(error)
            if why == "non-function":
                why += f" {arguments[0] if arguments else final} of type {go_type(data[0])}"
            self._fail(f"error calling {node.name}: {why}")
        return Value(result, boxed=node.name == "index" and len(values) > 1)

    def _check_count(self, name: str, builtin: Builtin, count: int, final: Value | None) -> None:
        given = count + (final is not None)
        if builtin.most is None and given < builtin.least:
            self._fail(
                f"wrong number of args for {name}: want at least {builtin.least} got {count}"
            )
        if builtin.most is not None and given != builtin.least:
            self._fail(f"wrong number of args for {name}: want {builtin.least} got {given}")

    def _until(
        self, dot: Value, wanted: bool, arguments: list[Operand], final: Value | None
    ) -> Value:
        value = NOTHING
        for argument in arguments:
            value = self._operand(dot, argument)
            if is_true(value.data) is wanted:
                return value
        return value if final is None else final

    def _argument(self, dot: Value, node: Operand, name: str, place: int) -> Value:
        self._at = node
        text = FUNCTIONS[name].text or (name in TEXT_FIRST and place == 0)
        if text and isinstance(node, Literal) and not isinstance(node.value, str):
            if node.value is None:
                self._fail("cannot assign nil to string")
            self._fail(f"expected string; found {node}")
        return self._checked(self._operand(dot, node), name, place)

    def _checked(self, value: Value, name: str, place: int) -> Value:
        """An argument of the right type: some functions take strings alone."""
        if not (FUNCTIONS[name].text or (name in TEXT_FIRST and place == 0)):
            return value
        if value.data is MISSING:
            self._fail("invalid value; expected string")
        if not isinstance(value.data, str):
            kind = "interface {}" if value.data is None else go_type(value.data)
            self._fail(f"wrong type for value; expected string; got {kind}")
        return value


def _given(value: Value, raw: bool) -> Any:
    return None if value.data is MISSING and not raw else value.data


def _printed(value: Value) -> str:
    return "<no value>" if value.data is MISSING else go_value(value.data)
