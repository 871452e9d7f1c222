"""`kubectl cordon`, `uncordon` and `drain`."""

from __future__ import annotations

from collections.abc import Sequence

from minik8s.apiserver.messages import STRATEGIC_MERGE_PATCH
from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.draining import Drain
from minik8s.kubectl.failures import COLLECTED, Exit, Failure, Several, message_of
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import name_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.model.metadata import Document
from minik8s.model.selectors import SelectorError, parse_selector


def cordon(call: Call) -> None:
    """Let no new pods onto nodes."""
    dry_run = call.dry_run()
    _mark(call, _nodes(call), dry_run, unschedulable=True)


def uncordon(call: Call) -> None:
    """Let new pods onto nodes again."""
    dry_run = call.dry_run()
    _mark(call, _nodes(call), dry_run, unschedulable=False)


def drain(call: Call) -> None:
    """Take all pods off nodes."""
    dry_run = call.dry_run()
    nodes = _nodes(call)
    _mark(call, nodes, dry_run, unschedulable=True)
    errors: list[Exception] = []
    remaining: list[str] = []
    for node in nodes:
        try:
            Drain(call, node.name, dry_run).run()
        except COLLECTED as error:
            call.err(
                f"error: unable to drain node {quote(node.name)} due to error: {_text(error)}, "
                "continuing command...\n"
            )
            errors.append(error)
            remaining.append(node.name)
            continue
        name_printer(call, f"drained{dry_run.value}")(node.object)
    if remaining:
        names = "".join(f" {name}\n" for name in remaining)
        call.err(f"There are pending nodes to be drained:\n{names}")
    if errors:
        # kubectl has lists of errors in a list here, and prints them without `error:`.
        shown = _parts(errors[0]) if len(errors) == 1 else errors
        raise Exit(1, "".join(f"{_text(error)}\n" for error in shown))


def _parts(error: Exception) -> Sequence[Exception]:
    return error.errors if isinstance(error, Several) else [error]


def _text(error: Exception) -> str:
    """An error's message; several stand in brackets (utilerrors.Aggregate)."""
    if isinstance(error, Several):
        return f"[{', '.join(map(message_of, error.errors))}]"
    return message_of(error)


def _nodes(call: Call) -> list[Target]:
    flags = call.flags
    selector = flags.text("selector")
    if not call.arguments and not flags.given("selector"):
        usage = call.command.full.removeprefix("kubectl ")
        raise call.usage(f"USAGE: {usage} NODE [flags]")
    if call.arguments and selector:
        raise call.usage("error: cannot specify both a node name and a --selector option")
    if flags.knows("pod-selector") and flags.text("pod-selector"):
        try:
            parse_selector(flags.text("pod-selector"))
        except SelectorError:
            raise Failure("--pod-selector=<pod_selector> must be a valid label selector") from None
    names = [name.removeprefix("node/").removeprefix("nodes/") for name in call.arguments]
    query = Query(
        call,
        namespace=call.namespace,
        arguments=("nodes", *names),
        files=False,
        labels=selector,
        one_type=True,
    )
    targets, error = select(query).targets(go_on=False)
    if error is not None:
        raise error
    return targets


def _mark(call: Call, nodes: list[Target], dry_run: DryRun, *, unschedulable: bool) -> None:
    word = "cordon" if unschedulable else "uncordon"
    for node in nodes:
        if bool(node.object["spec"].get("unschedulable")) == unschedulable:
            name_printer(call, f"already {word}ed{dry_run.value}")(node.object)
            continue
        if dry_run is not DryRun.CLIENT:
            try:
                node.object = _patched(call, node, dry_run, unschedulable=unschedulable)
            except ApiError as error:
                call.err(f"error: unable to {word} node {quote(node.name)}: {error.message}\n")
                continue
        name_printer(call, f"{word}ed{dry_run.value}")(node.object)


def _patched(call: Call, node: Target, dry_run: DryRun, *, unschedulable: bool) -> Document:
    return call.client.patch(
        node.kind,
        node.name,
        {"spec": {"unschedulable": True if unschedulable else None}},
        "",
        call.options(dry_run),
        patch_type=STRATEGIC_MERGE_PATCH,
    )
