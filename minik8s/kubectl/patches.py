"""Patches that kubectl computes by itself: the difference of two objects as a merge patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.apiserver.jsonpatch import same_json
from minik8s.kubectl.gotext import compact_json
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    """The JSON merge patch (RFC 7396) that turns one object into another.

    >>> merge_patch({"a": 1, "b": {"c": 1}}, {"b": {"c": 2}, "d": 3})
    {'a': None, 'b': {'c': 2}, 'd': 3}
    """
    patch: Document = {}
    for key in sorted({*old, *new}):
        if key not in new:
            patch[key] = None
        elif key not in old:
            patch[key] = new[key]
        elif isinstance(old[key], Mapping) and isinstance(new[key], Mapping):
            inner = merge_patch(old[key], new[key])
            if inner:
                patch[key] = inner
        elif not same_json(old[key], new[key]):
            patch[key] = new[key]
    return patch


def three_way_merge_patch(original: Document, modified: Document, current: Document) -> Document:
    """The merge patch that brings a live object to a manifest and keeps what others have set.

    For kinds whose structure is not known (those of a CustomResourceDefinition).

    >>> three_way_merge_patch({"a": 1, "b": 1}, {"a": 2}, {"a": 1, "b": 1, "c": 1})
    {'b': None, 'a': 2}
    """
    removals = _removals(merge_patch(original, modified))
    return _over(removals, _changes(merge_patch(current, modified)))


def _removals(patch: Document) -> Document:
    found: Document = {}
    for key, value in patch.items():
        if value is None:
            found[key] = None
        elif isinstance(value, dict) and (inner := _removals(value)):
            found[key] = inner
    return found


def _changes(patch: Document) -> Document:
    found: Document = {}
    for key, value in patch.items():
        inner = _changes(value) if isinstance(value, dict) else value
        if inner is not None and (inner != {} or value == {}):
            found[key] = inner
    return found


def _over(below: Document, above: Document) -> Document:
    merged = dict(below)
    for key, value in above.items():
        old = below.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _over(old, value) if both and old is not None else value
    return merged


def with_metadata(document: Document, **fields: Any) -> Document:
    """The object with fields of its metadata changed; None removes one."""
    metadata = {**(document.get("metadata") or {}), **fields}
    kept = {key: value for key, value in metadata.items() if value is not None}
    return {**document, "metadata": kept}


def without_last_applied(document: Document) -> Document:
    """A manifest as kubectl compares it: without the annotation, with the field for it."""
    annotations = dict(annotations_of(document))
    annotations.pop(LAST_APPLIED, None)
    return with_metadata(document, annotations=annotations)


def last_applied_text(document: Document) -> str:
    """What the last-applied annotation says for a manifest: the manifest without it."""
    return compact_json(without_last_applied(document)) + "\n"


def with_last_applied(document: Document) -> Document:
    """A manifest that remembers itself in the last-applied annotation."""
    annotations = dict(annotations_of(document))
    annotations[LAST_APPLIED] = last_applied_text(document)
    return with_metadata(document, annotations=annotations)
