"""`kubectl patch`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minik8s.apiserver.messages import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minik8s.apiserver.patch import patched_values
from minik8s.errors import ApiError, UnsupportedMediaType
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.yamlin import ParseError, yaml_document
from minik8s.model.metadata import Document

_TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


def run(call: Call) -> None:
    """Change fields of objects."""
    dry_run = call.dry_run()
    _validate(call, dry_run)
    flags = call.flags
    here = flags.on("local") or dry_run is DryRun.CLIENT
    patch = _patch(call, here=here)
    media = _TYPES[flags.text("type").lower() or "strategic"]
    local = flags.on("local")
    patched: list[Target] = []

    def change(target: Target) -> None:
        patched.append(target)
        if here:
            document = _locally(target, patch, media)
        else:
            document = _on_server(call, target, patch, media, dry_run)
        done = "patched" if document != target.object else "patched (no change)"
        object_printer(call, done, dry_run)(document)

    select(replace(Query.typed(call), subresource=flags.text("subresource"), local=local)).visit(
        change
    )
    if not patched:
        raise Failure("no objects passed to patch")


def _validate(call: Call, dry_run: DryRun) -> None:
    flags = call.flags
    if flags.text("patch") and flags.text("patch-file"):
        raise Failure("cannot specify --patch and --patch-file together")
    if not (flags.text("patch") or flags.text("patch-file")):
        raise Failure("must specify --patch or --patch-file containing the contents of the patch")
    if flags.on("local") and call.arguments:
        raise Failure("cannot specify --local and server resources")
    if flags.on("local") and dry_run is DryRun.SERVER:
        raise Failure(
            "cannot specify --local and --dry-run=server - did you mean --dry-run=client?"
        )
    kind = flags.text("type")
    if kind and kind.lower() not in _TYPES:
        raise Failure(f"--type must be one of [{' '.join(sorted(_TYPES))}], not {quote(kind)}")


def _patch(call: Call, *, here: bool) -> Any:
    text = call.flags.text("patch")
    path = call.flags.text("patch-file")
    if path:
        try:
            text = call.io.read_file(path).decode()
        except (FileNotFoundError, IsADirectoryError) as error:
            why = f"open {path}: no such file or directory"
            if isinstance(error, IsADirectoryError):
                why = f"read {path}: is a directory"
            raise Failure(f"unable to read patch file: {why}") from None
    if text.lstrip().startswith("{") and not here:
        # What looks like JSON goes to the server as it is, which then judges it.
        return text.encode()
    try:
        return yaml_document(text)
    except ParseError as error:
        message = str(error).removeprefix("error converting YAML to JSON: ")
        raise Failure(f"unable to parse {quote(call.flags.text('patch'))}: {message}") from None


def _on_server(call: Call, target: Target, patch: Any, media: str, dry_run: DryRun) -> Document:
    try:
        return call.client.patch(
            target.kind,
            target.name,
            patch,
            target.namespace,
            call.options(dry_run),
            patch_type=media,
            sub=call.flags.text("subresource"),
        )
    except UnsupportedMediaType as error:
        kind = target.kind
        raise Failure(
            f"{media} is not supported by {kind.group}/{kind.version}, Kind={kind.kind}: "
            f"{error.message}"
        ) from None


def _locally(target: Target, patch: Any, media: str) -> Document:
    try:
        changed: Document = patched_values(media, target.object, patch, target.kind)
    except ApiError as error:
        cause = error.__cause__
        raise Failure(str(cause) if cause is not None else error.message) from None
    return changed
