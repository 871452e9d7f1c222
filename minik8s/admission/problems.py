"""What is wrong with a document: problems with fields, in the words of the real API.

`Problems` collects them as validation finds them (k8s.io/apimachinery's field.ErrorList). A field
is named by its path, written as the API writes it: `spec.ports[0].port`, `metadata.labels[app]`.
Values print as JSON; text in quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from minik8s.errors import Cause
from minik8s.model.formats import quote

IMMUTABLE = "field is immutable"


def shown(value: object) -> str:
    """A value as error messages print it: compact JSON with sorted keys."""
    if isinstance(value, str):
        return quote(value)
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


class Problems:
    """The problems found so far, in the order of finding.

    >>> problems = Problems()
    >>> problems.invalid("spec.replicas", -1, "must be greater than or equal to 0")
    >>> problems.causes[0].message
    'Invalid value: -1: must be greater than or equal to 0'
    """

    __slots__ = ("causes",)

    def __init__(self) -> None:
        self.causes: list[Cause] = []

    def __bool__(self) -> bool:
        return bool(self.causes)

    def _add(self, reason: str, path: str, message: str) -> None:
        self.causes.append(Cause(reason, message, path))

    def required(self, path: str, detail: str = "") -> None:
        """A field is missing."""
        self._add("FieldValueRequired", path, _with("Required value", detail))

    def invalid(self, path: str, value: object, detail: str) -> None:
        """A value breaks a rule."""
        self._add("FieldValueInvalid", path, _with(f"Invalid value: {shown(value)}", detail))

    def object_invalid(self, path: str, detail: str) -> None:
        """An object breaks a rule; it is not shown."""
        self._add("FieldValueInvalid", path, f"Invalid value: {detail}")

    def each_invalid(self, path: str, value: object, details: Iterable[str]) -> None:
        """A value breaks several rules."""
        for detail in details:
            self.invalid(path, value, detail)

    def not_supported(self, path: str, value: object, supported: Iterable[str]) -> None:
        """A value is none of those that there are."""
        known = ", ".join(map(quote, supported))
        self._add(
            "FieldValueNotSupported",
            path,
            f"Unsupported value: {shown(value)}: supported values: {known}",
        )

    def forbidden(self, path: str, detail: str) -> None:
        """A field may not be there, or not be changed."""
        self._add("FieldValueForbidden", path, _with("Forbidden", detail))

    def duplicate(self, path: str, value: object) -> None:
        """A value that must be unique comes twice."""
        self._add("FieldValueDuplicate", path, f"Duplicate value: {shown(value)}")

    def too_long(self, path: str, limit: int) -> None:
        """A text or map takes more bytes than it may."""
        self._add("FieldValueTooLong", path, f"Too long: may not be more than {limit} bytes")

    def too_many(self, path: str, count: int, limit: int) -> None:
        """A list has more entries than it may."""
        items = "item" if limit == 1 else "items"
        self._add(
            "FieldValueTooMany", path, f"Too many: {count}: must have at most {limit} {items}"
        )

    def not_found(self, path: str, value: object) -> None:
        """A value names something that is not there."""
        self._add("FieldValueNotFound", path, f"Not found: {shown(value)}")


def _with(body: str, detail: str) -> str:
    return f"{body}: {detail}" if detail else body
