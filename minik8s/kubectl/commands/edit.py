"""`kubectl edit`, and `create --edit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from minik8s.admission import schema_for
from minik8s.apiserver.messages import MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.editing import (
    OBJECT_HEADER,
    Editing,
    Results,
    in_its_namespace,
    same_object,
)
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import compact_json
from minik8s.kubectl.output import object_printer, without_managed_fields
from minik8s.kubectl.patches import merge_patch, with_last_applied
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.strategicdiff import two_way_patch
from minik8s.model.metadata import Document


def run(call: Call) -> None:
    """Edit objects, and patch the server's."""
    flags = call.flags
    call.validation()
    selection = select(
        replace(
            Query.typed(call),
            empty_selector=True,
            latest=True,
            subresource=flags.text("subresource"),
        )
    )
    targets = selection.targets_or_raise()
    if not targets:
        raise Failure("edit cancelled, no objects found")

    def patch(originals: Sequence[Target], edited: Sequence[Target], results: Results) -> None:
        for target in edited:
            _patch(call, same_object(originals, target), in_its_namespace(call, target), results)

    Editing(call, OBJECT_HEADER, patch, targets).run()


def _patch(call: Call, original: Target, edited: Target, results: Results) -> None:
    flags = call.flags
    new = with_last_applied(edited.object) if flags.on("save-config") else edited.object
    old = without_managed_fields(original.object)
    if old == new:
        object_printer(call, "skipped")(new)
        return
    patch, media = _difference(edited, old, new)
    if flags.on("output-patch"):
        call.out(f"Patch: {compact_json(patch)}\n")
    try:
        patched = call.client.patch(
            edited.kind,
            edited.name,
            patch,
            edited.namespace,
            call.options(DryRun.NONE, call.validation()),
            patch_type=media,
            sub=flags.text("subresource"),
        )
    except ApiError as error:
        call.err(results.add(error, edited))
        return
    object_printer(call, "edited")(patched)


def _difference(target: Target, old: Document, new: Document) -> tuple[Document, str]:
    schema = schema_for(target.kind)
    if schema is None:
        patch, media = merge_patch(old, new), MERGE_PATCH
    else:
        patch, media = two_way_patch(old, new, schema), STRATEGIC_MERGE_PATCH
    metadata = patch.get("metadata") or {}
    if "apiVersion" in patch or "kind" in patch or "name" in metadata:
        raise Failure("At least one of apiVersion, kind and name was changed")
    return patch, media


def edit_before_create(call: Call) -> None:
    """Let the person change what manifests say, object by object, and create it then."""
    options = call.options(DryRun.NONE, call.validation())

    def create(_: Sequence[Target], edited: Sequence[Target], __: Results) -> None:
        for each in edited:
            target = in_its_namespace(call, each)
            document = target.object
            if call.flags.on("save-config"):
                document = with_last_applied(document)
            made = call.client.create(target.kind, document, target.namespace, options)
            object_printer(call, "created")(made)

    def visit(target: Target) -> None:
        Editing(call, OBJECT_HEADER, create, [target]).run()

    select(Query.typed(call, ())).visit(visit)
