"""Writing objects: create and update, each through decoding, defaults and validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minik8s import admission
from minik8s.apiserver import customresources, managedfields, strategy
from minik8s.apiserver.accessescalation import check_escalation
from minik8s.apiserver.body import decode
from minik8s.apiserver.call import Call, WriteOptions, check_kind, unrecognized
from minik8s.apiserver.customtypes import typed_kind
from minik8s.apiserver.identity import identified
from minik8s.apiserver.managedfields import Manager, Operation
from minik8s.apiserver.messages import Response
from minik8s.apiserver.policywarnings import policy_warnings
from minik8s.clock import rfc3339
from minik8s.errors import AlreadyExists, BadRequest, Cause, Forbidden, NotFound
from minik8s.model.metadata import Document, is_terminating
from minik8s.model.registry import CUSTOM_RESOURCE_DEFINITION, NAMESPACE, POD, SERVICE, Kind
from minik8s.model.versions import as_version

NAME_LIMIT = 63
SUFFIX_LENGTH = 5
GENERATE_ATTEMPTS = 8
"""How often a generated name is tried (registry.Store.Create, KEP-4420)."""


# -- bodies


def read_object(call: Call, options: WriteOptions) -> Document:
    """The body as an object of the path's kind, decoded strictly and defaulted."""
    body = decode(call.request)
    return to_object(call, body, options)


def to_object(call: Call, body: Any, options: WriteOptions) -> Document:
    """JSON values as an object of the path's kind; warnings go to the call."""
    kind = call.kind
    if not isinstance(body, dict):
        why = "unexpected end of JSON input" if body is None else "the body is not an object"
        raise unrecognized(kind, f"couldn't get version/kind; json parse error: {why}")
    document = check_kind(body, kind, call)
    if customresources.is_custom(kind):
        document, warnings = customresources.decode_custom(
            call.store, kind, document, options.field_validation
        )
    else:
        document, warnings = admission.decode(kind, document, options.field_validation)
    if kind == CUSTOM_RESOURCE_DEFINITION:
        document = admission.with_decoded_schemas(document)
    call.warnings.extend(warnings)
    document = admission.default(kind, document, call.services.families)
    if not isinstance(document.get("metadata"), dict):
        document = {**document, "metadata": {}}
    return document


def with_namespace(call: Call, document: Document) -> Document:
    """The object in the path's namespace; raises BadRequest if it names another."""
    metadata, wanted = document["metadata"], call.route.home
    given = metadata.get("namespace") or ""
    if given == wanted:
        return document
    if not call.kind.namespaced:
        raise BadRequest("namespace is not allowed on this type")
    if given:
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return {**document, "metadata": {**metadata, "namespace": wanted}}


# -- create


def create(call: Call) -> Response:
    """POST to a collection."""
    options = WriteOptions.of(call.request, "CreateOptions")
    document = with_namespace(call, read_object(call, options))
    manager = manager_of(call, options)
    document = managedfields.created(
        call.kind, typed_kind(call.store, call.kind), document, manager, _now(call)
    )
    return store_new(call, document, options)


def manager_of(
    call: Call, options: WriteOptions, subresource: str = "", operation: Operation = "Update"
) -> Manager:
    """Who writes, for the object's `managedFields`."""
    return Manager(options.field_manager, operation, call.kind.api_version, subresource)


def _now(call: Call) -> str:
    return rfc3339(call.store.clock.now)


def store_new(call: Call, document: Document, options: WriteOptions) -> Response:
    """Admit, validate and store a new object, trying again where its name is generated."""
    kind = call.kind
    check_rights(call, document, None)
    check_namespace(call, document)
    document = strategy.admit(kind, document, call.store)
    document = strategy.prepare_create(kind, document)
    document = strategy.requested_by(kind, document, call.request.user)
    _check_schema(call, document)
    metadata = document["metadata"]
    base = metadata.get("generateName") or ""
    ids = strategy.imaginary(call.store) if options.dry_run else call.store.ids
    if metadata.get("name") or not base:
        document = identified(kind, document, ids)
        admission.validate_create(kind, document)
        strategy.refuse_resource_version(document)
        return Response(201, _put(call, document, options), warnings=call.warnings)
    for _ in range(GENERATE_ATTEMPTS):
        name = base[: NAME_LIMIT - SUFFIX_LENGTH] + call.backend.ids.suffix(kind.plural)
        named = identified(kind, {**document, "metadata": {**metadata, "name": name}}, ids)
        admission.validate_create(kind, named)
        if call.store.get(call.stored, call.route.home, name) is None:
            return Response(201, _put(call, named, options), warnings=call.warnings)
    raise AlreadyExists.resource(kind.plural, kind.group, name, generated=True)


def _check_schema(call: Call, document: Document) -> None:
    """Raise Invalid for an object of a custom kind that breaks its schema."""
    if customresources.is_custom(call.kind):
        customresources.check_custom(call.store, call.kind, document)


def check_namespace(call: Call, document: Document) -> None:
    """Raise NotFound for a namespace that is not there, Forbidden for one that is going."""
    kind = call.kind
    if not kind.namespaced:
        return
    name = call.route.home
    namespace = call.store.get(NAMESPACE, "", name)
    if namespace is None:
        raise NotFound.resource("namespaces", "", name)
    if is_terminating(namespace):
        text = f"namespace {name} is being terminated"
        cause = Cause("NamespaceTerminating", text, "metadata.namespace")
        raise Forbidden.resource(
            kind.plural,
            kind.group,
            _called(document["metadata"]),
            f"unable to create new content in namespace {name} because it is being terminated",
            [cause],
        )


def _called(metadata: Document) -> str:
    """What an object is called before its name is generated."""
    return str(metadata.get("name") or metadata.get("generateName") or "Unknown")


def check_rights(call: Call, document: Document, old: Document | None) -> None:
    """Raise Forbidden for a role or binding that gives away more than its writer has."""
    access, user = call.access, call.request.user
    check_escalation(access.rbac, user, call.kind, call.route.home, document, old)


def _put(call: Call, document: Document, options: WriteOptions) -> Document:
    kind = call.kind
    call.warnings.extend(policy_warnings(call.store, kind, document))
    if kind == SERVICE:
        return _put_service(call, document, options)
    if kind == CUSTOM_RESOURCE_DEFINITION:
        call.warnings.extend(customresources.unsupported_rules(document))
        document = customresources.with_status(document, call.store.clock.now)
    return _insert(call, document, options)


def _put_service(call: Call, document: Document, options: WriteOptions) -> Document:
    allocated = call.services.allocate(document)
    try:
        stored = _insert(call, allocated, options)
    except BaseException:
        call.services.release(allocated)
        raise
    if options.dry_run:
        call.services.release(allocated)
    return stored


def _insert(call: Call, document: Document, options: WriteOptions) -> Document:
    kind, stored = call.kind, call.stored
    if not options.dry_run and kind is stored:
        return call.store.create(kind, document)
    name = document["metadata"]["name"]
    if call.store.get(stored, call.route.home, name) is not None:
        raise AlreadyExists.resource(kind.plural, kind.group, name)
    kept = _kept(call, document)
    if options.dry_run:
        return as_version(strategy.imagined(kept, call.store), kind)
    return as_version(call.store.create(stored, kept), kind)


def _kept(call: Call, document: Document) -> Document:
    """An object in the version in which it is kept, with the defaults of that version."""
    stored = call.stored
    if stored is call.kind:
        return document
    return admission.default(stored, as_version(document, stored))


# -- update


@dataclass(frozen=True, slots=True)
class Target:
    """Which part of an object a write is about."""

    prepare: Callable[[Kind, Document, Document], Document]
    validate: Callable[[Kind, Document, Document], None]
    subresource: str = ""


def _unchecked(_kind: Kind, _new: Document, _old: Document) -> None:
    """Nothing is left to validate."""


OBJECT = Target(strategy.prepare_update, admission.validate_update)
STATUS = Target(strategy.prepare_status, admission.validate_status, "status")
SCALE = Target(strategy.prepare_update, admission.validate_update, "scale")
APPROVAL = Target(strategy.prepare_approval, admission.validate_status, "approval")
FINALIZE = Target(strategy.prepare_finalize, _unchecked, "finalize")
EPHEMERAL_CONTAINERS = Target(strategy.prepare_ephemeral, _unchecked, "ephemeralcontainers")


def updater(target: Target) -> Callable[[Call], Response]:
    """PUT to an object or to a part of it."""

    def update(call: Call) -> Response:
        options = WriteOptions.of(call.request, "UpdateOptions")
        document = with_namespace(call, read_object(call, options))
        check_name(call, document)
        changed = change(call, document, call.existing(), options, target)
        return Response(200, changed, warnings=call.warnings)

    return update


def check_name(call: Call, document: Document) -> None:
    """Raise BadRequest for a body that names another object than the URL."""
    name = document["metadata"].get("name")
    if not name:
        raise BadRequest("name must be provided")
    if name != call.route.name:
        raise BadRequest(
            f"the name of the object ({name}) does not match the name on the URL "
            f"({call.route.name})"
        )


def change(
    call: Call, document: Document, old: Document, options: WriteOptions, target: Target
) -> Document:
    """Store a new state of an object, after telling who changed what."""
    manager = manager_of(call, options, target.subresource)
    document = managedfields.updated(
        call.kind, typed_kind(call.store, call.kind), document, old, manager, _now(call)
    )
    return store_change(call, document, old, options, target)


def store_change(
    call: Call, document: Document, old: Document, options: WriteOptions, target: Target
) -> Document:
    """Prepare, validate and store a new state of an object."""
    kind = call.kind
    strategy.check_preconditions(kind, document, old)
    check_rights(call, document, old)
    document = target.prepare(kind, document, old)
    target.validate(kind, document, old)
    _check_schema(call, document)
    if target is OBJECT:
        call.warnings.extend(policy_warnings(call.store, kind, document))
    if kind == CUSTOM_RESOURCE_DEFINITION and target is OBJECT:
        document = customresources.with_status(document, call.store.clock.now)
    if kind == SERVICE and not target.subresource:
        return _change_service(call, document, old, options)
    return _replace(call, document, options)


def _change_service(
    call: Call, document: Document, old: Document, options: WriteOptions
) -> Document:
    allocated = call.services.allocate(document, old)
    try:
        stored = _replace(call, allocated, options)
    except BaseException:
        call.services.release(allocated, old)
        raise
    if options.dry_run:
        call.services.release(allocated, old)
    return stored


def _replace(call: Call, document: Document, options: WriteOptions) -> Document:
    if options.dry_run:
        return as_version(call.store.preview(call.stored, _kept(call, document)), call.kind)
    stored = call.store.update(call.stored, _kept(call, document))
    if _may_go(call.kind, stored):
        stored = call.store.delete(call.stored, call.route.home, call.route.name)
    return as_version(stored, call.kind)


def _may_go(kind: Kind, document: Document) -> bool:
    """Whether an object that was asked to go has nothing left to wait for."""
    metadata = document["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if kind == NAMESPACE:
        return not (document.get("spec") or {}).get("finalizers")
    return kind != POD or not metadata.get("deletionGracePeriodSeconds")
