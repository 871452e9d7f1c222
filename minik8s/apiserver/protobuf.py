"""Bodies in Kubernetes' protobuf form, which typed Go clients and kubectl >= 1.32 send.

A body is four bytes, `k8s\\0`, and a message `runtime.Unknown`: apiVersion and kind, and the
object itself as a message of its type. What a field number means stands in `data/protobuf.json`;
what type it has, in the schemas that decoding uses too.

Go writes fields that are empty, so what an empty value means depends on the field: what comes
out is what Go's JSON would show of the same object, but for the nulls of empty lists.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from pkgutil import get_data
from typing import Any, NoReturn, TypeAlias

from minik8s.admission.schema import Schema, Shape, schemas
from minik8s.apiserver.protobufwire import (
    Value,
    Wire,
    WireError,
    chunk,
    double,
    fields,
    packed,
    signed,
    text,
    whole,
)
from minik8s.errors import BadRequest
from minik8s.model.metadata import Document

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
MAX_DEPTH = 100
"""How deep messages may lie in each other; only the schemas of custom resources go deep."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_GROUP = {"DeleteOptions": "meta.v1.DeleteOptions"}
"""Kinds that are the same in every group."""

Rows: TypeAlias = Mapping[int, "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """What a field number of a message means.

    `inside` holds the rows of an embedded message, whose fields belong to the type around it.
    """

    name: str = ""
    pointer: bool = False
    shown: bool = False
    inside: Rows | None = None


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    data = get_data("minik8s", "data/protobuf.json")
    assert data is not None
    types: dict[str, Any] = json.loads(data)["types"]
    return types


@lru_cache(maxsize=1024)
def _rows(name: str) -> Rows:
    return _read_rows(_table().get(name, {}))


def _read_rows(written: Mapping[str, Any]) -> Rows:
    rows = {}
    for number, row in written.items():
        if isinstance(row, str):
            rows[int(number)] = Row(row.rstrip("*!"), row.endswith("*"), row.endswith("!"))
        else:
            rows[int(number)] = Row(inside=_read_rows(row))
    return rows


def decode_protobuf(body: bytes) -> Document:
    """The object in a protobuf body, as JSON would have it; raises BadRequest."""
    try:
        return _decode(body)
    except WireError as error:
        raise BadRequest(str(error)) from None
    except RecursionError:
        raise BadRequest("proto: exceeded max depth") from None


def _decode(body: bytes) -> Document:
    if not body.startswith(MAGIC):
        raise WireError(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    types, raw, content_type = {1: "", 2: ""}, b"", ""
    for number, _, value in fields(body[len(MAGIC) :]):
        if number == 1:
            types.update({n: text(v) for n, _, v in fields(chunk(value)) if n in types})
        elif number == 2:
            raw = chunk(value)
        elif number == 4:
            content_type = text(value)
    api_version, kind = types[1], types[2]
    if content_type.endswith("json"):
        plain: Document = _from_json(raw)
        return plain
    schema = _schema_of(api_version, kind)
    document = _Message(0).read(_rows(schema.name), schema, raw)
    return {"apiVersion": api_version, "kind": kind, **document}


def _schema_of(api_version: str, kind: str) -> Schema:
    name = schemas().kinds.get(f"{api_version}/{kind}") or _ANY_GROUP.get(kind)
    if name is None:
        raise WireError(f'no kind "{kind}" is registered for version "{api_version}"')
    return schemas().type(name)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _from_json(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(str(error)) from None


class _Message:
    """Reads one message; `depth` counts the messages around it."""

    __slots__ = ("depth",)

    def __init__(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise WireError("proto: exceeded max depth")
        self.depth = depth

    def read(self, rows: Rows, schema: Schema, data: bytes) -> Document:
        """The fields of an object type, by their JSON names."""
        found: Document = {}
        types = schema.fields
        for number, wire, value in fields(data):
            row = rows.get(number)
            if row is None:
                continue
            if row.inside is not None:
                found.update(self.read(row.inside, schema, chunk(value)))
                continue
            kind = types.get(row.name)
            if kind is not None:
                self._field(found, row, kind, schema, wire, value)
        return found

    def _field(
        self, found: Document, row: Row, kind: Schema, holder: Schema, wire: Wire, value: Value
    ) -> None:
        name = row.name
        if kind.shape is Shape.LIST:
            items = found.setdefault(name, [])
            if wire is Wire.BYTES and kind.item.shape in (Shape.INT32, Shape.INT64):
                items += [self.value(kind.item, each) for each in packed(value)]
            else:
                items.append(self.value(kind.item, value))
        elif kind.shape is Shape.MAP:
            key, item = self._entry(kind.item, chunk(value), holder, name)
            found.setdefault(name, {})[key] = item
        else:
            reader = _CHOICES.get((holder.name, name))
            read = reader(self, chunk(value)) if reader else self.value(kind, value)
            if read is None:
                return
            if row.pointer or row.shown or read not in ("", 0, False, {}):
                found[name] = read

    def _entry(self, kind: Schema, data: bytes, holder: Schema, name: str) -> tuple[str, Any]:
        key, written = "", None
        for number, _, value in fields(data):
            if number == 1:
                key = text(value)
            elif number == 2:
                written = value
        reader = _CHOICES.get((holder.name, name))
        if reader is not None:
            return key, reader(self, chunk(written if written is not None else b""))
        if written is None:
            written = b"" if kind.shape not in _NUMBERS else 0
        if kind.shape is Shape.LIST:  # a list inside a map is a message with `items` (ExtraValue)
            return key, [self.value(kind.item, v) for n, _, v in fields(chunk(written)) if n == 1]
        return key, self.value(kind, written)

    def value(self, kind: Schema, value: Value) -> Any:
        """One value of a type that is neither a list nor a map."""
        if kind.shape is Shape.OBJECT:
            return _Message(self.depth + 1).read(_rows(kind.name), kind, chunk(value))
        return _SCALARS[kind.shape](value)


_NUMBERS = (Shape.BOOL, Shape.INT32, Shape.INT64)


def _number(value: Value) -> float | int:
    number = double(value)
    if not isfinite(number):
        raise WireError(f"json: unsupported value: {number}")
    return int(number) if number.is_integer() else number


def _time(value: Value) -> str | None:
    """metav1.Time: an empty message is no time at all."""
    found = _moment(value)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else None


def _micro_time(value: Value) -> str | None:
    found = _moment(value)
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if found else None


def _moment(value: Value) -> datetime | None:
    data = chunk(value)
    if not data:
        return None
    parts = {number: signed(each, 64) for number, _, each in fields(data)}
    try:
        return _EPOCH + timedelta(seconds=parts.get(1, 0), microseconds=parts.get(2, 0) // 1000)
    except OverflowError:
        raise WireError("a time is out of range") from None


def _quantity(value: Value) -> str:
    return next((text(each) for number, _, each in fields(chunk(value)) if number == 1), "0")


def _int_or_string(value: Value) -> int | str:
    """intstr.IntOrString: which of the two it is, the number, the string."""
    parts = {number: each for number, _, each in fields(chunk(value))}
    if whole(parts.get(1, 0)):
        return text(parts.get(3, b""))
    return signed(parts.get(2, 0), 32)


def _any(value: Value) -> Any:
    """runtime.RawExtension, metav1.FieldsV1 and apiextensions' JSON: JSON text in field 1."""
    raw = next((chunk(each) for number, _, each in fields(chunk(value)) if number == 1), b"")
    if raw.startswith(MAGIC):
        return _decode(raw)
    return _from_json(raw) if raw else None


_SCALARS: dict[Shape, Callable[[Value], Any]] = {
    Shape.STRING: text,
    Shape.BOOL: lambda value: bool(whole(value)),
    Shape.INT32: lambda value: signed(value, 32),
    Shape.INT64: lambda value: signed(value, 64),
    Shape.DOUBLE: _number,
    Shape.BYTES: lambda value: b64encode(chunk(value)).decode(),
    Shape.TIME: _time,
    Shape.MICRO_TIME: _micro_time,
    Shape.QUANTITY: _quantity,
    Shape.INT_OR_STRING: _int_or_string,
    Shape.ANY: _any,
}


# -- the fields of JSONSchemaProps that are one type or another


def _json_schema(message: _Message, data: bytes) -> Document:
    props = schemas().type("apiextensions.v1.JSONSchemaProps")
    read: Document = message.value(props, data)
    return read


def _schema_or_array(message: _Message, data: bytes) -> Any:
    single, many = None, []
    for number, _, value in fields(data):
        if number == 1:
            single = _json_schema(message, chunk(value))
        elif number == 2:
            many.append(_json_schema(message, chunk(value)))
    return many or single


def _schema_or_bool(message: _Message, data: bytes) -> Any:
    allows = False
    for number, _, value in fields(data):
        if number == 2:
            return _json_schema(message, chunk(value))
        if number == 1:
            allows = bool(whole(value))
    return allows


def _schema_or_strings(message: _Message, data: bytes) -> Any:
    names = []
    for number, _, value in fields(data):
        if number == 1:
            return _json_schema(message, chunk(value))
        if number == 2:
            names.append(text(value))
    return names


_PROPS = "apiextensions.v1.JSONSchemaProps"
_CHOICES: dict[tuple[str, str], Callable[[_Message, bytes], Any]] = {
    (_PROPS, "additionalItems"): _schema_or_bool,
    (_PROPS, "additionalProperties"): _schema_or_bool,
    (_PROPS, "dependencies"): _schema_or_strings,
    (_PROPS, "items"): _schema_or_array,
}
