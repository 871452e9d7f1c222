"""`kubectl taint`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minik8s.apiserver.messages import STRATEGIC_MERGE_PATCH
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Exit, Failure, NoSuchResource, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.resources import kind_named
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target
from minik8s.model.formats import label_value, qualified_name
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import NODE

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint, or (without a value) one to be removed."""

    key: str
    value: str = ""
    effect: str = ""

    @classmethod
    def parse(cls, text: str) -> Taint:
        """Read `key=value:effect`, `key:effect` or `key`; raises ValueError."""
        head, *rest = text.split(":")
        key, values = head, [""]
        if len(rest) > 1:
            raise ValueError(f"invalid taint spec: {text}")
        if rest:
            if rest[0] not in _EFFECTS:
                raise ValueError(f"invalid taint effect: {rest[0]}, unsupported taint effect")
            key, *values = head.split("=")
            if len(values) > 1:
                raise ValueError(f"invalid taint spec: {text}")
            problems = label_value(values[0]) if values else []
            if problems:
                raise ValueError(f"invalid taint spec: {text}, {'; '.join(problems)}")
        problems = qualified_name(key)
        if problems:
            raise ValueError(f"invalid taint spec: {text}, {'; '.join(problems)}")
        return cls(key, values[0] if values else "", rest[0] if rest else "")

    def covers(self, entry: Document) -> bool:
        """Whether an entry of a node has the same key and, if it is named, the same effect."""
        return entry.get("key") == self.key and self.effect in ("", entry.get("effect"))

    @property
    def title(self) -> str:
        """How a message names it."""
        return f"{self.key}:{self.effect}" if self.effect else self.key

    @property
    def entry(self) -> Document:
        """As it stands in a node's spec."""
        fields = {"effect": self.effect, "key": self.key, "value": self.value}
        return {name: text for name, text in fields.items() if text}


@dataclass(frozen=True, slots=True)
class _Changes:
    """What is to be set and removed."""

    new: Sequence[Taint]
    removed: Sequence[Taint]
    overwrite: bool

    def apply(self, node: Document) -> tuple[Document, str]:
        """The node with its taints changed, and the word for it; raises Failure or Several."""
        old: list[Document] = list((node.get("spec") or {}).get("taints") or ())
        clashes = [taint.key for taint in self.new if any(taint.covers(entry) for entry in old)]
        if clashes and not self.overwrite:
            raise Failure(
                f"node {name_of(node)} already has {','.join(clashes)} taint(s) with same "
                "effect(s) and --overwrite is false"
            )
        taints = [taint.entry for taint in self.new]
        taints += [entry for entry in old if not any(t.covers(entry) for t in self.new)]
        added, deleted, missing = len(taints) != len(old), False, []
        for taint in self.removed:
            kept = [entry for entry in taints if not taint.covers(entry)]
            deleted = len(kept) != len(taints)
            if not deleted:
                missing.append(Failure(f"taint {quote(taint.title)} not found"))
            taints = kept
        raise_all(missing)
        spec = {key: value for key, value in (node.get("spec") or {}).items() if key != "taints"}
        changed = {**node, "spec": {**spec, "taints": taints} if taints else spec}
        if (added and deleted) or self.overwrite:
            return changed, "modified"
        return changed, "tainted" if added else "untainted"


def run(call: Call) -> None:
    """Change the taints of nodes."""
    resources, words = _split(call)
    try:
        new, removed = _parse(words)
    except ValueError as error:
        raise call.usage(str(error)) from None
    dry_run = call.dry_run()
    _validate(call, resources, new, removed)
    changes = _Changes(new, removed, call.flags.on("overwrite"))
    selection = _select(call, resources)
    selection.visit(lambda target: _change(call, target, changes, dry_run))


def _split(call: Call) -> tuple[list[str], list[str]]:
    """The arguments that name nodes, and those that say what to change."""
    resources: list[str] = []
    words: list[str] = []
    for argument in call.arguments:
        if "=" in argument or ":" in argument or argument.endswith("-"):
            words.append(argument)
        elif words:
            raise Failure(f"all resources must be specified before taint changes: {argument}")
        else:
            resources.append(argument)
    if not resources:
        raise Failure("one or more resources must be specified as <resource> <name>")
    if not words:
        raise Failure("at least one taint update is required")
    return resources, words


def _parse(words: Sequence[str]) -> tuple[list[Taint], list[Taint]]:
    new: list[Taint] = []
    removed: list[Taint] = []
    for word in words:
        if word.endswith("-"):
            removed.append(Taint.parse(word[:-1]))
            continue
        taint = Taint.parse(word)
        if not taint.effect:
            raise ValueError(f"invalid taint spec: {word}")
        if any((other.key, other.effect) == (taint.key, taint.effect) for other in new):
            raise ValueError(
                "duplicated taints with the same key and effect: "
                f"{{{taint.key} {taint.value} {taint.effect} <nil>}}"
            )
        new.append(taint)
    return new, removed


def _validate(
    call: Call, resources: Sequence[str], new: Sequence[Taint], removed: Sequence[Taint]
) -> None:
    try:
        kind = kind_named(call.client, resources[0].lower())
    except NoSuchResource as error:
        raise Exit(1, str(error)) from None
    if kind != NODE:
        raise Failure(f"invalid resource type {resources[0]}, only node types are supported")
    both = [
        f"{gone.key}={gone.effect}"
        for taint in new
        for gone in removed
        if gone.key == taint.key and gone.effect in ("", taint.effect)
    ]
    if both:
        raise Failure(
            "can not both modify and remove the following taint(s) in the same command: "
            + ", ".join(both)
        )
    everything, selector = call.flags.on("all"), call.flags.text("selector")
    if everything and selector:
        raise Failure("setting 'all' parameter with a non empty selector is prohibited")
    if len(resources) < 2 and not (everything or selector):
        raise Failure(
            "at least one resource name must be specified since 'all' parameter is not set"
        )


def _select(call: Call, resources: Sequence[str]) -> Selection:
    everything, selector = call.flags.on("all"), call.flags.text("selector")
    names = () if everything or selector else tuple(resources[1:])
    query = Query(
        call,
        namespace=call.namespace,
        arguments=("nodes", *names),
        files=False,
        labels=selector,
        everything=everything,
    )
    return select(query)


def _change(call: Call, target: Target, changes: _Changes, dry_run: DryRun) -> None:
    changed, word = changes.apply(target.object)
    if dry_run is not DryRun.CLIENT:
        taints = (changed.get("spec") or {}).get("taints") or []
        changed = call.client.patch(
            NODE,
            target.name,
            {"spec": {"taints": taints or None}},
            options=call.options(dry_run),
            patch_type=STRATEGIC_MERGE_PATCH,
        )
    object_printer(call, word)(changed)
