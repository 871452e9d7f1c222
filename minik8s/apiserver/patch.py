"""PATCH: what the kinds of patches make of an object; server-side apply is in `apply`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from minik8s import admission
from minik8s.apiserver.apply import apply
from minik8s.apiserver.body import content_type, decode, unsupported
from minik8s.apiserver.call import Call, WriteOptions, refuse
from minik8s.apiserver.jsonpatch import MAX_OPERATIONS, PatchError, json_patch, merge_patch
from minik8s.apiserver.messages import (
    APPLY_PATCH,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_MERGE_PATCH,
    Response,
)
from minik8s.apiserver.strategic import go_text, strategic_merge
from minik8s.apiserver.writing import Target, change, check_name, to_object, with_namespace
from minik8s.errors import ApiError, BadRequest, Cause, Invalid, TooLarge
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

CANNOT = "cannot be handled as a "


def patcher(target: Target) -> Callable[[Call], Response]:
    """PATCH of an object, or of a part of it."""

    def patch(call: Call) -> Response:
        options = WriteOptions.of(call.request, "PatchOptions")
        media = content_type(call.request)
        if media == APPLY_PATCH:
            return apply(call, options, target)
        if call.request.query.get("force"):
            text = "Forbidden: may not be specified for non-apply patch"
            refuse("PatchOptions", [Cause("FieldValueForbidden", text, "force")])
        old = call.existing()
        body = decode(call.request)
        patched = patched_values(media, old, body, call.kind)
        document = with_namespace(call, _as_object(call, patched, body, old, options))
        check_name(call, document)
        changed = change(call, document, old, options, target)
        return Response(200, changed, warnings=call.warnings)

    return patch


def patched_values(media: str, old: Document, body: Any, kind: Kind) -> Any:
    """What a patch of a content type makes of an object of a kind; raises ApiError."""
    if media not in _KINDS:
        raise unsupported(_accepted(kind))
    return _KINDS[media](old, body, kind)


def _json_patch(old: Document, body: Any, _kind: Kind) -> Any:
    if not isinstance(body, list):
        raise BadRequest("error decoding patch: json: cannot unmarshal object into jsonpatch.Patch")
    if len(body) > MAX_OPERATIONS:
        raise TooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(body)}"
        )
    try:
        return json_patch(old, body)
    except PatchError as error:
        raise _unprocessable(error) from None


def _unprocessable(error: PatchError) -> ApiError:
    """A patch that does not fit; the real server keeps the reason to itself."""
    refused = Invalid("the server rejected our request due to an error in our request")
    refused.__cause__ = error
    return refused


def _merge_patch(old: Document, body: Any, _kind: Kind) -> Any:
    return merge_patch(old, _object(body))


def _strategic_merge_patch(old: Document, body: Any, kind: Kind) -> Any:
    schema = admission.schema_for(kind)
    if schema is None:
        raise unsupported(_accepted(kind))
    try:
        return strategic_merge(old, _object(body), schema)
    except PatchError as error:
        raise BadRequest(str(error)) from None


def _object(body: Any) -> Document:
    if not isinstance(body, dict):
        raise BadRequest("error decoding patch: json: cannot unmarshal the body into a map")
    return body


_KINDS: dict[str, Callable[[Document, Any, Kind], Any]] = {
    JSON_PATCH: _json_patch,
    MERGE_PATCH: _merge_patch,
    STRATEGIC_MERGE_PATCH: _strategic_merge_patch,
}


def _accepted(kind: Kind) -> str:
    """The content types of patches that a kind takes."""
    types = [JSON_PATCH, MERGE_PATCH]
    if admission.schema_for(kind) is not None:
        types.append(STRATEGIC_MERGE_PATCH)
    return ", ".join([*types, APPLY_PATCH])


def _as_object(
    call: Call, patched: Any, body: Any, old: Document, options: WriteOptions
) -> Document:
    """The patched object, decoded; what is wrong with it is told as a fault of the patch."""
    if not isinstance(patched, dict):
        raise _bad_result(call, patched, body, "the patched document is no object")
    status = patched.get("status")
    untouched = status is not None and status is old.get("status")
    # Most patches leave the status alone, and as it has nulls, decoding is slow with it.
    read = {k: v for k, v in patched.items() if k != "status"} if untouched else patched
    try:
        document = to_object(call, read, options)
        return {**document, "status": status} if untouched else document
    except BadRequest as error:
        _, found, why = error.message.partition(f"{CANNOT}{call.kind.kind}: ")
        raise _bad_result(call, patched, body, why if found else error.message) from None


def _bad_result(call: Call, patched: Any, body: Any, why: str) -> ApiError:
    if content_type(call.request) == STRATEGIC_MERGE_PATCH:
        shown = go_text(body)
    else:
        shown = json.dumps(patched, separators=(",", ":"), sort_keys=True)
    text = f"Invalid value: {json.dumps(shown, ensure_ascii=False)}: {why}"
    return Invalid.object("", "", "", [Cause("FieldValueInvalid", text, "patch")])
