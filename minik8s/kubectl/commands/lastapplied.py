"""`kubectl apply edit-last-applied`, `set-last-applied` and `view-last-applied`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from minik8s.errors import NotFound
from minik8s.kubectl.applying import described
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.editing import (
    APPLIED_HEADER,
    SOURCE,
    Editing,
    Results,
    in_its_namespace,
    same_object,
)
from minik8s.kubectl.failures import COLLECTED, Failure, add_source
from minik8s.kubectl.files import Source
from minik8s.kubectl.gotext import compact_json, indented_json
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of


def edit(call: Call) -> None:
    """Edit what was applied last, in the annotation alone."""
    call.validation()
    applied = _applied(call)
    if not applied:
        raise Failure(
            "no last-applied-configuration annotation found on resources, to create the "
            "annotation, use command `kubectl apply set-last-applied --create-annotation`"
        )

    def keep(originals: Sequence[Target], edited: Sequence[Target], _: Results) -> None:
        for each in edited:
            target = in_its_namespace(call, each)
            if same_object(originals, each).object == each.object:
                object_printer(call, "skipped")(each.object)
                continue
            options = call.options(DryRun.NONE, call.validation())
            call.client.patch(
                target.kind, target.name, _patch(each.object), target.namespace, options
            )
            object_printer(call, "edited")(each.object)

    Editing(call, APPLIED_HEADER, keep, applied).run()


def _applied(call: Call) -> list[Target]:
    """The manifests in the annotations of the objects that were typed."""
    selection = select(replace(Query.typed(call), empty_selector=True, latest=True))
    applied: list[Target] = []
    for target in selection.targets_or_raise():
        text = annotations_of(target.object).get(LAST_APPLIED)
        if text is not None:
            query = Query(call, files=False, default_namespace=False, fetch=False)
            source = Source(SOURCE, data=text.encode())
            applied += select(query, source).targets_or_raise()[:1]
    return applied


def _patch(manifest: Document) -> Document:
    """The merge patch that makes a manifest the one applied last."""
    text = compact_json(manifest) + "\n"
    return {"metadata": {"annotations": {LAST_APPLIED: text}}}


def write(call: Call) -> None:
    """Say that manifests are what was applied last."""
    dry_run = call.dry_run()
    printer = object_printer(call, "configured", dry_run)
    changes: list[tuple[Target, Document]] = []

    def compare(target: Target) -> None:
        live = _live(call, target)
        text = annotations_of(live).get(LAST_APPLIED)
        if text is None and not call.flags.on("create-annotation"):
            raise Failure(
                "no last-applied-configuration annotation found on resource: "
                f"{target.name}, to create the annotation, run the command with "
                "--create-annotation"
            )
        if text is not None and json.loads(text) == target.object:
            call.out(f"set-last-applied {target.name}: no changes required.\n")
        else:
            changes.append((target, live))

    select(replace(Query.typed(call, ()), fetch=False)).visit(compare, go_on=False)
    for target, live in changes:
        if dry_run is not DryRun.CLIENT:
            options = call.options(dry_run)
            live = call.client.patch(
                target.kind, target.name, _patch(target.object), target.namespace, options
            )
        printer(live)


def _live(call: Call, target: Target) -> Document:
    try:
        return call.client.get(target.kind, target.name, target.namespace)
    except NotFound:
        raise
    except COLLECTED as error:
        verb = f"retrieving current configuration of:\n{described(target)}\nfrom server for:"
        raise add_source(verb, target.source, error) from None


def view(call: Call) -> None:
    """Show what was applied last."""
    flags = call.flags
    found: list[str] = []

    def note(target: Target) -> None:
        text = annotations_of(target.object).get(LAST_APPLIED)
        if text is not None:
            found.append(text)

    select(
        replace(
            Query.typed(call),
            everything=flags.on("all"),
            labels=flags.text("selector"),
            latest=True,
            empty_selector=call.namespace_given,
        )
    ).visit(note, go_on=False)
    for text in found:
        _show(call, text)


def _show(call: Call, text: str) -> None:
    output = call.flags.text("output")
    if output == "json":
        call.out(indented_json(json.loads(text), 2) + "\n")
    elif output == "yaml":
        call.out(yaml_text(json.loads(text)))
    else:
        raise call.usage(
            f"Unexpected -o output mode: {output}, the flag 'output' must be one of yaml|json"
        )
