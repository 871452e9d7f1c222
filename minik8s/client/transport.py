"""Ways to a cluster, and the errors that come back on them."""

from __future__ import annotations

from typing import Protocol

from minik8s import errors
from minik8s.apiserver import ApiServer, Request, Response


class Transport(Protocol):
    """A way to a cluster."""

    def handle(self, request: Request) -> Response:
        """Carry a request there and its answer back."""

    def wait(self, seconds: float) -> None:
        """Let time pass: simulated in process, real over HTTP."""


class InProcessTransport:
    """The shortest way: a function call."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def handle(self, request: Request) -> Response:
        """Have the server answer."""
        return self.server.handle(request)

    def wait(self, seconds: float) -> None:
        """Move the cluster's clock, and let its controllers see what came of it."""
        self.server.backend.clock.advance(seconds)
        if self.server.backend.autosettle:
            self.server.backend.settle()


_CLASSES: dict[str, type[errors.ApiError]] = {
    cls.reason: cls
    for cls in (
        errors.AlreadyExists,
        errors.BadRequest,
        errors.Conflict,
        errors.Expired,
        errors.Forbidden,
        errors.InternalError,
        errors.Invalid,
        errors.MethodNotAllowed,
        errors.NotFound,
        errors.ServiceUnavailable,
        errors.TooLarge,
        errors.TooManyRequests,
        errors.Unauthorized,
        errors.UnsupportedMediaType,
    )
}


def error_of(response: Response) -> errors.ApiError:
    """The error that a failed response means."""
    status = response.body
    if not isinstance(status, dict) or status.get("kind") != "Status":
        return errors.NotFound.path() if response.code == 404 else _plain_error(response)
    cls = _CLASSES.get(status.get("reason", ""), errors.ApiError)
    details = status.get("details") or {}
    causes = [
        errors.Cause(c.get("reason", ""), c.get("message", ""), c.get("field", ""))
        for c in details.get("causes") or ()
    ]
    error = cls.__new__(cls)
    errors.ApiError.__init__(
        error,
        status.get("message", ""),
        group=details.get("group", ""),
        kind=details.get("kind", ""),
        name=details.get("name", ""),
        causes=causes,
        retry_after=details.get("retryAfterSeconds"),
    )
    error.code = status.get("code", response.code)
    error.reason = status.get("reason", error.reason)
    return error


def _plain_error(response: Response) -> errors.ApiError:
    body = response.body
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    error = errors.ApiError(text.strip())
    error.code = response.code
    return error
