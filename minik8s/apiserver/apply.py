"""Server-side apply: PATCH with a configuration, of which the server knows who applied it."""

from __future__ import annotations

from typing import Any

from minik8s.apiserver import managedfields
from minik8s.apiserver.body import decode
from minik8s.apiserver.call import Call, WriteOptions, check_kind, refuse, unrecognized
from minik8s.apiserver.customtypes import typed_kind
from minik8s.apiserver.messages import Response
from minik8s.apiserver.typed import TypedError
from minik8s.apiserver.writing import (
    Target,
    check_name,
    manager_of,
    store_change,
    store_new,
    to_object,
    with_namespace,
)
from minik8s.clock import rfc3339
from minik8s.errors import ApiError, BadRequest, Cause, Conflict, NotFound
from minik8s.model.metadata import Document


def apply(call: Call, options: WriteOptions, target: Target) -> Response:
    """Merge a configuration into an object, or make the object of it.

    Raises Conflict over fields of other managers, unless `force` is set.
    """
    if not call.request.parameter("fieldManager"):
        text = "Required value: is required for apply patch"
        refuse("PatchOptions", [Cause("FieldValueRequired", text, "fieldManager")])
    config = _configuration(call)
    route = call.route
    live = call.find()
    if live is None and target.subresource:
        raise NotFound.resource(route.kind.plural, route.kind.group, route.name)
    if live is None:
        call.access.check_create(call.request, route)
        _refuse_identity(call, config)
    merged = _merged(call, live, config, options, target)
    document = with_namespace(call, to_object(call, merged, options))
    if live is None:
        return store_new(call, document, options)
    changed = store_change(call, document, live, options, target)
    return Response(200, changed, warnings=call.warnings)


def _configuration(call: Call) -> Document:
    body: Any = decode(call.request)
    if not isinstance(body, dict):
        raise unrecognized(call.kind, "error decoding YAML: the body is not an object")
    config = check_kind(body, call.kind, call)
    metadata = config.get("metadata")
    if not isinstance(metadata, dict):
        raise BadRequest("error decoding YAML: metadata is not an object")
    if metadata.get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    config = with_namespace(call, {**config, "metadata": {"name": call.route.name, **metadata}})
    check_name(call, config)
    return config


def _merged(
    call: Call, live: Document | None, config: Document, options: WriteOptions, target: Target
) -> Document:
    manager = manager_of(call, options, target.subresource, "Apply")
    now = rfc3339(call.store.clock.now)
    base = live or {"metadata": {}}
    try:
        return managedfields.applied(
            call.kind,
            typed_kind(call.store, call.kind),
            base,
            config,
            manager,
            now,
            force=options.force,
        )
    except TypedError as error:
        raise _unfit(call, error) from None


def _unfit(call: Call, error: TypedError) -> ApiError:
    """The (nameless) answer to a configuration that does not fit the schema."""
    route = call.route
    place = f"{route.home}/{route.name}" if route.home else f"/{route.name}"
    failure = ApiError(
        f"failed to create typed patch object ({place}; {route.kind.api_version}, "
        f"Kind={route.kind.kind}): {error}"
    )
    failure.code, failure.reason = 400, ""
    return failure


def _refuse_identity(call: Call, config: Document) -> None:
    """Raise Conflict for a configuration of an object that should be there and is not."""
    uid = config["metadata"].get("uid")
    if uid:
        why = (
            f"uid mismatch: the provided object specified uid {uid}, and no existing object "
            "was found"
        )
        raise Conflict.resource(call.kind.plural, call.kind.group, call.route.name, why)
