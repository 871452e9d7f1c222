"""Texts as Go's standard library writes and reads them: %q, numbers, durations, JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quote(text: str) -> str:
    """A text in double quotes (Go's `%q`).

    >>> print(quote('a "b"'))
    "a \\"b\\""
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == " " or char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_UNESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_CODED = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})")


def unquote(text: str, mark: str) -> str:
    r"""The inside of a quoted Go text, read; raises ValueError.

    >>> unquote(r"it\'s", "'")
    "it's"
    """
    plain, place = [], 0
    while place < len(text):
        char = text[place]
        place += 1
        if char == mark or (char == "\\" and place == len(text)):
            raise ValueError("invalid syntax")
        if char == "\\":
            char, place = _unescape(text, place, mark)
        plain.append(char)
    return "".join(plain)


def _unescape(text: str, place: int, mark: str) -> tuple[str, int]:
    char = text[place]
    if char == mark:
        return char, place + 1
    if char in _UNESCAPES:
        return _UNESCAPES[char], place + 1
    match = _CODED.match(text, place)
    if match is None:
        raise ValueError("invalid syntax")
    code = int(match[4], 8) if match[4] else int(match[match.lastindex or 1], 16)
    return chr(code), match.end()


def parse_bool(text: str) -> bool:
    """strconv.ParseBool; raises ValueError with its message."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")


_INTEGER = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)"
    r"|0[bB](?P<bin>_?[01]+(?:_[01]+)*)|0[oO]?(?P<oct>_?[0-7]+(?:_[0-7]+)*)"
    r"|(?P<dec>0|[1-9][0-9]*(?:_[0-9]+)*))"
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}


def parse_int(text: str, bits: int = 64) -> int:
    """strconv.ParseInt with base 0; raises ValueError with its message.

    >>> parse_int("0x10")
    16
    """
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    base = match.lastgroup or "dec"
    value = int(match[base].replace("_", ""), _BASES[base])
    value = -value if match["sign"] == "-" else value
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return value


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([^\d.]*)")


def parse_duration(text: str) -> float:
    """time.ParseDuration, in seconds; raises ValueError with its message.

    >>> parse_duration("1m30s")
    90.0
    """
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0.0
    total, position = 0.0, 0
    while position < len(body) or not body:
        match = _PART.match(body, position)
        if match is None:
            raise ValueError(f"time: invalid duration {quote(text)}")
        if not match[2]:
            raise ValueError(f"time: missing unit in duration {quote(text)}")
        if match[2] not in _UNITS:
            raise ValueError(f"time: unknown unit {quote(match[2])} in duration {quote(text)}")
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    return -total if text.startswith("-") else total


def format_duration(seconds: float) -> str:
    """time.Duration's own text for whole milliseconds: `1m30s`, `500ms`, `0s`."""
    if seconds == 0:
        return "0s"
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 1:
        return f"{sign}{_trim(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 9), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{_trim(rest)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return sign + (f"{hours}h{text}" if hours else text)


def _trim(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")


_HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def canonical(value: Any) -> Any:
    """A JSON value with every object's keys sorted, as Go writes a map."""
    if isinstance(value, Mapping):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


def compact_json(value: Any) -> str:
    """encoding/json's Marshal of a map: keys sorted, no spaces, `<`, `>` and `&` escaped.

    >>> print(compact_json({"b": [1.0, None], "a": "x"}))
    {"a":"x","b":[1,null]}
    """
    return plain_json(canonical(value))


def plain_json(value: Any) -> str:
    """encoding/json's Marshal of a struct: keys in the order that they have."""
    pieces: list[str] = []
    _write_json(value, "", "", pieces)
    return "".join(pieces)


def indented_json(value: Any, indent: int = 4) -> str:
    """encoding/json's MarshalIndent, keys in the order that they have (as a struct's fields)."""
    pieces: list[str] = []
    _write_json(value, " " * indent, "\n", pieces)
    return "".join(pieces)


def _write_json(value: Any, step: str, line: str, out: list[str]) -> None:
    if isinstance(value, str):
        out.append(json_string(value))
    elif value is None or isinstance(value, bool):
        out.append(_WORDS[value])
    elif isinstance(value, int):
        out.append(str(value))
    elif isinstance(value, float):
        out.append(json_float(value))
    elif not value:
        out.append("{}" if isinstance(value, Mapping) else "[]")
    else:
        _write_container(value, step, line, out)


_WORDS = {None: "null", True: "true", False: "false"}


def _write_container(value: Any, step: str, line: str, out: list[str]) -> None:
    inner = line + step
    if isinstance(value, Mapping):
        opening, closing, colon = "{", "}", ": " if step else ":"
        entries = ((json_string(key) + colon, item) for key, item in value.items())
    else:
        opening, closing = "[", "]"
        entries = (("", item) for item in value)
    separator = opening
    for prefix, item in entries:
        out.append(f"{separator}{inner}{prefix}")
        _write_json(item, step, inner, out)
        separator = ","
    out.append(line + closing)


def json_string(text: str) -> str:
    """A text as a JSON string, as encoding/json writes it."""
    return encode_basestring(text).translate(_HTML)


def json_float(value: float) -> str:
    """A float64 as encoding/json writes it: plain between 1e-6 and 1e21.

    >>> json_float(1e21), json_float(2.0), json_float(1e-7)
    ('1e+21', '2', '1e-7')
    """
    size = abs(value)
    if size != 0 and (size < 1e-6 or size >= 1e21):
        return go_exponent(value).replace("e-0", "e-")
    return shortest(value)


def shortest(value: float) -> str:
    """A float64 without exponent, with the fewest digits that tell it apart (`%f`, -1)."""
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def go_exponent(value: float) -> str:
    """A float64 with exponent (`%e`, -1): at least two digits of exponent."""
    digits, _, exponent = _scientific(value).partition("e")
    number = int(exponent)
    return f"{digits}e{'-' if number < 0 else '+'}{abs(number):02d}"


def _scientific(value: float) -> str:
    for precision in range(18):
        text = f"{value:.{precision}e}"
        if float(text) == value:
            return text
    return f"{value:.17e}"


def format_g(value: float) -> str:
    """A float64 as `strconv.FormatFloat(v, 'g', -1, 64)`, and so `%v`, writes it.

    >>> format_g(0.5), format_g(1e6)
    ('0.5', '1e+06')
    """
    if value == 0:
        return "-0" if str(value).startswith("-") else "0"
    exponent = int(_scientific(value).partition("e")[2])
    return go_exponent(value) if exponent < -4 or exponent >= 6 else shortest(value)
