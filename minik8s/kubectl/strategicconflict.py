"""Whether two strategic merge patches set the same field to different values."""

from __future__ import annotations

from typing import Any

from minik8s.admission.schema import NO_META, PatchMeta, Schema
from minik8s.apiserver.strategic import PATCH, RETAIN_KEYS
from minik8s.model.metadata import Document


def conflicting(left: Any, right: Any, schema: Schema | None, meta: PatchMeta = NO_META) -> bool:
    """Whether two patches (or a field of both) disagree.

    >>> conflicting({"a": 1, "b": 2}, {"a": 1, "c": 3}, None)
    False
    >>> conflicting({"a": 1}, {"a": 2}, None)
    True
    """
    if isinstance(left, dict) and isinstance(right, dict):
        if left.get(PATCH) != right.get(PATCH):
            return True
        return "replace" not in meta.strategies and _maps(left, right, schema)
    if isinstance(left, list) and isinstance(right, list):
        return _lists(left, right, schema, meta)
    return isinstance(left, bool) != isinstance(right, bool) or bool(left != right)


def _maps(left: Document, right: Document, schema: Schema | None) -> bool:
    shared = [key for key in left if key in right and key not in (PATCH, RETAIN_KEYS)]
    for key in shared:
        inner = schema.at([key]) if schema is not None else None
        meta = schema.meta(key) if schema is not None and schema.name else NO_META
        if conflicting(left[key], right[key], inner, meta):
            return True
    return False


def _lists(left: list[Any], right: list[Any], schema: Schema | None, meta: PatchMeta) -> bool:
    item = schema.at([0]) if schema is not None else None
    objects = all(isinstance(entry, dict) for entry in left + right)
    if meta.merges:
        if not objects:
            return False
        others = {str(entry.get(meta.key)): entry for entry in right}
        return any(
            conflicting(entry, others[str(entry.get(meta.key))], item)
            for entry in left
            if str(entry.get(meta.key)) in others
        )
    if len(left) != len(right):
        return True
    if not objects:
        left, right = sorted(left, key=str), sorted(right, key=str)
    return any(conflicting(a, b, item) for a, b in zip(left, right, strict=True))
