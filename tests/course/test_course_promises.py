"""What counts as a kept promise."""

import pytest

from course.lesson import parse_steps
from course.promise import Promise, visible_lines


@pytest.mark.parametrize(
    ("promised", "output"),
    [
        ((), ""),
        ((), "\n\n"),
        (("HTTP/1.1 200 OK",), "HTTP/1.1 200 OK\r\r\n"),
        (("NAME   READY", "pod/web-…  1/1"), "NAME        READY\npod/web-x7k2p   1/1\n"),
        (("…", "last"), "last\n"),
        (("…", "last"), "one\ntwo\nlast\n"),
        (("first", "…"), "first\n"),
        (("first", "…", "…", "last"), "first\nlast"),
    ],
)
def test_kept(promised, output):
    assert Promise(promised).kept_by(output)


@pytest.mark.parametrize(
    ("promised", "output"),
    [
        ((), "anything"),
        (("HTTP/1.1 200 OK",), ""),
        (("HTTP/1.1 200 OK",), "HTTP/1.1 200 OK\nHTTP/1.1 200 OK\n"),
        (("HTTP/1.1 200 OK",), "HTTP/1.1 2000 OK"),
        (("pod/web-…",), "pod/web-"),
        (("pod/web-…",), "pod/web-a b"),
        (("a.c",), "abc"),
        (("…", "last"), "last\nand more\n"),
    ],
)
def test_broken(promised, output):
    assert not Promise(promised).kept_by(output)


def test_the_difference_names_both_sides():
    difference = Promise(("HTTP/1.1 200 OK",)).difference("curl: (28) Connection timed out\n")
    assert difference.split("\n") == ["- HTTP/1.1 200 OK", "+ curl: (28) Connection timed out"]


def test_carriage_returns_are_not_seen():
    assert visible_lines("a\r\r\nb  \r\n\n") == ["a", "b"]


def test_steps_end_with_their_promise_or_a_blank_line():
    steps = parse_steps("\na=1\nb=2\n\necho $a\n#> 1\necho $b\n#> 2\n#> …\nfalse\n")
    assert [(step.script, step.promise.lines) for step in steps] == [
        ("a=1\nb=2", ()),
        ("echo $a", ("1",)),
        ("echo $b", ("2", "…")),
        ("false", ()),
    ]
