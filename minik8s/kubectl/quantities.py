"""Resource quantities as Kubernetes writes them (apimachinery/pkg/api/resource)."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(
    r"([+-]?)(\d+\.?\d*|\.\d+)"
    r"(?:(Ki|Mi|Gi|Ti|Pi|Ei)|(n|u|m|k|M|G|T|P|E)?|[eE]([+-]?\d+))"
)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_MOST = Decimal(2**63 - 1)
"""The largest quantity; whatever is larger counts as this (resource.ParseQuantity)."""

_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIXES = ["", *_BINARY]
PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"


def parse(text: str) -> tuple[Decimal, str]:
    """A quantity's value and its format: `binary`, `decimal` or `exponent`.

    Raises ValueError with the API's message.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        if not text:
            raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    sign, digits, binary, suffix, exponent = match.groups()
    value = Decimal(digits)
    if binary:
        value, form = value * 1024 ** _BINARY[binary], "binary"
    elif exponent:
        value, form = _shifted(value, exponent), "exponent"
    else:
        value, form = value.scaleb(_DECIMAL[suffix or ""]), "decimal"
    value = min(value, _MOST)
    return -value if sign == "-" else value, form


def _shifted(value: Decimal, exponent: str) -> Decimal:
    """A value times ten to a power that may be too large for any number."""
    power = exponent.lstrip("+-0")
    if len(power) < 4 or not value:
        return value.scaleb(int(exponent))
    return Decimal("1e-9") if exponent.startswith("-") else _MOST


def canonical(text: str) -> str:
    """A quantity in its shortest exact form.

    >>> canonical("1000m"), canonical("0.5"), canonical("2048Ki"), canonical("1.5Gi")
    ('1', '500m', '2Mi', '1536Mi')
    """
    value, form = parse(text)
    return write(value, form)


def write(value: Decimal, form: str) -> str:
    """A value in the form that it was given in."""
    if value == 0:
        return "0"
    if form == "binary" and abs(value) >= 1024:
        return _binary(value)
    value = value.quantize(Decimal("1e-9"), rounding=ROUND_CEILING)
    sign, digits, exponent = value.normalize().as_tuple()
    assert isinstance(exponent, int)
    amount = int("".join(map(str, digits)))
    while exponent % 3:
        amount *= 10
        exponent -= 1
    suffix = _SUFFIXES.get(exponent, "")
    if form == "exponent":
        suffix = f"e{exponent}" if exponent else ""
    return f"{'-' if sign else ''}{amount}{suffix}"


def _binary(value: Decimal) -> str:
    amount, power = int(value.to_integral_value(rounding=ROUND_CEILING)), 0
    while amount % 1024 == 0 and power < len(_BINARY):
        amount //= 1024
        power += 1
    return f"{amount}{_BINARY_SUFFIXES[power]}"
