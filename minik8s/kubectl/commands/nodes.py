"""`kubectl cordon`, `uncordon` and `drain`."""

from __future__ import annotations

from minik8s.apiserver.messages import STRATEGIC_MERGE_PATCH
from minik8s.errors import ApiError, NotFound, TooManyRequests
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.draining import Plan, Rules
from minik8s.kubectl.failures import Exit, Failure, Several, message_of, standard_message
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.waiting import FOR_EVER, is_gone, ticks
from minik8s.model.metadata import Document, name_of, namespace_of, uid_of
from minik8s.model.registry import NODE, POD
from minik8s.model.selectors import SelectorError, parse_selector

_RETRY = 5.0
"""Seconds after which an eviction that a budget has refused is tried again."""


def cordon(call: Call) -> None:
    """Close nodes to new pods."""
    _mark(call, _nodes(call), closed=True)


def uncordon(call: Call) -> None:
    """Open nodes to new pods."""
    _mark(call, _nodes(call), closed=False)


def _nodes(call: Call) -> list[Target]:
    """The nodes that the command line names; raises what is wrong with it, or with them."""
    selector = _selector(call)
    names = tuple(name if "/" in name else f"nodes/{name}" for name in call.arguments)
    query = Query(
        call,
        namespace=call.namespace,
        arguments=names or ("nodes",),
        files=False,
        labels=selector,
        one_type=True,
    )
    targets, error = select(query).targets(go_on=False)
    if error is not None:
        raise error
    return targets


def _selector(call: Call) -> str:
    """The selector of nodes, empty where they are named; raises what is wrong with both."""
    selector = call.flags.text("selector")
    if not call.arguments and not selector:
        raise call.usage(f"USAGE: {call.command.name} {call.command.usage} [flags]")
    if call.arguments and selector:
        raise call.usage("cannot specify both a node name and a --selector option")
    return selector


def _mark(call: Call, targets: list[Target], *, closed: bool) -> None:
    verb = "cordon" if closed else "uncordon"
    dry_run = call.dry_run()
    for target in targets:
        if target.kind != NODE:
            kind = target.kind
            found = quote(f"{kind.group}/{kind.version}, Resource={kind.plural}")
            raise Failure(f"expected resource of type node, got {found}")
        is_closed = bool((target.object.get("spec") or {}).get("unschedulable"))
        done = f"{verb}ed"
        if is_closed == closed:
            done = f"already {done}"
        elif dry_run is not DryRun.CLIENT:
            patch: Document = {"spec": {"unschedulable": closed or None}}
            options = call.options(dry_run)
            try:
                call.client.patch(
                    NODE, target.name, patch, options=options, patch_type=STRATEGIC_MERGE_PATCH
                )
            except ApiError as error:
                call.err(
                    f"error: unable to {verb} node {quote(target.name)}: {message_of(error)}\n"
                )
        _say(call, f"node/{target.name}", done, dry_run)


def _say(call: Call, what: str, done: str, dry_run: DryRun) -> None:
    call.out(f"{what} {done}{dry_run.value}\n")


def drain(call: Call) -> None:
    """Empty nodes."""
    targets, rules, dry_run = _nodes_to_drain(call)
    _mark(call, targets, closed=True)
    remaining: list[str] = []
    errors: list[Exception] = []
    for target in targets:
        try:
            _empty(call, target.name, rules, dry_run)
        except (ApiError, Failure, Several) as error:
            remaining.append(target.name)
            errors += error.errors if isinstance(error, Several) else [error]
            text = message_of(error)
            if isinstance(error, Several) and len(error.errors) > 1:
                text = f"[{text}]"
            call.err(
                f"error: unable to drain node {quote(target.name)} due to error: {text}, "
                "continuing command...\n"
            )
            continue
        _say(call, f"node/{target.name}", "drained", dry_run)
    if remaining:
        call.err("There are pending nodes to be drained:\n")
        call.err("".join(f" {name}\n" for name in remaining))
    if errors:
        lines = (standard_message(error) or message_of(error) for error in errors)
        raise Exit(1, "\n".join(lines))


def _nodes_to_drain(call: Call) -> tuple[list[Target], Rules, DryRun]:
    flags = call.flags
    _selector(call)
    selector = flags.text("pod-selector")
    try:
        parse_selector(selector)
    except SelectorError:
        raise Failure("--pod-selector=<pod_selector> must be a valid label selector") from None
    rules = Rules(
        call.client,
        call.io.now(),
        force=flags.on("force"),
        ignore_daemon_sets=flags.on("ignore-daemonsets"),
        delete_local_storage=flags.on("delete-emptydir-data"),
        pod_selector=selector,
        longest_deletion=flags.number("skip-wait-for-delete-timeout"),
    )
    return _nodes(call), rules, call.dry_run()


def _empty(call: Call, node: str, rules: Rules, dry_run: DryRun) -> None:
    """Let a node's pods go, and wait until they have; raises what stands against it."""
    plan = rules.pods_of(node)
    if plan.errors:
        raise Several(plan.errors)
    if plan.warnings:
        call.err(f"Warning: {plan.warnings}\n")
    if dry_run is DryRun.CLIENT:
        for pod in plan.pods:
            _announce(call, pod, dry_run)
        return
    try:
        _remove(call, plan, dry_run)
    except (ApiError, Failure, Several) as error:
        _tell_pending(call, node, rules.pods_of(node), error)
        raise


def _announce(call: Call, pod: Document, dry_run: DryRun) -> None:
    call.out(f"evicting pod {namespace_of(pod)}/{name_of(pod)}{dry_run.value}\n")


def _tell_pending(call: Call, node: str, plan: Plan, error: Exception) -> None:
    if plan.pods:
        call.err(
            f"There are pending pods in node {quote(node)} when an error occurred: "
            f"{message_of(error)}\n"
        )
        call.err("".join(f"pod/{name_of(pod)}\n" for pod in plan.pods))


def _remove(call: Call, plan: Plan, dry_run: DryRun) -> None:
    deletes = call.flags.on("disable-eviction")
    send = _delete if deletes else _evict
    waiting = list(plan.pods)
    timeout = call.flags.seconds("timeout") or FOR_EVER
    for pod in plan.pods:
        send(call, pod, dry_run, timeout)
    if dry_run is DryRun.SERVER:
        return
    word = "deleted" if deletes else "evicted"
    for _ in ticks(call.client, timeout):
        for pod in list(waiting):
            name = name_of(pod)
            if is_gone(call.client, POD, namespace_of(pod), name, uid_of(pod)):
                waiting.remove(pod)
                call.out(f"pod/{name} {word}\n")
        if not waiting:
            return
    raise Failure(f"global timeout reached: {call.flags.text('timeout')}")


def _options(call: Call, dry_run: DryRun) -> Document:
    options: Document = {}
    if call.flags.number("grace-period") >= 0:
        options["gracePeriodSeconds"] = call.flags.number("grace-period")
    if dry_run is DryRun.SERVER:
        options["dryRun"] = ["All"]
    return options


def _delete(call: Call, pod: Document, dry_run: DryRun, _timeout: float) -> None:
    try:
        call.client.delete(POD, name_of(pod), namespace_of(pod), _options(call, dry_run))
    except NotFound:
        return


def _evict(call: Call, pod: Document, dry_run: DryRun, timeout: float) -> None:
    """Ask for a pod's eviction, again and again while a budget stands against it."""
    name, namespace = name_of(pod), namespace_of(pod)
    eviction: Document = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": _options(call, dry_run),
    }
    title = f"error when evicting pods/{quote(name)} -n {quote(namespace)}"
    waited = 0.0
    while True:
        _announce(call, pod, dry_run)
        try:
            call.client.create(POD, eviction, namespace, name=name, sub="eviction")
            return
        except NotFound:
            return
        except TooManyRequests as error:
            call.err(f"{title} (will retry after 5s): {message_of(error)}\n")
        except ApiError as error:
            raise Failure(f"{title}: {message_of(error)}") from None
        if waited >= timeout:
            raise Failure(f"{title}: global timeout reached: {call.flags.text('timeout')}")
        call.client.wait(_RETRY)
        waited += _RETRY
