"""Words, quotes and expansions of a bash script: the lower half of the reader.

A *span* is a pair of offsets into the script. The grammar is that of POSIX.1-2024, "Shell
Command Language", and of the bash manual.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

BLANKS = " \t"
METACHARACTERS = " \t\n;&|()<>"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9][0-9A-Za-z#@_]*")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\])?\+?=")
_SPECIAL = "?#$!@*-0123456789"
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[!?$@*#-]")


class Incomplete(Exception):
    """The script ends before a quote, a compound command or a here-document does."""


class Unreadable(Exception):
    """The script breaks the grammar; the engine will say how."""


@dataclass(slots=True)
class Reference:
    """An expansion of a variable: `name`, with `operator` the rest within `${ }`."""

    start: int
    end: int
    name: str
    operator: str = ""


@dataclass(slots=True)
class Word:
    """One word; `literal` is its text if nothing in it is quoted or expanded."""

    start: int
    end: int
    literal: str | None


@dataclass(slots=True)
class Command:
    """A simple command (`words`), a compound one or a function definition (`bodies`)."""

    start: int
    end: int = 0
    assignments: list[Word] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    bodies: list[Sequence] = field(default_factory=list)
    redirected: bool = False
    heredoc: bool = False
    function: bool = False


@dataclass(slots=True)
class Pipeline:
    """Commands joined by `|`; `timed` is where the word `time` and its option stand."""

    start: int
    end: int = 0
    commands: list[Command] = field(default_factory=list)
    timed: tuple[int, int] | None = None


@dataclass(slots=True)
class AndOr:
    """Pipelines joined by `&&` and `||`; `ampersand` is where its `&` stands, if it has one."""

    start: int
    end: int = 0
    pipelines: list[Pipeline] = field(default_factory=list)
    ampersand: int | None = None


@dataclass(slots=True)
class Sequence:
    """A list of commands; `substituted` if its output is not the shell's own."""

    items: list[AndOr] = field(default_factory=list)


@dataclass(slots=True)
class Script:
    """A script that has been read."""

    text: str
    body: Sequence
    references: list[Reference]
    substitutions: list[Sequence]
    """The lists inside `$( )`, backquotes and `<( )`."""


@dataclass(slots=True)
class Heredoc:
    """A here-document whose body is still to come."""

    delimiter: str
    quoted: bool
    tabs: bool


class WordReader:
    """Reads words; `Reader` adds the commands that they make up."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.references: list[Reference] = []
        self.substitutions: list[Sequence] = []
        self._heredocs: list[Heredoc] = []

    # -- characters ------------------------------------------------------------------------

    def _peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def _starts(self, *prefixes: str) -> bool:
        return self.text.startswith(prefixes, self.at)

    def _skip_blanks(self) -> None:
        text, size = self.text, len(self.text)
        while self.at < size:
            if text[self.at] in BLANKS:
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif text[self.at] == "#" and (self.at == 0 or text[self.at - 1] in METACHARACTERS):
                end = text.find("\n", self.at)
                self.at = size if end < 0 else end
            else:
                return

    def _newline(self) -> None:
        self.at += 1
        heredocs, self._heredocs = self._heredocs, []
        for heredoc in heredocs:
            self._heredoc_body(heredoc)

    def _skip_newlines(self) -> None:
        self._skip_blanks()
        while self._peek() == "\n":
            self._newline()
            self._skip_blanks()

    @abstractmethod
    def sequence(self, ends: Callable[[], bool]) -> Sequence:
        """A list of commands up to a closing word or character (not consumed)."""

    def _until_character(self, closer: str) -> Sequence:
        body = self.sequence(lambda: self._peek() == closer)
        self.at += 1
        return body

    def _more(self) -> None:
        if self.at >= len(self.text):
            raise Incomplete

    # -- words -----------------------------------------------------------------------------

    def _assignment(self) -> Word:
        start = self.at
        match = ASSIGNMENT.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        if self._peek() == "(":
            self.at += 1
            self._skip_newlines()
            while self._peek() != ")":
                self._more()
                self._word()
                self._skip_newlines()
            self.at += 1
        elif self.at < len(self.text) and self._peek() not in METACHARACTERS:
            self._word()
        return Word(start, self.at, None)

    def _word(self, in_test: bool = False) -> Word:
        start, plain = self.at, True
        text, size = self.text, len(self.text)
        while self.at < size:
            char = text[self.at]
            if char in "<>" and self._starts("<(", ">("):
                self.at += 2
                self._substitution(")")
                plain = False
            elif char == "(" and self.at > start and text[self.at - 1] in "?*+@!":
                self._pattern_list()
                plain = False
            elif char in METACHARACTERS and not (in_test and char in "<>()|&;" and self.at > start):
                break
            elif char in "\\'\"`$":
                plain = False
                self._quoted(char)
            else:
                self.at += 1
        if self.at == start:
            self._more()
            raise Unreadable(text[self.at])
        return Word(start, self.at, text[start : self.at] if plain else None)

    def _pattern_list(self) -> None:
        """An extended pattern, `@(a|b)`."""
        depth = 0
        while True:
            self._more()
            char = self._peek()
            if char in "\\'\"`$":
                self._quoted(char)
                continue
            self.at += 1
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return

    def _quoted(self, char: str) -> None:
        if char == "\\":
            if self.at + 1 >= len(self.text):
                raise Incomplete
            self.at += 2
        elif char == "'":
            self._single()
        elif char == '"':
            self._double()
        elif char == "`":
            self._backquotes()
        else:
            self._dollar(False)

    def _single(self) -> None:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise Incomplete
        self.at = end + 1

    def _double(self) -> None:
        self.at += 1
        while self._peek() != '"':
            self._more()
            char = self._peek()
            if char == "\\":
                self.at += 2
            elif char == "`":
                self._backquotes()
            elif char == "$":
                self._dollar(True)
            else:
                self.at += 1
        self.at += 1

    def _backquotes(self) -> None:
        """`...`: its own text is read later, as the engine unescapes it first."""
        end = self.at + 1
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise Incomplete
        if "\\" not in self.text[self.at + 1 : end]:
            inner = type(self)(self.text[:end])
            inner.at = self.at + 1
            self.substitutions.append(inner.sequence(lambda: inner.at >= end))
            self._adopt(inner)
        self.at = end + 1

    def _adopt(self, inner: WordReader) -> None:
        self.references += inner.references
        self.substitutions += inner.substitutions

    def _substitution(self, closer: str) -> None:
        heredocs, self._heredocs = self._heredocs, []
        self.substitutions.append(self._until_character(closer))
        self._heredocs = heredocs

    def _dollar(self, in_double: bool) -> None:
        start = self.at
        self.at += 1
        if self._starts("(("):
            if self._arithmetic_command():
                return
            self.at = start + 1
        char = self._peek()
        if char == "(":
            self.at += 1
            self._substitution(")")
        elif char == "{":
            self._braced(start, in_double)
        elif char == "'" and not in_double:
            self._ansi_c()
        elif match := _NAME.match(self.text, self.at):
            self.at = match.end()
            self.references.append(Reference(start, self.at, match.group()))
        elif char and char in _SPECIAL:
            self.at += 1
            self.references.append(Reference(start, self.at, char))

    def _ansi_c(self) -> None:
        self.at += 1
        while self._peek() != "'":
            self._more()
            self.at += 2 if self._peek() == "\\" else 1
        self.at += 1

    def _braced(self, start: int, in_double: bool) -> None:
        """`${name operator}`."""
        self.at += 1
        match = _PARAMETER.match(self.text, self.at)
        inner_start = self.at if match is None else match.end()
        self.at = inner_start
        while self._peek() != "}":
            self._more()
            char = self._peek()
            if char == "\\":
                self.at += 2
            elif char == "'" and not in_double:
                self._single()
            elif char == '"':
                self._double()
            elif char == "`":
                self._backquotes()
            elif char == "$":
                self._dollar(in_double)
            else:
                self.at += 1
        operator = self.text[inner_start : self.at]
        self.at += 1
        if match is not None:
            self.references.append(Reference(start, self.at, match.group(), operator))

    def _arithmetic_command(self) -> bool:
        """`(( ))`, from its brackets on; False (and nothing consumed) if it is not one."""
        start, references = self.at, len(self.references)
        self.at += 2
        depth = 2
        while depth:
            self._more()
            char = self._peek()
            if char in "\\'\"`$":
                self._quoted(char)
            elif match := _NAME.match(self.text, self.at):
                self.references.append(Reference(self.at, match.end(), match.group()))
                self.at = match.end()
            elif match := _NUMBER.match(self.text, self.at):
                self.at = match.end()
            else:
                self.at += 1
                depth += (char == "(") - (char == ")")
                if depth == 1 and char == ")" and self._peek() != ")":
                    self.at = start
                    del self.references[references:]
                    return False
        return True

    # -- here-documents --------------------------------------------------------------------

    def _heredoc_body(self, heredoc: Heredoc) -> None:
        start = self.at
        while True:
            if self.at >= len(self.text):
                raise Incomplete
            end = self.text.find("\n", self.at)
            line_end = len(self.text) if end < 0 else end
            line = self.text[self.at : line_end]
            if (line.lstrip("\t") if heredoc.tabs else line) == heredoc.delimiter:
                break
            if end < 0:
                self.at = len(self.text)
                raise Incomplete
            self.at = line_end + 1
        body_end = self.at
        if not heredoc.quoted:
            self._expansions(start, body_end)
        self.at = min(line_end + 1, len(self.text))

    def _expansions(self, start: int, end: int) -> None:
        """The expansions in the text of a here-document."""
        inner = type(self)(self.text[:end])
        inner.at = start
        while inner.at < end:
            char = inner._peek()
            if char == "\\":
                inner.at += 2
            elif char == "`":
                inner._backquotes()
            elif char == "$":
                inner._dollar(True)
            else:
                inner.at += 1
        self._adopt(inner)
