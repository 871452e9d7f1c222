"""The query parameters of the API, as /openapi/v3 lists them with each operation."""

from __future__ import annotations

from typing import Any

from minik8s.model.metadata import Document


def _parameter(name: str, kind: str, text: str) -> Document:
    return {
        "name": name,
        "in": "query",
        "description": text,
        "schema": {"type": kind, "uniqueItems": True},
    }


_TEXT = "string"
_FLAG = "boolean"
_NUMBER = "integer"

PRETTY = _parameter("pretty", _TEXT, "Print the answer with indents ('true').")
DRY_RUN = _parameter("dryRun", _TEXT, "'All': go through every step of the write but the last.")
FIELD_MANAGER = _parameter(
    "fieldManager", _TEXT, "The name under which the changed fields are owned; at most 128 bytes."
)
FIELD_VALIDATION = _parameter(
    "fieldValidation",
    _TEXT,
    "What to do about unknown fields: 'Ignore', 'Warn' (the default) or 'Strict'.",
)
FORCE = _parameter("force", _FLAG, "Take over fields that others own; only for server-side apply.")
SELECTION = (
    _parameter("labelSelector", _TEXT, "Only the objects whose labels fit."),
    _parameter("fieldSelector", _TEXT, "Only the objects whose fields fit."),
)
VERSIONS = (
    _parameter("resourceVersion", _TEXT, "Which version of the data is wanted."),
    _parameter(
        "resourceVersionMatch",
        _TEXT,
        "How resourceVersion is meant: 'Exact' or 'NotOlderThan'.",
    ),
)
PAGES = (
    _parameter("limit", _NUMBER, "How many objects one answer may hold."),
    _parameter("continue", _TEXT, "The token of the page before, to get the next one."),
)
WATCHING = (
    _parameter("watch", _FLAG, "Stream the changes instead of listing the objects."),
    _parameter("allowWatchBookmarks", _FLAG, "Send BOOKMARK events now and then."),
    _parameter("sendInitialEvents", _FLAG, "Begin with what is there, and tell where that ends."),
    _parameter("timeoutSeconds", _NUMBER, "End the watch after so many seconds."),
)
DELETION = (
    DRY_RUN,
    _parameter("gracePeriodSeconds", _NUMBER, "How long the object has to end; 0 is at once."),
    _parameter(
        "propagationPolicy",
        _TEXT,
        "What becomes of dependents: 'Orphan', 'Background' or 'Foreground'.",
    ),
    _parameter("orphanDependents", _FLAG, "The older form of propagationPolicy."),
)

LIST = (PRETTY, *PAGES, *SELECTION, *VERSIONS, *WATCHING)
CREATE = (PRETTY, DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION)
UPDATE = CREATE
PATCH = (*CREATE, FORCE)
DELETE = (PRETTY, *DELETION)
DELETE_COLLECTION = (PRETTY, *DELETION, *PAGES, *SELECTION, *VERSIONS)
LOG = (
    _parameter("container", _TEXT, "The container; may be left out where there is one only."),
    _parameter("follow", _FLAG, "Go on as the container writes."),
    _parameter("previous", _FLAG, "The log of the container before its last restart."),
    _parameter("sinceSeconds", _NUMBER, "Only lines that are at most so many seconds old."),
    _parameter("tailLines", _NUMBER, "Only so many lines, counted from the end."),
    _parameter("limitBytes", _NUMBER, "Only so many bytes."),
    _parameter("timestamps", _FLAG, "Begin each line with its moment."),
)
STREAM = (
    _parameter("container", _TEXT, "The container; may be left out where there is one only."),
    _parameter("stdin", _FLAG, "Give the program input."),
    _parameter("stdout", _FLAG, "Show its output."),
    _parameter("stderr", _FLAG, "Show its errors."),
    _parameter("tty", _FLAG, "Give it a terminal."),
)
EXEC = (
    {
        "name": "command",
        "in": "query",
        "description": "The program and its arguments, one parameter each.",
        "schema": {"type": "array", "items": {"type": "string"}},
    },
    *STREAM,
)
PORT_FORWARD = (_parameter("ports", _NUMBER, "The ports; only for the older protocol."),)

PROXY = (_parameter("path", _TEXT, "The path that the web server in the pod is asked for."),)


def in_path(name: str, text: str) -> dict[str, Any]:
    """A parameter that is a part of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": "string", "uniqueItems": True},
    }


NAME = in_path("name", "The name of the object.")
NAMESPACE = in_path("namespace", "The namespace of the object.")
