"""What `apply` and `diff` share: the patch that brings a live object to a manifest."""

from __future__ import annotations

import json

from minik8s.admission import schema_for
from minik8s.apiserver.messages import MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure, add_source
from minik8s.kubectl.gotext import compact_json
from minik8s.kubectl.patches import three_way_merge_patch
from minik8s.kubectl.selection import Target
from minik8s.kubectl.strategicdiff import Conflict, three_way_patch
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of
from minik8s.model.registry import Kind

CLIENT_SIDE = "kubectl-client-side-apply"
SERVER_SIDE = "kubectl"


def field_manager(call: Call) -> str:
    """The name under which fields are applied, by the client or (`--server-side`) the server."""
    flags = call.flags
    if flags.given("field-manager"):
        return flags.text("field-manager")
    return SERVER_SIDE if flags.on("server-side") else CLIENT_SIDE


def patch_type(kind: Kind) -> str:
    """The content type of patches that kubectl computes for a kind."""
    return MERGE_PATCH if schema_for(kind) is None else STRATEGIC_MERGE_PATCH


def difference(
    call: Call, target: Target, modified: Document, current: Document, *, overwrite: bool = True
) -> Document:
    """The patch from the live object to the manifest, with what the last apply set removed.

    Raises Failure without `overwrite` if somebody else has changed what the manifest changes.
    """
    original = last_applied(current)
    schema = schema_for(target.kind)
    if schema is None:
        patch = three_way_merge_patch(original, modified, current)
        if any(key in patch for key in ("apiVersion", "kind")):
            raise Failure("At least one of apiVersion, kind and name was changed")
        return patch
    try:
        return three_way_patch(original, modified, current, schema, overwrite=overwrite)
    except Conflict as error:
        call.err(f"warning: error calculating patch from openapi v3 spec: {error}\n")
        raise add_source(
            f"applying patch:\n\nto:\n{described(target)}\nfor:",
            target.source,
            add_source("patching", target.source, _unmade(original, modified, current, error)),
        ) from None


def described(target: Target) -> str:
    """A target in the words of long error messages (resource.Info)."""
    kind = target.kind
    group = f"{kind.group}/{kind.version}"
    return (
        f'Resource: "{group}, Resource={kind.plural}", '
        f'GroupVersionKind: "{group}, Kind={kind.kind}"\n'
        f'Name: "{target.name}", Namespace: "{target.namespace}"'
    )


def last_applied(current: Document) -> Document:
    """The manifest that a live object was applied from; empty if there is none."""
    try:
        found = json.loads(annotations_of(current).get(LAST_APPLIED) or "{}")
    except ValueError:
        raise Failure("Invalid JSON document") from None
    return found if isinstance(found, dict) else {}


def warn_if_deleting(call: Call, document: Document) -> None:
    """Say so if an object is on its way out."""
    metadata = document.get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        call.err(
            f"Warning: Detected changes to resource {metadata['name']} which is currently being "
            "deleted.\n"
        )


def _unmade(original: Document, modified: Document, current: Document, error: Exception) -> Failure:
    return Failure(
        f"creating patch with:\noriginal:\n{compact_json(original)}\n\nmodified:\n"
        f"{compact_json(modified)}\n\ncurrent:\n{compact_json(current)}\n\nfor: {error}"
    )
