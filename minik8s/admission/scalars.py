"""Values with a syntax of their own: quantities, timestamps and base64.

Each function says what is wrong with a value in the words of the Go code that reads it, or None.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from datetime import datetime
from typing import Any

from minik8s.model.formats import quote

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_SUFFIX = re.compile(r"|[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
)


def quantity_problem(value: Any) -> str | None:
    """Why a value is no resource.Quantity, in the words of its parser; None if it is one."""
    text = str(value) if isinstance(value, str | int | float) else json.dumps(value)
    text = text.strip()
    if text == "":
        return "quantities must match the regular expression '" + _quantity_rule() + "'"
    match = _QUANTITY.fullmatch(text)
    if match is None or not _NUMBER.fullmatch(match[1]):
        return "quantities must match the regular expression '" + _quantity_rule() + "'"
    if not _SUFFIX.fullmatch(match[2]):
        return "unable to parse quantity's suffix"
    return None


def _quantity_rule() -> str:
    return f"^{_QUANTITY.pattern}$"


def time_problem(text: str) -> str | None:
    """Why a text is no metav1.Time, as Go's time.Parse says it; None if it is one."""
    layout = "2006-01-02T15:04:05Z07:00"
    if not _TIME.fullmatch(text):
        rest, part = _unparsed(text)
        return f'parsing time {quote(text)} as "{layout}": cannot parse {quote(rest)} as "{part}"'
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        unit = str(error).partition(" ")[0]
        return f"parsing time {quote(text)}: {unit} out of range"
    return None


_TIME_PARTS = (
    (r"\d{4}", "2006"),
    ("-", "-"),
    (r"\d\d", "01"),
    ("-", "-"),
    (r"\d\d", "02"),
    ("T", "T"),
    (r"\d\d", "15"),
    (":", ":"),
    (r"\d\d", "04"),
    (":", ":"),
    (r"\d\d(\.\d+)?", "05"),
    (r"Z|[+-]\d\d:\d\d", "Z07:00"),
)


def _unparsed(text: str) -> tuple[str, str]:
    """The rest of a text where time.Parse gives up, and the part of the layout that it wanted."""
    for pattern, part in _TIME_PARTS:
        match = re.match(pattern, text)
        if match is None:
            return text, part
        text = text[match.end() :]
    return text, ""


def base64_problem(text: str) -> str | None:
    """Why a text is no base64, as Go says it; None if it is (line ends are skipped)."""
    plain = text.replace("\n", "").replace("\r", "")
    try:
        b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        return f"illegal base64 data at input byte {_first_bad(plain)}"
    return None


def _first_bad(text: str) -> int:
    for index, char in enumerate(text):
        if not (char.isascii() and (char.isalnum() or char in "+/")):
            return index
    return len(text) - len(text) % 4
