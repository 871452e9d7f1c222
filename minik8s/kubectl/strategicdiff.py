"""Strategic merge patches that kubectl computes: what differs between two or three objects.

Vocabulary (k8s.io/apimachinery/pkg/util/strategicpatch): *changes* are what a new object adds or
sets otherwise, *removals* what it no longer has. A *two-way* patch has both; a *three-way* patch
has the changes from the live object to the manifest, and the removals from the manifest applied
last time to the manifest, so that what others have set stays. Lists that the API merges are
compared entry by entry, and `$setElementOrder/LIST` tells the order that they are to have.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Flag, auto
from typing import Any

from minik8s.admission.schema import NO_META, PatchMeta, Schema
from minik8s.apiserver.jsonpatch import same_json
from minik8s.apiserver.strategic import (
    DELETE_PREFIX,
    ORDER_PREFIX,
    PATCH,
    RETAIN_KEYS,
    go_text,
)
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.strategicconflict import conflicting
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import Document


class Part(Flag):
    """Which part of a difference is wanted."""

    CHANGES = auto()
    REMOVALS = auto()


EVERYTHING = Part.CHANGES | Part.REMOVALS


class Conflict(Failure):
    """The manifest and somebody else have changed the same field to different values."""

    def __init__(self, patch: Document, changed: Document) -> None:
        super().__init__(
            f"patch:\n{yaml_text(patch)}\nconflicts with changes made from original to current:\n"
            f"{yaml_text(changed)}\n"
        )


def two_way_patch(old: Document, new: Document, schema: Schema | None) -> Document:
    """The strategic merge patch that turns one object into another.

    >>> two_way_patch({"a": 1, "b": 2}, {"a": 3}, None)
    {'a': 3, 'b': None}
    """
    return _maps(old, new, schema, EVERYTHING)


def three_way_patch(
    original: Document,
    modified: Document,
    current: Document,
    schema: Schema | None,
    *,
    overwrite: bool = True,
) -> Document:
    """The patch that brings a live object to a manifest; see the module's first lines.

    Raises Conflict without `overwrite` if somebody else has changed what the manifest changes.

    >>> three_way_patch({"a": 1, "b": 1}, {"a": 2}, {"a": 1, "b": 1, "c": 1}, None)
    {'b': None, 'a': 2}
    """
    changes = _maps(current, modified, schema, Part.CHANGES)
    removals = _maps(original, modified, schema, Part.REMOVALS)
    patch = _joined(removals, changes, schema)
    if not overwrite:
        changed = _maps(original, current, schema, EVERYTHING, ordered=False)
        if conflicting(patch, changed, schema):
            raise Conflict(patch, changed)
    return patch


def field_of(schema: Schema | None, key: str) -> tuple[Schema | None, PatchMeta]:
    """The type of a field, and how patches treat it."""
    if schema is None:
        return None, NO_META
    return schema.at([key]), schema.meta(key) if schema.name else NO_META


def _sort_of(value: Any) -> type:
    """What JSON type a value has."""
    return float if type(value) is int else type(value)


def _maps(
    old: Document,
    new: Document,
    schema: Schema | None,
    part: Part,
    *,
    ordered: bool = True,
    retain: bool = False,
) -> Document:
    """What differs between two objects; with `retain` also which keys are to stay."""
    patch: Document = {}
    for key, value in new.items():
        before: Any = old.get(key)
        if key not in old or _sort_of(before) is not _sort_of(value):
            if Part.CHANGES in part:
                patch[key] = value
        elif isinstance(value, dict):
            _field_map(key, before, value, schema, part, patch, ordered)
        elif isinstance(value, list):
            _field_list(key, before, value, schema, part, patch, ordered)
        elif Part.CHANGES in part and before != value:
            patch[key] = value
    if Part.REMOVALS in part:
        patch.update({key: None for key in old if key not in new})
    if retain and (patch or any(v is not None and k not in new for k, v in old.items())):
        kept = sorted(key for key, value in new.items() if value is not None)
        if kept:
            patch[RETAIN_KEYS] = kept
    return patch


def _field_map(
    key: str,
    old: Document,
    new: Document,
    schema: Schema | None,
    part: Part,
    patch: Document,
    ordered: bool,
) -> None:
    inner, meta = field_of(schema, key)
    if "replace" in meta.strategies:
        if Part.CHANGES in part:
            patch[key] = new
        return
    found = _maps(old, new, inner, part, ordered=ordered, retain=meta.retains_keys)
    if found:
        patch[key] = found


def _field_list(
    key: str,
    old: list[Any],
    new: list[Any],
    schema: Schema | None,
    part: Part,
    patch: Document,
    ordered: bool,
) -> None:
    inner, meta = field_of(schema, key)
    if not meta.merges:
        if Part.CHANGES in part and not same_json(old, new):
            patch[key] = new
        return
    if not old:
        if new and Part.CHANGES in part:
            patch[key] = new
        return
    if isinstance((old + new)[0], dict):
        item = inner.item if inner is not None else None
        entries, order = _list_of_maps(old, new, item, meta, part, ordered)
        deleted: list[Any] = []
    else:
        entries, deleted = _list_of_scalars(old, new, part)
        moved = Part.CHANGES in part and old != new
        order = new if moved or deleted else []
    if entries:
        patch[key] = entries
    if deleted:
        patch[DELETE_PREFIX + key] = deleted
    if order and ordered:
        patch[ORDER_PREFIX + key] = order


def _list_of_scalars(
    old: Sequence[Any], new: Sequence[Any], part: Part
) -> tuple[list[Any], list[Any]]:
    """Values that are new, and values that have gone."""
    added = [value for value in new if value not in old] if Part.CHANGES in part else []
    gone = {go_text(value): value for value in old if value not in new}
    return added, [gone[text] for text in sorted(gone)] if Part.REMOVALS in part else []


def _list_of_maps(
    old: Sequence[Document],
    new: Sequence[Document],
    item: Schema | None,
    meta: PatchMeta,
    part: Part,
    ordered: bool,
) -> tuple[list[Document], list[Document]]:
    """The entries of the patch, and the order that the list is to have if that matters."""
    key = meta.key
    for entry in (*old, *new):
        if key not in entry:
            raise Failure(f"map: {go_text(entry)} does not contain declared merge key: {key}")
    before = {go_text(entry[key]): entry for entry in old}
    after = {go_text(entry[key]): entry for entry in new}
    entries: list[Document] = []
    for name, entry in after.items():
        if name in before:
            inner = _maps(
                before[name], entry, item, part, ordered=ordered, retain=meta.retains_keys
            )
            if inner:
                entries.append({**inner, key: entry[key]})
        elif Part.CHANGES in part:
            entries.append(entry)
    if Part.REMOVALS in part:
        gone = sorted(name for name in before if name not in after)
        entries += [{PATCH: "delete", key: before[name][key]} for name in gone]
    moved = [entry[key] for entry in old] != [entry[key] for entry in new]
    if entries or (Part.CHANGES in part and moved):
        return entries, [{key: entry[key]} for entry in new]
    return entries, []


def _joined(removals: Document, changes: Document, schema: Schema | None) -> Document:
    """One patch that does what two patches do."""
    patch = dict(removals)
    for key, value in changes.items():
        before = removals.get(key)
        inner, meta = field_of(schema, key)
        if isinstance(before, dict) and isinstance(value, dict):
            replaced = "replace" in meta.strategies
            patch[key] = value if replaced else _joined(before, value, inner)
        elif isinstance(before, list) and isinstance(value, list) and meta.key:
            item = inner.item if inner is not None else None
            order = changes.get(ORDER_PREFIX + key, value)
            patch[key] = _joined_lists(before, value, item, meta.key, order)
        else:
            patch[key] = value
    return patch


def _joined_lists(
    removals: Sequence[Document],
    changes: Sequence[Document],
    item: Schema | None,
    key: str,
    order: Sequence[Document],
) -> list[Document]:
    """Entries in the order that the list is to have; those to delete come last."""
    entries = {entry[key]: entry for entry in removals if PATCH not in entry}
    for entry in changes:
        name = entry[key]
        entries[name] = _joined(entries[name], entry, item) if name in entries else entry
    places = {entry[key]: place for place, entry in enumerate(order)}
    named = sorted(entries.values(), key=lambda entry: places.get(entry[key], len(places)))
    return named + [entry for entry in removals if PATCH in entry]
