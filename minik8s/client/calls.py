"""Calls of the API: `Client` speaks for one user to one cluster, over any transport.

What it asks is plain requests, so the cluster may be in this process or behind HTTP; it
learns from discovery which kinds there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import quote

from minik8s import errors
from minik8s.apiserver import (
    ADMIN,
    EventStream,
    ExecSession,
    LogOptions,
    LogStream,
    PortForward,
    Request,
    Response,
    User,
)
from minik8s.apiserver.body import copy_json
from minik8s.apiserver.messages import MERGE_PATCH, TABLE
from minik8s.client.discovery import AGGREGATED, kinds_in
from minik8s.client.transport import Transport, error_of
from minik8s.model.metadata import Document
from minik8s.model.registry import POD, Kind, Registry

Query: TypeAlias = dict[str, list[str]]

TABLE_ACCEPT = f"{TABLE},application/json"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The query parameters of a write."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = ""
    force: bool | None = None

    def query(self) -> Query:
        """As they stand in the URL."""
        query: Query = {}
        if self.dry_run:
            query["dryRun"] = ["All"]
        if self.field_manager:
            query["fieldManager"] = [self.field_manager]
        if self.field_validation:
            query["fieldValidation"] = [self.field_validation]
        if self.force is not None:
            query["force"] = ["true" if self.force else "false"]
        return query


NO_OPTIONS = WriteOptions()
DEFAULT_LOG = LogOptions()


class Client:
    """One user's calls to one cluster; each raises the ApiError that the server answered.

    `namespace` is what a call takes for a namespaced kind when it names none; `headers` go
    with every request, such as those that ask to act as somebody else.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        namespace: str = "default",
        user: User = ADMIN,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.transport = transport
        self.namespace = namespace
        self.user = user
        self.warn = warn
        self.headers: Mapping[str, str] = {}
        self._kinds: Registry | None = None

    # -- any request

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Response:
        """One call; raises the ApiError of a failed one, and passes warnings on."""
        response = self.transport.handle(
            Request(method, path, query or {}, {**self.headers, **(headers or {})}, body, self.user)
        )
        if self.warn is not None:
            for warning in response.warnings:
                self.warn(warning)
        if response.code >= 400:
            raise error_of(response)
        return response

    def _document(self, method: str, path: str, **parts: Any) -> Document:
        """The document of an answer: the caller's own, even where the server is in process."""
        body = self.request(method, path, **parts).body
        if not isinstance(body, dict):
            raise errors.InternalError.wrap(f"{method} {path}: no document in the answer")
        copied: Document = copy_json(body)
        return copied

    def _path(self, kind: Kind, namespace: str | None, name: str = "", sub: str = "") -> str:
        if kind.namespaced and namespace is None:
            namespace = self.namespace
        path = kind.path(namespace, quote(name, safe=":") if name else None)
        return f"{path}/{sub}" if sub else path

    # -- discovery

    def kinds(self, *, refresh: bool = False) -> list[Kind]:
        """The kinds that the server serves, remembered from the first call on."""
        if self._kinds is None or refresh:
            self._kinds = self._discover()
        return list(self._kinds)

    def find(self, typed: str) -> Kind | None:
        """The kind that a person means (`po`, `deploy.apps`), asking again if unknown."""
        return self._asking(lambda kinds: kinds.find(typed))

    def kind_of(self, document: Document) -> Kind | None:
        """The kind that a manifest names, asking again if unknown."""
        return self._asking(lambda kinds: kinds.of(document))

    def _asking(self, look: Callable[[Registry], Kind | None]) -> Kind | None:
        found = look(self._kinds) if self._kinds is not None else None
        if found is None:
            self._kinds = self._discover()
            found = look(self._kinds)
        return found

    def _discover(self) -> Registry:
        headers = {"accept": AGGREGATED}
        return Registry(
            kinds_in([self._document("GET", path, headers=headers) for path in ("/api", "/apis")])
        )

    # -- reading

    def get(self, kind: Kind, name: str, namespace: str | None = None, sub: str = "") -> Document:
        """One object, or one of its subresources."""
        return self._document("GET", self._path(kind, namespace, name, sub))

    def list(
        self, kind: Kind, namespace: str | None = None, *, query: Mapping[str, str] | None = None
    ) -> Document:
        """The list document of a collection; namespace "" means all namespaces."""
        return self._document("GET", self._path(kind, namespace), query=_many(query))

    def table(
        self,
        kind: Kind,
        namespace: str | None = None,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
    ) -> Document:
        """A collection or one object as the server prints it (meta.k8s.io/v1 Table)."""
        return self._document(
            "GET",
            self._path(kind, namespace, name),
            query=_many(query),
            headers={"accept": TABLE_ACCEPT},
        )

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        table: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> EventStream:
        """The changes of a collection, as a stream to poll."""
        response = self.request(
            "GET",
            self._path(kind, namespace),
            query={**_many(query), "watch": ["true"]},
            headers={"accept": TABLE_ACCEPT} if table else None,
        )
        assert response.stream is not None
        return response.stream

    # -- writing

    def create(
        self,
        kind: Kind,
        document: Document,
        namespace: str | None = None,
        options: WriteOptions = NO_OPTIONS,
        *,
        name: str = "",
        sub: str = "",
    ) -> Document:
        """Store a new object (or post to a subresource) and give back what the server made."""
        path = self._path(kind, namespace, name, sub)
        return self._document("POST", path, query=options.query(), body=document)

    def update(
        self,
        kind: Kind,
        document: Document,
        namespace: str | None = None,
        options: WriteOptions = NO_OPTIONS,
        *,
        sub: str = "",
    ) -> Document:
        """Replace an object, or its subresource."""
        path = self._path(kind, namespace, document["metadata"]["name"], sub)
        return self._document("PUT", path, query=options.query(), body=document)

    def patch(
        self,
        kind: Kind,
        name: str,
        patch: Document | Sequence[Document],
        namespace: str | None = None,
        options: WriteOptions = NO_OPTIONS,
        *,
        patch_type: str = MERGE_PATCH,
        sub: str = "",
    ) -> Document:
        """Change an object by a patch of the given content type."""
        return self._document(
            "PATCH",
            self._path(kind, namespace, name, sub),
            query=options.query(),
            headers={"content-type": patch_type},
            body=patch,
        )

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        options: Document | None = None,
    ) -> Document:
        """Delete an object; `options` is a metav1.DeleteOptions document."""
        return self._document("DELETE", self._path(kind, namespace, name), body=options or {})

    # -- pods

    def logs(
        self,
        pod: str,
        container: str = "",
        namespace: str | None = None,
        options: LogOptions = DEFAULT_LOG,
    ) -> str:
        """What a container has written."""
        body = self._logs(pod, container, namespace, options).body
        return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")

    def follow_logs(
        self,
        pod: str,
        container: str = "",
        namespace: str | None = None,
        options: LogOptions = DEFAULT_LOG,
    ) -> LogStream:
        """What a container has written and goes on to write, as a stream to poll."""
        response = self._logs(pod, container, namespace, replace(options, follow=True))
        assert response.log is not None
        return response.log

    def _logs(
        self, pod: str, container: str, namespace: str | None, options: LogOptions
    ) -> Response:
        query = _many({"container": container, **options.parameters()})
        return self.request("GET", self._path(POD, namespace, pod, "log"), query=query)

    def exec(
        self,
        pod: str,
        argv: Sequence[str],
        container: str = "",
        namespace: str | None = None,
        *,
        stdin: bool = False,
        tty: bool = False,
    ) -> ExecSession:
        """Run a program in a container: start it with `session.run()`."""
        query = _stream_query(container, stdin=stdin, tty=tty)
        query["command"] = list(argv)
        return self._session(self._path(POD, namespace, pod, "exec"), query)

    def attach(
        self,
        pod: str,
        container: str = "",
        namespace: str | None = None,
        *,
        stdin: bool = False,
        tty: bool = False,
    ) -> ExecSession:
        """Reach a container's main program."""
        query = _stream_query(container, stdin=stdin, tty=tty)
        return self._session(self._path(POD, namespace, pod, "attach"), query)

    def port_forward(self, pod: str, namespace: str | None = None) -> PortForward:
        """A way to a pod's ports."""
        response = self.request("POST", self._path(POD, namespace, pod, "portforward"))
        assert isinstance(response.session, PortForward)
        return response.session

    def _session(self, path: str, query: Query) -> ExecSession:
        session = self.request("POST", path, query=query).session
        assert session is not None
        assert not isinstance(session, PortForward)
        return session

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.transport.wait(seconds)


def _many(query: Mapping[str, str] | None) -> Query:
    return {key: [value] for key, value in (query or {}).items() if value}


def _stream_query(container: str, *, stdin: bool, tty: bool) -> Query:
    wanted = {"stdin": stdin, "stdout": True, "stderr": not tty, "tty": tty}
    query = {name: ["true"] for name, on in wanted.items() if on}
    if container:
        query["container"] = [container]
    return query
