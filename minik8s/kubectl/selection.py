"""Which objects a command is about: files, `TYPE NAME`, `TYPE/NAME`, selectors, `--all`.

This is the *builder* of kubectl (cli-runtime/pkg/resource): it turns flags and arguments into
*targets*, and visits them one after the other, stopping at the first error or going on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from minik8s.client.calls import TABLE_ACCEPT
from minik8s.errors import ApiError, NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import COLLECTED, Failure, errors_in, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.model.metadata import Document, namespace_of
from minik8s.model.registry import NAMESPACE, Kind


@dataclass(slots=True)
class Target:
    """One object to act on, or a list of them as the server sent it."""

    kind: Kind
    namespace: str
    name: str
    object: Document = field(default_factory=dict)
    source: str = ""

    @property
    def title(self) -> str:
        """How messages name it: `pods/web`."""
        return f"{self.kind.plural}/{self.name}"


@dataclass(frozen=True, slots=True)
class Query:
    """What a command asks for; the fields are the builder's methods."""

    call: Call
    namespace: str = ""
    arguments: tuple[str, ...] = ()
    files: bool = True
    validate: bool = False
    enforce_namespace: bool = False
    default_namespace: bool = True
    all_namespaces: bool = False
    labels: str = ""
    fields: str = ""
    everything: bool = False
    """`--all`."""
    empty_selector: bool = False
    """Whether a type alone means all objects of that type."""
    latest: bool = False
    """Whether what a file names is fetched from the server."""
    fetch: bool = True
    """Whether what arguments name is fetched from the server."""
    flatten: bool = True
    table: bool = False
    subresource: str = ""
    chunk: int = 0
    include: str = ""
    """The `includeObject` parameter of a table."""
    one_type: bool = False
    local: bool = False

    @classmethod
    def typed(cls, call: Call, arguments: Sequence[str] | None = None) -> Query:
        """The objects that were typed (all arguments, if not told), in the namespace in use."""
        words = call.arguments if arguments is None else arguments
        return cls(
            call,
            namespace=call.namespace,
            arguments=tuple(words),
            enforce_namespace=call.namespace_given,
        )


@dataclass(slots=True)
class Selection:
    """Targets in order; each source gives its own when it is visited."""

    query: Query
    sources: list[Callable[[], Iterator[Target | Exception]]]
    single: bool = False
    """Whether the command line names exactly one object."""
    kinds: list[Kind] = field(default_factory=list)
    watchable: tuple[Kind, str] | None = None
    """The kind and namespace of a selection by type, which can be watched as a whole."""
    ignored: tuple[type[ApiError], ...] = ()
    """Errors of the server that are no errors here."""

    def visit(self, act: Callable[[Target], None], *, go_on: bool = True) -> None:
        """Call `act` for each target; raises what went wrong, at once or (`go_on`) at the end."""
        errors: list[Exception] = []
        for source in self.sources:
            try:
                for found in source():
                    try:
                        act(self._ready(found))
                    except COLLECTED as error:
                        if not go_on:
                            raise
                        errors += errors_in(error)
            except COLLECTED as error:
                if not go_on:
                    raise
                errors += errors_in(error)
        raise_all([error for error in errors if not isinstance(error, self.ignored)])

    def targets(self, *, go_on: bool = True) -> tuple[list[Target], Exception | None]:
        """All targets that could be had, and what went wrong."""
        found: list[Target] = []
        try:
            self.visit(found.append, go_on=go_on)
        except COLLECTED as error:
            return found, error
        return found, None

    def targets_or_raise(self, *, go_on: bool = True) -> list[Target]:
        """All targets; raises what was wrong with any."""
        found, error = self.targets(go_on=go_on)
        if error is not None:
            raise error
        return found

    def _ready(self, found: Target | Exception) -> Target:
        if isinstance(found, Exception):
            raise found
        target = in_namespace(self.query, found)
        if not target.object and self.query.fetch:
            target.object = get(self.query, target)
        return target


def get(query: Query, target: Target) -> Document:
    """The object as the server has it."""
    if not target.name:
        raise Failure("resource name may not be empty")
    try:
        return _fetched(query, target)
    except NotFound:
        _check_namespace(query, target)
        raise


def _check_namespace(query: Query, target: Target) -> None:
    """Raise NotFound for the object's namespace where that is what is missing."""
    if target.namespace not in ("", "default"):
        try:
            query.call.client.get(NAMESPACE, target.namespace)
        except NotFound:
            raise
        except ApiError:
            return


def _fetched(query: Query, target: Target) -> Document:
    client = query.call.client
    if query.table:
        parameters = {"includeObject": query.include} if query.include else None
        if query.subresource:
            return _subresource_table(query, target)
        return client.table(target.kind, target.namespace, target.name, query=parameters)
    return client.get(target.kind, target.name, target.namespace, query.subresource)


def _subresource_table(query: Query, target: Target) -> Document:
    path = target.kind.path(target.namespace, target.name)
    body = query.call.client.request(
        "GET", f"{path}/{query.subresource}", headers={"accept": TABLE_ACCEPT}
    ).body
    assert isinstance(body, dict)
    return body


def in_namespace(query: Query, target: Target) -> Target:
    """A target with the namespace that the command line gives it, if it may."""
    if query.local:
        return target
    if not target.kind.namespaced:
        return replace(target, namespace="", object=_placed(target.object, ""))
    if not target.namespace and query.default_namespace:
        target = replace(
            target, namespace=query.namespace, object=_placed(target.object, query.namespace)
        )
    if query.enforce_namespace and target.namespace != query.namespace:
        raise Failure(
            f"the namespace from the provided object {quote(target.namespace)} does not match the "
            f"namespace {quote(query.namespace)}. You must pass '--namespace={target.namespace}' "
            "to perform this operation."
        )
    return target


def _placed(document: Document, namespace: str) -> Document:
    """The object with a namespace, or without one."""
    if not document or "items" in document or namespace_of(document) == namespace:
        return document
    metadata = dict(document.get("metadata") or {})
    metadata.pop("namespace", None)
    if namespace:
        metadata["namespace"] = namespace
    return {**document, "metadata": metadata}


def list_parameters(query: Query) -> dict[str, str]:
    """The query parameters of a list."""
    parameters = {}
    if query.labels.strip():
        parameters["labelSelector"] = query.labels.strip()
    if query.fields.strip():
        parameters["fieldSelector"] = query.fields.strip()
    if query.chunk:
        parameters["limit"] = str(query.chunk)
    if query.include:
        parameters["includeObject"] = query.include
    return parameters
