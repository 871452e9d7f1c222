"""What a write may touch: status apart from spec, and what the system alone sets.

The rules are those of the registries' strategies (pkg/registry/*/strategy.go): a client
cannot set the status of a kind that has a status subresource by the main resource, nor the
rest by the status.
"""

from __future__ import annotations

from typing import Any

from minik8s.admission import schema_for, with_zeros
from minik8s.apiserver.messages import User
from minik8s.apiserver.podstatuses import normalized
from minik8s.apiserver.services import inherited
from minik8s.clock import rfc3339
from minik8s.controllers.podadmission import admit_pod
from minik8s.errors import BadRequest, Cause, Conflict, Forbidden, Invalid
from minik8s.ids import Ids
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import (
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from minik8s.model.workloads import qos_class
from minik8s.store import Store

FINALIZER = "kubernetes"
"""The finalizer in a namespace's spec, which the namespace controller takes away."""

_SYSTEM = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "selfLink",
    "uid",
)
_FROM_NEW = ("managedFields", "resourceVersion")
_DEFINED = frozenset({"policy.networking.k8s.io"})
"""Groups of kinds that are custom resources elsewhere."""

_NEVER_UNCONDITIONAL = frozenset({"leases.coordination.k8s.io"})
"""Kinds whose updates must carry a resourceVersion (AllowUnconditionalUpdate is false)."""

_FIRST_STATUS: dict[str, Document] = {
    "apiservices.apiregistration.k8s.io": {},
    "certificatesigningrequests.certificates.k8s.io": {},
    "cronjobs.batch": {},
    "daemonsets.apps": {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    "deployments.apps": {},
    "horizontalpodautoscalers.autoscaling": {"currentMetrics": None, "desiredReplicas": 0},
    "ingresses.networking.k8s.io": {"loadBalancer": {}},
    "jobs.batch": {},
    "namespaces": {"phase": "Active"},
    "persistentvolumeclaims": {"phase": "Pending"},
    "persistentvolumes": {"phase": "Pending"},
    "poddisruptionbudgets.policy": {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    },
    "replicasets.apps": {"replicas": 0},
    "replicationcontrollers": {"replicas": 0},
    "resourcequotas": {},
    "services": {"loadBalancer": {}},
    "statefulsets.apps": {"availableReplicas": 0, "replicas": 0},
}


def prepare_create(kind: Kind, document: Document) -> Document:
    """A new object before its validation: system metadata dropped, first status set."""
    metadata = {k: v for k, v in document["metadata"].items() if k not in _SYSTEM}
    prepared = {**document, "metadata": metadata}
    if kind == POD:
        spec = prepared.get("spec") or {}
        status = {"phase": "Pending", "qosClass": qos_class(spec)}
        return {**prepared, "status": status}
    if kind == NAMESPACE:
        prepared["spec"] = {"finalizers": [FINALIZER]}
    if kind.resource in _FIRST_STATUS:
        prepared["status"] = _FIRST_STATUS[kind.resource]
    elif "status" in kind.subresources and kind != NODE:
        prepared.pop("status", None)
    return prepared


def admit(kind: Kind, document: Document, store: Store) -> Document:
    """What the mutating admission plugins add to a new object; raises Forbidden."""
    if kind != POD:
        return document
    spec = document.get("spec")
    account = spec.get("serviceAccountName") if isinstance(spec, dict) else None
    namespace = document["metadata"].get("namespace", "")
    if account and account != "default" and store.get(SERVICE_ACCOUNT, namespace, account) is None:
        raise Forbidden.resource(
            kind.plural,
            kind.group,
            name_of(document),
            f"error looking up service account {namespace}/{account}: "
            f'serviceaccount "{account}" not found',
        )
    return admit_pod(document, store.ids)


def prepare_update(kind: Kind, document: Document, old: Document) -> Document:
    """A new state before its validation: what an update of the object itself cannot touch."""
    prepared = {**document, "metadata": _updated_metadata(document["metadata"], old["metadata"])}
    if "status" in kind.subresources:
        _keep(prepared, old, "status")
    if kind == NAMESPACE:
        _keep(prepared, old, "spec")
    if kind == SERVICE:
        prepared = inherited(prepared, old)
    return prepared


def prepare_status(kind: Kind, document: Document, old: Document) -> Document:
    """A new status before its validation; the spec is left as it is."""
    prepared = _based_on(old, document)
    for field in _beside_status(kind):
        _keep(prepared["metadata"], document["metadata"], field)
    prepared.pop("status", None)
    if "status" in document:
        schema = schema_for(kind)
        status = document["status"]
        prepared["status"] = with_zeros(schema.fields["status"], status) if schema else status
        if kind == POD and isinstance(status, dict):
            prepared["status"] = normalized(prepared["status"])
    return prepared


def _beside_status(kind: Kind) -> tuple[str, ...]:
    """The metadata that an update of the status may change as well (PrepareForUpdate).

    None of a custom resource or its definition (ResetObjectMetaForStatus).
    """
    if kind == CUSTOM_RESOURCE_DEFINITION or kind.group in _DEFINED or schema_for(kind) is None:
        return ()
    return ("annotations",) if kind == DEPLOYMENT else ("annotations", "labels")


def prepare_approval(_kind: Kind, document: Document, old: Document) -> Document:
    """A signing request's new conditions: `approval` touches nothing else."""
    status = {**(old.get("status") or {})}
    status["conditions"] = (document.get("status") or {}).get("conditions") or []
    return {**_based_on(old, document), "status": status}


def requested_by(kind: Kind, document: Document, user: User) -> Document:
    """A certificate signing request with who asks for it; other objects as they are."""
    if kind.resource != "certificatesigningrequests.certificates.k8s.io":
        return document
    told = ("username", "uid", "groups", "extra")
    spec = {k: v for k, v in (document.get("spec") or {}).items() if k not in told}
    spec |= {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        spec["uid"] = user.uid
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}
    return {**document, "spec": spec}


def prepare_finalize(_kind: Kind, document: Document, old: Document) -> Document:
    """A namespace's new finalizers: `finalize` touches nothing else."""
    return {**_based_on(old, document), "spec": document.get("spec") or {}}


def prepare_ephemeral(kind: Kind, document: Document, old: Document) -> Document:
    """A pod's new ephemeral containers; raises Invalid if one that is there was changed."""
    wanted = (document.get("spec") or {}).get("ephemeralContainers") or []
    present = old["spec"].get("ephemeralContainers") or []
    if wanted[: len(present)] != present:
        text = "Forbidden: existing ephemeral containers may not be removed or changed"
        cause = Cause("FieldValueForbidden", text, "spec.ephemeralContainers")
        raise Invalid.object(kind.kind, kind.group, name_of(old), [cause])
    return {**_based_on(old, document), "spec": {**old["spec"], "ephemeralContainers": wanted}}


def _based_on(old: Document, document: Document) -> Document:
    """The old state, with the resourceVersion and the field managers of the new one."""
    metadata = {k: v for k, v in old["metadata"].items() if k not in _FROM_NEW}
    for field in _FROM_NEW:
        if field in document["metadata"]:
            metadata[field] = document["metadata"][field]
    return {**old, "metadata": metadata}


def _keep(document: Document, old: Document, field: str) -> None:
    if field in old:
        document[field] = old[field]
    else:
        document.pop(field, None)


def _updated_metadata(new: Document, old: Document) -> Document:
    metadata = dict(new)
    for field in _SYSTEM:
        if field in old:
            metadata[field] = old[field]
        else:
            metadata.pop(field, None)
    return metadata


def check_preconditions(kind: Kind, new: Document, old: Document) -> None:
    """Raise Conflict for a body that is about another version, or another object of that name."""
    wanted, present = new["metadata"], old["metadata"]
    uid = wanted.get("uid")
    if uid and uid != present["uid"]:
        raise Conflict.resource(
            kind.plural,
            kind.group,
            present["name"],
            f"Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {present['uid']}",
        )
    version = wanted.get("resourceVersion")
    if version and version != present["resourceVersion"]:
        raise Conflict.resource(kind.plural, kind.group, present["name"])
    if not version and kind.resource in _NEVER_UNCONDITIONAL:
        text = "Invalid value: 0: must be specified for an update"
        cause = Cause("FieldValueInvalid", text, "metadata.resourceVersion")
        raise Invalid.object(kind.kind, kind.group, present["name"], [cause])


def refuse_resource_version(document: Document) -> None:
    """Raise the (nameless) error for a new object that claims to have been stored already.

    The words are Kubernetes' own, the code is not: there it is 500, as if the server had failed.
    """
    if document["metadata"].get("resourceVersion"):
        error = BadRequest("resourceVersion should not be set on objects to be created")
        error.reason = ""
        raise error


def imaginary(store: Store) -> Ids:
    """The source of what a dry run makes up: it takes nothing from the store's own."""
    return Ids(store.resource_version)


def imagined(document: Document, store: Store) -> Document:
    """A new object as a dry run shows it: with a uid and a moment of creation, not stored."""
    metadata: dict[str, Any] = {
        "uid": imaginary(store).uid(),
        **document["metadata"],
        "creationTimestamp": rfc3339(store.clock.now),
    }
    return {**document, "metadata": metadata}
