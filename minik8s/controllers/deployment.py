"""Deployment: one ReplicaSet for each pod template, and a rolling change between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minik8s.clock import Timer
from minik8s.controllers import rollout
from minik8s.controllers.base import (
    NOTHING,
    Context,
    Controller,
    Key,
    Names,
    controlled,
    controller_key,
    controller_keys,
    key_of,
    with_annotations,
)
from minik8s.controllers.deletion import delete
from minik8s.controllers.deploymentstatus import Progress, count_status
from minik8s.controllers.events import Source
from minik8s.ids import template_hash
from minik8s.model.metadata import (
    Document,
    controller_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    owners_of,
)
from minik8s.model.registry import DEPLOYMENT, POD, REPLICA_SET
from minik8s.model.selectors import label_selector
from minik8s.model.workloads import is_terminal, replicas_of
from minik8s.store import StoreEvent

HISTORY_LIMIT = 10
_NEVER = 2**31 - 1
"""A progressDeadlineSeconds that means: never."""


class DeploymentController(Controller):
    """Keeps each Deployment's ReplicaSets at the sizes that its strategy allows."""

    name = "deployment-controller"
    watches = (DEPLOYMENT, REPLICA_SET, POD)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.source = Source(self.name)
        self._names = Names()
        self._deadlines: dict[Key, Timer] = {}

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A Deployment, the owner of a ReplicaSet, or the last pod of a Recreate."""
        if event.kind == POD:
            return self._recreating(event)
        if event.kind == REPLICA_SET:
            return self._concerned(event)
        key = key_of(event.object)
        if event.type == "DELETED":
            self._names.discard(key)
            return NOTHING
        self._names.add(key)
        return (key,)

    def reconcile(self, namespace: str, name: str) -> None:
        """One step of a rollout."""
        deployment = self.store.get(DEPLOYMENT, namespace, name)
        if deployment is None:
            return
        sets = self._claim(deployment)
        if is_terminating(deployment):
            self._write_status(deployment, rollout.newest_set(deployment, sets), sets)
            return
        if deployment["spec"].get("paused") or self._was_scaled(deployment, sets):
            self._sync_scale(deployment, sets)
        elif rollout.is_rolling(deployment):
            self._roll(deployment, sets)
        else:
            self._recreate(deployment, sets)

    # -- whom an event concerns

    def _concerned(self, event: StoreEvent) -> Iterable[Key]:
        keys = controller_keys(event, DEPLOYMENT)
        if controller_of(event.object) is None and event.type != "DELETED":
            namespace = namespace_of(event.object)
            for name in self._names.within(namespace):
                owner = self.store.get(DEPLOYMENT, namespace, name)
                if owner is not None and _selects(owner, event.object):
                    keys.append((namespace, name))
        return keys

    def _recreating(self, event: StoreEvent) -> Iterable[Key]:
        if event.type != "DELETED":
            return NOTHING
        key = controller_key(event.object, REPLICA_SET)
        replica_set = self.store.get(REPLICA_SET, *key) if key else None
        owner = controller_key(replica_set, DEPLOYMENT) if replica_set else None
        deployment = self.store.get(DEPLOYMENT, *owner) if owner else None
        if owner is None or deployment is None or rollout.is_rolling(deployment):
            return NOTHING
        return (owner,)

    def _claim(self, deployment: Document) -> list[Document]:
        mine = []
        for each in controlled(self.store, deployment, REPLICA_SET):
            if _selects(deployment, each):
                mine.append(each)
            else:
                rest = [o for o in owners_of(each) if o.get("name") != name_of(deployment)]
                self._set_owners(each, rest)
        if not is_terminating(deployment):
            mine += [
                self._set_owners(each, [owner_reference(deployment)])
                for each in self.store.list(REPLICA_SET, namespace_of(deployment))
                if controller_of(each) is None and _selects(deployment, each)
            ]
        return rollout.by_age(mine)

    def _set_owners(self, replica_set: Document, owners: list[Any]) -> Document:
        metadata = {**replica_set["metadata"], "ownerReferences": owners}
        return self.store.update(REPLICA_SET, {**replica_set, "metadata": metadata})

    # -- rolling, recreating, scaling

    def _roll(self, deployment: Document, sets: list[Document]) -> None:
        new, sets = self._newest(deployment, sets)
        old = [each for each in sets if each is not new]
        size = rollout.new_set_size(deployment, new, sets)
        if size != replicas_of(new):
            self._resize(deployment, new, size)
        else:
            shrink = rollout.old_set_sizes(deployment, new, old)
            for each, smaller in shrink:
                self._resize(deployment, each, smaller)
            if not shrink:
                self._clean_up(deployment, new, old)
        self._finish(deployment, new)

    def _recreate(self, deployment: Document, sets: list[Document]) -> None:
        found = rollout.newest_set(deployment, sets)
        old = [each for each in sets if each is not found]
        busy = [each for each in old if replicas_of(each)]
        for each in busy:
            self._resize(deployment, each, 0)
        if busy or any(self._has_pods(each) for each in old):
            self._finish(deployment, found)
            return
        new, sets = self._newest(deployment, sets)
        if replicas_of(new) != replicas_of(deployment):
            self._resize(deployment, new, replicas_of(deployment))
        else:
            self._clean_up(deployment, new, old)
        self._finish(deployment, new)

    def _has_pods(self, replica_set: Document) -> bool:
        return any(not is_terminal(p) for p in controlled(self.store, replica_set, POD))

    def _sync_scale(self, deployment: Document, sets: list[Document]) -> None:
        """Follow a change of `spec.replicas` alone: paused, or between two steps."""
        new = rollout.newest_set(deployment, sets)
        active = [each for each in sets if replicas_of(each)]
        if len(active) <= 1:
            only = active[0] if active else new or (sets[-1] if sets else None)
            if only is not None and replicas_of(only) != replicas_of(deployment):
                self._resize(deployment, only, replicas_of(deployment))
        elif rollout.is_rolling(deployment):
            for each, size in rollout.proportions(deployment, active):
                self._resize(deployment, each, size)
        self._finish(deployment, new)

    def _was_scaled(self, deployment: Document, sets: list[Document]) -> bool:
        wanted = str(replicas_of(deployment))
        return any(
            each["metadata"].get("annotations", {}).get(rollout.DESIRED_REPLICAS, wanted) != wanted
            for each in sets
            if replicas_of(each)
        )

    # -- ReplicaSets

    def _newest(
        self, deployment: Document, sets: list[Document]
    ) -> tuple[Document, list[Document]]:
        """The ReplicaSet of the present template, made if need be, and all of them."""
        found = rollout.newest_set(deployment, sets)
        revision = max((rollout.revision_of(each) for each in sets if each is not found), default=0)
        if found is None:
            new = self._create(deployment, sets, revision + 1)
            self._set_revision(deployment, new)
            return new, [*sets, new]
        new = self._annotate(deployment, found, revision + 1)
        self._set_revision(deployment, new)
        return new, [new if each is found else each for each in sets]

    def _create(self, deployment: Document, sets: list[Document], revision: int) -> Document:
        template = deployment["spec"].get("template") or {}
        digest = self._free_hash(deployment, template)
        labels = {**labels_of(template), rollout.HASH_LABEL: digest}
        selector = dict(deployment["spec"].get("selector") or {})
        selector["matchLabels"] = {
            **(selector.get("matchLabels") or {}),
            rollout.HASH_LABEL: digest,
        }
        spec: Document = {"replicas": 0, "selector": selector}
        if patience := deployment["spec"].get("minReadySeconds"):
            spec["minReadySeconds"] = patience
        metadata = {**(template.get("metadata") or {}), "labels": labels}
        spec["template"] = {**template, "metadata": metadata}
        draft: Document = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(deployment)}-{digest}",
                "namespace": namespace_of(deployment),
                "labels": labels,
                "annotations": {
                    **rollout.handed_on(deployment),
                    **_sizes(deployment),
                    rollout.REVISION: str(revision),
                },
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": spec,
            "status": {"replicas": 0},
        }
        size = rollout.new_set_size(deployment, None, sets)
        spec["replicas"] = size
        created = self.store.create(REPLICA_SET, draft)
        if size:
            self._tell_scaled(deployment, created, 0, size)
        return created

    def _free_hash(self, deployment: Document, template: Document) -> str:
        """The template's hash, changed until no other ReplicaSet has the name."""
        count = int(deployment.get("status", {}).get("collisionCount") or 0)
        while True:
            salted = {"template": template, "collisions": count} if count else template
            digest = template_hash(salted)
            taken = f"{name_of(deployment)}-{digest}"
            if self.store.get(REPLICA_SET, namespace_of(deployment), taken) is None:
                return digest
            count += 1

    def _annotate(self, deployment: Document, new: Document, revision: int) -> Document:
        have = new["metadata"].get("annotations") or {}
        changes = rollout.handed_on(deployment) | _sizes(deployment)
        current = rollout.revision_of(new)
        if current < revision:
            changes[rollout.REVISION] = str(revision)
            if current:
                history = have.get(rollout.REVISION_HISTORY)
                past = f"{history},{current}" if history else str(current)
                changes[rollout.REVISION_HISTORY] = past
        return self.store.update(REPLICA_SET, with_annotations(new, changes))

    def _set_revision(self, deployment: Document, new: Document) -> None:
        current = self._fresh(deployment)
        revision = str(rollout.revision_of(new))
        if current["metadata"].get("annotations", {}).get(rollout.REVISION) != revision:
            marked = with_annotations(current, {rollout.REVISION: revision})
            self.store.update(DEPLOYMENT, marked)

    def _resize(self, deployment: Document, replica_set: Document, size: int) -> None:
        before = replicas_of(replica_set)
        changed = with_annotations(replica_set, _sizes(deployment))
        changed["spec"] = {**replica_set["spec"], "replicas": size}
        self.store.update(REPLICA_SET, changed)
        if size != before:
            self._tell_scaled(deployment, replica_set, before, size)

    def _tell_scaled(
        self, deployment: Document, replica_set: Document, before: int, size: int
    ) -> None:
        way = "up" if size > before else "down"
        name = name_of(replica_set)
        message = f"Scaled {way} replica set {name} from {before} to {size}"
        current = self._fresh(deployment)
        self.context.recorder.normal(current, "ScalingReplicaSet", message, self.source)

    def _clean_up(self, deployment: Document, new: Document, old: list[Document]) -> None:
        """Delete empty old ReplicaSets beyond `revisionHistoryLimit`, once all is done."""
        status = count_status(deployment, new, [new, *old])
        if not rollout.is_complete(deployment, status):
            return
        limit = deployment["spec"].get("revisionHistoryLimit", HISTORY_LIMIT)
        empty = [each for each in old if not replicas_of(each) and not _busy(each)]
        surplus = len(empty) - int(limit)
        for each in sorted(empty, key=rollout.revision_of)[: max(0, surplus)]:
            delete(self.store, REPLICA_SET, each)

    # -- status

    def _fresh(self, deployment: Document) -> Document:
        return self.store.get(DEPLOYMENT, *key_of(deployment)) or deployment

    def _finish(self, deployment: Document, new: Document | None) -> None:
        current = self._fresh(deployment)
        sets = controlled(self.store, current, REPLICA_SET)
        if new is not None:
            new = self.store.get(REPLICA_SET, *key_of(new))
        self._write_status(current, new, sets)

    def _write_status(
        self, deployment: Document, new: Document | None, sets: list[Document]
    ) -> None:
        progress = Progress(deployment, new, sets, self.clock.now)
        status = progress.status()
        if status != deployment.get("status"):
            self.store.update(DEPLOYMENT, {**deployment, "status": status})
        self._watch_deadline(deployment, status if progress.waits else {})

    def _watch_deadline(self, deployment: Document, status: Document) -> None:
        """Look again when the rollout has had its time, unless it is done by then."""
        key = key_of(deployment)
        if (timer := self._deadlines.pop(key, None)) is not None:
            timer.cancel()
        deadline = int(deployment["spec"].get("progressDeadlineSeconds") or _NEVER)
        due = Progress.deadline(status, deadline) if deadline < _NEVER else None
        if due is not None and due >= self.clock.now:
            self._deadlines[key] = self.enqueue_later(due - self.clock.now + 1, key)


def _selects(deployment: Document, replica_set: Document) -> bool:
    selector = label_selector(deployment["spec"].get("selector"))
    return not selector.empty and selector.matches(labels_of(replica_set))


def _sizes(deployment: Document) -> dict[str, str]:
    replicas = replicas_of(deployment)
    surge = rollout.fence_posts(deployment)[0]
    return {
        rollout.DESIRED_REPLICAS: str(replicas),
        rollout.MAX_REPLICAS: str(replicas + surge),
    }


def _busy(replica_set: Document) -> bool:
    return bool(replica_set.get("status", {}).get("replicas")) or is_terminating(replica_set)
