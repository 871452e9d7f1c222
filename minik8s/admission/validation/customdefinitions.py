"""Validation of a CustomResourceDefinition, and of the structural schemas in it.

The rules are those of pkg/apis/apiextensions/validation that people meet: names, versions, and
a schema whose every field has a type. What a schema then means for objects is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minik8s.admission.patterns import pattern_problem
from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import check_format, check_one_of, immutable
from minik8s.model.formats import dns1035_label, dns1123_subdomain
from minik8s.model.metadata import Document, name_of

SCOPES = ("Cluster", "Namespaced")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
TYPES = ("array", "boolean", "integer", "number", "object", "string")

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"


def check_definition(problems: Problems, document: Document) -> None:
    """A new CustomResourceDefinition."""
    spec = document.get("spec") or {}
    names, group = spec.get("names") or {}, spec.get("group", "")
    expected = f"{names.get('plural', '')}.{group}"
    if name_of(document) != expected:
        problems.invalid(
            "metadata.name", name_of(document), 'must be spec.names.plural+"."+spec.group'
        )
    if not group:
        problems.required("spec.group")
    else:
        check_format(problems, "spec.group", group, dns1123_subdomain)
        if "." not in group:
            problems.invalid("spec.group", group, "should be a domain with at least one dot")
    if not spec.get("scope"):
        problems.required("spec.scope")
    else:
        check_one_of(problems, "spec.scope", spec["scope"], SCOPES)
    _check_versions(problems, spec.get("versions") or ())
    _check_names(problems, names)


def check_definition_update(problems: Problems, new: Document, old: Document) -> None:
    """A changed CustomResourceDefinition; its group, scope and names stay."""
    check_definition(problems, new)
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for field in ("group", "scope"):
        immutable(problems, f"spec.{field}", after.get(field), before.get(field))
    for field in ("kind", "plural"):
        immutable(
            problems,
            f"spec.names.{field}",
            (after.get("names") or {}).get(field),
            (before.get("names") or {}).get(field),
        )


def _check_names(problems: Problems, names: Mapping[str, Any]) -> None:
    path = "spec.names"
    for field in ("plural", "singular", "kind", "listKind"):
        value = names.get(field)
        if not value:
            problems.required(f"{path}.{field}")
            continue
        lower = value.lower() if field in ("kind", "listKind") else value
        problems.each_invalid(f"{path}.{field}", value, dns1035_label(lower))
    for field in ("shortNames", "categories"):
        for index, value in enumerate(names.get(field) or ()):
            check_format(problems, f"{path}.{field}[{index}]", value, dns1035_label)
    if names.get("kind") and names["kind"] == names.get("listKind"):
        problems.invalid(
            f"{path}.listKind", names["listKind"], "kind and listKind may not be the same"
        )


def _check_versions(problems: Problems, versions: Sequence[Mapping[str, Any]]) -> None:
    if not versions:
        problems.required("spec.versions")
    elif sum(bool(version.get("storage")) for version in versions) != 1:
        problems.invalid(
            "spec.versions", versions, "must have exactly one version marked as storage version"
        )
    if len({version.get("name", "") for version in versions}) < len(versions):
        problems.invalid("spec.versions", versions, "must contain unique version names")
    for index, version in enumerate(versions):
        path, name = f"spec.versions[{index}]", version.get("name", "")
        problems.each_invalid(f"{path}.name", name, dns1035_label(name))
        _check_columns(problems, path, version.get("additionalPrinterColumns") or ())
        _check_scale(problems, path, (version.get("subresources") or {}).get("scale"))
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        where = f"{path}.schema.openAPIV3Schema"
        if not isinstance(schema, dict):
            problems.required(where, "schemas are required")
        elif not schema.get("type"):
            problems.required(f"{where}.type", "must not be empty at the root")
        elif schema["type"] != "object":
            problems.invalid(f"{where}.type", schema["type"], "must be object at the root")
        else:
            _check_inside(problems, where, schema)


def _check_columns(problems: Problems, path: str, columns: Sequence[Mapping[str, Any]]) -> None:
    for index, column in enumerate(columns):
        where = f"{path}.additionalPrinterColumns[{index}]"
        if not column.get("name"):
            problems.required(f"{where}.name")
        if not column.get("type"):
            problems.required(f"{where}.type", f"must be one of {','.join(COLUMN_TYPES)}")
        elif column["type"] not in COLUMN_TYPES:
            problems.invalid(
                f"{where}.type", column["type"], f"must be one of {','.join(COLUMN_TYPES)}"
            )
        if not column.get("jsonPath"):
            problems.required(f"{where}.jsonPath")
        elif not column["jsonPath"].startswith((".", "[")):
            problems.invalid(
                f"{where}.jsonPath",
                column["jsonPath"],
                "must be a simple json path starting with .",
            )


def _check_scale(problems: Problems, path: str, scale: Mapping[str, Any] | None) -> None:
    if scale is None:
        return
    where = f"{path}.subresources.scale"
    for field, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        value = scale.get(field)
        if not value:
            problems.required(f"{where}.{field}")
        elif not value.startswith(root):
            problems.invalid(f"{where}.{field}", value, f"should be a json path under {root[:-1]}")


_UNSUPPORTED = (
    "$ref",
    "additionalItems",
    "definitions",
    "dependencies",
    "id",
    "patternProperties",
)
"""Fields of JSON Schema that no definition may use."""


def _check_refused(problems: Problems, path: str, schema: Mapping[str, Any]) -> None:
    """What JSON Schema has and definitions may not have (ValidateCustomResourceDefinition)."""
    for field in _UNSUPPORTED:
        if schema.get(field):
            problems.forbidden(f"{path}.{field}", f"{field} is not supported")
    if schema.get("uniqueItems"):
        problems.forbidden(
            f"{path}.uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        )
    if schema.get("additionalProperties") is False:
        problems.forbidden(
            f"{path}.additionalProperties", "additionalProperties cannot be set to false"
        )
    if isinstance(schema.get("items"), list):
        problems.forbidden(f"{path}.items", "items must be a schema object and not an array")
    pattern = schema.get("pattern")
    if pattern and (problem := pattern_problem(pattern)) is not None:
        text = f"must be a valid regular expression, but isn't: {problem}"
        problems.invalid(f"{path}.pattern", pattern, text)
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        if not rule.get("rule", "").strip():
            place = f"{path}.x-kubernetes-validations[{index}].rule"
            problems.required(place, "rule is not specified")


def _check_inside(problems: Problems, path: str, schema: Mapping[str, Any]) -> None:
    _check_refused(problems, path, schema)
    for field in ("allOf", "anyOf", "oneOf"):
        for index, each in enumerate(schema.get(field) or ()):
            _check_refused(problems, f"{path}.{field}[{index}]", each)
    for name, field in sorted((schema.get("properties") or {}).items()):
        _check_schema(problems, f"{path}.properties[{name}]", field, "specified object fields")
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        _check_schema(problems, f"{path}.additionalProperties", more, "specified object fields")
        if schema.get("properties"):
            problems.forbidden(
                f"{path}.additionalProperties",
                "additionalProperties and properties are mutual exclusive",
            )
    items = schema.get("items")
    if isinstance(items, dict):
        _check_schema(problems, f"{path}.items", items, "specified array items")
    elif schema.get("type") == "array":
        problems.required(f"{path}.items", "must be specified")


def _check_schema(problems: Problems, path: str, schema: Any, what: str) -> None:
    if not isinstance(schema, dict):
        problems.invalid(path, schema, "must be a schema")
        return
    kind = schema.get("type")
    if kind:
        check_one_of(problems, f"{path}.type", kind, TYPES)
    elif not schema.get(_INT_OR_STRING) and not schema.get(_PRESERVE):
        problems.required(f"{path}.type", f"must not be empty for {what}")
    _check_inside(problems, path, schema)
