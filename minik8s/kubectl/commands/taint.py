"""`kubectl taint`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minik8s.admission import schema_for
from minik8s.apiserver.messages import STRATEGIC_MERGE_PATCH
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.resources import kind_named
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.strategicdiff import two_way_patch
from minik8s.kubectl.structs import typed
from minik8s.model.formats import label_value, qualified_name
from minik8s.model.metadata import Document
from minik8s.model.registry import NODE

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint as it is typed; without an effect it stands for all effects."""

    key: str
    value: str = ""
    effect: str = ""

    def __str__(self) -> str:
        if not self.effect:
            return self.key if not self.value else f"{self.key}={self.value}:"
        middle = f"={self.value}" if self.value else ""
        return f"{self.key}{middle}:{self.effect}"

    @property
    def document(self) -> Document:
        """As it stands in a node's spec."""
        document = {"effect": self.effect, "key": self.key}
        return {**document, "value": self.value} if self.value else document

    def matches(self, entry: Document) -> bool:
        """Whether an entry of a node's spec has this key, and this effect if there is one."""
        same = entry.get("key") == self.key
        return same and self.effect in ("", entry.get("effect", ""))


def run(call: Call) -> None:
    """Add taints to nodes, and remove them."""
    flags = call.flags
    dry_run = call.dry_run()
    validation = call.validation()
    resources, words = _split(call.arguments)
    if not resources:
        raise Failure("one or more resources must be specified as <resource> <name>")
    if not words:
        raise Failure("at least one taint update is required")
    try:
        new, removed = _parse(words)
    except Failure as error:
        raise call.usage(str(error)) from None
    _validate(call, resources, new, removed)
    options = call.options(dry_run, validation)

    def change(target: Target) -> None:
        if not flags.on("overwrite"):
            _refuse_overwriting(target, new)
        old = target.object["spec"].get("taints") or []
        done, taints = _reorganized(old, new, removed, overwrite=flags.on("overwrite"))
        spec = {**target.object["spec"], "taints": taints}
        node = {**target.object, "spec": spec}
        if dry_run is not DryRun.CLIENT:
            node = call.client.patch(
                NODE,
                target.name,
                two_way_patch(target.object, node, schema_for(NODE)),
                "",
                options,
                patch_type=STRATEGIC_MERGE_PATCH,
            )
        object_printer(call, done, dry_run)(typed(node))

    everything = flags.on("all")
    selector = flags.text("selector")
    names = () if everything or selector else tuple(resources[1:])
    select(
        Query(
            call,
            namespace=call.namespace,
            arguments=("node", *names),
            files=False,
            everything=everything,
            labels=selector,
        )
    ).visit(change)


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    resources: list[str] = []
    taints: list[str] = []
    for argument in arguments:
        if "=" in argument or ":" in argument or argument.endswith("-"):
            taints.append(argument)
        elif taints:
            raise Failure(f"all resources must be specified before taint changes: {argument}")
        else:
            resources.append(argument)
    return resources, taints


def _parse(words: Sequence[str]) -> tuple[list[Taint], list[Taint]]:
    new: list[Taint] = []
    removed: list[Taint] = []
    for word in words:
        if word.endswith("-"):
            taint = _taint(word[:-1])
            removed.append(Taint(taint.key, "", taint.effect))
            continue
        taint = _taint(word)
        if not taint.effect:
            raise Failure(f"invalid taint spec: {word}")
        if any((each.key, each.effect) == (taint.key, taint.effect) for each in new):
            raise Failure(
                "duplicated taints with the same key and effect: "
                f"{{{taint.key} {taint.value} {taint.effect} <nil>}}"
            )
        new.append(taint)
    return new, removed


def _taint(word: str) -> Taint:
    parts = word.split(":")
    if len(parts) > 2:
        raise Failure(f"invalid taint spec: {word}")
    key, value, effect = parts[0], "", ""
    if len(parts) == 2:
        effect = parts[1]
        if effect not in _EFFECTS:
            raise Failure(f"invalid taint effect: {effect}, unsupported taint effect")
        pair = parts[0].split("=")
        if len(pair) > 2:
            raise Failure(f"invalid taint spec: {word}")
        key = pair[0]
        value = pair[1] if len(pair) == 2 else ""
        problems = label_value(value)
        if problems:
            raise Failure(f"invalid taint spec: {word}, {'; '.join(problems)}")
    problems = qualified_name(key)
    if problems:
        raise Failure(f"invalid taint spec: {word}, {'; '.join(problems)}")
    return Taint(key, value, effect)


def _validate(
    call: Call, resources: Sequence[str], new: Sequence[Taint], removed: Sequence[Taint]
) -> None:
    word = resources[0].lower()
    if kind_named(call.client, word) != NODE:
        raise Failure(f"invalid resource type {word}, only node types are supported")
    clashes = [
        f"{each.key}={each.effect}"
        for taint in new
        for each in removed
        if taint.key == each.key and each.effect in ("", taint.effect)
    ]
    if clashes:
        raise Failure(
            "can not both modify and remove the following taint(s) in the same command: "
            + ", ".join(clashes)
        )
    flags = call.flags
    if flags.on("all") and flags.text("selector"):
        raise Failure("setting 'all' parameter with a non empty selector is prohibited")
    if not (flags.on("all") or flags.text("selector")) and len(resources) < 2:
        raise Failure(
            "at least one resource name must be specified since 'all' parameter is not set"
        )


def _refuse_overwriting(target: Target, new: Sequence[Taint]) -> None:
    old = target.object["spec"].get("taints") or []
    present = [each.key for each in new if any(each.matches(entry) for entry in old)]
    if present:
        raise Failure(
            f"node {target.name} already has {','.join(present)} taint(s) with same effect(s) and "
            "--overwrite is false"
        )


def _reorganized(
    old: Sequence[Document], new: Sequence[Taint], removed: Sequence[Taint], *, overwrite: bool
) -> tuple[str, list[Document]]:
    """What was done, and the taints afterwards: new ones first."""
    taints = [taint.document for taint in new]
    taints += [entry for entry in old if not any(taint.matches(entry) for taint in new)]
    added = len(old) != len(taints)
    problems: list[Exception] = []
    deleted = False
    for taint in removed:
        kept = [entry for entry in taints if not taint.matches(entry)]
        deleted = len(kept) != len(taints)
        if not deleted:
            problems.append(Failure(f"taint {quote(str(taint))} not found"))
        taints = kept
    raise_all(problems)
    if (added and deleted) or overwrite:
        return "modified", taints
    return ("tainted" if added else "untainted"), taints
