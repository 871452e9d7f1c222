"""`kubectl replace`: put manifests in the place of objects."""

from __future__ import annotations

from dataclasses import replace

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.create import manifests, require_files
from minik8s.kubectl.commands.delete import Deletion, propagation
from minik8s.kubectl.failures import Failure, add_source
from minik8s.kubectl.files import Source, sources
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.patches import with_last_applied, with_metadata
from minik8s.kubectl.rawrequests import raw_send
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Target
from minik8s.kubectl.waiting import find, wait_until
from minik8s.kubectl.yamlin import documents
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of

_PATIENCE = 300.0
"""Seconds to wait for objects to go before they are made anew."""


def run(call: Call) -> None:
    """Replace objects; with `--force` by deleting them first."""
    validation = call.validation()
    dry_run = call.dry_run()
    printer = object_printer(call, "replaced", dry_run)
    require_files(call)
    _validate(call, dry_run)
    if call.flags.text("raw"):
        _raw(call)
        return
    query = manifests(call, validate=validation != "Ignore")
    if call.flags.on("force"):
        _recreate(call, validation)
        return
    options = call.options(dry_run, validation)
    sub = call.flags.text("subresource")

    def put(target: Target) -> None:
        document = remembering(target.object, always=call.flags.on("save-config"))
        if dry_run is not DryRun.CLIENT:
            try:
                document = _versioned(call, target, document, sub)
                document = call.client.update(
                    target.kind, document, target.namespace, options, sub=sub
                )
            except ApiError as error:
                raise add_source("replacing", target.source, error) from None
        printer(document)

    select(query).visit(put)


def _validate(call: Call, dry_run: DryRun) -> None:
    flags = call.flags
    force = flags.on("force")
    if _grace(call) >= 0 and not force:
        raise Failure("--grace-period must have --force specified")
    if flags.seconds("timeout") and not force:
        raise Failure("--timeout must have --force specified")
    if force and dry_run is not DryRun.NONE:
        raise Failure("--dry-run can not be used when --force is set")


def _grace(call: Call) -> int:
    return call.flags.number("grace-period") or 1


def _raw(call: Call) -> None:
    flags = call.flags
    if len(flags.items("filename")) != 1:
        raise Failure("--raw can only use a single local file or stdin")
    if flags.items("filename")[0].startswith(("http://", "https://")):
        raise Failure("--raw cannot read from a url")
    if flags.on("recursive"):
        raise Failure("--raw and --recursive are mutually exclusive")
    if flags.text("output"):
        raise Failure("--raw and --output are mutually exclusive")
    (source,) = sources(call)
    if not isinstance(source, Source):
        raise source
    raw_send(call, "PUT", flags.text("raw"), next(iter(documents(source.content(call))), None))


def remembering(document: Document, *, always: bool) -> Document:
    """A manifest with the last-applied annotation, if it is asked for or there already."""
    if always or annotations_of(document).get(LAST_APPLIED):
        return with_last_applied(document)
    return document


def _versioned(call: Call, target: Target, document: Document, sub: str) -> Document:
    """The manifest with the live object's version, unless it names one itself."""
    if (document.get("metadata") or {}).get("resourceVersion"):
        return document
    live = call.client.get(target.kind, target.name, target.namespace, sub)
    return with_metadata(document, resourceVersion=live["metadata"].get("resourceVersion"))


def _recreate(call: Call, validation: str) -> None:
    flags = call.flags
    # Standard input is read twice.
    stdin = call.io.stdin
    deletion = Deletion(
        call,
        grace=_grace(call),
        policy=propagation(call),
        wait=flags.on("wait") or flags.number("grace-period") == 0,
        timeout=flags.seconds("timeout"),
        ignore_not_found=True,
        names_only=flags.text("output") == "name",
    )
    deletion.delete_all(select(replace(manifests(call, validate=False), fetch=False)))
    call.io.stdin = stdin
    targets, _ = select(replace(manifests(call, validate=False), fetch=False)).targets()
    for target in targets:
        _wait_until_gone(call, target)
    call.io.stdin = stdin
    printer = object_printer(call, "replaced")
    options = call.options(DryRun.NONE, validation)
    made: list[Target] = []

    def create(target: Target) -> None:
        document = remembering(target.object, always=flags.on("save-config"))
        made.append(target)
        printer(call.client.create(target.kind, document, target.namespace, options))

    select(manifests(call, validate=validation != "Ignore")).visit(create)
    if not made:
        raise Failure("no objects passed to replace")


def _wait_until_gone(call: Call, target: Target) -> None:
    def gone() -> bool:
        return find(call.client, target.kind, target.namespace, target.name) is None

    if not wait_until(call.client, call.flags.seconds("timeout") or _PATIENCE, gone):
        raise Failure("timed out waiting for the condition")
