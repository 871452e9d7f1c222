"""Objects that kubectl makes from flags: what all `create KIND NAME` commands share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minik8s.client import WriteOptions
from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, Unreachable, message_of
from minik8s.kubectl.gotext import plain_json
from minik8s.kubectl.output import Printer, object_printer
from minik8s.kubectl.resources import kind_of_manifest
from minik8s.kubectl.structs import typed
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of
from minik8s.model.registry import Kind, Registry


@dataclass(frozen=True, slots=True)
class Creation:
    """One `create KIND NAME` under way."""

    call: Call
    name: str
    command: list[str]
    """What stands after `--`, or after the name."""
    dry_run: DryRun
    printer: Printer
    validation: str

    def metadata(self, *, namespaced: bool = True, **fields: Any) -> Document:
        """The metadata: the name, the namespace if `-n` gives one, and more fields."""
        metadata: Document = {"name": self.name}
        if namespaced and self.call.namespace_given:
            metadata["namespace"] = self.call.namespace
        return {**metadata, **{key: value for key, value in fields.items() if value}}

    def create(self, document: Document, failure: str = "") -> None:
        """Create the object, or only show it; `failure` begins what the server's error says."""
        if self.call.flags.on("save-config"):
            document = _remembering(document)
        if self.dry_run is not DryRun.CLIENT:
            document = self._send(document, failure)
        self.printer(typed(document))

    def _send(self, document: Document, failure: str) -> Document:
        options = self.call.options(self.dry_run, self.validation)
        try:
            client = self.call.client
        except Unreachable as error:
            raise self._unsent(document, options, failure, error) from None
        kind = kind_of(self.call, document)
        namespace = self.call.namespace if kind.namespaced else ""
        try:
            return client.create(kind, document, namespace, options)
        except ApiError as error:
            if not failure:
                raise
            raise Failure(f"{failure} {message_of(error)}") from None

    def _unsent(
        self, document: Document, options: WriteOptions, failure: str, error: Unreachable
    ) -> Failure:
        """Why an object did not get to a server that is not there."""
        kind = Registry().of(document)
        if not failure or kind is None:
            return error
        namespace = self.call.namespace if kind.namespaced else ""
        query = "&".join(f"{key}={value[0]}" for key, value in sorted(options.query().items()))
        return Failure(f"{failure} {error.asked('Post', f'{kind.path(namespace)}?{query}')}")


def _remembering(document: Document) -> Document:
    """The object with the last-applied annotation, in the order of its type's fields."""
    annotations = {**annotations_of(document), LAST_APPLIED: plain_json(typed(document)) + "\n"}
    return {**document, "metadata": {**document["metadata"], "annotations": annotations}}


def make(call: Call, document: Document, dry_run: DryRun) -> Document:
    """Store an object that kubectl made (`run`, `expose`), or only show what it would be."""
    if dry_run is DryRun.CLIENT:
        return typed(document)
    if call.flags.on("save-config"):
        document = _remembering(document)
    kind = kind_of(call, document)
    return typed(call.client.create(kind, document, call.namespace, call.options(dry_run)))


def kind_of(call: Call, document: Document) -> Kind:
    """The kind of an object that kubectl made; raises Failure if the server has no such kind."""
    kind = kind_of_manifest(call.client, document["apiVersion"], document["kind"])
    if kind is None:
        raise Failure("the server could not find the requested resource")
    return kind


def begin(call: Call) -> Creation:
    """Read what all `create KIND NAME` commands have in common."""
    dash = call.flags.dash
    count = len(call.arguments) if dash == -1 else dash
    if count != 1:
        raise call.usage(f"exactly one NAME is required, got {count}")
    dry_run = call.dry_run()
    printer = object_printer(call, "created", dry_run)
    return Creation(
        call, call.arguments[0], call.arguments[1:], dry_run, printer, call.validation()
    )


def without_empty(**fields: Any) -> Document:
    """A document of the fields that hold something."""
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}
