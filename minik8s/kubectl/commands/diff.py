"""`kubectl diff`: what apply would change."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

from minik8s.clock import rfc3339
from minik8s.errors import Conflict, NotFound
from minik8s.kubectl.applying import difference, field_manager, patch_type, warn_if_deleting
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.create import manifests, require_files
from minik8s.kubectl.failures import COLLECTED, Exit, Failure, Unreachable, explain
from minik8s.kubectl.output import without_managed_fields
from minik8s.kubectl.patches import without_last_applied
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Target
from minik8s.kubectl.serverside import ServerSide
from minik8s.kubectl.unified import unified
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import Document

_DIFFERENT = 1
_TROUBLE = 2
"""diff's exit codes; 0 means no difference."""

_MASK = "***"
_RETRIES = 4


def run(call: Call) -> int:
    """Show what would change; 1 if something would, more than 1 for errors."""
    try:
        return _run(call)
    except Unreachable:
        raise
    except (*COLLECTED, Exit) as error:
        text, code = explain(error)
        raise Exit(max(code, _TROUBLE), text) from None


def _run(call: Call) -> int:
    flags = call.flags
    if call.arguments:
        raise call.usage(f"Unexpected args: [{' '.join(call.arguments)}]")
    require_files(call)
    if flags.on("force-conflicts") and not flags.on("server-side"):
        raise Failure("--force-conflicts only works with --server-side")
    if flags.on("prune"):
        raise Failure("--prune does not work here; delete objects by their names")
    comparison = Comparison(call)
    selection = select(replace(manifests(call, validate=False), fetch=False))
    selection.visit(comparison.add, go_on=False)
    text = comparison.text()
    call.out(text)
    return _DIFFERENT if text else 0


@dataclass(slots=True)
class Comparison:
    """Objects as they are and as apply would make them, each as a file in a folder."""

    call: Call
    live: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    def add(self, target: Target) -> None:
        """Compare one manifest with its live object."""
        live, merged = self._both(target)
        if not self.call.flags.on("show-managed-fields"):
            live, merged = without_managed_fields(live), without_managed_fields(merged)
        nothing = ""
        secret = (target.kind.group, target.kind.kind) == ("", "Secret")
        if secret and not self.call.flags.on("show-secrets"):
            live, merged = masked(live, merged)
            # The real one writes what its mask makes of nothing.
            nothing = "null\n"
        name = _file_name(target)
        self.live[name] = yaml_text(live) if live else nothing
        self.merged[name] = yaml_text(merged)

    def _both(self, target: Target) -> tuple[Document, Document]:
        """The live object (empty if there is none) and what apply would make of it."""
        attempt = 1
        while True:
            try:
                live = self.call.client.get(target.kind, target.name, target.namespace)
            except NotFound:
                live = {}
            try:
                merged = self._merged(target, live, locked=attempt < _RETRIES)
            except Conflict:
                attempt += 1
                if attempt > _RETRIES:
                    raise
                continue
            warn_if_deleting(self.call, live)
            return live, merged

    def _merged(self, target: Target, live: Document, *, locked: bool) -> Document:
        """What the server would make of the manifest, without keeping it."""
        call = self.call
        options = call.options(DryRun.SERVER, manager=field_manager(call))
        if call.flags.on("server-side"):
            options = replace(options, force=call.flags.on("force-conflicts"))
            return ServerSide(call, options).send(target)
        client = call.client
        if not live:
            return client.create(target.kind, target.object, target.namespace, options)
        patch = difference(call, target, without_last_applied(target.object), live)
        if not patch:
            return live
        if locked:
            version = live["metadata"].get("resourceVersion", "")
            metadata = {**(patch.get("metadata") or {}), "resourceVersion": version}
            patch = {**patch, "metadata": metadata}
        return client.patch(
            target.kind,
            target.name,
            patch,
            target.namespace,
            options,
            patch_type=patch_type(target.kind),
        )

    def text(self) -> str:
        """The differences of all files, as `diff -u -N` of the two folders."""
        old, new = self._folder("LIVE", self.live), self._folder("MERGED", self.merged)
        stamp = self._stamp()
        out = []
        for name in sorted(self.live):
            old_file, new_file = f"{old}/{name}", f"{new}/{name}"
            found = unified(
                self.live[name],
                self.merged[name],
                f"{old_file}\t{stamp}",
                f"{new_file}\t{stamp}",
            )
            if found:
                out.append(f"diff -u -N {old_file} {new_file}\n{found}")
        return "".join(out)

    def _folder(self, word: str, files: dict[str, str]) -> str:
        """A folder for files of its own, as mkdtemp would name it."""
        number = zlib.crc32(repr((word, files, self.call.io.now())).encode())
        return f"{self.call.io.env.get('TMPDIR', '/tmp')}/{word}-{number}"

    def _stamp(self) -> str:
        now = self.call.io.now()
        stamp = rfc3339(now)
        return f"{stamp[:10]} {stamp[11:19]}.{int(now % 1 * 1e9):09d} +0000"


def _file_name(target: Target) -> str:
    kind = target.kind
    parts = [kind.group] if kind.group else []
    return ".".join([*parts, kind.version, kind.kind, target.namespace, target.name])


def masked(live: Document, merged: Document) -> tuple[Document, Document]:
    """A Secret's two states with the values hidden; what differs can still be seen."""
    old, new = live.get("data") or {}, merged.get("data") or {}
    shown_old, shown_new = dict.fromkeys(old, _MASK), dict.fromkeys(new, _MASK)
    for key in old:
        if key in new and old[key] != new[key]:
            shown_old[key], shown_new[key] = f"{_MASK} (before)", f"{_MASK} (after)"
    if old:
        live = {**live, "data": shown_old}
    if new:
        merged = {**merged, "data": shown_new}
    return live, merged
