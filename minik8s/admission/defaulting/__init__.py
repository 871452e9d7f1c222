"""Defaulting: the fields that the API server fills in (pkg/apis/*/v1/defaults.go)."""

from __future__ import annotations

from minik8s.model.metadata import Document
from minik8s.model.registry import Kind


def default(kind: Kind, document: Document) -> Document:
    """The document with its defaults; what is there already stays, unchanged parts are shared."""
    return document
