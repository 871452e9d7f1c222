"""Checks that many kinds share: numbers, names, labels and label selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from minik8s.admission.problems import Problems
from minik8s.model.formats import (
    dns1123_label,
    dns1123_subdomain,
    label_value,
    port_name,
    port_number,
    qualified_name,
    whole,
)
from minik8s.model.metadata import Document

NOT_NEGATIVE = "must be greater than or equal to 0"
NOT_ZERO = "must be greater than zero"
PROTOCOLS = ("SCTP", "TCP", "UDP")

Format = Callable[[str], list[str]]
"""One of the functions of `minik8s.model.formats`."""

_PERCENT = re.compile("[0-9]+%")


def check_not_negative(problems: Problems, path: str, value: float | None) -> None:
    """A number that must not be below 0; None is fine."""
    if value is not None and value < 0:
        problems.invalid(path, value, NOT_NEGATIVE)


def check_fields_not_negative(
    problems: Problems, path: str, document: Document, fields: Iterable[str]
) -> None:
    """Several such numbers of one object."""
    for field in fields:
        check_not_negative(problems, f"{path}.{field}", document.get(field))


def check_format(problems: Problems, path: str, value: str, form: Format) -> None:
    """A text with a format."""
    problems.each_invalid(path, value, form(value))


def check_name(problems: Problems, path: str, value: str, form: Format = dns1123_subdomain) -> None:
    """A name that must be there and have a format."""
    if not value:
        problems.required(path)
    else:
        check_format(problems, path, value, form)


def check_label_name(problems: Problems, path: str, value: str | None) -> None:
    """A name like a container's: there, and a DNS label."""
    check_name(problems, path, value or "", dns1123_label)


def check_one_of(problems: Problems, path: str, value: str | None, known: Iterable[str]) -> None:
    """A text that must be there and be one of those that there are."""
    if not value:
        problems.required(path)
    elif value not in (known := tuple(known)):
        problems.not_supported(path, value, known)


def check_port(problems: Problems, path: str, port: int | str | None) -> None:
    """The number or the name of a port."""
    if isinstance(port, str):
        problems.each_invalid(path, port, port_name(port))
    else:
        problems.each_invalid(path, port or 0, port_number(port or 0))


def check_labels(problems: Problems, path: str, labels: Mapping[str, str] | None) -> None:
    """A map of labels, or of a selector's labels."""
    for key in sorted(labels or ()):
        assert labels is not None
        value = labels[key]
        problems.each_invalid(path, key, qualified_name(key))
        problems.each_invalid(path, value, label_value(value))


def check_selector(
    problems: Problems, path: str, selector: Document | None, *, lenient: bool = False
) -> None:
    """A metav1.LabelSelector; `lenient` takes values that are no label values, as old ones were."""
    if selector is None:
        return
    if selector.get("matchLabels"):
        check_labels(problems, f"{path}.matchLabels", selector["matchLabels"])
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        _check_expression(
            problems, f"{path}.matchExpressions[{index}]", expression, lenient=lenient
        )


def _check_expression(
    problems: Problems, path: str, expression: Document, *, lenient: bool
) -> None:
    check_requirement(problems, path, expression)
    if lenient:
        return
    for index, value in enumerate(expression.get("values") or ()):
        problems.each_invalid(f"{path}.values[{index}]", value, label_value(value))


def check_requirement(
    problems: Problems, path: str, expression: Document, *, comparisons: Collection[str] = ()
) -> None:
    """The operator, how many values it takes, and the key; `comparisons` take exactly one."""
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            problems.required(
                f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            problems.forbidden(
                f"{path}.values",
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )
    elif operator in comparisons:
        if len(values) != 1:
            problems.required(
                f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"
            )
    else:
        problems.invalid(f"{path}.operator", operator, "not a valid selector operator")
    key = expression.get("key", "")
    problems.each_invalid(f"{path}.key", key, qualified_name(key))


def check_int_or_percent(problems: Problems, path: str, value: int | str | None) -> None:
    """A count, or a share such as `25%`."""
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            problems.invalid(path, value, "must be an integer or percentage (e.g '5%')")
    else:
        check_not_negative(problems, path, value)


def percent_of(value: Any) -> int | None:
    """The number of a share such as `25%`, or None for a plain count."""
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return whole(value[:-1])
    return None


def check_not_over_100_percent(problems: Problems, path: str, value: int | str | None) -> None:
    """A share of at most everything."""
    share = percent_of(value)
    if share is not None and share > 100:
        problems.invalid(path, value, "must not be greater than 100%")


def immutable(problems: Problems, path: str, new: object, old: object) -> None:
    """A field that keeps its value for good."""
    if new != old:
        problems.invalid(path, new, "field is immutable")
