"""Which characters the classes of a regular expression mean: Perl's, POSIX's and Unicode's."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeAlias

Test: TypeAlias = Callable[[str], bool]
"""Whether a character is one of those meant."""


def is_digit(char: str) -> bool:
    """Whether a character is a decimal digit of ASCII."""
    return "0" <= char <= "9"


def is_word(char: str) -> bool:
    """Whether a character is a letter or digit of ASCII, or the underscore."""
    return char.isascii() and (char.isalnum() or char == "_")


def is_space(char: str) -> bool:
    """Whether a character is what `\\s` means."""
    return char in "\t\n\f\r "


PERL: dict[str, Test] = {"d": is_digit, "w": is_word, "s": is_space}
POSIX: dict[str, Test] = {
    "alnum": lambda c: c.isascii() and c.isalnum(),
    "alpha": lambda c: c.isascii() and c.isalpha(),
    "ascii": str.isascii,
    "blank": lambda c: c in "\t ",
    "cntrl": lambda c: c < " " or c == "\x7f",
    "digit": is_digit,
    "graph": lambda c: "!" <= c <= "~",
    "lower": lambda c: "a" <= c <= "z",
    "print": lambda c: " " <= c <= "~",
    "punct": lambda c: "!" <= c <= "~" and not c.isalnum(),
    "space": lambda c: c in "\t\n\v\f\r ",
    "upper": lambda c: "A" <= c <= "Z",
    "word": is_word,
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
}
CATEGORIES = frozenset(
    (
        *("C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn"),
        *("N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"),
        *("S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs"),
    )
)
"""Unicode's general categories."""

SCRIPTS = {
    "Arabic": "ARABIC",
    "Armenian": "ARMENIAN",
    "Bengali": "BENGALI",
    "Cyrillic": "CYRILLIC",
    "Devanagari": "DEVANAGARI",
    "Ethiopic": "ETHIOPIC",
    "Georgian": "GEORGIAN",
    "Greek": "GREEK",
    "Gujarati": "GUJARATI",
    "Gurmukhi": "GURMUKHI",
    "Han": "CJK",
    "Hangul": "HANGUL",
    "Hebrew": "HEBREW",
    "Hiragana": "HIRAGANA",
    "Kannada": "KANNADA",
    "Katakana": "KATAKANA",
    "Khmer": "KHMER",
    "Lao": "LAO",
    "Latin": "LATIN",
    "Malayalam": "MALAYALAM",
    "Mongolian": "MONGOLIAN",
    "Myanmar": "MYANMAR",
    "Sinhala": "SINHALA",
    "Tamil": "TAMIL",
    "Telugu": "TELUGU",
    "Thai": "THAI",
    "Tibetan": "TIBETAN",
}
"""The scripts that are known here, with the word that the names of their letters begin with."""


def negation(test: Test) -> Test:
    """The test that fails where another passes."""
    return lambda char: not test(char)


def anything(_char: str) -> bool:
    """Whether it is a character at all."""
    return True


def no_newline(char: str) -> bool:
    """Whether a character is what the dot means."""
    return char != "\n"


def one(wanted: str) -> Test:
    """The test for one character."""
    return lambda char: char == wanted


def between(first: str, last: str) -> Test:
    """The test for a range, both ends in it."""
    return lambda char: first <= char <= last


def any_of(tests: list[Test]) -> Test:
    """The test that passes where one of several does."""
    return lambda char: any(test(char) for test in tests)


def of_category(name: str) -> Test:
    """The test for a general category of Unicode, `L` or `Lu`."""
    return lambda char: unicodedata.category(char).startswith(name)


def of_script(name: str) -> Test:
    """The test for a script of Unicode, by the names of its characters."""
    word = f"{SCRIPTS[name]} "
    return lambda char: unicodedata.name(char, "").startswith(word)
