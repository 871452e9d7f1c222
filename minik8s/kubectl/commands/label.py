"""`kubectl label` and `kubectl annotate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.pairs import parse_pairs, split_arguments
from minik8s.kubectl.patches import merge_patch, with_metadata
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.model.formats import label_value
from minik8s.model.metadata import Document

_CHANGE_CAUSE = "kubernetes.io/change-cause"


@dataclass(frozen=True, slots=True)
class _Changes:
    """What is to be set and removed, and where."""

    field: str
    """`labels` or `annotations`."""
    new: Mapping[str, str]
    removed: Sequence[str]
    overwrite: bool
    version: str

    def clashes(self, document: Document) -> list[str]:
        """Entries that are there already with another value, each in words."""
        present = _entries(document, self.field)
        return [
            f"'{key}' already has a value ({present[key]})"
            for key, value in self.new.items()
            if present.get(key, value) != value and key != _CHANGE_CAUSE
        ]

    def apply(self, document: Document) -> Document:
        """The object with the changes made."""
        entries = {**_entries(document, self.field), **self.new}
        for key in self.removed:
            entries.pop(key, None)
        fields: Document = {self.field: entries}
        if self.version:
            fields["resourceVersion"] = self.version
        return with_metadata(document, **fields)


def _entries(document: Document, field: str) -> dict[str, str]:
    return dict((document.get("metadata") or {}).get(field) or {})


def label(call: Call) -> None:
    """Change the labels of objects."""
    dry_run = call.dry_run()
    resources, pairs = split_arguments(call.arguments, "label")
    new, removed = _parse_labels(pairs)
    _check_list_and_output(call)
    _check_selectors(call)
    _check_resources(call, resources, dry_run, "pod")
    if not (new or removed or call.flags.on("list")):
        raise Failure("at least one label update is required")
    flags = call.flags
    changes = _Changes(
        "labels", new, removed, flags.on("overwrite"), flags.text("resource-version")
    )
    _visit(call, resources, changes, dry_run)


def _parse_labels(pairs: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    new: dict[str, str] = {}
    removed: list[str] = []
    for pair in pairs:
        if "=" in pair:
            if pair.count("=") != 1:
                raise Failure(f"invalid label spec: {pair}")
            key, _, value = pair.partition("=")
            problems = label_value(value)
            if problems:
                raise Failure(f"invalid label value: {quote(pair)}: {';'.join(problems)}")
            new[key] = value
        elif pair.endswith("-"):
            removed.append(pair[:-1])
        else:
            raise Failure(f"unknown label spec: {pair}")
    if any(key in new for key in removed):
        raise Failure("can not both modify and remove a label in the same command")
    return new, removed


def annotate(call: Call) -> None:
    """Change the annotations of objects."""
    dry_run = call.dry_run()
    resources, pairs = split_arguments(call.arguments, "annotation")
    new, removed = parse_pairs(pairs, "annotation")
    _check_list_and_output(call)
    _check_selectors(call)
    _check_resources(call, resources, dry_run, "rsrc")
    if not (new or removed or call.flags.on("list")):
        raise Failure("at least one annotation update is required")
    both = [key for key in removed if key in new]
    if both:
        raise Failure(
            "can not both modify and remove the following annotation(s) in the same command: "
            + ", ".join(both)
        )
    flags = call.flags
    changes = _Changes(
        "annotations", new, removed, flags.on("overwrite"), flags.text("resource-version")
    )
    _visit(call, resources, changes, dry_run)


def _check_list_and_output(call: Call) -> None:
    if call.flags.on("list") and call.flags.text("output"):
        raise Failure("--list and --output may not be specified together")


def _check_selectors(call: Call) -> None:
    for name in ("selector", "field-selector"):
        if call.flags.on("all") and call.flags.text(name):
            raise Failure(f"cannot set --all and --{name} at the same time")


def _check_resources(call: Call, resources: list[str], dry_run: DryRun, word: str) -> None:
    flags = call.flags
    files = flags.items("filename") or flags.text("kustomize")
    if not flags.on("local"):
        if not (resources or files):
            raise Failure(
                "one or more resources must be specified as <resource> <name> or <resource>/<name>"
            )
        return
    if dry_run is DryRun.SERVER:
        raise Failure(
            "cannot specify --local and --dry-run=server - did you mean --dry-run=client?"
        )
    if resources:
        raise Failure(
            f"can only use local files by -f {word}.yaml or --filename={word}.json when "
            "--local=true is set"
        )
    if not files:
        raise Failure(
            f"one or more files must be specified as -f {word}.yaml or --filename={word}.json"
        )


def _visit(call: Call, resources: list[str], changes: _Changes, dry_run: DryRun) -> None:
    flags = call.flags
    selection = select(
        replace(
            Query.typed(call, resources),
            all_namespaces=flags.on("all-namespaces"),
            labels=flags.text("selector"),
            fields=flags.text("field-selector"),
            empty_selector=flags.on("all"),
            latest=not flags.on("local"),
            local=flags.on("local"),
        )
    )
    if flags.text("resource-version") and not selection.single:
        raise Failure("--resource-version may only be used with a single resource")

    def change(target: Target) -> None:
        if changes.field == "labels":
            _label_one(call, target, changes, dry_run, single=selection.single)
        else:
            _annotate_one(call, target, changes, dry_run, single=selection.single)

    selection.visit(change)


def _is_local(call: Call, dry_run: DryRun) -> bool:
    return dry_run is DryRun.CLIENT or call.flags.on("local") or call.flags.on("list")


def _label_one(
    call: Call, target: Target, changes: _Changes, dry_run: DryRun, *, single: bool
) -> None:
    local = _is_local(call, dry_run)
    old = _without_version(target.object, changes)
    present = _entries(old, "labels")
    if not local:
        for key in changes.removed:
            if key not in present:
                call.out(f"label {quote(key)} not found.\n")
    if not changes.overwrite:
        raise_all([Failure(f"{c}, and --overwrite is false") for c in changes.clashes(old)])
    added = [key for key, value in changes.new.items() if present.get(key) != value]
    removed = [key for key in changes.removed if key in present]
    new = changes.apply(old)
    if not local and (added or removed):
        _patch(call, target, old, new, dry_run)
    if call.flags.on("list"):
        _list(call, target, new, "labels", single)
        return
    operation = {(True, True): "modified", (True, False): "labeled", (False, True): "unlabeled"}
    done = operation.get((bool(added), bool(removed)), "not labeled")
    object_printer(call, done, dry_run)(new)


def _annotate_one(
    call: Call, target: Target, changes: _Changes, dry_run: DryRun, *, single: bool
) -> None:
    old = _without_version(target.object, changes)
    clashes = changes.clashes(old)
    if clashes and not changes.overwrite:
        raise Failure(
            "--overwrite is false but found the following declared annotation(s): "
            + "; ".join(clashes)
        )
    new = changes.apply(old)
    if not _is_local(call, dry_run):
        new = _patch(call, target, old, new, dry_run)
    if call.flags.on("list"):
        _list(call, target, new, "annotations", single)
        return
    object_printer(call, "annotated", dry_run)(new)


def _without_version(document: Document, changes: _Changes) -> Document:
    return with_metadata(document, resourceVersion=None) if changes.version else document


def _patch(call: Call, target: Target, old: Document, new: Document, dry_run: DryRun) -> Document:
    return call.client.patch(
        target.kind,
        target.name,
        merge_patch(old, new),
        target.namespace,
        call.options(dry_run),
    )


def _list(call: Call, target: Target, document: Document, field: str, single: bool) -> None:
    if not single:
        name = f"{target.kind.kind}.{target.kind.group}/{target.name}"
        call.out(f"Listing {field} for {name}:\n")
    indent = "" if single else " "
    for key, value in sorted(_entries(document, field).items()):
        call.out(f"{indent}{key}={value}\n")
