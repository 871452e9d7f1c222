"""Command-line flags the way Go's pflag and gcloud read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


class UsageError(Exception):
    """The command line breaks a rule; the text is the tool's."""


@dataclass(slots=True)
class Flags:
    """What was typed: flags by long name, each with its values, and the other words."""

    values: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        """The last value of a flag."""
        return self.values[name][-1] if name in self.values else default

    def all(self, name: str) -> list[str]:
        """All values of a flag, those that commas part included."""
        return [part for value in self.values.get(name, []) for part in value.split(",")]

    def on(self, name: str) -> bool:
        """Whether a switch is set."""
        return self.get(name, "false") not in ("false", "0", "f", "F", "False", "FALSE")


def parse(
    argv: list[str],
    *,
    valued: Collection[str],
    switches: Collection[str],
    short: Mapping[str, str] | None = None,
) -> Flags:
    """Read flags as pflag does; `short` gives long names for letters. Raises UsageError."""
    flags, rest, short = Flags(), list(argv), short or {}
    while rest:
        word = rest.pop(0)
        if word == "--":
            flags.words += rest
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in switches:
                flags.values.setdefault(name, []).append(value if equals else "true")
            elif name in valued:
                if not equals:
                    if not rest:
                        raise UsageError(f"flag needs an argument: --{name}")
                    value = rest.pop(0)
                flags.values.setdefault(name, []).append(value)
            else:
                raise UsageError(f"unknown flag: --{name}")
        elif word.startswith("-") and len(word) > 1:
            _letters(word, rest, flags, short, switches)
        else:
            flags.words.append(word)
    return flags


def _letters(
    word: str, rest: list[str], flags: Flags, short: Mapping[str, str], switches: Collection[str]
) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        name = short.get(letter)
        if name is None:
            raise UsageError(f"unknown shorthand flag: {letter!r} in {word}")
        if name in switches:
            flags.values.setdefault(name, []).append("true")
            continue
        value = letters.removeprefix("=")
        if not value:
            if not rest:
                raise UsageError(f"flag needs an argument: {letter!r} in {word}")
            value = rest.pop(0)
        flags.values.setdefault(name, []).append(value)
        return
