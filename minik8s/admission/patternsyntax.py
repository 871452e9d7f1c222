"""The syntax of Go's regular expressions: from a text to a tree (regexp/syntax)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from minik8s.admission.patternclasses import (
    CATEGORIES,
    PERL,
    POSIX,
    SCRIPTS,
    Test,
    any_of,
    anything,
    between,
    is_word,
    negation,
    no_newline,
    of_category,
    of_script,
    one,
)
from minik8s.admission.patterntree import (
    Alternatives,
    Assertion,
    Character,
    Node,
    PatternError,
    Repeat,
    Sequence,
)

MOST_REPEATS = 1000
DEEPEST = 100
"""How deep groups may lie in each other; Go stops at a thousand."""


@dataclass(frozen=True, slots=True)
class _Flags:
    folds: bool = False
    lines: bool = False
    dot_all: bool = False


_ASSERTIONS = {"A": "start", "z": "end", "b": "word edge", "B": "no word edge"}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse_pattern(text: str) -> Node:
    """The tree of a pattern; raises PatternError."""
    parser = _Parser(text)
    node = parser.alternatives(_Flags(), 0)
    if parser.rest:
        raise PatternError("unexpected )", text)
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    # -- the text

    @property
    def rest(self) -> bool:
        return self.place < len(self.text)

    def peek(self, width: int = 1) -> str:
        return self.text[self.place : self.place + width]

    def take(self, wanted: str) -> bool:
        """Go on if the text does, in that way."""
        if self.text.startswith(wanted, self.place):
            self.place += len(wanted)
            return True
        return False

    def next(self) -> str:
        char = self.peek()
        if not char:
            raise PatternError("trailing backslash at end of expression", "")
        self.place += 1
        return char

    def until(self, end: str) -> str | None:
        """The text up to an end, which is passed; None if it never comes."""
        stop = self.text.find(end, self.place)
        if stop < 0:
            return None
        found, self.place = self.text[self.place : stop], stop + len(end)
        return found

    # -- the grammar

    def alternatives(self, flags: _Flags, depth: int) -> Node:
        if depth > DEEPEST:
            raise PatternError("expression nests too deeply", self.text)
        branches: list[Node] = []
        parts: list[Node] = []
        while self.rest and self.peek() != ")":
            if self.take("|"):
                branches.append(Sequence(tuple(parts)))
                parts = []
            elif self.take(r"\Q"):
                quoted = self.until(r"\E")
                if quoted is None:
                    quoted, self.place = self.text[self.place :], len(self.text)
                parts += [Character(one(char), flags.folds) for char in quoted]
            else:
                flags = self._piece(parts, flags, depth)
        branches.append(Sequence(tuple(parts)))
        return branches[0] if len(branches) == 1 else Alternatives(tuple(branches))

    def _piece(self, parts: list[Node], flags: _Flags, depth: int) -> _Flags:
        """One atom with its repetition; a group may change the flags of what follows."""
        start = self.place
        if parts and self.peek() in ("*", "+", "?", "{") and self._bounds() is not None:
            self.place = start  # behind a change of flags, or behind quoted text
            parts[-1] = self._repeated(parts[-1])
            return flags
        if self.take("("):
            node, flags = self._group(flags, depth)
            if node is None:
                return flags
        else:
            node = self._atom(flags, start)
        parts.append(self._repeated(node))
        return flags

    def _repeated(self, node: Node) -> Node:
        start, again = self.place, False
        while (bounds := self._bounds()) is not None:
            if again:
                raise PatternError(
                    "invalid nested repetition operator", self.text[start : self.place]
                )
            again = True
            self.take("?")  # as few as possible: which ones makes no difference here
            node = Repeat(node, *bounds)
            if _repeats(node) > MOST_REPEATS:
                raise PatternError("invalid repeat count", self.text[start : self.place])
        return node

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return bounds
        if self.peek() != "{":
            return None
        start, end = self.place, self.text.find("}", self.place)
        inside = self.text[start + 1 : end] if end > 0 else ""
        least, comma, most = inside.partition(",")
        if not _is_number(least) or (most and not _is_number(most)):
            return None  # then the brace stands for itself
        self.place = start + len(inside) + 2
        low = int(least[:5])
        high = None if comma and not most else int((most or least)[:5])
        if low > MOST_REPEATS or (high is not None and not low <= high <= MOST_REPEATS):
            raise PatternError("invalid repeat count", self.text[start : self.place])
        return low, high

    def _group(self, flags: _Flags, depth: int) -> tuple[Node | None, _Flags]:
        start, inner = self.place - 1, flags
        if self.take("?"):
            if self.take("P<") or (self.peek() == "<" and self.peek(2) not in ("<=", "<!")):
                self.take("<")
                name = self.until(">")
                if not name or not all(map(is_word, name)):
                    raise PatternError("invalid named capture", self.text[start:])
            else:
                inner = self._flags(flags, start)
                if self.take(")"):
                    return None, inner
                self.take(":")
        node = self.alternatives(inner, depth + 1)
        if not self.take(")"):
            raise PatternError("missing closing )", self.text)
        return node, flags

    def _flags(self, flags: _Flags, start: int) -> _Flags:
        value, known = True, {"i": "folds", "m": "lines", "s": "dot_all"}
        while self.peek() not in (":", ")"):
            char = self.peek()
            self.place += 1
            if char == "-" and value:
                value = False
            elif char in known and char:
                flags = replace(flags, **{known[char]: value})
            elif char != "U":
                raise PatternError(
                    "invalid or unsupported Perl syntax", self.text[start : self.place]
                )
        return flags

    def _atom(self, flags: _Flags, start: int) -> Node:
        char = self.next()
        match char:
            case ".":
                return Character(anything if flags.dot_all else no_newline)
            case "^":
                return Assertion("line start" if flags.lines else "start")
            case "$":
                return Assertion("line end" if flags.lines else "end")
            case "[":
                return Character(self._class(start), flags.folds)
            case "*" | "+" | "?":
                raise PatternError("missing argument to repetition operator", char)
            case "{":
                self.place = start
                if self._bounds() is not None:
                    sign = self.text[start : self.place]
                    raise PatternError("missing argument to repetition operator", sign)
                self.place = start + 1
            case "\\":
                escape = self.peek()
                if escape in _ASSERTIONS and escape:
                    self.place += 1
                    return Assertion(_ASSERTIONS[escape])
                return Character(self._escaped(start), flags.folds)
        return Character(one(char), flags.folds)

    def _escaped(self, start: int) -> Test:
        """What stands behind a backslash: a class, or one character."""
        char = self.peek()
        if char.lower() in PERL and char:
            self.place += 1
            test = PERL[char.lower()]
            return negation(test) if char.isupper() else test
        if char in ("p", "P"):
            self.place += 1
            return self._unicode(char == "P", start)
        return one(self._literal(start))

    def _unicode(self, negated: bool, start: int) -> Test:
        name = self.until("}") if self.take("{") else self.next() if self.rest else None
        if name is not None and name.startswith("^"):
            name, negated = name[1:], not negated
        if name == "Any":
            test: Test = anything
        elif name in CATEGORIES:
            test = of_category(name or "")
        elif name in SCRIPTS:
            test = of_script(name)
        else:
            raise PatternError("invalid character class range", self.text[start : self.place])
        return negation(test) if negated else test

    def _literal(self, start: int) -> str:
        """The one character that an escape means."""
        char = self.next()
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x":
            return self._by_number(self._digits(), 16, start)
        if char in "01234567":
            digits = char
            while len(digits) < 3 and self.peek() and self.peek() in "01234567":
                digits += self.next()
            if char == "0" or len(digits) > 1:
                return self._by_number(digits, 8, start)
        if char.isascii() and not char.isalnum():
            return char
        raise PatternError("invalid escape sequence", self.text[start : self.place])

    def _digits(self) -> str:
        """The two digits of `x41`, or those of `x{1F600}`."""
        if self.take("{"):
            return self.until("}") or ""
        digits = self.peek(2)
        self.place += len(digits)
        return digits if len(digits) == 2 else ""

    def _by_number(self, digits: str, base: int, start: int) -> str:
        try:
            return chr(int(digits[:9], base))
        except (ValueError, OverflowError):
            raise PatternError("invalid escape sequence", self.text[start : self.place]) from None

    # -- classes

    def _class(self, start: int) -> Test:
        negated, tests = self.take("^"), list[Test]()
        while not tests or self.peek() != "]":
            if not self.rest:
                raise PatternError("missing closing ]", self.text[start:])
            tests.append(self._member())
        self.place += 1
        test = any_of(tests)
        return negation(test) if negated else test

    def _member(self) -> Test:
        here = self.place
        if self.peek(2) == "[:" and (name := self.until(":]")) is not None:
            test = POSIX.get(name.removeprefix("[:").removeprefix("^"))
            if test is None:
                raise PatternError("invalid character class range", self.text[here : self.place])
            return negation(test) if "^" in name else test
        if self.peek() == "\\" and self.peek(2)[1:].lower() in ("d", "s", "w", "p"):
            self.place += 1
            return self._escaped(here)
        first = self._single(here)
        if self.peek() != "-" or self.peek(2) in ("-", "-]"):
            return one(first)
        self.place += 1
        last = self._single(self.place)
        if last < first:
            raise PatternError("invalid character class range", self.text[here : self.place])
        return between(first, last)

    def _single(self, start: int) -> str:
        if not self.rest:
            raise PatternError("missing closing ]", self.text[start:])
        return self._literal(start) if self.take("\\") else self.next()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")


def _repeats(node: Node) -> int:
    """How often the innermost part is written out, which Go bounds by a thousand."""
    match node:
        case Repeat():
            times = max(node.least, node.most or 1, 1)
            return times * _repeats(node.part)
        case Sequence() | Alternatives():
            return max(map(_repeats, node.parts), default=1)
    return 1
