"""The door of the API: routes a request, turns errors into Status answers, settles."""

from __future__ import annotations

from minik8s.apiserver.backend import Backend
from minik8s.apiserver.messages import Request, Response


class ApiServer:
    """The API of one cluster."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def handle(self, request: Request) -> Response:
        """Answer a request; an ApiError becomes a Status."""
        raise NotImplementedError
