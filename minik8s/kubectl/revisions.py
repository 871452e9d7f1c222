"""The revisions of a workload: ReplicaSets of a Deployment, ControllerRevisions of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minik8s.admission import schema_for
from minik8s.apiserver.strategic import strategic_merge
from minik8s.client import Client
from minik8s.errors import ApiError
from minik8s.kubectl.failures import Failure
from minik8s.model.metadata import (
    Document,
    annotations_of,
    controller_of,
    uid_of,
)
from minik8s.model.registry import (
    CONTROLLER_REVISION,
    DAEMON_SET,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    Kind,
)
from minik8s.model.selectors import label_selector

CHANGE_CAUSE = "kubernetes.io/change-cause"
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"

_VISITED = ("CronJob", "Job", "Pod", "ReplicaSet", "ReplicationController")


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a workload."""

    number: int
    cause: str
    template: Document
    object: Document
    """What `-o` shows of it: a ReplicaSet, or the workload as it was."""
    record: Document
    """The ReplicaSet or ControllerRevision that keeps it."""


def revisions(
    client: Client, kind: Kind, namespace: str, name: str
) -> tuple[Document, list[Revision]]:
    """A workload and its revisions by number; raises Failure if it cannot be read."""
    title = "deployment" if kind == DEPLOYMENT else kind.kind
    try:
        workload = client.get(kind, name, namespace)
    except ApiError as error:
        raise Failure(f"failed to retrieve {title} {name}: {error.message}") from None
    keeper = REPLICA_SET if kind == DEPLOYMENT else CONTROLLER_REVISION
    selector = str(label_selector(workload["spec"].get("selector")))
    found = client.list(keeper, namespace, query={"labelSelector": selector})["items"] or []
    owned = [record for record in found if _owner(record) == uid_of(workload)]
    make = _of_replica_set if kind == DEPLOYMENT else _of_controller_revision
    made = {revision.number: revision for revision in (make(kind, workload, r) for r in owned)}
    return workload, [made[number] for number in sorted(made)]


def _owner(document: Document) -> str:
    owner = controller_of(document)
    return str(owner["uid"]) if owner else ""


def _of_replica_set(_kind: Kind, _workload: Document, record: Document) -> Revision:
    annotations = annotations_of(record)
    template = record["spec"].get("template") or {}
    number = int(annotations.get(REVISION) or 0)
    cause = annotations.get(CHANGE_CAUSE, "")
    if cause:
        metadata = dict(template.get("metadata") or {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), CHANGE_CAUSE: cause}
        template = {**template, "metadata": metadata}
    shown = {"apiVersion": "apps/v1", "kind": "ReplicaSet", **record}
    shown["spec"] = {**record["spec"], "template": template}
    return Revision(number, cause, template, shown, record)


def _of_controller_revision(kind: Kind, workload: Document, record: Document) -> Revision:
    was = strategic_merge(workload, record.get("data") or {}, schema_for(kind))
    cause = annotations_of(record).get(CHANGE_CAUSE, "")
    template = was["spec"].get("template") or {}
    return Revision(int(record.get("revision") or 0), cause, template, was, record)


def require(kind: Kind, what: str, verb: str) -> None:
    """Raise Failure for a kind that has no revisions; `what` is a history viewer, say."""
    if kind in (DEPLOYMENT, DAEMON_SET, STATEFUL_SET):
        return
    title = f"{kind.kind}.{kind.group}".rstrip(".")
    if kind.kind in _VISITED and kind.group in ("", "apps", "batch"):
        raise Failure(f'no {what} has been implemented for "{title}"')
    raise Failure(
        f'error retrieving {verb} for "{title}", no visitor method exists for '
        f"{{{kind.group} {kind.kind}}}"
    )


def previous(found: Sequence[Revision]) -> Revision | None:
    """The revision before the last one."""
    return found[-2] if len(found) > 1 else None


def comparable(template: Document) -> Any:
    """A template as it is compared: without the hash label."""
    metadata = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH}
    annotations = metadata.get("annotations") or {}
    return labels, annotations, template.get("spec") or {}
