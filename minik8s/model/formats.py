"""The formats of names, labels and ports, each with the complaints of the real API.

Every function takes a value and returns what is wrong with it, in the order and the words of
`k8s.io/apimachinery/pkg/util/validation`; an empty list means that the value is fine.
Lengths are counted in bytes, as Go does.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

LABEL_MAX = 63
SUBDOMAIN_MAX = 253
PORT_NAME_MAX = 15

_DNS1123_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS1123_SUBDOMAIN = rf"{_DNS1123_LABEL}(\.{_DNS1123_LABEL})*"
_DNS1035_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_MAP_KEY = "[-._a-zA-Z0-9]+"

_is_dns1123_label = re.compile(_DNS1123_LABEL).fullmatch
_is_dns1123_subdomain = re.compile(_DNS1123_SUBDOMAIN).fullmatch
_is_dns1035_label = re.compile(_DNS1035_LABEL).fullmatch
_is_qualified = re.compile(_QUALIFIED).fullmatch
_is_label_value = re.compile(_LABEL_VALUE).fullmatch
_is_config_map_key = re.compile(_CONFIG_MAP_KEY).fullmatch
_is_port_name = re.compile("[-a-z0-9]+").fullmatch
_has_letter = re.compile("[a-z]").search


class SelectorError(ValueError):
    """A selector that makes no sense; the text is the one that the API answers with (400)."""


def whole(digits: str) -> int:
    """A number written in decimal digits, at most that of 64 bits: Python reads no more at will.

    >>> whole("025"), whole("9" * 5000)
    (25, 9223372036854775807)
    """
    plain = digits.lstrip("0")
    return min(int(plain or "0"), 2**63 - 1) if len(plain) < 20 else 2**63 - 1


def quote(text: str) -> str:
    """A string as the API prints it in a message: in double quotes, escaped (Go's %q)."""
    return json.dumps(text, ensure_ascii=False)


def too_long(limit: int) -> str:
    """The complaint about a value of more than `limit` bytes."""
    return f"must be no more than {limit} bytes"


def out_of_range(low: int, high: int) -> str:
    """The complaint about a number outside of a range."""
    return f"must be between {low} and {high}, inclusive"


def _pattern(rule: str, pattern: str, *examples: str) -> str:
    shown = ", ".join(
        f"'{example}'" if i == 0 else f" or '{example}'" for i, example in enumerate(examples)
    )
    return f"{rule} (e.g. {shown}, regex used for validation is '{pattern}')"


_LABEL_RULE = _pattern(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    _DNS1123_LABEL,
    "my-name",
    "123-abc",
)
_SUBDOMAIN_RULE = _pattern(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character",
    _DNS1123_SUBDOMAIN,
    "example.com",
)
_DNS1035_RULE = _pattern(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character",
    _DNS1035_LABEL,
    "my-name",
    "abc-123",
)
_QUALIFIED_RULE = _pattern(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character",
    _QUALIFIED,
    "MyName",
    "my.name",
    "123-abc",
)
_LABEL_VALUE_RULE = _pattern(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
_CONFIG_MAP_KEY_RULE = _pattern(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_MAP_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)


def dns1123_label(value: str) -> list[str]:
    """A label of RFC 1123: names of namespaces, containers and volumes."""
    return _sized(value, LABEL_MAX, bool(_is_dns1123_label(value)), _LABEL_RULE)


def dns1123_subdomain(value: str) -> list[str]:
    """A subdomain of RFC 1123: names of most objects."""
    return _sized(value, SUBDOMAIN_MAX, bool(_is_dns1123_subdomain(value)), _SUBDOMAIN_RULE)


def dns1035_label(value: str) -> list[str]:
    """A label of RFC 1035: names of Services."""
    return _sized(value, LABEL_MAX, bool(_is_dns1035_label(value)), _DNS1035_RULE)


def _sized(value: str, limit: int, well_formed: bool, rule: str) -> list[str]:
    complaints = [too_long(limit)] if len(value.encode()) > limit else []
    return complaints if well_formed else [*complaints, rule]


@lru_cache(maxsize=4096)
def _label_value(value: str) -> tuple[str, ...]:
    return tuple(_sized(value, LABEL_MAX, bool(_is_label_value(value)), _LABEL_VALUE_RULE))


def label_value(value: str) -> list[str]:
    """The value of a label."""
    return list(_label_value(value))


@lru_cache(maxsize=4096)
def _qualified_name(value: str) -> tuple[str, ...]:
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return (
            "a valid label key " + _QUALIFIED_RULE + " with an optional DNS subdomain prefix and "
            "'/' (e.g. 'example.com/MyName')",
        )
    complaints = []
    if slash:
        if not prefix:
            complaints.append("prefix part must be non-empty")
        else:
            complaints += [f"prefix part {text}" for text in dns1123_subdomain(prefix)]
    if not name:
        complaints.append("name part must be non-empty")
    elif len(name.encode()) > LABEL_MAX:
        complaints.append("name part " + too_long(LABEL_MAX))
    if not _is_qualified(name):
        complaints.append("name part " + _QUALIFIED_RULE)
    return tuple(complaints)


def qualified_name(value: str) -> list[str]:
    """The key of a label or an annotation: an optional prefix and a name."""
    return list(_qualified_name(value))


def port_number(value: int) -> list[str]:
    """The number of a port."""
    return [] if 1 <= value <= 65535 else [out_of_range(1, 65535)]


def port_name(value: str) -> list[str]:
    """The name of a container's port (an IANA service name, RFC 6335)."""
    complaints = []
    if len(value.encode()) > PORT_NAME_MAX:
        complaints.append(too_long(PORT_NAME_MAX))
    if not _is_port_name(value):
        complaints.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _has_letter(value):
        complaints.append("must contain at least one letter (a-z)")
    if "--" in value:
        complaints.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        complaints.append("must not begin or end with a hyphen")
    return complaints


def config_map_key(value: str) -> list[str]:
    """The key of a ConfigMap or a Secret: a file name."""
    complaints = [too_long(SUBDOMAIN_MAX)] if len(value.encode()) > SUBDOMAIN_MAX else []
    if not _is_config_map_key(value):
        complaints.append(_CONFIG_MAP_KEY_RULE)
    if value == ".":
        complaints.append("must not be '.'")
    elif value == "..":
        complaints.append("must not be '..'")
    elif value.startswith(".."):
        complaints.append("must not start with '..'")
    return complaints
