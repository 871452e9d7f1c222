"""What all `kubectl set` commands share: finding objects, changing them, writing what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from minik8s.admission import schema_for
from minik8s.apiserver.messages import STRATEGIC_MERGE_PATCH
from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, Several, raise_all
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target
from minik8s.kubectl.strategicdiff import two_way_patch
from minik8s.kubectl.structs import typed
from minik8s.model.metadata import Document

Change = Callable[[Target], Document]
"""What is made of an object; raises Failure where it cannot be."""

LOCAL = (
    "you must specify resources by --filename when --local is set.\n"
    "Example resource specifications include:\n"
    "   '-f rsrc.yaml'\n"
    "   '--filename=rsrc.json'"
)
LOCAL_AND_SERVER = "cannot specify --local and --dry-run=server - did you mean --dry-run=client?"
ALL_AND_SELECTOR = "cannot set --all and --selector at the same time"


def targets_of(call: Call, arguments: list[str]) -> list[Target]:
    """The objects that a `set` command is about; raises Failure if one cannot be had."""
    return selection_of(call, arguments).targets_or_raise()


def selection_of(call: Call, arguments: list[str]) -> Selection:
    """What a `set` command is about."""
    flags = call.flags
    local = flags.on("local")
    if local and arguments:
        raise Failure(LOCAL)
    return select(
        replace(
            Query.typed(call, arguments),
            labels=flags.text("selector") if flags.knows("selector") and not local else "",
            empty_selector=flags.on("all"),
            latest=not local,
            local=local,
        )
    )


def write_changes(
    call: Call,
    targets: list[Target],
    change: Change,
    done: str,
    failure: str,
    *,
    always: bool = False,
) -> None:
    """Change each object and show it.

    `done` says what was done, `failure` begins what an error of the server says.
    An object that stays as it is is passed over, unless `always`.
    """
    dry_run = call.dry_run()
    printer = object_printer(call, done, dry_run)
    local = call.flags.on("local") or dry_run is DryRun.CLIENT
    errors: list[Exception] = []
    for target in targets:
        try:
            new = change(target)
        except Several as error:
            errors += error.errors
            continue
        except Failure as error:
            errors.append(Failure(f"error: {target.title} {error}\n"))
            continue
        patch = two_way_patch(target.object, new, schema_for(target.kind))
        if not (patch or always):
            continue
        if not local:
            try:
                new = patched(call, target, patch, dry_run)
            except ApiError as error:
                errors.append(Failure(f"{failure} {error.message}"))
                continue
        printer(typed(new))
    raise_all(errors)


def patched(call: Call, target: Target, patch: Document, dry_run: DryRun) -> Document:
    """What the server makes of a patch."""
    return call.client.patch(
        target.kind,
        target.name,
        patch,
        target.namespace,
        call.options(dry_run),
        patch_type=STRATEGIC_MERGE_PATCH,
    )


def check_dry_run(call: Call) -> None:
    """Complain about two ways to change nothing."""
    if call.flags.on("local") and call.dry_run() is DryRun.SERVER:
        raise Failure(LOCAL_AND_SERVER)
