"""Validation: does a document keep the rules of its kind (pkg/apis/*/validation)?"""

from __future__ import annotations

from minik8s.model.metadata import Document
from minik8s.model.registry import Kind


def validate_create(kind: Kind, document: Document) -> None:
    """Check a new object, defaults filled in; raises Invalid with all causes in order."""


def validate_update(kind: Kind, new: Document, old: Document) -> None:
    """Check a changed object against the stored one; raises Invalid with all causes in order."""
