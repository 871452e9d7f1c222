"""Who manages which field: `metadata.managedFields`, kept with every write.

A *manager* is a name, what it did (Apply or Update), and the part of the object it did it to.
An update takes over the fields that it changes; an apply sets the manager's fields anew, and
conflicts with others over fields that it would change. Objects that were never written through
the API (a controller made them) are not tracked until somebody applies to them.
(k8s.io/apimachinery/pkg/util/managedfields.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from minik8s.apiserver import fieldset, typed
from minik8s.apiserver.fieldset import Node
from minik8s.apiserver.typed import Type
from minik8s.errors import Cause, Conflict
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of
from minik8s.model.registry import Kind

Operation: TypeAlias = Literal["Apply", "Update"]

KUBECTL = "kubectl"
"""The manager whose applying goes on from the client's side to the server's."""

BEFORE_FIRST_APPLY = "before-first-apply"
ANCIENT = "ancient-changes"
MAX_UPDATE_MANAGERS = 10

_UNTRACKED = frozenset(
    {
        "creationTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Metadata that no manager owns."""


_IDENTITY: Node = {"f:metadata": {"f:name": {}, "f:namespace": {}}}
"""What every configuration sets, so that its metadata never go as a whole."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Who wrote, how, in which version of the API, to which subresource."""

    name: str
    operation: Operation
    api_version: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Managed:
    """What one manager manages, and since when."""

    fields: Node
    time: str


Managers: TypeAlias = dict[Manager, Managed]


def is_sound(document: Document) -> bool:
    """Whether every entry of an object's `managedFields` can be read (DecodeManagedFields)."""
    return all(
        entry.get("operation") in ("Apply", "Update")
        and entry.get("apiVersion")
        and entry.get("fieldsType") == "FieldsV1"
        and fieldset.is_set(_fields(entry))
        for entry in document["metadata"].get("managedFields") or ()
    )


def _fields(entry: Document) -> Any:
    written = entry.get("fieldsV1")
    return {} if written is None else written


def read(document: Document) -> Managers:
    """The managers that an object names."""
    managers: Managers = {}
    for entry in document["metadata"].get("managedFields") or ():
        manager = Manager(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
        )
        managers[manager] = Managed(_fields(entry), entry.get("time") or "")
    return managers


def written(document: Document, managers: Managers) -> Document:
    """The object with its managers in `metadata.managedFields`, in their order."""
    metadata = {k: v for k, v in document["metadata"].items() if k != "managedFields"}
    if managers:
        metadata["managedFields"] = [
            _entry(manager, managers[manager]) for manager in sorted(managers, key=_rank(managers))
        ]
    return {**document, "metadata": metadata}


def _rank(managers: Managers) -> Any:
    return lambda m: (m.operation, managers[m].time, m.name, m.api_version, m.subresource)


def _entry(manager: Manager, managed: Managed) -> Document:
    entry: Document = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": managed.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": managed.fields,
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def tracked_part(document: Document, kind: Kind, subresource: str) -> Document:
    """What of an object has managers, for a write to one of its subresources."""
    if subresource == "status":
        return {"status": document["status"]} if "status" in document else {}
    skipped = ("apiVersion", "kind", *(("status",) if "status" in kind.subresources else ()))
    tracked = {key: value for key, value in document.items() if key not in skipped}
    metadata = {k: v for k, v in document["metadata"].items() if k not in _UNTRACKED}
    tracked["metadata"] = metadata
    if not metadata:
        del tracked["metadata"]
    return tracked


def created(
    kind: Kind, kind_type: Type, document: Document, manager: Manager, now: str
) -> Document:
    """A new object, whose fields all belong to the one who made it."""
    tracked = tracked_part(document, kind, manager.subresource)
    try:
        fields = typed.parts_of(tracked, kind_type)
    except typed.TypedError:  # it will not pass validation
        fields = {}
    return written(document, {manager: Managed(fields, now)} if fields else {})


def updated(
    kind: Kind, kind_type: Type, new: Document, old: Document, manager: Manager, now: str
) -> Document:
    """A new state of an object, with the changed fields handed to the one who changed them."""
    given = new["metadata"].get("managedFields")
    if given is not None and (given == [] or given == [{}]):
        return written(new, {})
    if given and not is_sound(new):
        new, given = _without_managers(new), None
    managers = read(new) if given else read(old)
    if not managers:
        return new
    try:
        changes = _difference(kind, kind_type, new, old, manager.subresource)
    except typed.TypedError:  # it will not pass validation
        return new
    if changes.empty:
        return written(new, managers)
    left = _taken(managers, changes, manager)
    before = managers.get(manager)
    mine = fieldset.difference(before.fields if before else {}, changes.removed)
    mine = fieldset.union(mine, changes.changed)
    if before is None or mine != before.fields:
        left[manager] = Managed(mine, now)
    else:
        left[manager] = before
    if not mine:
        del left[manager]
    return written(new, _capped(left))


def _difference(
    kind: Kind, kind_type: Type, new: Document, old: Document, subresource: str
) -> typed.Comparison:
    before = tracked_part(old, kind, subresource)
    after = tracked_part(new, kind, subresource)
    return typed.compare(before, after, kind_type)


def _taken(managers: Managers, changes: typed.Comparison, by: Manager) -> Managers:
    """What the other managers keep after a change."""
    lost = fieldset.union(changes.changed, changes.removed)
    left: Managers = {}
    for manager, managed in managers.items():
        if manager == by:
            continue
        fields = fieldset.difference(managed.fields, lost)
        if fields:
            same = fields == managed.fields
            left[manager] = managed if same else Managed(fields, managed.time)
    return left


def _capped(managers: Managers) -> Managers:
    """No more than ten managers that update: the oldest become one."""
    updating = [m for m in managers if m.operation == "Update"]
    surplus = len(updating) - MAX_UPDATE_MANAGERS
    if surplus <= 0:
        return managers
    oldest = sorted(updating, key=lambda m: managers[m].time)[: surplus + 1]
    bucket = Manager(ANCIENT, "Update", oldest[-1].api_version)
    fields: Node = {}
    for manager in oldest:
        fields = fieldset.union(fields, managers[manager].fields)
    kept = {m: managed for m, managed in managers.items() if m not in oldest}
    return {**kept, bucket: Managed(fields, managers[oldest[-1]].time)}


def applied(
    kind: Kind,
    kind_type: Type,
    live: Document,
    config: Document,
    manager: Manager,
    now: str,
    *,
    force: bool,
) -> Document:
    """The live object with a configuration applied to it.

    Raises Conflict where it would change what others manage (unless forced), and
    typed.TypedError for a configuration that does not fit the schema.
    """
    managers = read(live) or _first_managers(kind, kind_type, live, now)
    wanted = typed.fields_of(tracked_part(config, kind, manager.subresource), kind_type) or {}
    merged = typed.merge(live, _without_managers(config), kind_type)
    last = managers.get(manager)
    if last is not None:
        others = [m.fields for other, m in managers.items() if other != manager]
        managed = _union_of([wanted, *others, _IDENTITY])
        merged = typed.prune(merged, last.fields, managed, kind_type)
    changes = _difference(kind, kind_type, merged, live, manager.subresource)
    if not force:
        own = _client_applied(kind, kind_type, live) if manager.name == KUBECTL else {}
        _refuse_conflicts(managers, fieldset.difference(changes.changed, own), manager)
    left = _taken(managers, changes, manager)
    if wanted:
        same = last is not None and last.fields == wanted and changes.empty
        left[manager] = last if last is not None and same else Managed(wanted, now)
    if manager.name == KUBECTL and LAST_APPLIED in annotations_of(live):
        merged = _with_last_applied(merged, config)
    return written(merged, left)


def _client_applied(kind: Kind, kind_type: Type, live: Document) -> Node:
    """What `kubectl apply` set on the client's side and nobody has changed since.

    kubectl may take that over without a conflict when it goes over to applying on the server.
    """
    try:
        last = json.loads(annotations_of(live).get(LAST_APPLIED, ""))
        set_then = tracked_part({"metadata": {}, **last}, kind, "")
        fields = typed.fields_of(set_then, kind_type) or {}
        changes = typed.compare(set_then, tracked_part(live, kind, ""), kind_type)
    except (ValueError, TypeError):  # the annotation is anybody's text
        return {}
    return fieldset.difference(fields, fieldset.union(changes.changed, changes.removed))


def _with_last_applied(document: Document, config: Document) -> Document:
    """The object with the annotation brought up to date, for those who go back to it."""
    text = json.dumps(config, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    metadata = document["metadata"]
    annotations = {**(metadata.get("annotations") or {}), LAST_APPLIED: text}
    return {**document, "metadata": {**metadata, "annotations": annotations}}


def _first_managers(kind: Kind, kind_type: Type, live: Document, now: str) -> Managers:
    """What stood in an object that nobody tracked belongs to whoever came before."""
    if not live["metadata"].get("uid"):
        return {}
    manager = Manager(BEFORE_FIRST_APPLY, "Update", kind.api_version)
    return read(created(kind, kind_type, live, manager, now))


def _without_managers(document: Document) -> Document:
    metadata = {k: v for k, v in document["metadata"].items() if k != "managedFields"}
    return {**document, "metadata": metadata}


def _union_of(sets: list[Node]) -> Node:
    joined: Node = {}
    for each in sets:
        joined = fieldset.union(joined, each)
    return joined


def _refuse_conflicts(managers: Managers, changed: Node, by: Manager) -> None:
    found: list[tuple[str, str]] = []
    for manager in sorted(managers, key=lambda m: (m.name, m.operation)):
        if manager == by:
            continue
        shared = fieldset.intersection(managers[manager].fields, changed)
        found += [(_shown(manager), path) for path in fieldset.paths(shared)]
    if not found:
        return
    causes = [Cause("FieldManagerConflict", f"conflict with {who}", path) for who, path in found]
    raise Conflict(_conflict_text(found), causes=causes)


def _shown(manager: Manager) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    return f"{text} using {manager.api_version}" if manager.operation == "Update" else text


def _conflict_text(found: list[tuple[str, str]]) -> str:
    if len(found) == 1:
        return f"Apply failed with 1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    grouped: Mapping[str, list[str]] = {who: [] for who, _ in sorted(found)}
    for who, path in found:
        grouped[who].append(f"- {path}")
    lines = [line for who in grouped for line in (f"conflicts with {who}:", *grouped[who])]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
