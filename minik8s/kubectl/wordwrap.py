"""Wrapping text as kubectl does: words move to the next line, text lines stay lines."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\n|[^\S\n\xa0]+|(?:[^\s]|\xa0)+")


def wrap(text: str, limit: int) -> str:
    r"""The text with no line longer than `limit`, but for words that are longer themselves.

    >>> wrap("one two\nthree", 5)
    'one\ntwo\nthree'
    """
    wrapped: list[str] = []
    column, space, word = 0, "", ""
    for token in _TOKEN.findall(text):
        if token == "\n":
            if word or column + len(space) <= limit:
                wrapped += [space, word]
            wrapped.append("\n")
            column, space, word = 0, "", ""
        elif token.isspace() and "\xa0" not in token:
            column += len(space) + len(word)
            wrapped += [space, word]
            space, word = token, ""
        else:
            word = token
            if _overflows(column, space, word, limit):
                wrapped.append("\n")
                column, space = 0, ""
    if word or column + len(space) <= limit:
        wrapped += [space, word]
    return "".join(wrapped)


def _overflows(column: int, space: str, word: str, limit: int) -> bool:
    """Whether a word must go to the next line: it does so as soon as a letter is too much.

    A word that fills a whole line moves only if it was too much before it was that long.
    """
    room = limit - column - len(space)
    return len(word) > room and max(room + 1, 1) < limit


def indent(text: str, amount: int) -> str:
    """The text with spaces before each of its lines."""
    pad = " " * amount
    return pad + text.replace("\n", "\n" + pad)
