"""`kubectl rollout`: the history of workloads, and the way from one revision to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from minik8s.apiserver.messages import JSON_PATCH, STRATEGIC_MERGE_PATCH
from minik8s.clock import rfc3339
from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.describe.pods import pod_template
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.failures import COLLECTED, Failure, Several, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.revisions import (
    HASH,
    REVISION,
    Revision,
    comparable,
    previous,
    require,
    revisions,
)
from minik8s.kubectl.rolloutstatus import progress
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target
from minik8s.kubectl.structs import typed
from minik8s.kubectl.tabwriter import TabWriter
from minik8s.kubectl.waiting import FOR_EVER, ticks
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of, namespace_of
from minik8s.model.registry import DEPLOYMENT, Kind

RESTARTED = "kubectl.kubernetes.io/restartedAt"
_RESTARTABLE = ("Deployment", "DaemonSet", "StatefulSet")
_KEPT = (
    LAST_APPLIED,
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)
"""Annotations that stay with a Deployment whatever revision it goes back to."""


def run(call: Call) -> int:
    """`rollout` alone."""
    return require_subcommand(call, call.out)


def _selected(call: Call) -> Selection:
    flags = call.flags
    if not (call.arguments or flags.items("filename") or flags.text("kustomize")):
        raise Failure("required resource not specified")
    return select(
        replace(Query.typed(call), labels=flags.text("selector"), empty_selector=True, latest=True)
    )


def _revision(call: Call) -> int:
    number = call.flags.number("revision")
    if number < 0:
        raise Failure(f"revision must be a positive integer: {number}")
    return number


# -- history


def history(call: Call) -> None:
    """Show the revisions of workloads."""
    number = _revision(call)
    shows_objects = call.flags.given("output") or call.flags.given("template")

    def show(target: Target) -> None:
        require(target.kind, "history viewer", "history")
        _, found = revisions(call.client, target.kind, target.namespace, target.name)
        if shows_objects:
            chosen = [_numbered(found, number)] if number else found
            for revision in chosen:
                object_printer(call)(typed(revision.object))
            return
        heading = f"with revision #{number}" if number else ""
        object_printer(call, f"{heading}\n{_shown(found, number)}")(target.object)

    _selected(call).visit(show)


def _numbered(found: list[Revision], number: int) -> Revision:
    for revision in found:
        if revision.number == number:
            return revision
    raise Failure("unable to find the specified revision")


def _shown(found: list[Revision], number: int) -> str:
    if not found:
        return "No rollout history found."
    if number:
        return _template_text(_numbered(found, number).template)
    lines: list[str] = []
    out = TabWriter(lines.append, 0, 2)
    out.write("REVISION\tCHANGE-CAUSE\n")
    for revision in found:
        out.write(f"{revision.number}\t{revision.cause or '<none>'}\n")
    out.flush()
    return "".join(lines)


def _template_text(template: Document) -> str:
    out = Writer()
    pod_template(template, out)
    return out.bare


# -- status


def status(call: Call) -> None:
    """Tell how rollouts go, until they are done."""
    revision = _revision(call)
    selection = _selected(call)
    seen: list[Target] = []

    def follow(target: Target) -> None:
        seen.append(target)
        _follow(call, target, revision)

    selection.visit(follow)
    if not seen:
        call.err(f"No resources found in {call.namespace} namespace.\n")


def _follow(call: Call, target: Target, revision: int) -> None:
    """Print each step of a rollout, with simulated time passing in between."""
    progress(target.kind, target.object, 0)
    client = call.client
    stream = client.watch(
        target.kind,
        target.namespace,
        query={"fieldSelector": f"metadata.name={target.name}"},
    )
    try:
        for _ in ticks(client, call.flags.seconds("timeout") or FOR_EVER):
            for event in stream.poll():
                if event["type"] == "DELETED":
                    raise Failure("object has been deleted")
                text, done = progress(target.kind, event["object"], revision)
                call.out(text)
                if done or not call.flags.on("watch"):
                    return
    finally:
        stream.close()
    raise Failure("timed out waiting for the condition")


# -- undo


def undo(call: Call) -> None:
    """Go back to an earlier revision."""
    dry_run = call.dry_run()
    number = call.flags.number("to-revision")

    def go_back(target: Target) -> None:
        if LAST_APPLIED in annotations_of(target.object):
            call.err(
                f"Warning: resource {target.title} was previously managed with 'kubectl apply'. "
                f"Rolling back will not update the {LAST_APPLIED} annotation, which may cause "
                "unexpected behavior on future 'kubectl apply' operations. Consider using "
                "'kubectl apply' with your previous configuration file instead.\n"
            )
        require(target.kind, "rollbacker", "rollbacker")
        done = _undo(call, target, number, dry_run)
        object_printer(call, done, dry_run)(typed(target.object))

    _selected(call).visit(go_back)


def _undo(call: Call, target: Target, number: int, dry_run: DryRun) -> str:
    """Go back, and say what was done."""
    if number < 0:
        raise Failure(f"unable to find specified revision {number} in history")
    kind = target.kind
    workload, found = revisions(call.client, kind, target.namespace, target.name)
    revision = _wanted(kind, target.name, found, number)
    if dry_run is DryRun.CLIENT:
        text = _template_text(revision.template)
        return text if kind == DEPLOYMENT else f"will roll back to {text}"
    if kind == DEPLOYMENT and workload["spec"].get("paused"):
        raise Failure(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout "
            "resume' and try again"
        )
    if comparable(revision.template) == comparable(workload["spec"]["template"]):
        return f"skipped rollback (current template already matches revision {number})"
    patch, media = (
        _deployment_patch(workload, revision)
        if kind == DEPLOYMENT
        else (revision.record.get("data") or {}, STRATEGIC_MERGE_PATCH)
    )
    try:
        call.client.patch(
            kind,
            target.name,
            patch,
            target.namespace,
            call.options(dry_run),
            patch_type=media,
        )
    except ApiError as error:
        raise Failure(f"failed restoring revision {number}: {error.message}") from None
    return "rolled back"


def _wanted(kind: Kind, name: str, found: list[Revision], number: int) -> Revision:
    if number:
        for revision in found:
            if revision.number == number:
                return revision
        raise Failure(f"unable to find specified revision {number} in history")
    last = previous(found)
    if last is None:
        if kind == DEPLOYMENT:
            raise Failure(f"no rollout history found for deployment {quote(name)}")
        raise Failure("no last revision to roll back to")
    return last


def _deployment_patch(workload: Document, revision: Revision) -> tuple[list[Document], str]:
    metadata = dict(revision.template.get("metadata") or {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH}
    template = {**revision.template, "metadata": {**metadata, "labels": labels}}
    kept = {k: v for k, v in annotations_of(workload).items() if k in _KEPT}
    restored = {k: v for k, v in annotations_of(revision.record).items() if k not in _KEPT}
    patch = [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": {**kept, **restored}},
    ]
    return patch, JSON_PATCH


# -- restart, pause, resume


def restart(call: Call) -> None:
    """Replace all pods by new ones."""

    def patch(target: Target) -> Document | None:
        spec = target.object.get("spec") or {}
        if target.kind.group != "apps" or target.kind.kind not in _RESTARTABLE:
            raise Failure("restarting is not supported")
        if spec.get("paused"):
            raise Failure("can't restart paused deployment (run rollout resume first)")
        now = rfc3339(call.io.now())
        metadata = spec["template"].get("metadata") or {}
        if (metadata.get("annotations") or {}).get(RESTARTED) == now:
            return None
        return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}}

    _change(call, patch, "restarted")


def pause(call: Call) -> None:
    """Let changes of workloads wait."""

    def patch(target: Target) -> Document:
        if target.kind != DEPLOYMENT:
            raise Failure("pausing is not supported")
        if target.object["spec"].get("paused"):
            raise Failure("is already paused")
        return {"spec": {"paused": True}}

    _change(call, patch, "paused")


def resume(call: Call) -> None:
    """Let changes of workloads go on."""

    def patch(target: Target) -> Document:
        if target.kind != DEPLOYMENT:
            raise Failure("resuming is not supported")
        if not target.object["spec"].get("paused"):
            raise Failure("is not paused")
        return {"spec": {"paused": None}}

    _change(call, patch, "resumed")


def _change(call: Call, patch: Callable[[Target], Document | None], done: str) -> None:
    """Patch each object; what goes wrong with one does not stop the others."""
    targets, problem = _selected(call).targets()
    errors: list[Exception] = []
    if problem is not None:
        errors += problem.errors if isinstance(problem, Several) else [problem]
    if not targets and not errors:
        call.err(f"No resources found in {call.namespace} namespace.\n")
    for target in targets:
        try:
            _patch_one(call, target, patch, done)
        except COLLECTED as error:
            errors.append(error)
    raise_all(errors)


def _patch_one(
    call: Call, target: Target, patch: Callable[[Target], Document | None], done: str
) -> None:
    try:
        change = patch(target)
    except Failure as error:
        title = f"{target.kind.resource} {quote(target.name)}"
        raise Failure(f"error: {title} {error}") from None
    if change is None:
        raise Failure(
            f"failed to create patch for {target.name}: if restart has already been triggered "
            "within the past second, please wait before attempting to trigger another"
        )
    try:
        changed = call.client.patch(
            target.kind,
            target.name,
            change,
            namespace_of(target.object),
            call.options(DryRun.NONE),
            patch_type=STRATEGIC_MERGE_PATCH,
        )
    except ApiError as error:
        raise Failure(f"failed to patch: {error.message}") from None
    object_printer(call, done)(typed(changed))
