"""API errors as values: each one is a Status (k8s.io/apimachinery/pkg/api/errors).

`ApiError` and its subclasses carry the HTTP code, the reason and the message that the
real API server gives. Only `apiserver` turns them into responses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes`: a reason, a message and the field it is about."""

    reason: str
    message: str
    field: str = ""

    def document(self) -> dict[str, str]:
        """The cause as it stands in the Status document."""
        doc = {"reason": self.reason, "message": self.message}
        if self.field:
            doc["field"] = self.field
        return doc


class ApiError(Exception):
    """A request that the API refuses; subclasses set `code` and `reason`.

    `field` is the path of the field that a message is about, for who has the document at hand;
    it is no part of the Status.
    """

    code: int = 500
    reason: str = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        group: str = "",
        kind: str = "",
        name: str = "",
        causes: Sequence[Cause] = (),
        retry_after: int | None = None,
        field: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.group = group
        self.kind = kind
        self.name = name
        self.causes = tuple(causes)
        self.retry_after = retry_after
        self.field = field

    def status(self) -> dict[str, Any]:
        """The metav1.Status document that goes to the client."""
        details: dict[str, Any] = {}
        if self.name:
            details["name"] = self.name
        if self.group:
            details["group"] = self.group
        if self.kind:
            details["kind"] = self.kind
        if self.causes:
            details["causes"] = [cause.document() for cause in self.causes]
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if details:
            status["details"] = details
        status["code"] = self.code
        return status


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


class BadRequest(ApiError):
    """400: the request itself makes no sense."""

    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """401: nobody the server knows."""

    code, reason = 401, "Unauthorized"

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Forbidden(ApiError):
    """403: known, but not allowed (or never allowed to anyone)."""

    code, reason = 403, "Forbidden"

    @classmethod
    def resource(
        cls, resource: str, group: str, name: str, why: str, causes: Sequence[Cause] = ()
    ) -> Forbidden:
        """The usual form: `pods "x" is forbidden: why`."""
        subject = _qualified(resource, group) + (f' "{name}"' if name else "")
        return cls(
            f"{subject} is forbidden: {why}", group=group, kind=resource, name=name, causes=causes
        )


class NotFound(ApiError):
    """404: no such object."""

    code, reason = 404, "NotFound"

    @classmethod
    def resource(cls, resource: str, group: str, name: str) -> NotFound:
        """The usual form: `pods "x" not found`."""
        return cls(
            f'{_qualified(resource, group)} "{name}" not found',
            group=group,
            kind=resource,
            name=name,
        )

    @classmethod
    def path(cls) -> NotFound:
        """An address that the server does not serve."""
        return cls("the server could not find the requested resource")


class MethodNotAllowed(ApiError):
    """405: the resource is there, the verb is not."""

    code, reason = 405, "MethodNotAllowed"


class AlreadyExists(ApiError):
    """409: the name is taken."""

    code, reason = 409, "AlreadyExists"

    @classmethod
    def resource(
        cls, resource: str, group: str, name: str, *, generated: bool = False
    ) -> AlreadyExists:
        """The usual form, and that of a `generateName` that ran out of luck."""
        message = f'{_qualified(resource, group)} "{name}" already exists'
        if generated:
            message += ", the server was not able to generate a unique name for the object"
        return cls(message, group=group, kind=resource, name=name)


class Conflict(ApiError):
    """409: somebody else was faster."""

    code, reason = 409, "Conflict"

    @classmethod
    def resource(cls, resource: str, group: str, name: str, why: str = "") -> Conflict:
        """The usual form: the object has been modified."""
        why = why or (
            "the object has been modified; please apply your changes to the latest version "
            "and try again"
        )
        return cls(
            f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {why}',
            group=group,
            kind=resource,
            name=name,
        )


class Expired(ApiError):
    """410: the resourceVersion or continue token is too old."""

    code, reason = 410, "Expired"


class TooLarge(ApiError):
    """413: the body is over the limit."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    """415: the body's content type is not one that the verb takes."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    """422: the object breaks a rule; `causes` name each field.

    `kind` is the Kind (`NetworkPolicy`), not the resource.
    """

    code, reason = 422, "Invalid"

    @classmethod
    def object(cls, kind: str, group: str, name: str, causes: Sequence[Cause]) -> Invalid:
        """The usual form; one cause stands alone, several stand in brackets."""
        bodies = [f"{c.field}: {c.message}" if c.field else c.message for c in causes]
        text = bodies[0] if len(bodies) == 1 else f"[{', '.join(bodies)}]"
        return cls(
            f'{_qualified(kind, group)} "{name}" is invalid: {text}',
            group=group,
            kind=kind,
            name=name,
            causes=causes,
        )


class TooManyRequests(ApiError):
    """429: a bound of the server has been reached."""

    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    """500: something behind the API failed; `exec` of a missing program is one."""

    code, reason = 500, "InternalError"

    @classmethod
    def wrap(cls, why: str) -> InternalError:
        """The usual form: `Internal error occurred: why`."""
        return cls(f"Internal error occurred: {why}", causes=[Cause("", why)])


class ServiceUnavailable(ApiError):
    """503: not now."""

    code, reason = 503, "ServiceUnavailable"
