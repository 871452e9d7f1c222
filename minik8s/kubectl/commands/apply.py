"""`kubectl apply`: make objects be as manifests say, and keep what others have set.

The *modified* configuration is the manifest with the last-applied annotation, the *original*
one is what that annotation says on the server, the *current* one is the live object.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from minik8s.apiserver.patch import patched_values
from minik8s.errors import ApiError, Conflict, Invalid
from minik8s.kubectl.applying import (
    described,
    difference,
    field_manager,
    patch_type,
    warn_if_deleting,
)
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.create import manifests, require_files
from minik8s.kubectl.commands.delete import propagation
from minik8s.kubectl.failures import COLLECTED, Failure, add_source, errors_in, raise_all
from minik8s.kubectl.gotext import compact_json
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.patches import with_last_applied, with_metadata
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Target
from minik8s.kubectl.serverside import ServerSide
from minik8s.kubectl.waiting import find, wait_until
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of

_RETRIES = 5


def run(call: Call) -> None:
    """Apply manifests, object by object."""
    flags = call.flags
    if call.arguments:
        raise call.usage(f"Unexpected args: [{' '.join(call.arguments)}]")
    dry_run = call.dry_run()
    require_files(call)
    validation = call.validation()
    _validate(call, dry_run)
    selection = select(replace(manifests(call, validate=validation != "Ignore"), fetch=False))
    targets, problem = selection.targets()
    errors = errors_in(problem)
    if not targets and not errors:
        raise Failure("no objects passed to apply")
    application = Application(call, dry_run, validation)
    for target in targets:
        try:
            application.apply(target)
        except COLLECTED as error:
            errors += errors_in(error)
    raise_all(errors)
    if flags.text("output") not in ("", "name"):
        _print(call, [target.object for target in targets])


def _validate(call: Call, dry_run: DryRun) -> None:
    flags = call.flags
    server_side = flags.on("server-side")
    rules = (
        (
            flags.on("force-conflicts") and not server_side,
            "--force-conflicts only works with --server-side",
        ),
        (
            dry_run is DryRun.CLIENT and server_side,
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server "
            "instead?)",
        ),
        (server_side and flags.on("force"), "--force cannot be used with --server-side"),
        (
            dry_run is DryRun.SERVER and flags.on("force"),
            "--dry-run=server cannot be used with --force",
        ),
        (
            flags.on("all") and flags.text("selector"),
            "cannot set --all and --selector at the same time",
        ),
        (flags.on("prune"), "--prune does not work here; delete objects by their names"),
        (
            flags.text("subresource") and not server_side,
            "--subresource can only be specified for --server-side",
        ),
    )
    for broken, text in rules:
        if broken:
            raise Failure(text)


def _print(call: Call, documents: list[Document]) -> None:
    printer = object_printer(call)
    if len(documents) == 1:
        printer(documents[0])
        return
    printer({"apiVersion": "v1", "items": documents, "kind": "List", "metadata": {}})


@dataclass(slots=True)
class Application:
    """How manifests are applied."""

    call: Call
    dry_run: DryRun
    validation: str
    policy: str = field(init=False)

    def __post_init__(self) -> None:
        self.policy = propagation(self.call)

    def apply(self, target: Target) -> None:
        """Apply one manifest; the target's object becomes what the server made of it."""
        metadata = target.object.get("metadata") or {}
        if not target.name and metadata.get("generateName"):
            raise Failure(f"from {metadata['generateName']}: cannot use generate name with apply")
        if self.call.flags.on("server-side"):
            self._on_server(target)
            return
        modified = with_last_applied(target.object)
        try:
            current = self._current(target)
        except COLLECTED as error:
            verb = f"retrieving current configuration of:\n{described(target)}\nfrom server for:"
            raise add_source(verb, target.source, error) from None
        if current is None:
            self._create(target, without_nulls(modified))
        else:
            self._patch(target, modified, current)

    def _on_server(self, target: Target) -> None:
        flags = self.call.flags
        options = replace(
            self.call.options(self.dry_run, self.validation, field_manager(self.call)),
            force=flags.on("force-conflicts"),
        )
        target.object = ServerSide(self.call, options, flags.text("subresource")).apply(target)
        warn_if_deleting(self.call, target.object)
        self._say(target, "serverside-applied")

    def _current(self, target: Target) -> Document | None:
        if not target.name:
            raise Failure("resource name may not be empty")
        return find(self.call.client, target.kind, target.namespace, target.name)

    def _create(self, target: Target, document: Document) -> None:
        if self.dry_run is not DryRun.CLIENT:
            options = self.call.options(self.dry_run, self.validation)
            try:
                document = self.call.client.create(target.kind, document, target.namespace, options)
            except ApiError as error:
                raise add_source("creating", target.source, error) from None
        target.object = document
        self._say(target, "created")

    def _patch(self, target: Target, modified: Document, current: Document) -> None:
        if LAST_APPLIED not in annotations_of(current):
            self.call.err(
                f"Warning: resource {target.title} is missing the {LAST_APPLIED} annotation which "
                "is required by kubectl apply. kubectl apply should only be used on resources "
                "created declaratively by either kubectl create --save-config or kubectl apply. "
                "The missing annotation will be patched automatically.\n"
            )
        patch = self._difference(target, modified, current)
        if not patch:
            target.object = current
        elif self.dry_run is DryRun.CLIENT:
            target.object = patched_values(patch_type(target.kind), current, patch, target.kind)
        else:
            target.object = self._sent(target, patch, modified, current)
        warn_if_deleting(self.call, target.object)
        self._say(target, "configured" if patch else "unchanged")

    def _difference(self, target: Target, modified: Document, current: Document) -> Document:
        overwrite = self.call.flags.on("overwrite")
        return difference(self.call, target, modified, current, overwrite=overwrite)

    def _sent(
        self, target: Target, patch: Document, modified: Document, current: Document
    ) -> Document:
        """What the server makes of the patch, made anew if somebody else is faster."""
        options = self.call.options(self.dry_run, self.validation)
        client = self.call.client
        attempt = 0
        while True:
            try:
                return client.patch(
                    target.kind,
                    target.name,
                    patch,
                    target.namespace,
                    options,
                    patch_type=patch_type(target.kind),
                )
            except ApiError as error:
                attempt += 1
                if isinstance(error, Conflict) and attempt <= _RETRIES:
                    client.wait(1.0 if attempt > 1 else 0.0)
                    current = client.get(target.kind, target.name, target.namespace)
                    patch = self._difference(target, modified, current)
                    continue
                if isinstance(error, Conflict | Invalid) and self.call.flags.on("force"):
                    return self._recreated(target, modified, current)
                raise add_source(
                    f"applying patch:\n{compact_json(patch)}\nto:\n{described(target)}\nfor:",
                    target.source,
                    add_source("patching", target.source, error),
                ) from None

    def _recreated(self, target: Target, modified: Document, current: Document) -> Document:
        """The object deleted and made anew (`--force`), or restored if that fails."""
        client, kind, namespace = self.call.client, target.kind, target.namespace
        options: Document = {"propagationPolicy": self.policy}
        grace = self.call.flags.number("grace-period")
        if grace >= 0:
            options["gracePeriodSeconds"] = grace
        client.delete(kind, target.name, namespace, options)
        timeout = self.call.flags.seconds("timeout")
        if not wait_until(
            client, timeout, lambda: find(client, kind, namespace, target.name) is None
        ):
            raise Failure("timed out waiting for the condition")
        try:
            return client.create(kind, modified, namespace)
        except ApiError as error:
            fresh = with_metadata(current, resourceVersion=None)
            client.create(kind, fresh, namespace)
            raise add_source("patching", target.source, error) from None

    def _say(self, target: Target, done: str) -> None:
        if self.call.flags.text("output") in ("", "name"):
            object_printer(self.call, done, self.dry_run)(target.object)


def without_nulls(value: Any) -> Any:
    """A manifest without the fields that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
