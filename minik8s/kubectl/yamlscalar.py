"""What a plain YAML scalar means to go-yaml v2, the reader and writer behind kubectl.

That is YAML 1.1 with changes: `yes`, `no`, `on`, `off`, `y` and `n` are booleans, `0777` is an
octal number, base 60 is not read, and a date stays a text.
"""

from __future__ import annotations

import re
from datetime import datetime

from minik8s.kubectl.gotext import parse_int

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOTTED = re.compile(r"\.[0-9]+([eE][-+]?[0-9]+)?")
_BASE60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_BINARY = re.compile(r"(-?)0b([01]+)")
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?)?"
)


def resolve(text: str) -> Scalar:
    """The value of a plain scalar.

    >>> resolve("0777"), resolve("yes"), resolve("1.50"), resolve("12:30"), resolve("v1")
    (511, True, 1.5, '12:30', 'v1')
    """
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        return float(text) if _DOTTED.fullmatch(text) else text
    if first not in "+-0123456789" or is_timestamp(text):
        return text
    plain = text.replace("_", "")
    number = _whole(plain)
    if number is not None:
        return number
    if _FLOAT.fullmatch(plain):
        return float(plain)
    if match := _BINARY.fullmatch(plain):
        return int(match[1] + match[2], 2)
    return text


def _whole(text: str) -> int | None:
    try:
        return parse_int(text)
    except ValueError:
        pass
    try:
        value = parse_int(text, 65)
    except ValueError:
        return None
    return value if value >= 0 and not text.startswith("+") else None


def is_timestamp(text: str) -> bool:
    """Whether a text is a date, or a date and a time, as go-yaml recognises them."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day, separator, hour, minute, second, zone = match.groups()
    if separator and (separator == " ") is not (zone is None):
        return False
    try:
        datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        return False
    return True


def stays_text(text: str) -> bool:
    """Whether a text may stand without quotes and still be read as a text."""
    if is_timestamp(text) or _BASE60.fullmatch(text):
        return False
    return isinstance(resolve(text), str)
