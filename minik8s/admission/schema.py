"""The structure of the API's types: fields, Go's type names, and how patches merge lists.

Read from `data/schemas.json` on first use (about 1 ms), once per process; the data never change.
A type is written there in a small language:

    bool int32 int64 double string bytes time microtime quantity intstr any
    string:v1.Protocol     a string with a Go type of its own
    []T  {}T               a list, a map with string keys
    core.v1.Container      an object type, listed under "types"
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pkgutil import get_data
from typing import Any

from minik8s.model.registry import Kind


class Shape(Enum):
    """What JSON a type takes; the values are the words of the data file."""

    OBJECT = "object"
    LIST = "[]"
    MAP = "{}"
    STRING = "string"
    BOOL = "bool"
    INT32 = "int32"
    INT64 = "int64"
    DOUBLE = "double"
    BYTES = "bytes"
    TIME = "time"
    MICRO_TIME = "microtime"
    QUANTITY = "quantity"
    INT_OR_STRING = "intstr"
    ANY = "any"


_GO_SCALARS = {
    Shape.BYTES: "[]uint8",
    Shape.DOUBLE: "float64",
    Shape.TIME: "v1.Time",
    Shape.MICRO_TIME: "v1.MicroTime",
    Shape.QUANTITY: "resource.Quantity",
    Shape.INT_OR_STRING: "intstr.IntOrString",
    Shape.ANY: "runtime.RawExtension",
}


@dataclass(frozen=True, slots=True)
class PatchMeta:
    """How patches treat one field: x-kubernetes-patch-* and x-kubernetes-list-* (or map-type)."""

    strategies: tuple[str, ...] = ()
    key: str = ""
    structure: str = ""
    keys: tuple[str, ...] = ()

    @property
    def merges(self) -> bool:
        """Whether a strategic merge patch merges this list, by `key` or, without one, as a set."""
        return "merge" in self.strategies

    @property
    def retains_keys(self) -> bool:
        """Whether a strategic merge patch may name the keys to keep (`$retainKeys`)."""
        return "retainKeys" in self.strategies


NO_META = PatchMeta()


class Schema:
    """One type; what it is made of is looked up on first use, since types can hold themselves."""

    __slots__ = ("_fields", "_item", "_set", "expression", "go", "name", "shape")

    def __init__(self, schemas: SchemaSet, expression: str) -> None:
        self._set = schemas
        self.expression = expression
        self.shape = _shape_of(expression)
        self.name = expression if self.shape is Shape.OBJECT else ""
        self._item: Schema | None = None
        self._fields: dict[str, Schema] | None = None
        self.go = self._go_name()

    def _go_name(self) -> str:
        match self.shape:
            case Shape.OBJECT:
                return self.expression.partition(".")[2]
            case Shape.LIST:
                return f"[]{self.item.go}"
            case Shape.MAP if self.item.shape is Shape.QUANTITY:
                return "v1.ResourceList"
            case Shape.MAP:
                return f"map[string]{self.item.go}"
        _, _, named = self.expression.partition(":")
        return named or _GO_SCALARS.get(self.shape, self.shape.value)

    @property
    def struct(self) -> str:
        """Go's name of the object type without its package: `NetworkPolicySpec`."""
        return self.name.rpartition(".")[2]

    @property
    def item(self) -> Schema:
        """The type of a list's entries or of a map's values."""
        if self._item is None:
            self._item = self._set.type(self.expression[2:])
        return self._item

    @property
    def fields(self) -> Mapping[str, Schema]:
        """The fields of an object type, empty for every other."""
        if self._fields is None:
            written = self._set.definition(self.name).fields
            self._fields = {name: self._set.type(kind) for name, kind in written.items()}
        return self._fields

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that the API description calls required."""
        return self._set.definition(self.name).required

    def meta(self, field: str) -> PatchMeta:
        """How patches treat a field of this object type."""
        return self._set.definition(self.name).meta.get(field, NO_META)

    def at(self, path: Iterable[str | int]) -> Schema | None:
        """The type found by following fields, list indexes and map keys; None if unknown."""
        schema: Schema | None = self
        for step in path:
            if schema is None:
                return None
            if schema.shape in (Shape.LIST, Shape.MAP):
                schema = schema.item
            else:
                schema = schema.fields.get(str(step))
        return schema


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of "types" in the data file."""

    fields: Mapping[str, str]
    meta: Mapping[str, PatchMeta]
    required: tuple[str, ...]


_NOTHING = Definition({}, {}, ())


class SchemaSet:
    """All types of the data file."""

    def __init__(self, kinds: Mapping[str, str], types: Mapping[str, Mapping[str, Any]]) -> None:
        self.kinds = kinds
        self._written = types
        self._definitions: dict[str, Definition] = {}
        self._types: dict[str, Schema] = {}

    def extended(self, types: Mapping[str, Mapping[str, Any]]) -> SchemaSet:
        """These types and some more, as a set of its own."""
        return SchemaSet(self.kinds, ChainMap(dict(types), dict(self._written)))

    def type(self, expression: str) -> Schema:
        """The type that an expression of the small language means."""
        schema = self._types.get(expression)
        if schema is None:
            schema = self._types[expression] = Schema(self, expression)
        return schema

    def definition(self, name: str) -> Definition:
        """An object type's definition; an empty one for a name that is not listed."""
        definition = self._definitions.get(name)
        if definition is None:
            definition = self._definitions[name] = _definition(self._written.get(name))
        return definition


def _definition(written: Mapping[str, Any] | None) -> Definition:
    if written is None:
        return _NOTHING
    fields, meta, required = written["fields"], written.get("meta", {}), written.get("required", ())
    assert isinstance(fields, dict)
    assert isinstance(meta, dict)
    assert isinstance(required, list | tuple)
    return Definition(
        fields,
        {name: _patch_meta(*entry) for name, entry in meta.items()},
        tuple(required),
    )


def _patch_meta(strategy: str, key: str, structure: str, keys: list[str]) -> PatchMeta:
    strategies = tuple(strategy.split(",")) if strategy else ()
    return PatchMeta(strategies, key, structure, tuple(keys))


def _shape_of(expression: str) -> Shape:
    if expression[:2] in ("[]", "{}"):
        return Shape(expression[:2])
    word = expression.partition(":")[0]
    return Shape.OBJECT if "." in word else Shape(word)


@lru_cache(maxsize=1)
def schemas() -> SchemaSet:
    """The types of the Kubernetes API, read on the first call."""
    text = get_data("minik8s", "data/schemas.json")
    assert text is not None
    data = json.loads(text)
    return SchemaSet(data["kinds"], data["types"])


def schema_for(kind: Kind) -> Schema | None:
    """The type of a kind's objects; None for one that a CustomResourceDefinition added."""
    return schema_of(kind.api_version, kind.kind)


def schema_of(api_version: str, kind: str) -> Schema | None:
    """The type of an `apiVersion` and `kind`, stored as objects or not; None if unknown."""
    name = schemas().kinds.get(f"{api_version}/{kind}")
    return None if name is None else schemas().type(name)


def patch_meta(kind: Kind, path: Iterable[str | int]) -> PatchMeta:
    """How patches treat the field that a path leads to; `NO_META` if the schema does not say.

    >>> from minik8s.model.registry import POD
    >>> patch_meta(POD, ("spec", "containers", 0, "env")).key
    'name'
    """
    *parents, field = path
    schema = schema_for(kind)
    holder = schema.at(parents) if schema is not None else None
    return holder.meta(str(field)) if holder is not None else NO_META
