"""Custom kinds in the terms of the built-in ones: a structural schema as admission's `Schema`.

Server-side apply reads there how lists are keyed and what is atomic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from minik8s.admission import Schema, schema_for
from minik8s.admission.schema import schemas
from minik8s.admission.structural import INT_OR_STRING, LIST_KEYS, LIST_TYPE, PRESERVE
from minik8s.apiserver.customschemas import (
    definition_of_kind,
    schema_of_version,
    version_of_kind,
)
from minik8s.apiserver.typed import Type, type_of
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind
from minik8s.store import Store

_SCALARS = {"boolean": "bool", "integer": "int64", "number": "double", "string": "string"}
_ROOT: dict[str, str] = {"apiVersion": "string", "kind": "string", "metadata": "meta.v1.ObjectMeta"}


def typed_kind(store: Store, kind: Kind) -> Type:
    """The type of a kind's objects, built in or custom."""
    schema = schema_for(kind)
    return type_of(schema if schema is not None else custom_schema(store, kind))


def custom_schema(store: Store, kind: Kind) -> Schema | None:
    """The schema of a custom kind; None if its objects may hold anything."""
    definition = definition_of_kind(store, kind)
    written = schema_of_version(version_of_kind(store, kind))
    if definition is None or written is None or written.get(PRESERVE):
        return None
    metadata = definition["metadata"]
    return _converted(
        _Source(
            metadata.get("uid", metadata["name"]),
            metadata.get("resourceVersion", ""),
            kind.version,
            written,
        )
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """One version of one state of a definition.

    Within a cluster the schema follows from the rest, but clusters of one seed give out the same
    uids: two that are alike are told apart by their schemas.
    """

    uid: str
    resource_version: str
    version: str
    schema: Document = field(hash=False)


@lru_cache(maxsize=64)
def _converted(source: _Source) -> Schema:
    conversion = _Conversion()
    root = conversion.expression(source.schema)
    entry = conversion.types.setdefault(root, {"fields": {}})
    entry["fields"] = {**entry["fields"], **_ROOT}
    return schemas().extended(conversion.types).type(root)


class _Conversion:
    """Writes a schema in the small language of `data/schemas.json`."""

    def __init__(self) -> None:
        self.types: dict[str, dict[str, Any]] = {}

    def expression(self, schema: Mapping[str, Any]) -> str:
        """A schema as an expression; object types become entries of `types`."""
        if schema.get(INT_OR_STRING):
            return "intstr"
        kind = schema.get("type")
        if kind in _SCALARS:
            return _SCALARS[kind]
        if kind == "array":
            return f"[]{self.expression(schema.get('items') or {})}"
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            return f"{{}}{self.expression(more)}"
        if kind != "object" or schema.get(PRESERVE) or not schema.get("properties"):
            return "any"
        return self._object(schema["properties"])

    def _object(self, properties: Mapping[str, Mapping[str, Any]]) -> str:
        name = f"custom.v1.Type{len(self.types)}"
        entry = self.types[name] = {"fields": {}, "meta": {}}
        for key, field_schema in properties.items():
            entry["fields"][key] = self.expression(field_schema)
            structure = field_schema.get(LIST_TYPE) or field_schema.get("x-kubernetes-map-type")
            if structure:
                keys = field_schema.get(LIST_KEYS) or []
                entry["meta"][key] = ["", "", structure, keys]
        return name
