"""Flags as pflag reads them: long, short, clustered, with and without `=`, anywhere.

A flag's *optional value* (pflag's NoOptDefVal) is what it means when it stands alone: such a
flag never takes the next argument as its value.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace

from minik8s.kubectl.gotext import parse_bool, parse_duration, parse_int, quote


class FlagError(Exception):
    """A command line that the flags do not allow."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag; `type` is pflag's name of its type."""

    name: str
    shorthand: str
    type: str
    default: str
    help: str
    optional: str = ""
    required: bool = False
    hidden: bool = False
    deprecated: str = ""

    def with_default(self, default: str) -> Flag:
        """The same flag with another default."""
        return replace(self, default=default)

    def as_required(self) -> Flag:
        """The same flag, which must be given."""
        return replace(self, required=True)

    @property
    def title(self) -> str:
        """How an error names it: `-o, --output`."""
        return f"-{self.shorthand}, --{self.name}" if self.shorthand else f"--{self.name}"


HELP = Flag("help", "h", "bool", "false", "Show this text", optional="true")

_BITS = {"int": 64, "int64": 64, "int32": 32}
_LISTS = ("stringSlice", "stringArray")


class Flags:
    """The values of one command line: defaults, and what was given."""

    def __init__(self, known: Mapping[str, Flag]) -> None:
        self._known = known
        self._shorthands = {f.shorthand: f for f in known.values() if f.shorthand}
        self._texts: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        self.arguments: list[str] = []
        self.dash = -1
        """How many arguments stood before `--`; -1 without one."""
        self.notices: list[str] = []

    def parse(self, argv: list[str]) -> None:
        """Read a command line; raises FlagError."""
        rest = list(argv)
        while rest:
            word = rest.pop(0)
            if not word.startswith("-") or word == "-":
                self.arguments.append(word)
            elif word == "--":
                self.dash = len(self.arguments)
                self.arguments += rest
                return
            elif word.startswith("--"):
                self._long(word, rest)
            else:
                self._short(word[1:], rest)

    def _long(self, word: str, rest: list[str]) -> None:
        name, given, value = word[2:].partition("=")
        if not name or name.startswith("-"):
            raise FlagError(f"bad flag syntax: {word}")
        flag = self._known.get(name.replace("_", "-"))
        if flag is None:
            raise FlagError(f"unknown flag: --{name}")
        if not given:
            if flag.optional:
                value = flag.optional
            elif rest:
                value = rest.pop(0)
            else:
                raise FlagError(f"flag needs an argument: --{name}")
        self._set(flag, value)

    def _short(self, cluster: str, rest: list[str]) -> None:
        while cluster:
            letter, tail = cluster[0], cluster[1:]
            flag = self._shorthands.get(letter)
            if flag is None:
                raise FlagError(f"unknown shorthand flag: '{letter}' in -{cluster}")
            whole, cluster = cluster, ""
            if len(tail) > 1 and tail[0] == "=":
                value = tail[1:]
            elif flag.optional:
                value, cluster = flag.optional, tail
            elif tail:
                value = tail
            elif rest:
                value = rest.pop(0)
            else:
                raise FlagError(f"flag needs an argument: '{letter}' in -{whole}")
            self._set(flag, value)

    def _set(self, flag: Flag, value: str) -> None:
        try:
            _check(flag, value)
            if flag.type in _LISTS or flag.type == "stringToString":
                self._lists.setdefault(flag.name, []).extend(_split(flag, value))
        except ValueError as error:
            raise FlagError(
                f"invalid argument {quote(value)} for {quote(flag.title)} flag: {error}"
            ) from None
        self._texts[flag.name] = value
        if flag.deprecated:
            self.notices.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}\n")

    def missing(self) -> list[str]:
        """The required flags that were not given, by name."""
        return sorted(f.name for f in self._known.values() if f.required and not self.given(f.name))

    def given(self, name: str) -> bool:
        """Whether the command line has the flag."""
        return name in self._texts

    def knows(self, name: str) -> bool:
        """Whether the command takes the flag."""
        return name in self._known

    def text(self, name: str) -> str:
        """A flag's value as text."""
        return self._texts.get(name, self._known[name].default)

    def on(self, name: str) -> bool:
        """The value of a boolean flag; False if the command does not take it."""
        return name in self._known and parse_bool(self.text(name))

    def number(self, name: str) -> int:
        """The value of a whole-number flag."""
        return parse_int(self.text(name), _BITS[self._known[name].type])

    def seconds(self, name: str) -> float:
        """The value of a duration flag, in seconds."""
        return parse_duration(self.text(name))

    def items(self, name: str) -> list[str]:
        """The values of a flag that may be repeated."""
        if name in self._lists:
            return list(self._lists[name])
        default = self._known[name].default.strip("[]")
        return default.split(",") if default else []


def _check(flag: Flag, value: str) -> None:
    if flag.type in ("bool", "tristate"):
        parse_bool(value)
    elif flag.type in _BITS:
        parse_int(value, _BITS[flag.type])
    elif flag.type == "duration":
        parse_duration(value)


def _split(flag: Flag, value: str) -> list[str]:
    if flag.type == "stringArray":
        return [value]
    items = next(csv.reader([value]), []) if value else []
    if flag.type == "stringToString":
        for item in items:
            if "=" not in item:
                raise ValueError(f"{item} must be formatted as key=value")
    return items
