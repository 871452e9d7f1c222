"""`kubectl auth reconcile`: bring roles and bindings to what manifests say.

Rules and subjects are compared by their meaning: what is missing is added, what is too much is
removed only if asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from minik8s.apiserver.accessrules import Rule, rules_of, uncovered
from minik8s.client import Client
from minik8s.errors import AlreadyExists, NotFound
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.create import manifests, require_files
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.output import Printer, object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Target
from minik8s.model.metadata import Document, annotations_of, labels_of
from minik8s.model.registry import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, NAMESPACE, ROLE, ROLE_BINDING

_ROLES = (ROLE.kind, CLUSTER_ROLE.kind)
_BINDINGS = (ROLE_BINDING.kind, CLUSTER_ROLE_BINDING.kind)
_PROTECTED = "rbac.authorization.kubernetes.io/autoupdate"


@dataclass(slots=True)
class _Result:
    """What has to be done, and what the object is then."""

    object: Document
    operation: str = ""
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    protected: bool = False


def run(call: Call) -> None:
    """Reconcile every role and binding in the files; other objects are passed over."""
    require_files(call)
    if call.arguments:
        raise Failure("no arguments are allowed")
    dry_run = call.dry_run()
    if dry_run is DryRun.SERVER:
        raise Failure("--dry-run=server for command reconcile is not supported yet")
    printer = object_printer(call, "reconciled", dry_run)
    selection = select(replace(manifests(call, validate=False), fetch=False))
    targets, problem = selection.targets()
    for target in targets:
        if target.kind.group == ROLE.group:
            _Reconciliation(call, target, dry_run).run(printer)
    if problem is not None:
        raise problem


class _Reconciliation:
    """One role or binding."""

    def __init__(self, call: Call, target: Target, dry_run: DryRun) -> None:
        self._call = call
        self._client: Client = call.client
        self._target = target
        self._dry_run = dry_run
        self._is_role = target.kind.kind in _ROLES
        flag = "permissions" if self._is_role else "subjects"
        self._remove = call.flags.on(f"remove-extra-{flag}")
        self._what = "rules" if self._is_role else "subjects"

    def run(self, printer: Printer) -> None:
        result = self._result()
        if not result.protected and self._dry_run is DryRun.NONE:
            self._write(result)
        printer(result.object)
        self._tell(result)

    def _result(self) -> _Result:
        target = self._target
        try:
            existing = self._client.get(target.kind, target.name, target.namespace)
        except NotFound:
            wanted = self._shown(target.object)
            return _Result(target.object, "create", missing=wanted)
        protected = annotations_of(existing).get(_PROTECTED) == "false"
        if not self._is_role and existing.get("roleRef") != _reference(target.object):
            return _Result(target.object, "recreate", protected=protected)
        result = self._changed(existing)
        result.protected = protected
        return result

    def _changed(self, existing: Document) -> _Result:
        wanted = self._target.object
        metadata = dict(existing["metadata"])
        for part, of in (("annotations", annotations_of), ("labels", labels_of)):
            if of(wanted):
                metadata[part] = {**of(wanted), **of(existing)}
        result = _Result({**existing, "metadata": metadata})
        if metadata != existing["metadata"]:
            result.operation = "update"
        missing, extra = (self._rules if self._is_role else self._subjects)(wanted, existing)
        result.missing = [_go_struct(part) for part in missing]
        result.extra = [_go_struct(part) for part in extra]
        if missing or (self._remove and extra):
            kept = wanted if self._remove else existing
            parts = [*(kept.get(self._what) or ()), *([] if self._remove else missing)]
            result.object[self._what] = parts
            result.operation = "update"
        return result

    @staticmethod
    def _rules(wanted: Document, existing: Document) -> tuple[list[Document], list[Document]]:
        new, old = rules_of(wanted), rules_of(existing)
        return (
            [_rule_document(rule) for rule in uncovered(old, new)],
            [_rule_document(rule) for rule in uncovered(new, old)],
        )

    @staticmethod
    def _subjects(wanted: Document, existing: Document) -> tuple[list[Document], list[Document]]:
        new = [_subject(each) for each in wanted.get("subjects") or ()]
        old = [_subject(each) for each in existing.get("subjects") or ()]
        return [s for s in new if s not in old], [s for s in old if s not in new]

    def _shown(self, document: Document) -> list[str]:
        parts = document.get(self._what) or ()
        return [_go_struct(part if self._is_role else _subject(part)) for part in parts]

    def _write(self, result: _Result) -> None:
        target, client = self._target, self._client
        if result.operation == "update":
            result.object = client.update(target.kind, result.object, target.namespace)
            return
        if result.operation == "recreate":
            client.delete(target.kind, target.name, target.namespace)
        if result.operation:
            if target.namespace:
                self._make_namespace(target.namespace)
            result.object = client.create(target.kind, result.object, target.namespace)

    def _make_namespace(self, name: str) -> None:
        metadata = {"name": name}
        document = {"apiVersion": "v1", "kind": NAMESPACE.kind, "metadata": metadata}
        try:
            self._client.create(NAMESPACE, document, "")
        except AlreadyExists:
            return

    def _tell(self, result: _Result) -> None:
        if not result.operation:
            return
        caveat = f", but object opted out ({_PROTECTED}: false)" if result.protected else ""
        self._call.err(f"\treconciliation required {result.operation}{caveat}\n")
        self._parts(f"missing {self._what} added", result.missing)
        if self._remove:
            self._parts(f"extra {self._what} removed", result.extra)

    def _parts(self, title: str, parts: Sequence[str]) -> None:
        if parts:
            self._call.err(f"\t{title}:\n" + "".join(f"\t\t{part}\n" for part in parts))


def _reference(document: Document) -> Document:
    return {"apiGroup": ROLE.group, **(document.get("roleRef") or {})}


def _subject(document: Document) -> Document:
    if document.get("kind") in ("User", "Group"):
        return {"apiGroup": ROLE.group, **document}
    return document


def _rule_document(rule: Rule) -> Document:
    parts = {
        "verbs": rule.verbs,
        "apiGroups": rule.groups,
        "resources": rule.resources,
        "resourceNames": rule.names,
        "nonResourceURLs": rule.paths,
    }
    return {name: list(words) for name, words in parts.items() if words}


_STRUCTS = {
    "verbs": (
        ("Verbs", "verbs"),
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("ResourceNames", "resourceNames"),
        ("NonResourceURLs", "nonResourceURLs"),
    ),
    "kind": (
        ("Kind", "kind"),
        ("APIGroup", "apiGroup"),
        ("Name", "name"),
        ("Namespace", "namespace"),
    ),
}


def _go_struct(document: Document) -> str:
    """A rule or subject as Go's %+v prints it: `{Verbs:[get] APIGroups:[] ...}`."""
    fields = _STRUCTS["verbs" if "verbs" in document else "kind"]
    return "{" + " ".join(f"{name}:{_go_value(document, key)}" for name, key in fields) + "}"


def _go_value(document: Document, key: str) -> str:
    value: Any = document.get(key)
    if key.endswith("s"):
        return f"[{' '.join(value or ())}]"
    return str(value or "")
