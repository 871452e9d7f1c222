"""Filling in fields without touching the document that came in.

Every function returns the document itself when there is nothing to fill in, and otherwise a new
one that shares all unchanged parts. Default values are shared too: stored documents are never
changed, so one `{}` can serve them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minik8s.model.metadata import Document

Step = Callable[[Document], Document]


def fill(document: Document, defaults: Mapping[str, Any]) -> Document:
    """Set what is absent or an empty text: Go's plain strings cannot tell the two apart."""
    missing = {name: value for name, value in defaults.items() if document.get(name) in (None, "")}
    return {**document, **missing} if missing else document


def fill_absent(document: Document, defaults: Mapping[str, Any]) -> Document:
    """Set what is absent only: fields that are pointers in Go, or may be empty."""
    missing = {name: value for name, value in defaults.items() if document.get(name) is None}
    return {**document, **missing} if missing else document


def fill_zero(document: Document, defaults: Mapping[str, int]) -> Document:
    """Set what is absent or 0: Go's plain numbers cannot tell the two apart."""
    missing = {name: value for name, value in defaults.items() if not document.get(name)}
    return {**document, **missing} if missing else document


def inside(document: Document, field: str, step: Step) -> Document:
    """Apply a step to an object in a field, if it is there."""
    value = document.get(field)
    if value is None:
        return document
    changed = step(value)
    return document if changed is value else {**document, field: changed}


def ensured(document: Document, field: str, step: Step) -> Document:
    """Apply a step to an object in a field, which is made if it is absent."""
    return {**document, field: step(document.get(field) or {})}


def each(document: Document, field: str, step: Step) -> Document:
    """Apply a step to every object of a list in a field, if it is there."""
    items = document.get(field)
    if not items:
        return document
    changed = [step(item) for item in items]
    if all(new is old for new, old in zip(changed, items, strict=True)):
        return document
    return {**document, field: changed}
