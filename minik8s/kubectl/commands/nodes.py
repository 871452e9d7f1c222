"""`kubectl cordon`, `uncordon` and `drain`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

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

_TOO_LATE = "context deadline exceeded"


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
    errors: list[ApiError | Failure | Several] = []
    for target in targets:
        try:
            _empty(call, target.name, rules, dry_run)
        except (ApiError, Failure, Several) as error:
            remaining.append(target.name)
            errors.append(error)
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
    if len(errors) == 1 and not isinstance(errors[0], Several):
        raise errors[0]
    if errors:
        each = [one for error in errors for one in _parts(error)]
        raise Exit(1, "\n".join(standard_message(one) or message_of(one) for one in each))


def _parts(error: Exception) -> tuple[Exception, ...]:
    return error.errors if isinstance(error, Several) else (error,)


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


@dataclass(slots=True)
class _Leaving:
    """A pod that must go: when to ask for that next, and whether the server has agreed."""

    pod: Document
    due: float = 0.0
    agreed: bool = False


def _remove(call: Call, plan: Plan, dry_run: DryRun) -> None:
    """Let pods go side by side, and wait for each; raises all that stands against it."""
    send = _delete if call.flags.on("disable-eviction") else _evict
    timeout = call.flags.seconds("timeout") or FOR_EVER
    waiting = [_Leaving(pod) for pod in plan.pods]
    errors: list[Exception] = []
    for passed in ticks(call.client, timeout):
        for one in list(waiting):
            try:
                if not one.agreed and one.due <= passed:
                    one.agreed = send(call, one.pod, dry_run)
                    one.due = passed + _RETRY
                if one.agreed and (dry_run is DryRun.SERVER or _has_gone(call, one.pod)):
                    waiting.remove(one)
            except (ApiError, Failure) as error:
                waiting.remove(one)
                errors.append(error)
        if not waiting:
            break
    if waiting and call.flags.on("disable-eviction"):
        raise Failure(_TOO_LATE)
    errors += [_too_late(call, one, dry_run) for one in waiting]
    if errors:
        raise Several(errors)


def _has_gone(call: Call, pod: Document) -> bool:
    name = name_of(pod)
    if not is_gone(call.client, POD, namespace_of(pod), name, uid_of(pod)):
        return False
    call.out(f"pod/{name} {'deleted' if call.flags.on('disable-eviction') else 'evicted'}\n")
    return True


def _too_late(call: Call, one: _Leaving, dry_run: DryRun) -> Failure:
    """What stands in the end against a pod that is still there: kubectl asks a last time."""
    if not one.agreed:
        _announce(call, one.pod, dry_run)
        after = call.flags.text("timeout")
        return Failure(f"{_title(one.pod)}: global timeout reached: {after}")
    name, namespace = quote(name_of(one.pod)), quote(namespace_of(one.pod))
    return Failure(
        f"error when waiting for pod {name} in namespace {namespace} to terminate: {_TOO_LATE}"
    )


def _title(pod: Document) -> str:
    return f"error when evicting pods/{quote(name_of(pod))} -n {quote(namespace_of(pod))}"


def _options(call: Call, dry_run: DryRun) -> Document:
    options: Document = {}
    if call.flags.number("grace-period") >= 0:
        options["gracePeriodSeconds"] = call.flags.number("grace-period")
    if dry_run is DryRun.SERVER:
        options["dryRun"] = ["All"]
    return options


def _delete(call: Call, pod: Document, dry_run: DryRun) -> bool:
    with suppress(NotFound):
        call.client.delete(POD, name_of(pod), namespace_of(pod), _options(call, dry_run))
    return True


def _evict(call: Call, pod: Document, dry_run: DryRun) -> bool:
    """Ask for a pod's eviction; False while a budget stands against it."""
    name, namespace = name_of(pod), namespace_of(pod)
    eviction: Document = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": _options(call, dry_run),
    }
    _announce(call, pod, dry_run)
    try:
        call.client.create(POD, eviction, namespace, name=name, sub="eviction")
    except NotFound:
        pass
    except TooManyRequests as error:
        call.err(f"{_title(pod)} (will retry after 5s): {message_of(error)}\n")
        return False
    except ApiError as error:
        raise Failure(f"{_title(pod)}: {message_of(error)}") from None
    return True
