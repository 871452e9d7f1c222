"""`kubectl delete`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from minik8s.errors import ApiError, Forbidden, MethodNotAllowed, NotFound
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import COLLECTED, Failure, add_source, errors_in, raise_all
from minik8s.kubectl.gotext import parse_bool
from minik8s.kubectl.rawrequests import raw_send
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target
from minik8s.kubectl.waiting import FOR_EVER, is_gone, wait_until
from minik8s.model.metadata import Document

_CLUSTER_SCOPE = "deleting cluster-scoped resources, not scoped to the provided namespace"
_IMMEDIATE = (
    "Immediate deletion does not wait for confirmation that the running resource has been "
    "terminated. The resource may continue to run on the cluster indefinitely."
)
_POLICIES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


@dataclass(slots=True)
class Deletion:
    """How objects are deleted, and which have been."""

    call: Call
    grace: int = -1
    """Seconds; negative means what the object says."""
    policy: str = "Background"
    dry_run: DryRun = DryRun.NONE
    wait: bool = True
    timeout: float = 0.0
    ignore_not_found: bool = False
    quiet: bool = False
    warn_cluster_scope: bool = False
    names_only: bool = False
    deleted: list[tuple[Target, str]] = field(default_factory=list)

    def delete(self, target: Target) -> None:
        """Delete one object."""
        if self.warn_cluster_scope and not target.kind.namespaced:
            self.call.warning_line(_CLUSTER_SCOPE)
            self.warn_cluster_scope = False
        self.deleted.append((target, ""))
        if self.dry_run is not DryRun.CLIENT:
            try:
                answer = self.call.client.delete(
                    target.kind, target.name, target.namespace, self._options()
                )
            except ApiError as error:
                raise add_source("deleting", target.source, error) from None
            self.deleted[-1] = (target, _uid(answer))
        if not self.quiet:
            self.call.out(self._line(target))

    def delete_all(self, selection: Selection) -> None:
        """Delete a selection, and wait if that is wanted; raises what went wrong."""
        errors: list[Exception] = []
        try:
            selection.visit(self.delete)
        except COLLECTED as error:
            errors = errors_in(error)
        if self.ignore_not_found:
            errors = [error for error in errors if not isinstance(error, NotFound)]
        raise_all(errors)
        if not self.deleted:
            self.call.out("No resources found\n")
        elif self.wait and self.dry_run is DryRun.NONE:
            self.wait_for_all()

    def _options(self) -> Document:
        options: Document = {"propagationPolicy": self.policy}
        if self.grace >= 0:
            options["gracePeriodSeconds"] = self.grace
        if self.dry_run is DryRun.SERVER:
            options["dryRun"] = ["All"]
        return options

    def _line(self, target: Target) -> str:
        kind = target.kind
        word = f"{kind.kind}.{kind.group}".lower().rstrip(".")
        if self.names_only:
            return f"{word}/{target.name}\n"
        done = "force deleted" if self.grace == 0 else "deleted"
        if kind.namespaced:
            done += f" from {target.namespace} namespace"
        return f'{word} "{target.name}" {done}{self.dry_run.value}\n'

    def wait_for_all(self) -> None:
        """Wait until everything has gone; raises Failure at the timeout."""
        client = self.call.client
        try:
            for target, uid in self.deleted:
                gone = partial(is_gone, client, target.kind, target.namespace, target.name, uid)
                if not wait_until(client, self.timeout or FOR_EVER, gone):
                    raise Failure(f"timed out waiting for the condition on {target.title}")
        except (Forbidden, MethodNotAllowed):
            return


def _uid(answer: Document) -> str:
    if answer.get("kind") == "Status":
        return str((answer.get("details") or {}).get("uid", ""))
    return str((answer.get("metadata") or {}).get("uid", ""))


def propagation(call: Call) -> str:
    """What `--cascade` says, as a propagation policy."""
    value = call.flags.text("cascade")
    try:
        cascades = parse_bool(value)
    except ValueError:
        if value in _POLICIES:
            return _POLICIES[value]
        raise Failure(
            f'invalid cascade value ({value}). Must be "background", "foreground", or "orphan"'
        ) from None
    word = "background" if cascades else "orphan"
    call.err(
        f"warning: --cascade={value} is deprecated (boolean value) and can be replaced with "
        f"--cascade={word}.\n"
    )
    return _POLICIES[word]


def run(call: Call) -> None:
    """Delete objects, and wait until they have gone."""
    flags = call.flags
    policy = propagation(call)
    selecting = any(flags.text(name) for name in ("selector", "field-selector"))
    everything = flags.on("all")
    ignore = flags.on("ignore-not-found")
    if (everything or selecting) and not flags.given("ignore-not-found"):
        ignore = True
    grace = _grace(call)
    deletion = Deletion(
        call,
        grace=grace,
        policy=policy,
        dry_run=call.dry_run(),
        wait=flags.on("wait"),
        timeout=flags.seconds("timeout"),
        ignore_not_found=ignore,
        warn_cluster_scope=call.namespace_given and not flags.on("all-namespaces"),
        names_only=flags.text("output") == "name",
    )
    if flags.text("raw"):
        raw_send(call, "DELETE", flags.text("raw"), None)
        return
    selection = select(_query(call))
    _validate(call, grace)
    if flags.on("interactive") and not _confirmed(call, _query(call)):
        return
    deletion.delete_all(selection)


def _grace(call: Call) -> int:
    flags = call.flags
    grace = flags.number("grace-period")
    if flags.on("now"):
        if grace != -1:
            raise Failure("--now and --grace-period cannot be specified together")
        grace = 1
    if grace == 0 and not flags.on("force"):
        grace = 1
    return 0 if flags.on("force") and grace < 0 else grace


def _query(call: Call) -> Query:
    flags = call.flags
    return replace(
        Query.typed(call),
        all_namespaces=flags.on("all-namespaces"),
        labels=flags.text("selector"),
        fields=flags.text("field-selector"),
        everything=flags.on("all"),
        fetch=False,
    )


def _validate(call: Call, grace: int) -> None:
    flags = call.flags
    if flags.text("output") not in ("", "name"):
        raise Failure(
            f"unexpected -o output mode: {flags.text('output')}. We only support '-o name'"
        )
    if flags.on("force") and grace == 0:
        call.warning_line(_IMMEDIATE)
    elif flags.on("force") and grace > 0:
        raise Failure("--force and --grace-period greater than 0 cannot be specified together")


def _confirmed(call: Call, query: Query) -> bool:
    targets, error = select(query).targets()
    if error is not None and not isinstance(error, NotFound):
        raise error
    if not targets:
        call.out("No resources found\n")
        return False
    call.out(f"You are about to delete the following {len(targets)} resource(s):\n")
    for target in targets:
        kind = target.kind
        call.out(f"{f'{kind.kind}.{kind.group}'.lower().rstrip('.')}/{target.name}\n")
    call.out("Do you want to continue? (y/N): ")
    if call.typed_line().strip().lower() == "y":
        return True
    call.out("deletion is cancelled\n")
    return False
