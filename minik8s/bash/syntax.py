"""Where the commands and expansions of a bash script stand.

The engine parses for itself; this reader only finds what must be known before it does:
command lists with an `&`, the reserved word `time`, references to `$RANDOM` and its like, and
whether a script is complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from minik8s.bash.words import (
    ASSIGNMENT,
    METACHARACTERS,
    AndOr,
    Command,
    Heredoc,
    Incomplete,
    Pipeline,
    Script,
    Sequence,
    Unreadable,
    WordReader,
)

_REDIRECT = re.compile(
    r"(?:\{[A-Za-z_]\w*\}|\d+)?(?:&>>|&>|<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())"
)
_DECLARING = frozenset({"declare", "export", "local", "readonly", "typeset"})
"""Builtins whose arguments are assignments."""

_EMPTY_BRACKETS = re.compile(r"\([ \t]*\)")
_CLOSERS = ("then", "do", "done", "fi", "elif", "else", "esac", "}")


class Reader(WordReader):
    """A recursive-descent reader of one script."""

    # -- lists -----------------------------------------------------------------------------

    def script(self) -> Script:
        """The whole script; raises Incomplete or Unreadable."""
        body = self.sequence(lambda: self.at >= len(self.text))
        if self._heredocs:
            raise Incomplete
        return Script(self.text, body, self.references, self.substitutions)

    def sequence(self, ends: Callable[[], bool]) -> Sequence:
        """A list of commands up to a closing word or character (not consumed)."""
        result = Sequence()
        self._skip_newlines()
        while not ends():
            if self.at >= len(self.text):
                raise Incomplete
            result.items.append(self._and_or())
            self._skip_blanks()
            if self._starts("&") and not self._starts("&&", "&>"):
                result.items[-1].ampersand = self.at
                self.at += 1
            elif self._starts(";") and not self._starts(";;", ";&"):
                self.at += 1
            elif self._peek() != "\n" and not ends():
                if self.at >= len(self.text):
                    raise Incomplete
                raise Unreadable(self._peek())
            self._skip_newlines()
        return result

    def _and_or(self) -> AndOr:
        result = AndOr(self.at)
        while True:
            result.pipelines.append(self._pipeline())
            result.end = result.pipelines[-1].end
            self._skip_blanks()
            if not self._starts("&&", "||"):
                return result
            self.at += 2
            self._skip_newlines()
            self._more()

    def _pipeline(self) -> Pipeline:
        result = Pipeline(self.at)
        while (word := self._reserved("!", "time")) is not None:
            start = self.at
            self.at += len(word)
            self._skip_blanks()
            if word == "time":
                if self._reserved("-p"):
                    self.at += 2
                result.timed = (start, self.at)
            self._skip_blanks()
        result.end = self.at
        if result.timed and (self.at >= len(self.text) or self._peek() in "\n;&|)"):
            return result
        while True:
            result.commands.append(self._command())
            result.end = result.commands[-1].end
            self._skip_blanks()
            if not self._starts("|") or self._starts("||"):
                return result
            self.at += 2 if self._starts("|&") else 1
            self._skip_newlines()
            self._more()

    # -- commands --------------------------------------------------------------------------

    def _reserved(self, *words: str) -> str | None:
        """Which of these unquoted words stands here, if one does."""
        for word in words:
            end = self.at + len(word)
            if self.text.startswith(word, self.at) and (
                end >= len(self.text) or self.text[end] in METACHARACTERS
            ):
                return word
        return None

    def _command(self) -> Command:
        command = Command(self.at)
        compound = {
            "{": self._group,
            "if": self._if,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
            "select": self._for,
            "case": self._case,
            "[[": self._test,
            "function": self._function,
        }
        word = self._reserved(*compound)
        if word is not None:
            self.at += len(word)
            compound[word](command)
            self._redirects(command)
        elif self._starts("((") and self._arithmetic_command():
            self._redirects(command)
        elif self._starts("("):
            self.at += 1
            command.bodies.append(self._until_character(")"))
            self._redirects(command)
        else:
            self._simple(command)
        command.end = command.end or self.at
        return command

    def _until_word(self, *closers: str) -> tuple[Sequence, str]:
        body = self.sequence(lambda: self._reserved(*_CLOSERS) is not None)
        word = self._reserved(*closers)
        if word is None:
            raise Unreadable(self._peek())
        self.at += len(word)
        return body, word

    def _group(self, command: Command) -> None:
        command.bodies.append(self._until_word("}")[0])

    def _if(self, command: Command) -> None:
        word = "if"
        while word in ("if", "elif"):
            command.bodies.append(self._until_word("then")[0])
            body, word = self._until_word("elif", "else", "fi")
            command.bodies.append(body)
        if word == "else":
            command.bodies.append(self._until_word("fi")[0])

    def _loop(self, command: Command) -> None:
        command.bodies.append(self._until_word("do")[0])
        command.bodies.append(self._until_word("done")[0])

    def _for(self, command: Command) -> None:
        self._skip_blanks()
        if self._starts("((") and self._arithmetic_command():
            self._skip_blanks()
        else:
            self._word()
            self._skip_newlines()
            if self._reserved("in"):
                self.at += 2
                self._skip_blanks()
                while self.at < len(self.text) and self._peek() not in ";\n":
                    self._word()
                    self._skip_blanks()
        if self._peek() == ";":
            self.at += 1
        self._skip_newlines()
        self._more()
        opener = self._reserved("do", "{")
        if opener is None:
            raise Unreadable(self._peek())
        self.at += len(opener)
        command.bodies.append(self._until_word("done" if opener == "do" else "}")[0])

    def _case(self, command: Command) -> None:
        self._skip_blanks()
        self._word()
        self._skip_newlines()
        self._more()
        if not self._reserved("in"):
            raise Unreadable(self._peek())
        self.at += 2
        self._skip_newlines()
        while not self._reserved("esac"):
            self._more()
            self._case_pattern()
            command.bodies.append(
                self.sequence(lambda: self._starts(";;", ";&") or bool(self._reserved("esac")))
            )
            if self._starts(";;&"):
                self.at += 3
            elif self._starts(";;", ";&"):
                self.at += 2
            self._skip_newlines()
        self.at += 4

    def _case_pattern(self) -> None:
        if self._peek() == "(":
            self.at += 1
        while self._peek() != ")":
            self._skip_blanks()
            self._word()
            self._skip_blanks()
            if self._peek() == "|":
                self.at += 1
            elif self._peek() != ")":
                self._more()
                raise Unreadable(self._peek())
        self.at += 1

    def _test(self, _command: Command) -> None:
        while not self._reserved("]]"):
            self._more()
            if self._peek() in METACHARACTERS:
                self.at += 1
            else:
                self._word(in_test=True)
        self.at += 2

    def _function(self, command: Command) -> None:
        command.function = True
        self._skip_blanks()
        self._word()
        self._skip_blanks()
        if self._starts("("):
            self.at = self._closing_bracket()
        self._skip_newlines()
        self._more()
        command.bodies.append(Sequence([_alone(self._command())]))

    def _closing_bracket(self) -> int:
        end = self.text.find(")", self.at)
        if end < 0:
            raise Incomplete
        return end + 1

    def _simple(self, command: Command) -> None:
        while True:
            self._skip_blanks()
            if self._redirect(command):
                continue
            if self.at >= len(self.text) or (
                self._peek() in METACHARACTERS and not self._starts("<(", ">(")
            ):
                break
            assigns = ASSIGNMENT.match(self.text, self.at)
            if assigns and not command.words:
                command.assignments.append(self._assignment())
            elif assigns and command.words[0].literal in _DECLARING:
                command.words.append(self._assignment())  # its value may be a list: x=(a b)
            else:
                command.words.append(self._word())
            command.end = self.at
            if len(command.words) == 1 and not command.assignments and self._declares(command):
                return
        if not (command.words or command.assignments or command.redirected):
            self._more()
            raise Unreadable(self._peek())

    def _declares(self, command: Command) -> bool:
        """Whether `name ( )` follows: then the function's body is read as well."""
        before = self.at
        self._skip_blanks()
        if not _EMPTY_BRACKETS.match(self.text, self.at):
            self.at = before
            return False
        self.at = self._closing_bracket()
        self._skip_newlines()
        self._more()
        command.words.clear()
        command.function = True
        command.bodies.append(Sequence([_alone(self._command())]))
        command.end = self.at
        return True

    def _redirects(self, command: Command) -> None:
        command.end = self.at
        while True:
            self._skip_blanks()
            if not self._redirect(command):
                return

    def _redirect(self, command: Command) -> bool:
        match = _REDIRECT.match(self.text, self.at)
        if match is None:
            return False
        self.at = match.end()
        command.redirected = True
        self._skip_blanks()
        start, before = self.at, len(self.references)
        word = self._word()
        operator = match.group().lstrip("0123456789")
        if operator in ("<<", "<<-"):
            command.heredoc = True
            del self.references[before:]
            raw = self.text[start : word.end]
            quoted = any(c in raw for c in "\\'\"")
            delimiter = re.sub(r"\\(.)|['\"]", r"\1", raw)
            self._heredocs.append(Heredoc(delimiter, quoted, operator == "<<-"))
        command.end = self.at
        return True


def _alone(command: Command) -> AndOr:
    pipeline = Pipeline(command.start, command.end, [command])
    return AndOr(command.start, command.end, [pipeline])


def read(text: str) -> Script:
    """Read a script; raises Incomplete or Unreadable."""
    return Reader(text).script()


def is_complete(text: str) -> bool:
    """Whether a shell at its prompt would run this text, rather than ask for another line.

    >>> is_complete("echo a"), is_complete("for i in 1 2; do"), is_complete("cat <<EOF")
    (True, False, False)
    """
    if re.search(r"(?<!\\)(\\\\)*\\\n?\Z", text) and text.endswith(("\\", "\\\n")):
        return False
    try:
        read(text)
    except Incomplete:
        return False
    except (Unreadable, RecursionError):
        return True
    return True
