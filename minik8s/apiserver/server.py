"""The door of the API: routes a request, turns errors into Status answers, settles."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.apiserver.accessrequests import Access
from minik8s.apiserver.backend import Backend
from minik8s.apiserver.call import Call, NewClock
from minik8s.apiserver.discovery import discover
from minik8s.apiserver.messages import TEXT, Request, Response
from minik8s.apiserver.openapi import describe
from minik8s.apiserver.routing import parse
from minik8s.apiserver.services import ServiceAllocator
from minik8s.apiserver.verbs import handler_of, mutates
from minik8s.errors import ApiError, InternalError

OnError = Callable[[Request, Exception], None]
"""Hears of a request that ended in an exception that nobody foresaw."""


class ApiServer:
    """The API of one cluster.

    A request that changed something is followed by `settle`, so nobody meets a cluster
    that its controllers are still working on; `backend.autosettle = False` turns that off.
    A program that `exec` starts waits on a clock that `new_clock` makes, where one is given:
    on a served cluster its waiting moves no clock but its own. An exception that is no ApiError
    is a mistake of ours: `on_error` hears of it and the client gets a 500; without `on_error`
    it goes on to the caller.
    """

    __slots__ = ("access", "backend", "new_clock", "on_error", "services")

    def __init__(
        self,
        backend: Backend,
        *,
        new_clock: NewClock | None = None,
        on_error: OnError | None = None,
    ) -> None:
        self.backend = backend
        self.new_clock = new_clock
        self.on_error = on_error
        self.services = ServiceAllocator(backend)
        self.access = Access(backend.store)

    def handle(self, request: Request) -> Response:
        """Answer a request; an ApiError becomes a Status."""
        try:
            return self._answer(request)
        except ApiError as error:
            return refusal(error)
        except Exception as error:
            if self.on_error is None:
                raise
            self.on_error(request, error)
            return refusal(InternalError.wrap("see the server's log"))

    def _answer(self, request: Request) -> Response:
        route = parse(request.path, self.backend.registry)
        request = self.access.admit(request, route)
        if route is None:
            return self._about(request) or _nothing_there()
        method = request.method
        call = Call(self.backend, self.services, self.access, request, route, self.new_clock)
        response = handler_of(method, route)(call)
        if mutates(method, route) and self.backend.autosettle and not request.query.get("dryRun"):
            self._settle(request)
        return response

    def _settle(self, request: Request) -> None:
        """Let the controllers work; what goes wrong there is no answer to the request."""
        try:
            self.backend.settle()
        except Exception as error:
            if self.on_error is None:
                raise
            self.on_error(request, error)

    def _about(self, request: Request) -> Response | None:
        """What the server says of itself."""
        return discover(self.backend, request) or describe(self.backend, request)


def _nothing_there() -> Response:
    return Response(404, "404 page not found\n", content_type=TEXT)


def refusal(error: ApiError) -> Response:
    """The answer that an error makes."""
    status = error.status()
    if not error.reason:
        del status["reason"]
    headers = {}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return Response(error.code, status, headers=headers)
