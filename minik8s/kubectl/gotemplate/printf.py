"""fmt.Sprintf over JSON values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minik8s.kubectl.gotext import format_g, quote
from minik8s.kubectl.govalue import go_syntax, go_type, go_value

_VERB = re.compile(r"%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(.)?", re.DOTALL)
_BASES = {"d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}


def sprintf(form: str, arguments: list[Any]) -> str:
    """A format filled in, mistakes marked as Go marks them.

    >>> sprintf("%-6s|%5.2f|%03d|%d", ["ab", 1.5, 7, "x"])
    'ab    | 1.50|007|%!d(string=x)'
    """
    rest = list(arguments)

    def fill(match: re.Match[str]) -> str:
        return _fill(match, rest)

    text = _VERB.sub(fill, form)
    if rest:
        extra = ", ".join(f"{go_type(item)}={go_value(item)}" for item in rest)
        text += f"%!(EXTRA {extra})"
    return text


def _fill(match: re.Match[str], rest: list[Any]) -> str:
    flags, width, precision, verb = match.groups()
    if verb is None:
        return "%!(NOVERB)"
    if verb == "%":
        return "%"
    if width == "*":
        width = str(rest.pop(0)) if rest and isinstance(rest[0], int) else ""
        if width.startswith("-"):
            flags, width = flags + "-", width[1:]
    if precision == "*":
        precision = str(rest.pop(0)) if rest and isinstance(rest[0], int) else None
    elif precision is None and "." in match[0][:-1]:
        precision = "0"
    if not rest:
        return f"%!{verb}(MISSING)"
    value = rest.pop(0)
    text = _format(value, verb, flags, None if precision is None else int(precision))
    if text is None:
        kind = "" if value is None else f"{go_type(value)}="
        return f"%!{verb}({kind}{go_value(value)})"
    return _pad(text, flags, int(width or 0), value)


def _pad(text: str, flags: str, width: int, value: Any) -> str:
    if "-" in flags:
        return text.ljust(width)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if "0" in flags and number:
        return text.zfill(width)
    return text.rjust(width, "0" if "0" in flags else " ")


def _format(value: Any, verb: str, flags: str, precision: int | None) -> str | None:
    if verb == "T":
        return go_type(value)
    if verb == "v":
        return go_syntax(value) if "#" in flags else _plain(value, flags, precision)
    if isinstance(value, (Mapping, list)):
        return _container(value, verb, flags, precision)
    if isinstance(value, bool):
        return go_value(value) if verb == "t" else None
    if isinstance(value, str):
        return _string(value, verb, flags, precision)
    if isinstance(value, int):
        return _integer(value, verb, flags)
    return _float(value, verb, flags, precision) if isinstance(value, float) else None


def _plain(value: Any, flags: str, precision: int | None) -> str:
    if isinstance(value, float):
        return _signed(_float(value, "g", flags, precision) or "", flags)
    if isinstance(value, int) and not isinstance(value, bool):
        return _signed(str(value), flags)
    return go_value(value)


def _container(value: Any, verb: str, flags: str, precision: int | None) -> str:
    def inner(item: Any) -> str:
        text = _format(item, verb, flags, precision)
        if text is not None:
            return text
        kind = "" if item is None else f"{go_type(item)}="
        return f"%!{verb}({kind}{go_value(item)})"

    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{inner(k)}:{inner(value[k])}' for k in sorted(value))}]"
    return f"[{' '.join(map(inner, value))}]"


def _string(value: str, verb: str, flags: str, precision: int | None) -> str | None:
    cut = value if precision is None else value[:precision]
    if verb == "s":
        return cut
    if verb == "q":
        return f"`{cut}`" if "#" in flags and "`" not in cut else quote(cut)
    if verb in "xX":
        digits = cut.encode().hex(" ") if " " in flags else cut.encode().hex()
        digits = digits if verb == "x" else digits.upper()
        return f"0{verb}{digits}" if "#" in flags else digits
    return None


def _integer(value: int, verb: str, flags: str) -> str | None:
    if verb == "c":
        return chr(value)
    if verb == "q":
        return f"'{chr(value)}'"
    if verb == "U":
        return f"U+{value:04X}"
    if verb not in _BASES:
        return None
    digits = format(abs(value), _BASES[verb])
    prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") if "#" in flags else ""
    prefix = "0o" if verb == "O" else prefix
    return _signed(("-" if value < 0 else "") + prefix + digits, flags)


def _float(value: float, verb: str, flags: str, precision: int | None) -> str | None:
    if verb in "fF":
        return _signed(f"{value:.{6 if precision is None else precision}f}", flags)
    if verb in "eE":
        text = f"{value:.{6 if precision is None else precision}e}"
        return _signed(text if verb == "e" else text.upper(), flags)
    if verb not in "gG":
        return None
    text = format_g(value) if precision is None else f"{value:.{precision}g}"
    return _signed(text if verb == "g" else text.upper(), flags)


def _signed(text: str, flags: str) -> str:
    if text.startswith("-"):
        return text
    return f"+{text}" if "+" in flags else (f" {text}" if " " in flags else text)
