"""`kubectl set`: images, resources, selectors, service accounts and subjects."""

from __future__ import annotations

from collections.abc import Mapping

from minik8s.admission import schema_for
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import COLLECTED, Failure, errors_in, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.pairs import parse_pairs, split_arguments
from minik8s.kubectl.patches import with_metadata
from minik8s.kubectl.podspecs import pod_spec, selected, with_pod_spec
from minik8s.kubectl.quantities import canonical
from minik8s.kubectl.selection import Target
from minik8s.kubectl.selectortext import parse_label_selector
from minik8s.kubectl.setting import (
    ALL_AND_SELECTOR,
    LOCAL_AND_SERVER,
    Change,
    check_dry_run,
    patched,
    selection_of,
    targets_of,
    write_changes,
)
from minik8s.kubectl.strategicdiff import two_way_patch
from minik8s.kubectl.structs import typed
from minik8s.model.metadata import Document

_GROUP = "rbac.authorization.k8s.io"


def run(call: Call) -> int:
    """`set` alone."""
    return require_subcommand(call)


# -- image


def image(call: Call) -> None:
    """Change the images of containers."""
    resources, pairs = split_arguments(call.arguments, "image")
    images, _ = parse_pairs(pairs, "image", removable=False)
    targets = targets_of(call, resources)
    _check_images(call, resources, images)
    missing: list[Exception] = []

    def change(target: Target) -> Document:
        spec = pod_spec(target.kind, target.object)
        for name, picture in images.items():
            spec, found = _with_image(spec, name, picture)
            if not found:
                missing.append(Failure(f"error: unable to find container named {quote(name)}"))
        return with_pod_spec(target.kind, target.object, spec)

    failed = "failed to patch image update to pod template:"
    _write(call, targets, change, "image updated", failed, missing)


def _check_images(call: Call, resources: list[str], images: Mapping[str, str]) -> None:
    flags = call.flags
    problems: list[Exception] = []
    if flags.on("all") and flags.text("selector"):
        problems.append(Failure(ALL_AND_SELECTOR))
    if not (resources or flags.items("filename") or flags.text("kustomize")):
        problems.append(
            Failure(
                "one or more resources must be specified as <resource> <name> or <resource>/<name>"
            )
        )
    if not images:
        problems.append(Failure("at least one image update is required"))
    elif len(images) > 1 and "*" in images:
        problems.append(
            Failure(
                "all containers are already specified by *, but saw more than one "
                "container_name=container_image pairs"
            )
        )
    if flags.on("local") and call.dry_run() is DryRun.SERVER:
        problems.append(Failure(LOCAL_AND_SERVER))
    raise_all(problems)


def _write(
    call: Call,
    targets: list[Target],
    change: Change,
    done: str,
    failed: str,
    missing: list[Exception],
) -> None:
    """Write the changes, and raise at the end what was missing and what failed."""
    try:
        write_changes(call, targets, change, done, failed)
    except COLLECTED as error:
        missing += errors_in(error)
    raise_all(missing)


def _with_image(spec: Document, name: str, picture: str) -> tuple[Document, bool]:
    found = False
    for field in ("initContainers", "containers"):
        containers = list(spec.get(field) or ())
        for place, container in enumerate(containers):
            if name in ("*", container["name"]):
                containers[place] = {**container, "image": picture}
                found = True
        if containers:
            spec = {**spec, field: containers}
    return spec, found


# -- resources


def resources(call: Call) -> None:
    """Change what containers ask for and may use."""
    flags = call.flags
    targets = targets_of(call, call.arguments)
    check_dry_run(call)
    if flags.on("all") and flags.text("selector"):
        raise Failure(ALL_AND_SELECTOR)
    wanted = {part: flags.text(part) for part in ("limits", "requests")}
    if not any(wanted.values()):
        raise Failure(
            "you must specify an update to requests or limits (in the form of --requests/--limits)"
        )
    amounts = {part: _amounts(text) for part, text in wanted.items() if text}
    pattern = flags.text("containers")
    missing: list[Exception] = []

    def change(target: Target) -> Document:
        spec = pod_spec(target.kind, target.object)
        found = False
        for field in ("containers", "initContainers"):
            containers = list(spec.get(field) or ())
            for place in selected(spec, field, pattern):
                found = True
                containers[place] = _with_amounts(containers[place], amounts)
            if containers:
                spec = {**spec, field: containers}
        if not found:
            missing.append(Failure(f"error: unable to find container named {pattern}"))
        return with_pod_spec(target.kind, target.object, spec)

    failed = "failed to patch resources update to pod template"
    _write(call, targets, change, "resource requirements updated", failed, missing)


def _amounts(text: str) -> dict[str, str]:
    amounts = {}
    for statement in text.split(","):
        parts = statement.split("=")
        if len(parts) != 2:
            raise Failure(f"invalid argument syntax {statement}, expected <resource>=<value>")
        try:
            amounts[parts[0]] = canonical(parts[1])
        except ValueError as error:
            raise Failure(str(error)) from None
    return amounts


def _with_amounts(container: Document, amounts: dict[str, dict[str, str]]) -> Document:
    old = container.get("resources") or {}
    new = {part: {**(old.get(part) or {}), **entries} for part, entries in amounts.items()}
    return {**container, "resources": {**old, **new}}


# -- selector


def selector(call: Call) -> None:
    """Change the selector of Services."""
    dry_run = call.dry_run()
    arguments = call.arguments[:-1]
    wanted = parse_label_selector(call.arguments[-1]) if call.arguments else None
    printer = object_printer(call, "selector updated", dry_run)
    if wanted is None:
        raise Failure("one selector is required")
    local = call.flags.on("local") or dry_run is DryRun.CLIENT
    version = call.flags.text("resource-version")

    def change(target: Target) -> None:
        if (target.kind.group, target.kind.kind) != ("", "Service"):
            raise Failure("setting a selector is only supported for Services")
        if wanted.get("matchExpressions"):
            shown = " ".join(map(_expression, wanted["matchExpressions"]))
            raise Failure(f"match expression [{shown}] not supported on this object")
        old = target.object
        new = {**old, "spec": {**old["spec"], "selector": wanted.get("matchLabels") or {}}}
        if version:
            old = with_metadata(old, resourceVersion=None)
            new = with_metadata(new, resourceVersion=version)
        if not local:
            patch = two_way_patch(old, new, schema_for(target.kind))
            new = patched(call, target, patch, dry_run)
        printer(typed(new))

    selection_of(call, arguments).visit(change)


def _expression(expression: Document) -> str:
    values = " ".join(expression.get("values") or ())
    return f"{{{expression['key']} {expression['operator']} [{values}]}}"


# -- serviceaccount


def serviceaccount(call: Call) -> None:
    """Change the service account of pods."""
    check_dry_run(call)
    if not call.arguments:
        raise Failure("serviceaccount is required")
    *arguments, account = call.arguments
    targets = targets_of(call, arguments)

    def change(target: Target) -> Document:
        spec = pod_spec(target.kind, target.object)
        changed = {**spec, "serviceAccountName": account}
        return with_pod_spec(target.kind, target.object, changed)

    write_changes(
        call,
        targets,
        change,
        "serviceaccount updated",
        "failed to patch ServiceAccountName",
        always=True,
    )


# -- subject


def subject(call: Call) -> None:
    """Add subjects to role bindings."""
    flags = call.flags
    targets = targets_of(call, call.arguments)
    check_dry_run(call)
    if flags.on("all") and flags.text("selector"):
        raise Failure(ALL_AND_SELECTOR)
    users, groups = flags.items("user"), flags.items("group")
    accounts = flags.items("serviceaccount")
    if not (users or groups or accounts):
        raise Failure("you must specify at least one value of user, group or serviceaccount")
    for account in accounts:
        parts = account.split(":")
        if len(parts) != 2 or not parts[1]:
            raise Failure("serviceaccount must be <namespace>:<name>")
        if not parts[0] and any(t.kind.kind == "ClusterRoleBinding" for t in targets):
            raise Failure("serviceaccount must be <namespace>:<name>, namespace must be specified")
    added = [
        {"kind": kind, "apiGroup": _GROUP, "name": name}
        for kind, names in (("User", users), ("Group", groups))
        for name in sorted(set(names))
    ]
    for account in sorted(set(accounts)):
        namespace, _, name = account.partition(":")
        added.append(
            {"kind": "ServiceAccount", "name": name, "namespace": namespace or call.namespace}
        )

    def change(target: Target) -> Document:
        if target.kind.kind not in ("RoleBinding", "ClusterRoleBinding"):
            raise Failure("setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        present = list(target.object.get("subjects") or ())
        new = present + [each for each in added if each not in present]
        return {**target.object, "subjects": new}

    write_changes(
        call, targets, change, "subjects updated", "failed to patch subjects to rolebinding:"
    )
