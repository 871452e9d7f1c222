"""Deleting: preconditions, grace, propagation, and what the answer shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.admission.decode import decode_type
from minik8s.apiserver.body import decode
from minik8s.apiserver.call import Call, dry_run_causes, refuse
from minik8s.apiserver.customresources import remove_objects
from minik8s.apiserver.messages import Request, Response
from minik8s.apiserver.selection import list_document, read_filter, select
from minik8s.clock import rfc3339
from minik8s.controllers.deletion import FOREGROUND, ORPHAN, delete
from minik8s.errors import BadRequest, Cause, Conflict, Forbidden
from minik8s.model.metadata import Document, is_terminating, name_of, uid_of
from minik8s.model.registry import CUSTOM_RESOURCE_DEFINITION, NAMESPACE, Kind
from minik8s.model.versions import as_version

IMMORTAL = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""The namespaces that nobody may delete."""

_POLICIES = ("Background", "Foreground", "Orphan")
_FINALIZERS = {"Foreground": (FOREGROUND,), "Orphan": (ORPHAN,)}

_RETURNS_OBJECT = frozenset(
    {
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "resourcequotas",
        "serviceaccounts",
        "services",
    }
)
"""Resources whose deletion answers with the object even when it is gone (ReturnDeletedObject)."""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """metav1.DeleteOptions, from the body or, without one, from the query."""

    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False

    @classmethod
    def of(cls, request: Request) -> DeleteOptions:
        """Read the options; raises BadRequest or Invalid."""
        body = decode(request)
        given: Mapping[str, Any] = body if body else _from_query(request)
        if not isinstance(given, Mapping):
            raise BadRequest("the object provided is unrecognized (must be of type DeleteOptions)")
        given = decode_type("meta.v1.DeleteOptions", dict(given))
        causes = _problems(given)
        refuse("DeleteOptions", causes)
        conditions = given.get("preconditions") or {}
        return cls(
            grace=given.get("gracePeriodSeconds"),
            propagation=_propagation(given),
            uid=conditions.get("uid") or "",
            resource_version=conditions.get("resourceVersion") or "",
            dry_run=bool(given.get("dryRun")),
        )


def _from_query(request: Request) -> Document:
    given: Document = {}
    if text := request.parameter("gracePeriodSeconds"):
        try:
            given["gracePeriodSeconds"] = int(text)
        except ValueError:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if text := request.parameter("propagationPolicy"):
        given["propagationPolicy"] = text
    if text := request.parameter("orphanDependents"):
        given["orphanDependents"] = text in ("true", "1")
    if values := request.query.get("dryRun"):
        given["dryRun"] = values
    return given


def _problems(given: Mapping[str, Any]) -> list[Cause]:
    """What validation.ValidateDeleteOptions finds."""
    causes: list[Cause] = []
    policy = given.get("propagationPolicy")
    if policy is not None and given.get("orphanDependents") is not None:
        text = (
            f'Invalid value: "{policy}": orphanDependents and deletionPropagation '
            "cannot be both set"
        )
        causes.append(Cause("FieldValueInvalid", text, "propagationPolicy"))
    if policy is not None and policy not in _POLICIES:
        shown = ", ".join(f'"{each}"' for each in (*_POLICIES[1:2], *_POLICIES[:1], "Orphan"))
        text = f'Unsupported value: "{policy}": supported values: {shown}, "nil"'
        causes.append(Cause("FieldValueNotSupported", text, "propagationPolicy"))
    return causes + dry_run_causes(given.get("dryRun") or ())


def _propagation(given: Mapping[str, Any]) -> str:
    if given.get("propagationPolicy"):
        return str(given["propagationPolicy"])
    return "Orphan" if given.get("orphanDependents") else ""


def delete_object(call: Call) -> Response:
    """DELETE of one object."""
    options = DeleteOptions.of(call.request)
    old = call.existing()
    check(call.kind, old, options)
    last = remove(call, call.kind, old, options)
    gone = options.dry_run or call.store.get(call.stored, call.route.home, call.route.name) is None
    if gone and call.kind.resource not in _RETURNS_OBJECT:
        return Response(200, deleted_status(call.kind, old))
    code = 202 if options.propagation == "Foreground" and not gone else 200
    return Response(code, last)


def check(kind: Kind, document: Document, options: DeleteOptions) -> None:
    """Raise Forbidden or Conflict for a deletion that may not be."""
    name, metadata = name_of(document), document["metadata"]
    if kind == NAMESPACE and name in IMMORTAL:
        raise Forbidden.resource(kind.plural, kind.group, name, "this namespace may not be deleted")
    uid, version = metadata["uid"], metadata["resourceVersion"]
    if options.uid and options.uid != uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({uid}). The object might have been deleted and then recreated"
        )
        raise Conflict.resource(kind.plural, kind.group, name, why)
    if options.resource_version and options.resource_version != version:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match "
            f"the ResourceVersion in record ({version}). The object might have been modified"
        )
        raise Conflict.resource(kind.plural, kind.group, name, why)


def remove(call: Call, kind: Kind, document: Document, options: DeleteOptions) -> Document:
    """Ask one object to go, and give back its last state."""
    if options.dry_run:
        return document
    if kind == NAMESPACE:
        return _end_namespace(call, document)
    if kind == CUSTOM_RESOURCE_DEFINITION:
        remove_objects(call.store, document)
    grace = options.grace if options.grace is None or options.grace >= 0 else 1
    finalizers = _FINALIZERS.get(options.propagation, ())
    kept = call.backend.registry.stored(kind)
    last = delete(call.store, kept, document, grace=grace, finalizers=finalizers)
    return as_version(last, kind)


def _end_namespace(call: Call, namespace: Document) -> Document:
    """Start the end of a namespace: its controller empties it and takes the finalizer away."""
    metadata = namespace["metadata"]
    if not metadata.get("finalizers") and not (namespace.get("spec") or {}).get("finalizers"):
        return call.store.delete(NAMESPACE, "", name_of(namespace))
    if is_terminating(namespace):
        return namespace
    ending = {
        **namespace,
        "metadata": {**metadata, "deletionTimestamp": rfc3339(call.store.clock.now)},
        "status": {**(namespace.get("status") or {}), "phase": "Terminating"},
    }
    return call.store.update(NAMESPACE, ending)


def deleted_status(kind: Kind, document: Document) -> Document:
    """The Status that says that an object is gone."""
    details = {"name": name_of(document), "kind": kind.plural, "uid": uid_of(document)}
    if kind.group:
        details["group"] = kind.group
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def delete_collection(call: Call) -> Response:
    """DELETE of all objects that the selectors pick; the answer lists them."""
    options = DeleteOptions.of(call.request)
    chosen = read_filter(call)
    documents = [as_version(document, call.kind) for document in select(call.store, chosen)]
    deleted = []
    for document in documents:
        check(call.kind, document, options)
        deleted.append(remove(call, call.kind, document, options))
    return Response(200, list_document(call.kind, deleted, call.store.resource_version))
