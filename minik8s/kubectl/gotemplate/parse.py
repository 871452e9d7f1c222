"""From a template's tokens to its nodes."""

from __future__ import annotations

from typing import NoReturn

from minik8s.kubectl.gotemplate.functions import FUNCTIONS
from minik8s.kubectl.gotemplate.lex import Token, tokens
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
    TemplateError,
    Text,
    Variable,
)
from minik8s.kubectl.gotext import parse_int, quote, unquote
from minik8s.kubectl.govalue import Int

_OPERANDS = frozenset(
    ["bool", "character", "dot", "field", "identifier", "number", "nil", "string", "variable", "("]
)


def parse(text: str) -> dict[str, list[Node]]:
    """The nodes of a template and of those that it defines, by name; raises TemplateError."""
    parser = _Parser(text)
    parser.template()
    return parser.trees


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._next = 0
        self._variables = ["$"]
        self._loops = 0
        self._action_line = 0
        self.trees: dict[str, list[Node]] = {}

    # -- tokens

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _peek(self) -> Token:
        return self._tokens[min(self._next, len(self._tokens) - 1)]

    def _peek_word(self) -> Token:
        while self._peek().type == "space":
            self._take()
        return self._peek()

    def _take_word(self) -> Token:
        self._peek_word()
        return self._take()

    def _fail(self, message: str) -> NoReturn:
        line = self._tokens[min(max(self._next, 1), len(self._tokens)) - 1].line
        raise TemplateError(f"template: {NAME}:{line}: {message}")

    def _unexpected(self, token: Token, context: str) -> NoReturn:
        if token.type == "error":
            extra = ""
            if self._action_line and self._action_line != token.line:
                extra = f" in action started at {NAME}:{self._action_line}"
                if token.text.endswith(" action"):
                    extra = extra.removeprefix(" in action")
            raise TemplateError(f"template: {NAME}:{token.line}: {token.text}{extra}")
        raise TemplateError(f"template: {NAME}:{token.line}: unexpected {token} in {context}")

    def _expect(self, kind: str, context: str) -> Token:
        token = self._take_word()
        if token.type != kind:
            self._unexpected(token, context)
        return token

    # -- nodes

    def template(self) -> None:
        """Read the whole text."""
        nodes: list[Node] = []
        while self._peek().type != "EOF":
            if self._peek().type == "left" and self._defines():
                self._definition()
                continue
            node = self._node()
            if isinstance(node, Token):
                self._fail(f"unexpected {{{{{node.text}}}}}")
            nodes.append(node)
        self._add(NAME, nodes)

    def _defines(self) -> bool:
        place = self._next + 1
        while self._tokens[place].type == "space":
            place += 1
        return self._tokens[place].type == "define"

    def _add(self, name: str, nodes: list[Node]) -> None:
        if name not in self.trees or any(
            not isinstance(node, Text) or node.text.strip() for node in nodes
        ):
            self.trees[name] = nodes

    def _definition(self) -> None:
        self._take()
        self._take_word()
        name = self._template_name("define clause")
        self._expect("right", "define clause")
        self._add(name, self._body_of_template("define clause"))

    def _body_of_template(self, context: str) -> list[Node]:
        outer, self._variables = self._variables, ["$"]
        body, end = self._list()
        if end.type != "end":
            self._fail(f"unexpected {{{{{end.text}}}}} in {context}")
        self._variables = outer
        return body

    def _list(self) -> tuple[list[Node], Token]:
        nodes: list[Node] = []
        while self._peek_word().type != "EOF":
            node = self._node()
            if isinstance(node, Token):
                return nodes, node
            nodes.append(node)
        self._take()
        self._fail("unexpected EOF")
        return None

    def _node(self) -> Node | Token:
        """The next node; a token where `{{else}}` or `{{end}}` stands."""
        token = self._take_word()
        if token.type == "text":
            return Text(token.place, token.text)
        if token.type != "left":
            self._unexpected(token, "input")
        self._action_line = token.line
        node = self._action()
        self._action_line = 0
        return node

    def _action(self) -> Node | Token:
        token = self._take_word()
        if token.type in ("if", "with", "range"):
            return self._branch(token.type)
        if token.type == "end":
            self._expect("right", "end")
            return token
        if token.type == "else":
            if self._peek_word().type not in ("if", "with"):
                self._expect("right", "else")
            return token
        if token.type in ("break", "continue"):
            return self._jump(token)
        if token.type in ("template", "block"):
            return self._call(token)
        self._next -= 1
        pipe = self._pipe("command", "right")
        return Action(token.place, pipe)

    def _jump(self, token: Token) -> Jump:
        word = f"{{{{{token.type}}}}}"
        self._expect("right", word)
        if not self._loops:
            self._fail(f"{word} outside {{{{range}}}}")
        return Jump(token.place, token.type)

    def _branch(self, word: str) -> Branch:
        known = len(self._variables)
        pipe = self._pipe(word, "right")
        self._loops += word == "range"
        body, end = self._list()
        self._loops -= word == "range"
        otherwise: list[Node] | None = None
        if end.type == "else":
            if word in ("if", "with") and self._peek().type == word:
                self._take()
                otherwise = [self._branch(word)]
            else:
                otherwise, end = self._list()
                if end.type != "end":
                    self._fail(f"expected end; found {{{{{end.text}}}}}")
        del self._variables[known:]
        return Branch(pipe.place, word, pipe, body, otherwise)

    def _call(self, token: Token) -> Call:
        context = f"{token.type} clause"
        name_place = self._peek_word().place
        name = self._template_name(context)
        pipe = None
        if token.type == "block" or self._peek_word().type != "right":
            pipe = self._pipe(context, "right")
        else:
            self._take()
        if token.type == "block":
            self._add(name, self._body_of_template(context))
        return Call(name_place, name, pipe)

    def _template_name(self, context: str) -> str:
        return self._unquoted(self._expect("string", context).text)

    def _unquoted(self, word: str) -> str:
        try:
            return word[1:-1] if word[0] == "`" else unquote(word[1:-1], word[0])
        except ValueError as error:
            self._fail(str(error))

    # -- pipelines

    def _pipe(self, context: str, end: str) -> Pipe:
        pipe = Pipe(self._peek_word().place)
        self._declarations(pipe, context)
        while True:
            token = self._take_word()
            if token.type == end:
                self._check(pipe, context)
                return pipe
            if token.type not in _OPERANDS:
                self._unexpected(token, context)
            self._next -= 1
            pipe.commands.append(self._command())

    def _declarations(self, pipe: Pipe, context: str) -> None:
        while self._peek_word().type == "variable":
            back = self._next
            variable = self._take()
            sign = self._peek_word()
            comma = sign.type == "char" and sign.text == ","
            if sign.type not in ("=", ":=") and not comma:
                self._next = back
                return
            self._take()
            pipe.variables.append(Variable(variable.place, variable.text.split(".")))
            self._variables.append(variable.text)
            if not comma:
                pipe.assigns = sign.type == "="
                return
            if context != "range" or len(pipe.variables) > 1:
                self._fail(f"too many declarations in {context}")
            if self._peek_word().type not in ("variable", "right", ")"):
                self._fail("range can only initialize variables")

    def _check(self, pipe: Pipe, context: str) -> None:
        if not pipe.commands:
            self._fail(f"missing value for {context}")
        for number, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.arguments[0], (Literal, Dot)):
                self._fail(f"non executable command in pipeline stage {number}")

    def _command(self) -> Command:
        command = Command(self._peek_word().place)
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                command.arguments.append(operand)
            token = self._take()
            if token.type == "space":
                continue
            if token.type in ("right", ")"):
                self._next -= 1
            elif token.type != "|":
                self._unexpected(token, "operand")
            break
        if not command.arguments:
            self._fail("empty command")
        return command

    def _operand(self) -> Operand | None:
        node = self._term()
        if node is None or self._peek().type != "field":
            return node
        place, names = self._peek().place, []
        while self._peek().type == "field":
            names.append(self._take().text[1:])
        if isinstance(node, Field):
            return Field(place, node.names + names)
        if isinstance(node, Variable):
            return Variable(place, node.names + names)
        if isinstance(node, (Literal, Dot)):
            self._fail(f"unexpected . after term {quote(str(node))}")
        return Chain(place, node, names)

    def _term(self) -> Operand | None:
        token = self._take_word()
        match token.type:
            case "identifier":
                if token.text not in FUNCTIONS:
                    self._fail(f"function {quote(token.text)} not defined")
                return Function(token.place, token.text)
            case "dot":
                return Dot(token.place)
            case "nil":
                return Literal(token.place, "nil", None)
            case "variable":
                if token.text not in self._variables:
                    self._fail(f"undefined variable {quote(token.text)}")
                return Variable(token.place, [token.text])
            case "field":
                return Field(token.place, [token.text[1:]])
            case "bool":
                return Literal(token.place, token.text, token.text == "true")
            case "character":
                return Literal(token.place, token.text, self._character(token.text))
            case "number":
                return Literal(token.place, token.text, self._number(token.text))
            case "(":
                return self._pipe("parenthesized pipeline", ")")
            case "string":
                return Literal(token.place, token.text, self._unquoted(token.text))
        self._next -= 1
        return None

    def _character(self, word: str) -> int:
        char = self._unquoted(word)
        if len(char) != 1:
            self._fail(f"malformed character constant: {word}")
        return Int(ord(char))

    def _number(self, word: str) -> int | float:
        try:
            return Int(parse_int(word))
        except ValueError:
            pass
        try:
            value = float.fromhex(word) if "x" in word.lower() else float(word)
        except ValueError:
            self._fail(f"illegal number syntax: {quote(word)}")
        if any(char in word for char in ".eEpP"):
            return value
        self._fail(f"integer overflow: {quote(word)}")
        return None
