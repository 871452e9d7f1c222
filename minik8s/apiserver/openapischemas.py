"""The types of the API as /openapi/v3 publishes them, descriptions included.

The definitions are those of `data/schemas-openapi.json.gz`, in the form of OpenAPI 3: a
reference that carries a description of its own is wrapped in `allOf`, as kube-openapi does.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pkgutil import get_data
from typing import Any

from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
REFERENCE = "#/components/schemas/"
_SOURCE_REFERENCE = "#/$defs/"

DELETE_OPTIONS = f"{META}.DeleteOptions"
OBJECT_META = f"{META}.ObjectMeta"
PATCH = f"{META}.Patch"
RESOURCE_LIST = f"{META}.APIResourceList"
STATUS = f"{META}.Status"
WATCH_EVENT = f"{META}.WatchEvent"

API_VERSION_TEXT = "The version of the API that this object is written in."
KIND_TEXT = "The kind of this object, in CamelCase."

_GVK = "x-kubernetes-group-version-kind"
_ANY: Document = {"description": "Any JSON value."}
_JSON_SCHEMAS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"

_EXTRA: dict[str, Document] = {
    PATCH: {"type": "object", "description": "A patch of an object, in the form of its type."},
    WATCH_EVENT: {
        "type": "object",
        "description": "One change of an object that is watched.",
        "required": ["type", "object"],
        "properties": {
            "type": {"type": "string", "description": "ADDED, MODIFIED, DELETED or BOOKMARK."},
            "object": {"type": "object", "description": "The object after the change."},
        },
    },
    RESOURCE_LIST: {
        "type": "object",
        "description": "The resources of one version of a group.",
        "required": ["groupVersion", "resources"],
        "properties": {
            "apiVersion": {"type": "string", "description": API_VERSION_TEXT},
            "kind": {"type": "string", "description": KIND_TEXT},
            "groupVersion": {"type": "string", "description": "The group and its version."},
            "resources": {
                "type": "array",
                "description": "The resources and their subresources.",
                "items": {"type": "object"},
            },
        },
    },
    f"{_JSON_SCHEMAS}.JSONSchemaPropsOrArray": _ANY,
    f"{_JSON_SCHEMAS}.JSONSchemaPropsOrBool": _ANY,
    f"{_JSON_SCHEMAS}.JSONSchemaPropsOrStringArray": _ANY,
}
"""Types that have no definition in the data."""


def reference(name: str) -> Document:
    """A reference to a type."""
    return {"$ref": REFERENCE + name}


@lru_cache(maxsize=1)
def definitions() -> dict[str, Document]:
    """Every definition of the data file, as it stands there."""
    packed = get_data("minik8s", "data/schemas-openapi.json.gz")
    assert packed is not None
    found: dict[str, Document] = json.loads(gzip.decompress(packed))["definitions"]
    return found


@cache
def _by_kind() -> dict[tuple[str, str, str], str]:
    """The definition of each group, version and kind."""
    found: dict[tuple[str, str, str], str] = {}
    for name, definition in definitions().items():
        for gvk in definition.get(_GVK, ()):
            found.setdefault((gvk["group"], gvk["version"], gvk["kind"]), name)
    return found


def definition_of(group: str, version: str, kind: str) -> str | None:
    """The name of the definition of a kind, `io.k8s.api.core.v1.Pod`; None if unknown."""
    return _by_kind().get((group, version, kind))


@cache
def schema(name: str) -> Document:
    """One type in the form of OpenAPI 3; it belongs to everybody and is not to be changed."""
    if name in _EXTRA:
        return _EXTRA[name]
    if name.endswith("List") and name not in definitions():
        return _list_schema(name.removesuffix("List"))
    return with_values(name, _convert(definitions()[name]))


@cache
def _enums() -> dict[str, Any]:
    data = get_data("minik8s", "data/enums.json")
    assert data is not None
    enums: dict[str, Any] = json.loads(data)
    return enums


def with_values(name: str, definition: Document) -> Document:
    """An object type with the values that its fields may have, as kube-openapi tells them."""
    fields, values = _enums()["fields"], _enums()["values"]
    short = ".".join(name.split(".")[-3:])
    told = {}
    for field, written in (definition.get("properties") or {}).items():
        one, many = (fields.get(f"{short}.{field}{suffix}") for suffix in ("", "[]"))
        if one:
            told[field] = {
                **written,
                "description": _listed(written.get("description", ""), values[one]),
                "enum": [value for value, _ in values[one]],
            }
        elif many:
            items = {**written["items"], "enum": [value for value, _ in values[many]]}
            told[field] = {**written, "items": items}
    if not told:
        return definition
    return {**definition, "properties": {**definition["properties"], **told}}


def _listed(description: str, values: list[list[str]]) -> str:
    lines = [f' - `"{value}"` {text}'.rstrip() for value, text in values]
    return "\n".join([f"{description}\n\nPossible enum values:", *lines])


def _convert(value: Any) -> Any:
    if isinstance(value, list):
        return [_convert(each) for each in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref")
    if isinstance(target, str):
        link = reference(target.removeprefix(_SOURCE_REFERENCE))
        rest = {key: each for key, each in value.items() if key != "$ref"}
        return {**rest, "allOf": [link]} if rest else link
    return {key: _convert(each) for key, each in value.items()}


def _list_schema(item: str) -> Document:
    gvk = definitions()[item][_GVK][0]
    return list_schema(item, gvk["group"], gvk["version"], gvk["kind"])


def list_schema(item: str, group: str, version: str, kind: str) -> Document:
    """The type of a list of objects."""
    return {
        "type": "object",
        "description": f"{kind}List is a list of {kind} objects.",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string", "description": API_VERSION_TEXT},
            "kind": {"type": "string", "description": KIND_TEXT},
            "items": {
                "type": "array",
                "description": f"The {kind} objects.",
                "items": reference(item),
            },
            "metadata": {
                "description": "The standard metadata of a list.",
                "allOf": [reference(f"{META}.ListMeta")],
            },
        },
        _GVK: [{"group": group, "version": version, "kind": f"{kind}List"}],
    }


def closure(names: Iterable[str], own: dict[str, Document] | None = None) -> dict[str, Document]:
    """The named types and all that they refer to, by name; `own` are types of the caller."""
    own = own or {}
    found: dict[str, Document] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in found and (name in own or _is_known(name)):
            found[name] = own[name] if name in own else schema(name)
            waiting += _mentioned(found[name])
    return dict(sorted(found.items()))


def _is_known(name: str) -> bool:
    """Whether a name is that of a type; what looks like a reference may be anybody's default."""
    return name in _EXTRA or name in definitions() or name.removesuffix("List") in definitions()


def _mentioned(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(REFERENCE)
        for each in value.values():
            yield from _mentioned(each)
    elif isinstance(value, list):
        for each in value:
            yield from _mentioned(each)


def gvk_of(kind: Kind) -> Document:
    """What `x-kubernetes-group-version-kind` says on the operations of a kind."""
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}
