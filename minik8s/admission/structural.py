"""What a structural schema does to an object of a custom kind: prune, default, validate.

A schema is the `openAPIV3Schema` of a CustomResourceDefinition as plain JSON. The texts are
those of kube-openapi's validation. Of the rules in CEL (`x-kubernetes-validations`) those are
evaluated that `celrules` knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from minik8s.admission.celrules import check_rules, has_rules
from minik8s.admission.patterns import compiled
from minik8s.admission.patterntree import PatternError
from minik8s.admission.problems import Problems, shown
from minik8s.errors import Cause
from minik8s.model.metadata import Document

Schema = Mapping[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"

_OBJECT_FIELDS = ("apiVersion", "kind", "metadata")


# -- pruning


def prune(document: Document, schema: Schema) -> tuple[Document, list[str]]:
    """The object without the fields that its schema does not know, and the paths of these."""
    unknown: list[str] = []
    pruned: Document = _pruned(document, schema, "", unknown, root=True)
    return pruned, unknown


def _pruned(value: Any, schema: Schema, path: str, unknown: list[str], root: bool = False) -> Any:
    if isinstance(value, list):
        items = schema.get("items")
        if not isinstance(items, dict):
            return value
        return [_pruned(v, items, f"{path}[{i}]", unknown) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept: Document = {}
    for name, each in value.items():
        inside = f"{path}.{name}" if path else name
        known = _schema_of_field(schema, name)
        if name in _OBJECT_FIELDS and (root or schema.get(EMBEDDED)):
            kept[name] = each
        elif known is not None:
            kept[name] = _pruned(each, known, inside, unknown)
        elif schema.get(PRESERVE):
            kept[name] = each
        else:
            unknown.append(inside)
    return kept


def _schema_of_field(schema: Schema, name: str) -> Schema | None:
    """What a schema says of a field; an empty schema where anything goes, None if unknown."""
    known = (schema.get("properties") or {}).get(name)
    if isinstance(known, dict):
        return known
    more = schema.get("additionalProperties")
    if more is True:
        return {PRESERVE: True}
    return more if isinstance(more, dict) else None


# -- defaults


def with_defaults(value: Any, schema: Schema) -> Any:
    """A value with the defaults of its schema; a null that may not be null counts as absent.

    Objects and lists of the value are copied, scalars and defaults are not: nobody changes them.
    """
    if isinstance(value, list):
        items = schema.get("items")
        return [with_defaults(each, items) for each in value] if isinstance(items, dict) else value
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, field in (schema.get("properties") or {}).items():
        if filled.get(name) is None and "default" in field and not _nulled(filled, name, field):
            filled[name] = field["default"]
    for name, each in list(filled.items()):
        known = _schema_of_field(schema, name)
        if known is None:
            continue
        if each is None and not known.get("nullable") and name in (schema.get("properties") or {}):
            del filled[name]
        else:
            filled[name] = with_defaults(each, known)
    return filled


def _nulled(value: Document, name: str, field: Schema) -> bool:
    return name in value and bool(field.get("nullable"))


# -- validation


def validate(problems: Problems, document: Document, schema: Schema) -> None:
    """Check an object; its metadata are checked elsewhere."""
    fields = {key: each for key, each in document.items() if key not in _OBJECT_FIELDS}
    inner = {
        **schema,
        "required": [name for name in schema.get("required") or () if name not in _OBJECT_FIELDS],
    }
    _check(problems, fields, inner, "")
    if has_rules(schema):
        if any(cause.reason in _BLOCKING or _is_type_error(cause) for cause in problems.causes):
            problems.invalid("<nil>", None, _UNCHECKED)
        else:
            check_rules(problems, document, schema)


_BLOCKING = (
    "FieldValueRequired",
    "FieldValueNotSupported",
    "FieldValueTooLong",
    "FieldValueTooMany",
)
"""Problems after which no rule is evaluated: the object may not be what rules take it for."""

_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def _is_type_error(cause: Cause) -> bool:
    return " in body must be of type " in cause.message


def _check(problems: Problems, value: Any, schema: Schema, path: str) -> None:
    if value is None and schema.get("nullable"):
        return
    if not _check_type(problems, value, schema, path):
        return
    for check in _CHECKS:
        check(problems, value, schema, path)
    if isinstance(value, dict):
        _check_fields(problems, value, schema, path)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, each in enumerate(value):
            _check(problems, each, schema["items"], f"{path}[{index}]")
    _check_combined(problems, value, schema, path)


def _check_type(problems: Problems, value: Any, schema: Schema, path: str) -> bool:
    found = type_of(value)
    if schema.get(INT_OR_STRING):
        wanted = "integer,string"
        fits = found in ("integer", "string")
    else:
        wanted = schema.get("type") or ""
        fits = not wanted or found == wanted or (wanted == "number" and found == "integer")
    if not fits:
        problems.invalid(path, found, f'{path} in body must be of type {wanted}: "{found}"')
    return fits


def type_of(value: Any) -> str:
    """What JSON Schema calls the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _check_fields(problems: Problems, value: Document, schema: Schema, path: str) -> None:
    for name in schema.get("required") or ():
        if name not in value:
            problems.required(f"{path}.{name}" if path else name)
    for name in sorted(value):
        known = _schema_of_field(schema, name)
        if known is not None:
            _check(problems, value[name], known, f"{path}.{name}" if path else name)
    _check_bounds(
        problems, len(value), schema, path, ("minProperties", "maxProperties"), "properties"
    )


def _check_bounds(
    problems: Problems,
    count: int,
    schema: Schema,
    path: str,
    names: tuple[str, str],
    what: str,
) -> None:
    low, high = schema.get(names[0]), schema.get(names[1])
    if low is not None and count < low:
        problems.invalid(path, count, f"{path} in body should have at least {low} {what}")
    if high is not None and count > high:
        problems.too_many(path, count, high)


def _check_enum(problems: Problems, value: Any, schema: Schema, path: str) -> None:
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        texts = [each if isinstance(each, str) else shown(each) for each in allowed]
        problems.not_supported(path, value, texts)


def _check_number(problems: Problems, value: Any, schema: Schema, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    low, high, step = (schema.get(name) for name in ("minimum", "maximum", "multipleOf"))
    if high is not None and (value > high or (value == high and schema.get("exclusiveMaximum"))):
        word = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        problems.invalid(path, value, f"{path} in body should be {word} {high}")
    if low is not None and (value < low or (value == low and schema.get("exclusiveMinimum"))):
        word = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        problems.invalid(path, value, f"{path} in body should be {word} {low}")
    if step and not _is_multiple(value, step):
        problems.invalid(path, value, f"{path} in body should be a multiple of {step}")


def _is_multiple(value: float, step: float) -> bool:
    try:
        return not value % step
    except OverflowError:  # more digits than a float can have
        return False


def _check_string(problems: Problems, value: Any, schema: Schema, path: str) -> None:
    if not isinstance(value, str):
        return
    low, high, pattern = (schema.get(name) for name in ("minLength", "maxLength", "pattern"))
    if high is not None and len(value) > high:
        problems.too_long(path, high)
    if low is not None and len(value) < low:
        problems.invalid(path, value, f"{path} in body should be at least {low} chars long")
    if pattern is not None and not _matches(pattern, value):
        problems.invalid(path, value, f"{path} in body should match '{pattern}'")
    known = _FORMATS.get(schema.get("format") or "")
    if known is not None and not known(value):
        text = f'{path} in body must be of type {schema["format"]}: "{value}"'
        problems.invalid(path, value, text)


def _matches(pattern: str, value: str) -> bool:
    try:
        return compiled(pattern).found_in(value)
    except PatternError:  # no definition has such a pattern
        return True


def _is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value


def _is_date(value: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


def _is_uuid(value: str) -> bool:
    return re.fullmatch(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", value) is not None


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_moment,
    "uuid": _is_uuid,
}


def _check_list(problems: Problems, value: Any, schema: Schema, path: str) -> None:
    if not isinstance(value, list):
        return
    _check_bounds(problems, len(value), schema, path, ("minItems", "maxItems"), "items")
    kind, keys = schema.get(LIST_TYPE), schema.get(LIST_KEYS) or ()
    if kind not in ("map", "set"):
        return
    seen = set()
    for index, each in enumerate(value):
        identity = {key: each.get(key) for key in keys} if kind == "map" and _is(each) else each
        text = json.dumps(identity, sort_keys=True)
        if text in seen:
            problems.duplicate(f"{path}[{index}]", identity)
        seen.add(text)


def _is(value: Any) -> bool:
    return isinstance(value, dict)


_CHECKS = (_check_enum, _check_number, _check_string, _check_list)


def _check_combined(problems: Problems, value: Any, schema: Schema, path: str) -> None:
    for each in schema.get("allOf") or ():
        _check(problems, value, each, path)
    some, one, no = schema.get("anyOf"), schema.get("oneOf"), schema.get("not")
    if some and not schema.get(INT_OR_STRING) and not _fitting(value, some, path):
        problems.invalid(path, "", f"{path} in body must validate at least one schema (anyOf)")
    if one and len(_fitting(value, one, path)) != 1:
        problems.invalid(path, "", f"{path} in body must validate one and only one schema (oneOf)")
    if no and _fitting(value, [no], path):
        problems.invalid(path, "", f"{path} in body must not validate the schema (not)")


def _fitting(value: Any, schemas: Sequence[Schema], path: str) -> list[Schema]:
    fitting = []
    for schema in schemas:
        problems = Problems()
        _check(problems, value, schema, path)
        if not problems:
            fitting.append(schema)
    return fitting
