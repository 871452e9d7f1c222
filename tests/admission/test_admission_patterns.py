"""Regular expressions in Go's syntax: what matches, what is refused, and how long it may take."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minik8s.admission.patterns import Pattern, pattern_problem

ATOMS = (
    "a",
    "b",
    "0",
    ".",
    r"\d",
    r"\w",
    r"\D",
    "[ab]",
    "[^a0]",
    "[a-z0-9]",
    r"\.",
    "^",
    r"\b",
    "X",
)
REPEATS = ("*", "+", "?", "{2}", "{1,3}", "{0,2}", "*?", "{2,}")


def groups(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}{}".format, inside, inside),
        st.builds("({}|{})".format, inside, inside),
        st.builds("(?:{}){}".format, inside, st.sampled_from(REPEATS)),
    )


PATTERNS = st.recursive(st.sampled_from(ATOMS), groups, max_leaves=8)


@given(PATTERNS, st.text("ab01 -_.\nX", max_size=8))
def test_matches_are_those_of_pythons_engine(pattern: str, text: str) -> None:
    expected = re.search(pattern, text, re.ASCII) is not None
    assert Pattern(pattern).found_in(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"^\p{Lu}\pL+$", "Ärger", True),
        (r"^\p{Greek}+$", "αβγ", True),
        (r"^[[:alpha:]_]+$", "a_b", True),
        (r"^[^[:digit:]]+$", "a1", False),
        (r"\Qa.b\E", "axb", False),
        (r"\x41\x{1F600}$", "A\U0001f600", True),
        ("(?i)AbC", "xaBcx", True),
        ("(?i:a)b", "AB", False),
        ("(?s)^.$", "\n", True),
        ("(?m)^b$", "a\nb\nc", True),
        (r"\Aa\z", "a\n", False),
        ("^a{2$", "a{2", True),
        ("[]a-]", "-", True),
        ("(?P<name>a)(?<other>b)", "ab", True),
        ("a|", "x", True),
    ],
)
def test_what_gos_syntax_means(pattern: str, text: str, expected: bool) -> None:
    assert Pattern(pattern).found_in(text) is expected


# The texts of Go 1.25's regexp.Compile.
REFUSED = {
    "(": "missing closing ): `(`",
    "a)": "unexpected ): `a)`",
    "[a-": "missing closing ]: `[a-`",
    "[z-a]": "invalid character class range: `z-a`",
    "[[:foo:]]": "invalid character class range: `[:foo:]`",
    "*": "missing argument to repetition operator: `*`",
    "a**": "invalid nested repetition operator: `**`",
    "a{1,100000}": "invalid repeat count: `{1,100000}`",
    "(a{1,1000}){1,1000}": "invalid repeat count: `{1,1000}`",
    "(?=a)": "invalid or unsupported Perl syntax: `(?=`",
    r"(a)\1": r"invalid escape sequence: `\1`",
    "\\": "trailing backslash at end of expression: ``",
    "(?P<n": "invalid named capture: `(?P<n`",
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_go_refuses(pattern: str) -> None:
    assert pattern_problem(pattern) == f"error parsing regexp: {REFUSED[pattern]}"


def test_patterns_that_are_too_much() -> None:
    assert "nests too deeply" in (pattern_problem("(" * 5000 + ")" * 5000) or "")
    assert "too large" in (pattern_problem("(abcdefghij){1000}" * 3) or "")


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(.*.*.*)x", "^((a?){30}){30}x"])
def test_patterns_that_keep_other_engines_busy_for_ever(pattern: str) -> None:
    assert not Pattern(pattern).found_in("a" * 20_000 + "b")
