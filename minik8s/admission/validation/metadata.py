"""Validation of `metadata` (k8s.io/apimachinery/pkg/api/validation/objectmeta.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.admission.problems import Problems, shown
from minik8s.admission.validation.common import (
    Format,
    check_labels,
    check_not_negative,
    immutable,
)
from minik8s.model.formats import dns1123_label, dns1123_subdomain, qualified_name
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes that the keys and values of all annotations may take together."""

_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_FIXED = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def check_metadata(
    problems: Problems, kind: Kind, document: Document, form: Format = dns1123_subdomain
) -> None:
    """The metadata of a new object; `form` is the format of the kind's names."""
    metadata = document.get("metadata") or {}
    prefix = metadata.get("generateName")
    if prefix:
        # A dash at the end is fine, since letters will follow it.
        masked = prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        problems.each_invalid("metadata.generateName", prefix, form(masked))
    name = metadata.get("name")
    if not name:
        problems.required("metadata.name", "name or generateName is required")
    else:
        problems.each_invalid("metadata.name", name, form(name))
    _check_namespace(problems, kind, metadata.get("namespace"))
    check_not_negative(problems, "metadata.generation", metadata.get("generation"))
    _check_maps_and_lists(problems, metadata)


def _check_namespace(problems: Problems, kind: Kind, namespace: str | None) -> None:
    if not kind.namespaced:
        if namespace:
            problems.forbidden("metadata.namespace", "not allowed on this type")
    elif not namespace:
        problems.required("metadata.namespace")
    else:
        problems.each_invalid("metadata.namespace", namespace, dns1123_label(namespace))


def _check_maps_and_lists(problems: Problems, metadata: Mapping[str, Any]) -> None:
    if "labels" in metadata:
        check_labels(problems, "metadata.labels", metadata["labels"])
    if "annotations" in metadata:
        check_annotations(problems, "metadata.annotations", metadata["annotations"])
    if "ownerReferences" in metadata:
        _check_owners(problems, metadata["ownerReferences"] or [])
    if "finalizers" in metadata:
        _check_finalizers(problems, metadata["finalizers"] or [])


def check_annotations(problems: Problems, path: str, annotations: Mapping[str, str] | None) -> None:
    """A map of annotations: keys like those of labels (in any case), values of any kind."""
    given = annotations or {}
    for key in sorted(given):
        problems.each_invalid(path, key, qualified_name(key.lower()))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in given.items())
    if size > ANNOTATIONS_LIMIT:
        problems.too_long(path, ANNOTATIONS_LIMIT)


def _check_owners(problems: Problems, owners: list[Document]) -> None:
    path = "metadata.ownerReferences"
    controller = ""
    for owner in owners:
        _check_owner(problems, path, owner)
        if not owner.get("controller"):
            continue
        name = f"{owner.get('kind', '')}/{owner.get('name', '')}"
        if controller:
            problems.invalid(
                path,
                owners,
                'Only one reference can have Controller set to true. Found "true" in references '
                f"for {controller} and {name}",
            )
        controller = controller or name


def _check_owner(problems: Problems, path: str, owner: Document) -> None:
    api_version = owner.get("apiVersion", "")
    if not api_version.rpartition("/")[2]:
        problems.invalid(f"{path}.apiVersion", api_version, "version must not be empty")
    for field in ("kind", "name", "uid"):
        if not owner.get(field):
            problems.invalid(f"{path}.{field}", owner.get(field, ""), "must not be empty")
    if (api_version, owner.get("kind")) == ("v1", "Event"):
        problems.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")


def _check_finalizers(problems: Problems, finalizers: list[str]) -> None:
    path = "metadata.finalizers"
    for finalizer in finalizers:
        problems.each_invalid(path, finalizer, qualified_name(finalizer))
    if _ORPHAN in finalizers and _FOREGROUND in finalizers:
        problems.invalid(
            path, finalizers, f"finalizer {_ORPHAN} and {_FOREGROUND} cannot be both set"
        )


def check_metadata_update(problems: Problems, new: Document, old: Document) -> None:
    """The metadata of a changed object: what names it and what the system set stays.

    The system's fields may be left out; whoever stores the object puts them back.
    """
    now, before = new.get("metadata") or {}, old.get("metadata") or {}
    if before.get("deletionTimestamp"):
        _check_no_new_finalizers(problems, now, before)
    if now.get("generation", 0) and now["generation"] < before.get("generation", 0):
        problems.invalid("metadata.generation", now["generation"], "must not be decremented")
    for field in ("name", "namespace"):
        immutable(problems, f"metadata.{field}", now.get(field, ""), before.get(field, ""))
    for field in _FIXED:
        if field in now:
            immutable(problems, f"metadata.{field}", now[field], before.get(field))
    _check_maps_and_lists(problems, now)


def _check_no_new_finalizers(
    problems: Problems, now: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    extra = sorted(set(now.get("finalizers") or ()) - set(before.get("finalizers") or ()))
    if extra:
        listed = ", ".join(map(shown, extra))
        problems.forbidden(
            "metadata.finalizers",
            "no new finalizers can be added if the object is being deleted, found new finalizers "
            f"[]string{{{listed}}}",
        )
