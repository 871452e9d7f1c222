"""One request on its way through the verbs, and the options that its query carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from minik8s.admission import FieldValidation
from minik8s.apiserver.accessrequests import Access
from minik8s.apiserver.backend import Backend
from minik8s.apiserver.messages import Request
from minik8s.apiserver.routing import Route
from minik8s.apiserver.services import ServiceAllocator
from minik8s.clock import Clock
from minik8s.errors import BadRequest, Cause, Invalid, NotFound
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind
from minik8s.model.versions import as_version
from minik8s.store import Store

NewClock: TypeAlias = Callable[[], Clock]
"""Makes a clock of its own for a program, so that its waiting moves no other."""

MANAGER_LIMIT = 128
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")


@dataclass(slots=True)
class Call:
    """One request with its route; `warnings` go back with the answer."""

    backend: Backend
    services: ServiceAllocator
    access: Access
    request: Request
    route: Route
    new_clock: NewClock | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The documents of the cluster."""
        return self.backend.store

    @property
    def kind(self) -> Kind:
        """The kind that the path names."""
        return self.route.kind

    @property
    def stored(self) -> Kind:
        """The kind under which the objects of the path's kind are kept."""
        kind = self.route.kind
        return self.backend.registry.stored(kind) if kind.stored_as else kind

    def program_clock(self) -> Clock | None:
        """The clock that a program started by this request waits on; None for the cluster's."""
        return self.new_clock() if self.new_clock is not None else None

    def existing(self) -> Document:
        """The object that the path names; raises NotFound."""
        document = self.find()
        if document is None:
            kind = self.route.kind
            raise NotFound.resource(kind.plural, kind.group, self.route.name)
        return document

    def find(self) -> Document | None:
        """The object that the path names, in the version of the path; None if it is not there."""
        route = self.route
        document = self.backend.store.get(self.stored, route.namespace or "", route.name)
        return as_version(document, route.kind) if document is not None else None


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What a write's query says (metav1.CreateOptions and its siblings)."""

    dry_run: bool
    field_validation: FieldValidation
    field_manager: str
    force: bool

    @classmethod
    def of(cls, request: Request, kind: str) -> WriteOptions:
        """Read the options; `kind` (CreateOptions, ...) names them in an error."""
        causes = dry_run_causes(request.query.get("dryRun", ()))
        validation = request.parameter("fieldValidation")
        if validation not in _VALIDATIONS:
            shown = ", ".join(f'"{each}"' for each in _VALIDATIONS)
            causes.append(_unsupported("fieldValidation", validation, shown))
        manager = request.parameter("fieldManager")
        if len(manager.encode()) > MANAGER_LIMIT:
            text = f"Too long: may not be more than {MANAGER_LIMIT} bytes"
            causes.append(Cause("FieldValueTooLong", text, "fieldManager"))
        refuse(kind, causes)
        return cls(
            dry_run=bool(request.query.get("dryRun")),
            field_validation=cast(FieldValidation, validation or "Warn"),
            field_manager=manager or default_manager(request),
            force=request.flag("force"),
        )


def default_manager(request: Request) -> str:
    """The manager of a request that names none: the program of its User-Agent."""
    return request.headers.get("user-agent", "").partition("/")[0] or "unknown"


def dry_run_causes(values: Sequence[str]) -> list[Cause]:
    """What is wrong with the values of `dryRun`."""
    return [_unsupported("dryRun", value, '"All"') for value in values if value != "All"]


def refuse(kind: str, causes: Sequence[Cause]) -> None:
    """Raise Invalid for options of a kind, if there are causes."""
    if causes:
        raise Invalid.object(kind, "meta.k8s.io", "", causes)


def _unsupported(field_name: str, value: str, supported: str) -> Cause:
    text = f'Unsupported value: "{value}": supported values: {supported}'
    return Cause("FieldValueNotSupported", text, field_name)


def check_kind(document: Document, kind: Kind, call: Call) -> Document:
    """The body with the path's apiVersion and kind filled in; raises BadRequest for others."""
    version, name = document.get("apiVersion"), document.get("kind")
    if version == kind.api_version and name == kind.kind:
        return document
    for text in (version, name):
        if text is not None and not isinstance(text, str):
            raise unrecognized(
                kind, "couldn't get version/kind; json parse error: wrong type of field"
            )
    if name and name != kind.kind:
        raise _other_kind(str(version or kind.api_version), str(name), kind, call)
    if version and version != kind.api_version:
        raise BadRequest(
            f"the API version in the data ({version}) does not match the expected "
            f"API version ({kind.api_version})"
        )
    return {**document, "apiVersion": kind.api_version, "kind": kind.kind}


def _other_kind(version: str, name: str, kind: Kind, call: Call) -> BadRequest:
    if call.backend.registry.by_kind(version, name) is None:
        group, _, short = version.rpartition("/")
        return unrecognized(
            kind, f'no kind "{name}" is registered for version "{version or short or group}"'
        )
    package = version.rpartition("/")[2]
    return BadRequest(
        f'{name} in version "{package}" cannot be handled as a {kind.kind}: converting '
        f"({package}.{name}) to (core.{kind.kind}): unknown conversion"
    )


def unrecognized(kind: Kind, why: str) -> BadRequest:
    """The answer to a body that is no object of the kind."""
    return BadRequest(f"the object provided is unrecognized (must be of type {kind.kind}): {why}")
