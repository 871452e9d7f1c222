"""Defaults of a CustomResourceDefinition (apiextensions/v1/defaults.go)."""

from __future__ import annotations

from minik8s.admission.defaulting.fill import fill
from minik8s.model.metadata import Document


def default_definition(document: Document) -> Document:
    """A definition with the names that follow from its kind, and no conversion."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return document
    spec = fill(spec, {"conversion": {"strategy": "None"}})
    names = spec.get("names")
    if isinstance(names, dict) and names.get("kind"):
        kind = names["kind"]
        spec = {**spec, "names": fill(names, {"listKind": f"{kind}List", "singular": kind.lower()})}
    return {**document, "spec": spec}
