"""The schemas in a CustomResourceDefinition: where a field takes a schema or something else.

`items` takes a schema or a list of them, `additionalProperties` a schema or a boolean
(JSONSchemaPropsOrArray, JSONSchemaPropsOrBool), which have decoders of their own in Go.
"""

from __future__ import annotations

from typing import Any

from minik8s.admission.decode import decode_type
from minik8s.errors import BadRequest
from minik8s.model.metadata import Document

_TYPE = "apiextensions.v1.JSONSchemaProps"
_OR_BOOL = ("additionalProperties", "additionalItems")
_MANY = ("allOf", "anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "definitions")


def with_decoded_schemas(definition: Document) -> Document:
    """A decoded definition with all schemas in its schemas decoded, too; raises BadRequest."""
    spec: Document = definition.get("spec") or {}
    versions = spec.get("versions") or ()
    if not versions:
        return definition
    return {**definition, "spec": {**spec, "versions": [_version(each) for each in versions]}}


def _version(version: Document) -> Document:
    validation: Document = version.get("schema") or {}
    schema = validation.get("openAPIV3Schema")
    if schema is None:
        return version
    return {**version, "schema": {**validation, "openAPIV3Schema": _inside(schema)}}


def _schema(value: Any) -> Document:
    if not isinstance(value, dict):
        raise BadRequest(
            'CustomResourceDefinition in version "v1" cannot be handled as a '
            "CustomResourceDefinition: boolean or JSON schema expected"
        )
    return _inside(decode_type(_TYPE, value))


def _inside(schema: Document) -> Document:
    """A decoded schema with the schemas in it decoded."""
    decoded = dict(schema)
    for field in _OR_BOOL:
        if field in schema and not isinstance(schema[field], bool):
            decoded[field] = _schema(schema[field])
    items = schema.get("items")
    if items is not None:
        decoded["items"] = [*map(_schema, items)] if isinstance(items, list) else _schema(items)
    for field in _MANY:
        if field in schema:
            decoded[field] = [*map(_inside, schema[field])]
    for field in _NAMED:
        if field in schema:
            decoded[field] = {name: _inside(each) for name, each in schema[field].items()}
    if "not" in schema:
        decoded["not"] = _inside(schema["not"])
    return decoded
