"""Kinds whose types are structural schemas: decoding, defaults, validation.

They come from CustomResourceDefinitions, or from `data/policy-definitions.json`: the
cluster-wide policies of policy.networking.k8s.io (v0.2.0 and v0.1.7, experimental channel),
which this cluster serves without having their definitions installed.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pkgutil import get_data

from minik8s.admission import structural
from minik8s.admission.decode import FieldValidation, decode_metadata
from minik8s.admission.problems import Problems
from minik8s.errors import BadRequest, Invalid
from minik8s.model.formats import quote
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import Kind


def definition_for(kind: Kind) -> Document | None:
    """The definition of a cluster-wide policy kind; None for every other kind."""
    return _definitions().get(kind.resource)


def builtin_schema(kind: Kind) -> Document | None:
    """The structural schema of a cluster-wide policy kind; None for every other kind."""
    definition = definition_for(kind)
    for version in definition["spec"]["versions"] if definition is not None else ():
        if version["name"] == kind.version:
            schema: Document = version["schema"]["openAPIV3Schema"]
            return schema
    return None


@lru_cache(maxsize=1)
def _definitions() -> dict[str, Document]:
    text = get_data("minik8s", "data/policy-definitions.json")
    assert text is not None
    return {definition["metadata"]["name"]: definition for definition in json.loads(text)}


def decode_custom(
    kind: Kind, document: Document, schema: Document, mode: FieldValidation
) -> tuple[Document, list[str]]:
    """An object as its schema takes it, pruned and defaulted, and warnings (mode Warn).

    Raises BadRequest for unknown fields in mode Strict.
    """
    document, unknown = decode_metadata(kind, document)
    document, more = structural.prune(document, schema)
    unknown += [f"unknown field {quote(path)}" for path in more]
    if unknown and mode == "Strict":
        raise BadRequest(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
            f"strict decoding error: {', '.join(unknown)}",
            field=more[0] if more else "metadata",
        )
    filled: Document = structural.with_defaults(document, schema)
    return filled, unknown if mode == "Warn" else []


def check_custom(kind: Kind, document: Document, schema: Document) -> None:
    """Raise Invalid for an object that breaks its schema."""
    problems = Problems()
    structural.validate(problems, document, schema)
    if problems:
        raise Invalid.object(kind.kind, kind.group, name_of(document), problems.causes)
