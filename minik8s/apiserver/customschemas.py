"""The types that CustomResourceDefinitions bring: where they are told, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.admission.customkinds import definition_for
from minik8s.apiserver.openapischemas import (
    API_VERSION_TEXT,
    KIND_TEXT,
    OBJECT_META,
    gvk_of,
    list_schema,
    reference,
)
from minik8s.model.metadata import Document
from minik8s.model.registry import CUSTOM_RESOURCE_DEFINITION, Kind
from minik8s.store import Store


def definition_of_kind(store: Store, kind: Kind) -> Document | None:
    """The definition that a kind comes from: its own, or one in the store by its name."""
    return definition_for(kind) or store.get(CUSTOM_RESOURCE_DEFINITION, "", kind.resource)


def version_of_kind(store: Store, kind: Kind) -> Document | None:
    """The entry of the definition's `spec.versions` that a kind is."""
    definition = definition_of_kind(store, kind)
    if definition is None:
        return None
    versions: list[Document] = definition["spec"]["versions"]
    return next((each for each in versions if each["name"] == kind.version), None)


def schema_of_version(version: Mapping[str, Any] | None) -> Document | None:
    """The structural schema of a version, if it has one."""
    schema = ((version or {}).get("schema") or {}).get("openAPIV3Schema")
    return schema if isinstance(schema, dict) else None


def custom_types(store: Store, kind: Kind) -> tuple[str, dict[str, Document]]:
    """The name of a custom kind's type, and the types by name: its own and that of its list."""
    group = ".".join(reversed(kind.group.split(".")))
    name = f"{group}.{kind.version}.{kind.kind}"
    schema = schema_of_version(version_of_kind(store, kind)) or {"type": "object"}
    properties = {
        **(schema.get("properties") or {}),
        "apiVersion": {"type": "string", "description": API_VERSION_TEXT},
        "kind": {"type": "string", "description": KIND_TEXT},
        "metadata": {
            "description": "The standard metadata of an object.",
            "allOf": [reference(OBJECT_META)],
        },
    }
    own = {**schema, "properties": properties, "x-kubernetes-group-version-kind": [gvk_of(kind)]}
    many = list_schema(name, kind.group, kind.version, kind.kind)
    return name, {name: own, f"{name}List": many}
