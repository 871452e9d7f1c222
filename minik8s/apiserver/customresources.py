"""CustomResourceDefinitions at work: the status of a definition, and the objects of its kind.

That a definition's kinds are served at all is the store's doing: its registry follows the
definitions that it holds.
"""

from __future__ import annotations

from minik8s import admission
from minik8s.admission import FieldValidation, customkinds
from minik8s.admission.celrules import RULES, is_known, rules_in
from minik8s.admission.structural import PRESERVE
from minik8s.apiserver.customschemas import schema_of_version, version_of_kind
from minik8s.clock import rfc3339
from minik8s.model.customkinds import kinds_of_definition
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import Kind
from minik8s.store import Store


def is_custom(kind: Kind) -> bool:
    """Whether a kind comes from a CustomResourceDefinition."""
    return admission.schema_for(kind) is None


def schema_of(store: Store, kind: Kind) -> Document:
    """The structural schema of a custom kind; one that takes anything if there is none."""
    return schema_of_version(version_of_kind(store, kind)) or {PRESERVE: True}


# -- objects


def decode_custom(
    store: Store, kind: Kind, document: Document, mode: FieldValidation
) -> tuple[Document, list[str]]:
    """An object as its schema takes it, and warnings (mode Warn); raises BadRequest."""
    return customkinds.decode_custom(kind, document, schema_of(store, kind), mode)


def check_custom(store: Store, kind: Kind, document: Document) -> None:
    """Raise Invalid for an object that breaks its schema."""
    customkinds.check_custom(kind, document, schema_of(store, kind))


# -- definitions


def with_status(definition: Document, now: float) -> Document:
    """A definition with the status that its controllers give it: accepted and established."""
    spec, status = definition["spec"], definition.get("status") or {}
    stored = [*(status.get("storedVersions") or ())]
    stored += [v["name"] for v in spec["versions"] if v.get("storage") and v["name"] not in stored]
    conditions = status.get("conditions") or [
        _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
        _condition("Established", "InitialNamesAccepted", _ACCEPTED, now),
    ]
    accepted = {
        **status,
        "acceptedNames": spec["names"],
        "conditions": conditions,
        "storedVersions": stored,
    }
    return {**definition, "status": accepted}


_ACCEPTED = "the initial names have been accepted"


def _condition(kind: str, reason: str, message: str, now: float) -> Document:
    return {
        "lastTransitionTime": rfc3339(now),
        "message": message,
        "reason": reason,
        "status": "True",
        "type": kind,
    }


def unsupported_rules(definition: Document) -> list[str]:
    """Warnings about parts of a definition that are stored and mean nothing here."""
    warnings = []
    for index, version in enumerate(definition["spec"]["versions"]):
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = schema_of_version(version) or {}
        warnings += [
            f"{place}.{RULES}: the rule is stored, not evaluated: {rule}"
            for place, rule in rules_in(schema, path)
            if not is_known(rule)
        ]
    return warnings


def remove_objects(store: Store, definition: Document) -> None:
    """Remove every object of a definition that is about to go."""
    for kind in kinds_of_definition(definition)[:1]:
        for document in store.list(kind):
            store.delete(kind, namespace_of(document), name_of(document))
