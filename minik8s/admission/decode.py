"""Strict decoding: does a JSON document fit its kind, and which fields does nobody know?

Types are checked in every mode, unknown fields as `fieldValidation` asks. The texts are those of
Go's encoding/json and of Kubernetes' copy of it (sigs.k8s.io/json), which learners meet as
`strict decoding error: unknown field "spec.ingress[0].form"`.

A null is the same as an absent field; inside a list or a map it is the type's zero value. A
document without nulls and unknown fields comes back as it is, not copied.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from minik8s.admission.scalars import base64_problem, quantity_problem, time_problem
from minik8s.admission.schema import Schema, Shape, schema_for, schemas
from minik8s.errors import BadRequest
from minik8s.model.formats import quote
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

FieldValidation = Literal["Strict", "Warn", "Ignore"]

MAX_UNKNOWN = 100
"""sigs.k8s.io/json reports no more unknown fields than this."""


def decode(
    kind: Kind, document: Document, field_validation: FieldValidation = "Strict"
) -> tuple[Document, list[str]]:
    """The document as the API takes it, and warnings about unknown fields (mode Warn).

    Raises BadRequest for a value of the wrong type in any mode, and for unknown fields in mode
    Strict. In the other modes unknown fields are dropped, as the real server drops them.
    """
    schema = schema_for(kind)
    if schema is None or _checker(schema)(document):
        return document, []
    decoder = _Decoder()
    decoded = decoder.start(schema, document)
    if decoder.error:
        raise _bad_request(kind, decoder.error, decoder.where)
    unknown = list(dict.fromkeys(decoder.unknown))[:MAX_UNKNOWN]
    if unknown and field_validation == "Strict":
        raise _bad_request(kind, f"strict decoding error: {', '.join(unknown)}", decoder.where)
    return decoded, unknown if field_validation == "Warn" else []


def decode_type(name: str, document: Document) -> Document:
    """A document of a type that is only sent, never stored: `meta.v1.DeleteOptions`.

    Unknown fields are dropped. Raises BadRequest for a value of the wrong type.
    """
    schema = schemas().type(name)
    if _checker(schema)(document):
        return document
    decoder = _Decoder()
    decoded = decoder.start(schema, document)
    if decoder.error:
        _, version, struct = name.split(".")
        raise BadRequest(
            f'{struct} in version "{version}" cannot be handled as a {struct}: {decoder.error}'
        )
    return decoded


def decode_metadata(kind: Kind, document: Document) -> tuple[Document, list[str]]:
    """The document with its `metadata` decoded, and what is unknown in there.

    That is all that Go's types say of an object whose kind a CustomResourceDefinition added.
    Raises BadRequest for a value of the wrong type.
    """
    schema = schemas().type("meta.v1.ObjectMeta")
    metadata = document.get("metadata")
    if metadata is None or _checker(schema)(metadata):
        return document, []
    decoder = _Decoder()
    decoded = decoder.start(schema, metadata, _Place("ObjectMeta", ("metadata",), "metadata"))
    if decoder.error:
        raise _bad_request(kind, decoder.error, decoder.where)
    return {**document, "metadata": decoded}, list(dict.fromkeys(decoder.unknown))[:MAX_UNKNOWN]


def _bad_request(kind: Kind, why: str, field: str) -> BadRequest:
    return BadRequest(
        f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}',
        field=field,
    )


# The quick way: one small function for each type, which says whether a value is fine as it is.

Checker = Callable[[Any], bool]


def _is_string(value: Any) -> bool:
    return type(value) is str


def _is_bool(value: Any) -> bool:
    return type(value) is bool


def _is_int32(value: Any) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


def _is_int64(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_int_or_string(value: Any) -> bool:
    return type(value) is str or _is_int32(value)


def _is_quantity(value: Any) -> bool:
    return type(value) in (str, int, float) and quantity_problem(value) is None


def _is_time(value: Any) -> bool:
    return type(value) is str and time_problem(value) is None


def _is_bytes(value: Any) -> bool:
    return type(value) is str and base64_problem(value) is None


def _is_json(value: Any) -> bool:
    return value is not None


_SCALARS: dict[Shape, Checker] = {
    Shape.STRING: _is_string,
    Shape.BOOL: _is_bool,
    Shape.INT32: _is_int32,
    Shape.INT64: _is_int64,
    Shape.DOUBLE: _is_number,
    Shape.BYTES: _is_bytes,
    Shape.TIME: _is_time,
    Shape.MICRO_TIME: _is_time,
    Shape.QUANTITY: _is_quantity,
    Shape.INT_OR_STRING: _is_int_or_string,
    Shape.ANY: _is_json,
}
_checkers: dict[Schema, Checker] = {}
"""The functions made so far; they belong to the schemas, which live as long as the process."""


def _checker(schema: Schema) -> Checker:
    checker = _checkers.get(schema)
    if checker is None:
        checker = _checkers[schema] = _make_checker(schema)
    return checker


def _make_checker(schema: Schema) -> Checker:
    if schema.shape is Shape.LIST:
        return _list_checker(schema.item)
    if schema.shape is Shape.MAP:
        return _map_checker(schema.item)
    if schema.shape is Shape.OBJECT:
        return _object_checker(schema)
    return _SCALARS[schema.shape]


def _list_checker(item: Schema) -> Checker:
    def check(value: Any) -> bool:
        return type(value) is list and all(map(_checker(item), value))

    return check


def _map_checker(item: Schema) -> Checker:
    if item.shape is Shape.STRING:

        def check_strings(value: Any) -> bool:
            return type(value) is dict and all(type(each) is str for each in value.values())

        return check_strings

    def check(value: Any) -> bool:
        return type(value) is dict and all(map(_checker(item), value.values()))

    return check


def _object_checker(schema: Schema) -> Checker:
    fields = schema.fields
    known: dict[str, Checker] = {}

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, each in value.items():
            checker = known.get(name)
            if checker is None:
                field = fields.get(name)
                if field is None:
                    return False
                checker = known[name] = _checker(field)
            if not checker(each):
                return False
        return True

    return check


# The thorough way, for documents that are not fine as they are.


class _Absent(Enum):
    ABSENT = "absent"


_ABSENT = _Absent.ABSENT


class _Fatal(Exception):
    """A value whose own decoder failed, and its path.

    Go stops there, while plain type errors are only noted.
    """


@dataclass(slots=True)
class _Place:
    """Where the decoder is: Go's notion (struct and field names) and the strict one (indexes)."""

    struct: str
    names: tuple[str, ...]
    path: str

    def field(self, struct: str, name: str) -> _Place:
        return _Place(struct, (*self.names, name), f"{self.path}.{name}" if self.path else name)

    def index(self, index: int) -> _Place:
        return _Place(self.struct, self.names, f"{self.path}[{index}]")

    def key(self, key: str) -> _Place:
        return _Place(self.struct, self.names, f"{self.path}.{key}" if self.path else key)


class _Decoder:
    """Walks a document in the order of its sorted keys, as kubectl sends them."""

    def __init__(self) -> None:
        self.error = ""
        self.where = ""
        self.unknown: list[str] = []

    def start(self, schema: Schema, document: Document, place: _Place | None = None) -> Document:
        try:
            decoded = self.value(schema, document, place or _Place(schema.struct, (), ""))
        except _Fatal as fatal:
            self.error, self.where = fatal.args
            return document
        return decoded if isinstance(decoded, dict) else {}

    def note(self, place: _Place, found: str, go: str) -> None:
        """Note a plain type error; the first one counts."""
        if not self.error:
            self.error, self.where = _type_error(place, found, go), place.path

    def value(self, schema: Schema, value: Any, place: _Place) -> Any:
        if value is None:
            return _ABSENT
        match schema.shape:
            case Shape.OBJECT:
                return self.object(schema, value, place)
            case Shape.LIST:
                return self.list(schema, value, place)
            case Shape.MAP:
                return self.map(schema, value, place)
            case Shape.ANY:
                return value
        self.scalar(schema, value, place)
        return value

    def object(self, schema: Schema, value: Any, place: _Place) -> Any:
        if not isinstance(value, dict):
            return self.note(place, _json_word(value), schema.go)
        decoded = {}
        for name in sorted(value):
            inside = place.field(schema.struct, name)
            field = schema.fields.get(name)
            if field is None:
                self.unknown.append(f"unknown field {quote(inside.path)}")
                self.where = self.where or inside.path
                continue
            kept = self.value(field, value[name], inside)
            if kept is not _ABSENT:
                decoded[name] = kept
        return decoded

    def list(self, schema: Schema, value: Any, place: _Place) -> Any:
        if not isinstance(value, list):
            return self.note(place, _json_word(value), schema.go)
        return [
            _or_zero(self.value(schema.item, each, place.index(index)), schema.item)
            for index, each in enumerate(value)
        ]

    def map(self, schema: Schema, value: Any, place: _Place) -> Any:
        if not isinstance(value, dict):
            return self.note(place, _json_word(value), schema.go)
        return {
            key: _or_zero(self.value(schema.item, value[key], place.key(key)), schema.item)
            for key in sorted(value)
        }

    def scalar(self, schema: Schema, value: Any, place: _Place) -> None:
        if _checker(schema)(value):
            return
        match schema.shape:
            case Shape.QUANTITY:
                raise _Fatal(quantity_problem(value), place.path)
            case Shape.TIME | Shape.MICRO_TIME:
                if isinstance(value, str):
                    raise _Fatal(time_problem(value), place.path)
                raise _Fatal(_type_error(place, _json_word(value), "string"), place.path)
            case Shape.INT_OR_STRING:
                found = _found(value, number=True)
                raise _Fatal(_type_error(place, found, "int32"), place.path)
            case Shape.BYTES if isinstance(value, str):
                self.error = self.error or base64_problem(value) or ""
            case Shape.INT32 | Shape.INT64 | Shape.DOUBLE:
                self.note(place, _found(value, number=True), schema.go)
            case _:
                self.note(place, _json_word(value), schema.go)


def _type_error(place: _Place, found: str, go: str) -> str:
    if not place.names:
        return f"json: cannot unmarshal {found} into Go value of type {go}"
    field = ".".join(place.names)
    return (
        f"json: cannot unmarshal {found} into Go struct field {place.struct}.{field} of type {go}"
    )


def _or_zero(decoded: Any, schema: Schema) -> Any:
    """The zero value of a type where a list or a map holds a null."""
    if decoded is not _ABSENT:
        return decoded
    match schema.shape:
        case Shape.OBJECT | Shape.MAP:
            return {}
        case Shape.LIST:
            return []
        case Shape.BOOL:
            return False
        case Shape.INT32 | Shape.INT64 | Shape.DOUBLE | Shape.INT_OR_STRING:
            return 0
        case Shape.QUANTITY:
            return "0"
    return ""


def _json_word(value: Any) -> str:
    """What JSON calls a value's type, in encoding/json's words."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _found(value: Any, *, number: bool) -> str:
    """The same, with the number itself where a number was expected and this one does not fit."""
    word = _json_word(value)
    return f"number {json.dumps(value)}" if number and word == "number" else word
