"""Kinds, metadata and selectors: pure, read-only views of API documents."""
