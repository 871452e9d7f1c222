"""`--overrides`: a patch of the object that kubectl makes (`run`, `expose`)."""

from __future__ import annotations

import json

from minik8s import admission
from minik8s.apiserver.messages import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minik8s.apiserver.patch import patched_values
from minik8s.errors import ApiError
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

_TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


def overridden(call: Call, kind: Kind, document: Document) -> Document:
    """The object with `--overrides` applied; raises Failure for a patch that does not fit."""
    text, how = call.flags.text("overrides"), call.flags.text("override-type") or "merge"
    if not text:
        return document
    if how not in _TYPES:
        raise Failure(f"invalid override type: {how}")
    try:
        patch = json.loads(text)
    except ValueError:
        what = "invalid JSON document" if how == "strategic" else "Invalid JSON Patch"
        raise Failure(what) from None
    try:
        changed = patched_values(_TYPES[how], document, patch, kind)
        return admission.decode(kind, changed, "Ignore")[0]
    except ApiError as error:
        _, found, why = error.message.partition(f"cannot be handled as a {kind.kind}: ")
        raise Failure(why if found else str(error.__cause__ or error.message)) from None
