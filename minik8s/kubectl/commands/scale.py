"""`kubectl scale`."""

from __future__ import annotations

from dataclasses import replace

from minik8s.apiserver.messages import MERGE_PATCH
from minik8s.errors import ApiError, Conflict, NotFound
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, with_message
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.waiting import wait_until
from minik8s.model.metadata import Document

_ANY = -1
_PATIENCE = 300.0
"""Seconds to try again for when somebody else changes the object at the same moment."""


def run(call: Call) -> None:
    """Change how many replicas there are."""
    flags = call.flags
    dry_run = call.dry_run()
    printer = object_printer(call, "scaled", dry_run)
    if flags.number("replicas") < 0:
        raise Failure(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"
        )
    if flags.number("current-replicas") < _ANY:
        raise Failure("The --current-replicas must specify an integer of -1 or greater")
    targets, problem = select(
        replace(Query.typed(call), labels=flags.text("selector"), empty_selector=flags.on("all"))
    ).targets()
    if flags.text("resource-version") and len(targets) > 1:
        raise Failure("cannot use --resource-version with multiple resources")
    if not targets:
        raise problem or Failure("no objects passed to scale")
    for target in targets:
        size = flags.number("replicas")
        if dry_run is not DryRun.CLIENT:
            size = _scaled(call, target, dry_run)
        printer(_with_replicas(target, size))
    if problem is not None:
        raise problem


def _scaled(call: Call, target: Target, dry_run: DryRun) -> int:
    """Change the scale, perhaps wait for it, and give the size that the server made of it."""
    sizes: list[int] = []

    def attempt() -> bool:
        try:
            sizes.append(_change(call, target, dry_run))
        except Conflict:
            return False
        return True

    if not wait_until(call.client, _PATIENCE, attempt):
        raise Failure("timed out waiting for the condition")
    timeout = call.flags.seconds("timeout")
    if timeout and dry_run is DryRun.NONE:
        wanted = call.flags.number("replicas")
        if not wait_until(call.client, timeout, lambda: _has_size(call, target, wanted)):
            raise Failure(f"timed out waiting for {quote(target.name)} to be synced")
    return sizes[-1]


def _change(call: Call, target: Target, dry_run: DryRun) -> int:
    flags, client = call.flags, call.client
    size = flags.number("replicas")
    options = call.options(dry_run)
    if flags.number("current-replicas") == _ANY and not flags.text("resource-version"):
        try:
            scale = client.patch(
                target.kind,
                target.name,
                {"spec": {"replicas": size}},
                target.namespace,
                options,
                patch_type=MERGE_PATCH,
                sub="scale",
            )
        except NotFound as error:
            raise _not_scalable(target, error) from None
        return _replicas(scale, "spec")
    scale = client.get(target.kind, target.name, target.namespace, "scale")
    _check(call, scale)
    scale = {**scale, "spec": {**(scale.get("spec") or {}), "replicas": size}}
    return _replicas(
        client.update(target.kind, scale, target.namespace, options, sub="scale"), "spec"
    )


def _not_scalable(target: Target, error: NotFound) -> ApiError:
    """The server's answer for a kind without a scale, with what was asked (client-go)."""
    if error.name:
        return error
    asked = f"patch {target.kind.resource} {target.name}"
    return with_message(error, f"{error.message} ({asked})")


def _check(call: Call, scale: Document) -> None:
    flags = call.flags
    expected, actual = flags.number("current-replicas"), _replicas(scale, "spec")
    if expected not in (_ANY, actual):
        raise Failure(f"Expected replicas to be {expected}, was {actual}")
    wanted, version = flags.text("resource-version"), scale["metadata"]["resourceVersion"]
    if wanted and wanted != version:
        raise Failure(f"Expected resource version to be {wanted}, was {version}")


def _has_size(call: Call, target: Target, wanted: int) -> bool:
    scale = call.client.get(target.kind, target.name, target.namespace, "scale")
    if _replicas(scale, "spec") != wanted:
        return True
    return _replicas(scale, "status") == wanted


def _replicas(scale: Document, part: str) -> int:
    return int((scale.get(part) or {}).get("replicas", 0))


def _with_replicas(target: Target, size: int) -> Document:
    if target.kind.group not in ("", "apps"):
        return target.object
    spec = {**(target.object.get("spec") or {}), "replicas": size}
    return {**target.object, "spec": spec}
