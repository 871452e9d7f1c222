"""Requests and responses as values: the same in process and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from minik8s.apiserver.backend import EventStream, ExecSession, LogStream, PortForward
from minik8s.model.metadata import Document

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks (user.Info of k8s.io/apiserver)."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))
"""The user of a cluster's first kubeconfig, whom no role can lock out."""


@dataclass(slots=True)
class Request:
    """One call of the API.

    `body` is a parsed document in process, bytes over HTTP (with a `content-type` header).
    Header names are in lower case. A query parameter may occur several times.
    """

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Document | list[Document] | bytes | None = None
    user: User = ADMIN

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """Whether a boolean query parameter is set (strconv.ParseBool's words for true)."""
        return self.parameter(name) in ("true", "1", "t", "T", "TRUE", "True")


@dataclass(slots=True)
class Response:
    """One answer: a document, a text, a stream of events, or a session in a pod."""

    code: int = 200
    body: Document | str | bytes | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    stream: EventStream | None = None
    log: LogStream | None = None
    session: ExecSession | PortForward | None = None
