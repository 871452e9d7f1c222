"""StatefulSet: pods with ordinals, made and replaced one after the other.

With `OrderedReady` a pod is made when all before it are ready, and removed when all behind it
are gone; with `Parallel` all at once. An update replaces pods from the highest ordinal down.
"""

from __future__ import annotations

from minik8s.controllers.base import (
    controlled,
    key_of,
    with_status,
)
from minik8s.controllers.podowner import PodOwner
from minik8s.controllers.pods import MOST_PODS, TOO_MANY, is_available, remove_pod
from minik8s.controllers.revisions import HASH_LABEL, current_revision, drop_old
from minik8s.model.metadata import (
    Document,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minik8s.model.registry import PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET
from minik8s.model.workloads import is_active, is_ready, is_terminal, replicas_of

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


class StatefulSetController(PodOwner):
    """Keeps the pods of each StatefulSet, by ordinal."""

    name = "statefulset-controller"
    watches = (STATEFUL_SET,)
    owns = STATEFUL_SET

    def reconcile(self, namespace: str, name: str) -> None:
        """Create, delete or replace what may be now, and count."""
        owner = self.store.get(STATEFUL_SET, namespace, name)
        if owner is None:
            return
        revision = current_revision(self.context, owner, bare_hash=False)
        if not is_terminating(owner):
            self._step(owner, revision)
            in_use = {labels_of(pod).get(HASH_LABEL, "") for pod in self._pods(owner).values()}
            drop_old(self.context, owner, {revision, *in_use})
        self._count(owner, revision)

    def _pods(self, owner: Document) -> dict[int, Document]:
        """The pods by ordinal."""
        found = {}
        for pod in controlled(self.store, owner, POD):
            stem, _, number = name_of(pod).rpartition("-")
            if stem == name_of(owner) and number.isdigit():
                found[int(number)] = pod
        return found

    # -- making and removing

    def _step(self, owner: Document, revision: str) -> None:
        first = int((owner["spec"].get("ordinals") or {}).get("start") or 0)
        wanted = range(first, first + replicas_of(owner))
        ordered = owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        pods = self._pods(owner)
        for ordinal in wanted[:MOST_PODS]:
            pod = pods.get(ordinal)
            if pod is not None and is_terminal(pod):
                self._delete(owner, pod, "RecreatingFailedPod")
            elif pod is None:
                self._create(owner, revision, ordinal, first)
            if ordered and not self._healthy(owner, pod):
                return
        if len(wanted) > MOST_PODS:
            self.context.recorder.warning(owner, "FailedCreate", TOO_MANY, self.source)
        surplus = sorted((each for each in pods if each not in wanted), reverse=True)
        for ordinal in surplus:
            self._delete(owner, pods[ordinal])
            if ordered:
                return
        if not surplus:
            self._update(owner, revision, wanted)

    def _healthy(self, owner: Document, pod: Document | None) -> bool:
        if pod is None or not is_active(pod):
            return False
        patience = int(owner["spec"].get("minReadySeconds") or 0)
        return is_available(pod, patience, self.clock.now)

    def _create(self, owner: Document, revision: str, ordinal: int, first: int) -> None:
        name = f"{name_of(owner)}-{ordinal}"
        claims = self._claim_volumes(owner, name)
        template = owner["spec"].get("template") or {}
        labels = {HASH_LABEL: revision, POD_NAME_LABEL: name, INDEX_LABEL: str(ordinal - first)}
        spec: Document = {"hostname": name}
        if service := owner["spec"].get("serviceName"):
            spec["subdomain"] = service
        if claims:
            body = self.pods.admitted(owner, template)
            names = {claim["name"] for claim in claims}
            kept = [each for each in body.get("volumes") or () if each["name"] not in names]
            spec["volumes"] = [*claims, *kept]
        self.pods.create(owner, template, name=name, labels=labels, spec=spec)
        self._tell(owner, "SuccessfulCreate", f"create Pod {name} in StatefulSet")

    def _claim_volumes(self, owner: Document, pod: str) -> list[Document]:
        """The pod's volumes by `volumeClaimTemplates`; their claims are made, and bound at once."""
        volumes = []
        for template in owner["spec"].get("volumeClaimTemplates") or ():
            name = f"{name_of(template)}-{pod}"
            if self.store.get(PERSISTENT_VOLUME_CLAIM, namespace_of(owner), name) is None:
                self._create_claim(owner, template, name)
            source = {"claimName": name}
            volumes.append({"name": name_of(template), "persistentVolumeClaim": source})
        return volumes

    def _create_claim(self, owner: Document, template: Document, name: str) -> None:
        selector = (owner["spec"].get("selector") or {}).get("matchLabels") or {}
        metadata: Document = {"name": name, "namespace": namespace_of(owner)}
        metadata["labels"] = {**labels_of(template), **selector}
        spec = {"volumeMode": "Filesystem", **(template.get("spec") or {})}
        capacity = (spec.get("resources") or {}).get("requests") or {}
        modes = spec.get("accessModes") or []
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": spec,
            "status": {"phase": "Bound", "accessModes": modes, "capacity": capacity},
        }
        stored = self.store.create(PERSISTENT_VOLUME_CLAIM, claim)
        bound = {**spec, "volumeName": f"pvc-{uid_of(stored)}"}
        self.store.update(PERSISTENT_VOLUME_CLAIM, {**stored, "spec": bound})
        text = f"create Claim {name} Pod {name.removeprefix(name_of(template) + '-')}"
        self._tell(owner, "SuccessfulCreate", f"{text} in StatefulSet")

    def _delete(self, owner: Document, pod: Document, reason: str = "SuccessfulDelete") -> None:
        if is_terminating(pod):
            return
        remove_pod(self.store, pod)
        if reason == "SuccessfulDelete":
            self._tell(owner, reason, f"delete Pod {name_of(pod)} in StatefulSet")
        else:
            text = f"StatefulSet {'/'.join(key_of(owner))} is recreating failed Pod {name_of(pod)}"
            self.context.recorder.warning(owner, reason, text, self.source)

    def _tell(self, owner: Document, reason: str, message: str) -> None:
        text = f"{message} {name_of(owner)} success"
        if message.startswith(("create Pod", "delete Pod")):
            text = f"{message} {name_of(owner)} successful"
        self.context.recorder.normal(owner, reason, text, self.source)

    # -- updating

    def _update(self, owner: Document, revision: str, wanted: range) -> None:
        """Replace the highest pod of an old template, once all above it are well."""
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        pods = self._pods(owner)
        for ordinal in reversed(wanted):
            pod = pods.get(ordinal)
            if pod is None or ordinal < partition:
                return
            if labels_of(pod).get(HASH_LABEL) != revision:
                self._delete(owner, pod)
                return
            if not self._healthy(owner, pod):
                return

    def _count(self, owner: Document, revision: str) -> None:
        owner = self.store.get(STATEFUL_SET, *key_of(owner)) or owner
        pods = [pod for pod in self._pods(owner).values() if not is_terminating(pod)]
        patience = int(owner["spec"].get("minReadySeconds") or 0)
        ready = [pod for pod in pods if is_ready(pod)]
        available = [pod for pod in ready if is_available(pod, patience, self.clock.now)]
        updated = [pod for pod in pods if labels_of(pod).get(HASH_LABEL) == revision]
        before = owner.get("status") or {}
        current = before.get("currentRevision") or revision
        complete = len(updated) == len(pods) == replicas_of(owner) and len(ready) == len(pods)
        current = revision if complete else current
        old = [pod for pod in pods if labels_of(pod).get(HASH_LABEL) == current]
        status: Document = {
            "observedGeneration": owner["metadata"].get("generation", 1),
            "replicas": len(pods),
            "availableReplicas": len(available),
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": before.get("collisionCount", 0),
        }
        counts = {
            "readyReplicas": len(ready),
            "currentReplicas": len(old),
            "updatedReplicas": len(updated),
        }
        status |= {field: count for field, count in counts.items() if count}
        if status != before:
            self.store.update(STATEFUL_SET, with_status(owner, status))
