"""Questions about access, posted like objects and answered at once; nothing is stored.

authorization.k8s.io/v1: may I, may somebody, what may I; authentication.k8s.io/v1: who am I,
whose token is this, and a token for a service account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minik8s.admission import decode as decode_fields
from minik8s.apiserver.access import Attributes
from minik8s.apiserver.accessrules import Rule
from minik8s.apiserver.accesstokens import ISSUER
from minik8s.apiserver.body import decode
from minik8s.apiserver.call import Call, WriteOptions, check_kind, unrecognized
from minik8s.apiserver.messages import Response, User
from minik8s.errors import BadRequest, Cause, Invalid
from minik8s.model.metadata import Document

_NULL = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be "


def _asked(call: Call) -> Document:
    """The body, decoded strictly like any object's."""
    options = WriteOptions.of(call.request, "CreateOptions")
    body: Any = decode(call.request)
    if not isinstance(body, dict):
        raise unrecognized(call.kind, "couldn't get version/kind; json parse error")
    document, warnings = decode_fields(
        call.kind, check_kind(body, call.kind, call), options.field_validation
    )
    call.warnings.extend(warnings)
    return document


def _answered(call: Call, question: Document, status: Document) -> Response:
    document = {
        "kind": call.kind.kind,
        "apiVersion": call.kind.api_version,
        "metadata": question.get("metadata") or {},
        "spec": question.get("spec") or {},
        "status": status,
    }
    return Response(201, document, warnings=call.warnings)


def _refuse(call: Call, causes: Sequence[Cause]) -> None:
    if causes:
        raise Invalid.object(call.kind.kind, call.kind.group, "", causes)


# -- authorization.k8s.io


def review_self(call: Call) -> Response:
    """SelfSubjectAccessReview: may I?"""
    question = _asked(call)
    spec = question.get("spec") or {}
    _refuse(call, _causes(spec))
    return _answered(call, question, _judged(call, spec, call.request.user))


def review_somebody(call: Call) -> Response:
    """SubjectAccessReview: may somebody?"""
    question = _asked(call)
    spec = question.get("spec") or {}
    _refuse(call, _causes(spec) + _subject_causes(spec))
    return _answered(call, question, _judged(call, spec, _subject(spec)))


def review_locally(call: Call) -> Response:
    """LocalSubjectAccessReview: may somebody, in this namespace?"""
    question = _asked(call)
    spec = question.get("spec") or {}
    home = call.route.home
    metadata = question.get("metadata") or {}
    if metadata.get("namespace", home) != home:
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    wanted = spec.get("resourceAttributes") or {}
    if wanted and wanted.get("namespace", "") != home:
        raise BadRequest(f"spec.resourceAttributes.namespace must match namespace: {home}")
    causes = _causes(spec) + _subject_causes(spec)
    if spec.get("nonResourceAttributes"):
        text = "Forbidden: disallowed on this kind of request"
        causes.append(Cause("FieldValueForbidden", text, "spec.nonResourceAttributes"))
    _refuse(call, causes)
    question = {**question, "metadata": {**metadata, "namespace": home}}
    return _answered(call, question, _judged(call, spec, _subject(spec)))


def review_rules(call: Call) -> Response:
    """SelfSubjectRulesReview: what may I, in this namespace?"""
    question = _asked(call)
    namespace = (question.get("spec") or {}).get("namespace", "")
    if not namespace:
        raise BadRequest("no namespace on request")
    user = call.request.user
    rights = call.access.rbac.rights(user, namespace)
    rules = rights.rules
    status: Document = {
        "resourceRules": [_resource_rule(rule) for rule in rules if rule.resources],
        "nonResourceRules": [_path_rule(rule) for rule in rules if rule.paths],
        "incomplete": False,
    }
    if rights.problems:
        status["evaluationError"] = ", ".join(rights.problems)
    return _answered(call, question, status)


def _resource_rule(rule: Rule) -> Document:
    document: Document = {
        "verbs": list(rule.verbs),
        "apiGroups": list(rule.groups),
        "resources": list(rule.resources),
    }
    if rule.names:
        document["resourceNames"] = list(rule.names)
    return document


def _path_rule(rule: Rule) -> Document:
    return {"verbs": list(rule.verbs), "nonResourceURLs": list(rule.paths)}


def _judged(call: Call, spec: Document, user: User) -> Document:
    allowed, reason = call.access.rbac.authorize(_attributes(spec, user))
    status: Document = {"allowed": allowed}
    if reason:
        status["reason"] = reason
    return status


def _attributes(spec: Document, user: User) -> Attributes:
    resource = spec.get("resourceAttributes")
    if resource is None:
        path = spec["nonResourceAttributes"]
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    return Attributes(
        user,
        resource.get("verb", ""),
        resource.get("group", ""),
        resource.get("resource", ""),
        resource.get("subresource", ""),
        resource.get("name", ""),
        resource.get("namespace", ""),
    )


def _subject(spec: Document) -> User:
    extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    groups = tuple(spec.get("groups") or ())
    return User(spec.get("user", ""), groups, spec.get("uid", ""), extra)


def _causes(spec: Document) -> list[Cause]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        text = "Invalid value: cannot be specified in combination with resourceAttributes"
        return [Cause("FieldValueInvalid", text, "spec.nonResourceAttributes")]
    if resource is None and path is None:
        return [Cause("FieldValueInvalid", f"{_NULL}specified", "spec.resourceAttributes")]
    return []


def _subject_causes(spec: Document) -> list[Cause]:
    if spec.get("user") or spec.get("groups"):
        return []
    text = 'Invalid value: "": at least one of user or group must be specified'
    return [Cause("FieldValueInvalid", text, "spec.user")]


# -- authentication.k8s.io


def review_identity(call: Call) -> Response:
    """SelfSubjectReview: who am I?"""
    question = _asked(call)
    answer = _answered(call, question, {"userInfo": _user_info(call.request.user)})
    assert isinstance(answer.body, dict)
    del answer.body["spec"]
    return answer


def review_token(call: Call) -> Response:
    """TokenReview: whose token is this?"""
    question = _asked(call)
    spec = question.get("spec") or {}
    token = spec.get("token")
    if not token:
        raise BadRequest("token is required for TokenReview in authentication")
    user = call.access.authenticate(token)
    if user is None:
        status: Document = {"user": {}, "error": "invalid bearer token"}
    else:
        status = {"authenticated": True, "user": _user_info(user)}
        audiences = [each for each in spec.get("audiences") or [ISSUER] if each == ISSUER]
        if not audiences:
            status = {"user": {}, "error": "token audiences do not match"}
        else:
            status["audiences"] = audiences
    return _answered(call, question, status)


def _user_info(user: User) -> Document:
    info: Document = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


REVIEWS: dict[str, Callable[[Call], Response]] = {
    "localsubjectaccessreviews.authorization.k8s.io": review_locally,
    "selfsubjectaccessreviews.authorization.k8s.io": review_self,
    "selfsubjectreviews.authentication.k8s.io": review_identity,
    "selfsubjectrulesreviews.authorization.k8s.io": review_rules,
    "subjectaccessreviews.authorization.k8s.io": review_somebody,
    "tokenreviews.authentication.k8s.io": review_token,
}
"""Who answers which kind of question."""
