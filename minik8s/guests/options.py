"""Command lines: getopt for the small programs, and Go's flags."""

from __future__ import annotations

import re
from collections.abc import Sequence


class OptionError(Exception):
    """A command line that a program refuses."""

    def __init__(self, kind: str, option: str) -> None:
        super().__init__(f"{kind}: {option}")
        self.kind = kind
        self.option = option

    @property
    def busybox(self) -> str:
        """getopt's sentence, as BusyBox (and musl) print it behind the program's name."""
        if self.kind == "argument":
            return f"option requires an argument: {self.option}"
        return f"unrecognized option: {self.option}"

    @property
    def gnu(self) -> str:
        """getopt's sentence, as glibc prints it behind the program's name."""
        if self.kind == "argument":
            return f"option requires an argument -- '{self.option}'"
        if len(self.option) > 1:
            return f"unrecognized option '--{self.option}'"
        return f"invalid option -- '{self.option}'"


def getopt(
    arguments: Sequence[str], short: str, long: Sequence[str] = (), *, permute: bool = True
) -> tuple[list[tuple[str, str]], list[str]]:
    """Options as (name, value) and operands; `short` is getopt's, a long name may end in `=`.

    `permute` lets options stand behind operands, as GNU and BusyBox do. Raises OptionError.

    >>> getopt(["-c1", "host", "-q"], "c:q")
    ([('c', '1'), ('q', '')], ['host'])
    """
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return options, operands + rest
        if word.startswith("--"):
            options.append(_long_option(word[2:], long, rest))
        elif word.startswith("-") and word != "-":
            options += _short_options(word[1:], short, rest)
        elif permute:
            operands.append(word)
        else:
            return options, [word, *rest]
    return options, operands


def _long_option(word: str, long: Sequence[str], rest: list[str]) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    matches = [known for known in long if known.rstrip("=") == name]
    matches = matches or [known for known in long if known.startswith(name)]
    if len(matches) != 1:
        raise OptionError("unknown", name)
    if not matches[0].endswith("="):
        return matches[0], ""
    if not equals:
        if not rest:
            raise OptionError("argument", name)
        value = rest.pop(0)
    return matches[0][:-1], value


def _short_options(cluster: str, short: str, rest: list[str]) -> list[tuple[str, str]]:
    options = []
    while cluster:
        letter, cluster = cluster[0], cluster[1:]
        place = short.find(letter)
        if place < 0 or letter == ":":
            raise OptionError("unknown", letter)
        if short[place + 1 : place + 2] != ":":
            options.append((letter, ""))
            continue
        if not cluster and not rest:
            raise OptionError("argument", letter)
        options.append((letter, cluster or rest.pop(0)))
        break
    return options


_VALUE = re.compile(r"[^-]|-?\d+\Z|\Z")
"""Words that are no flag: a negative number is a value."""


def option_value(arguments: Sequence[str], name: str) -> str | None:
    """The value of one of Go's flags: `-name=value`, `-name value`, one dash or two.

    >>> option_value(["--http-port", "80"], "http-port")
    '80'
    >>> option_value(["--udp-port", "-1"], "udp-port")
    '-1'
    """
    for place, word in enumerate(arguments):
        if not word.startswith("-"):
            continue
        key, equals, value = word.lstrip("-").partition("=")
        if key == name:
            if equals:
                return value
            following = arguments[place + 1 : place + 2]
            return following[0] if following and _VALUE.match(following[0]) else "true"
    return None
