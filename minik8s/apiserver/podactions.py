"""Subresources that are posted to: binding and eviction of a pod, tokens of an account."""

from __future__ import annotations

from minik8s.admission.decode import decode_type
from minik8s.apiserver.accesstokens import ISSUER
from minik8s.apiserver.body import decode
from minik8s.apiserver.call import Call, WriteOptions
from minik8s.apiserver.deleting import DeleteOptions, check, remove
from minik8s.apiserver.eviction import disrupt
from minik8s.apiserver.messages import Request, Response
from minik8s.clock import rfc3339
from minik8s.errors import BadRequest, Cause, Conflict, Invalid, NotFound
from minik8s.model.metadata import Document, name_of, uid_of
from minik8s.model.registry import POD

SHORTEST_TOKEN = 600
LONGEST_TOKEN = 2**32
"""How long a service account's token may be good, in seconds."""

SUCCESS = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Success",
    "code": 201,
}


_TYPES = {
    "Binding": "core.v1.Binding",
    "Eviction": "policy.v1.Eviction",
    "TokenRequest": "authentication.v1.TokenRequest",
}


def _body(call: Call, kind: str) -> Document:
    body = decode(call.request)
    if not isinstance(body, dict):
        raise BadRequest(f"the object provided is unrecognized (must be of type {kind})")
    if body.get("kind", kind) != kind:
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind}): "
            f"the kind is {body['kind']}"
        )
    body = decode_type(_TYPES[kind], body)
    name = (body.get("metadata") or {}).get("name", call.route.name)
    if name != call.route.name:
        raise BadRequest(
            f"the name of the object ({name}) does not match the name on the URL "
            f"({call.route.name})"
        )
    return body


def evict(call: Call) -> Response:
    """Delete a pod as `kubectl drain` does, if its budget allows it (policy/v1 Eviction)."""
    options = WriteOptions.of(call.request, "CreateOptions")
    body = _body(call, "Eviction")
    pod = call.existing()
    given = body.get("deleteOptions") or {}
    request = Request("DELETE", call.request.path, body=given)
    wanted = DeleteOptions.of(request)
    dry_run = options.dry_run or wanted.dry_run
    disrupt(call.store, pod, dry_run=dry_run)
    check(POD, pod, wanted)
    if not dry_run:
        remove(call, POD, pod, wanted)
    return Response(201, SUCCESS)


def bind(call: Call) -> Response:
    """Give a pod its node (core/v1 Binding), as a scheduler does."""
    options = WriteOptions.of(call.request, "CreateOptions")
    target = _body(call, "Binding").get("target") or {}
    pod = call.existing()
    node = target.get("name")
    if not node or target.get("kind", "Node") != "Node":
        cause = Cause("FieldValueRequired", "Required value", "target.name")
        raise Invalid.object("Binding", "", call.route.name, [cause])
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        why = f'pod {name_of(pod)} is already assigned to node "{spec["nodeName"]}"'
        raise Conflict.resource("pods/binding", "", name_of(pod), why)
    if not options.dry_run:
        call.store.update(POD, _bound(pod, node, rfc3339(call.store.clock.now)))
    return Response(201, SUCCESS)


def _bound(pod: Document, node: str, now: str) -> Document:
    status = pod.get("status") or {}
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
    others = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    return {
        **pod,
        "spec": {**(pod.get("spec") or {}), "nodeName": node},
        "status": {**status, "conditions": [*others, scheduled]},
    }


def request_token(call: Call) -> Response:
    """A token of a service account (authentication.k8s.io/v1 TokenRequest)."""
    options = WriteOptions.of(call.request, "CreateOptions")
    spec = _body(call, "TokenRequest").get("spec") or {}
    account = call.existing()
    audiences = spec.get("audiences") or [ISSUER]
    seconds = spec.get("expirationSeconds") or 3600
    _check_expiration(seconds)
    pod = _bound_pod(call, spec.get("boundObjectRef") or {})
    token, until = call.access.tokens.sign(account, audiences, seconds, pod)
    document = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name_of(account), "namespace": call.route.home},
        "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
        "status": {
            "token": "" if options.dry_run else token,
            "expirationTimestamp": rfc3339(until),
        },
    }
    return Response(201, document)


def _check_expiration(seconds: int) -> None:
    if seconds < SHORTEST_TOKEN:
        text = "may not specify a duration less than 10 minutes"
    elif seconds > LONGEST_TOKEN:
        text = "may not specify a duration larger than 2^32 seconds"
    else:
        return
    cause = Cause(
        "FieldValueInvalid", f"Invalid value: {seconds}: {text}", "spec.expirationSeconds"
    )
    raise Invalid.object("TokenRequest", "authentication.k8s.io", "", [cause])


def _bound_pod(call: Call, reference: Document) -> Document | None:
    """The pod that a token is bound to: it is good only as long as the pod is there."""
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if not kind:
        return None
    if kind != "Pod" or reference.get("apiVersion", "v1") != "v1":
        raise BadRequest(
            f"cannot bind token for serviceaccount to object of type "
            f"{reference.get('apiVersion', '')}, Kind={kind}"
        )
    pod = call.store.get(POD, call.route.home, name)
    if pod is None:
        raise NotFound.resource("pods", "", name)
    uid = reference.get("uid") or uid_of(pod)
    if uid != uid_of(pod):
        why = (
            f"the UID in the bound object reference ({uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise Conflict.resource("pods", "", name, why)
    return pod
