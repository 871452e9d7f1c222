"""How far a rollout has come, in the words of `kubectl rollout status`."""

from __future__ import annotations

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.revisions import REVISION
from minik8s.model.metadata import Document, annotations_of, name_of
from minik8s.model.registry import DAEMON_SET, DEPLOYMENT, STATEFUL_SET, Kind
from minik8s.model.workloads import condition, replicas_of


def progress(kind: Kind, workload: Document, revision: int) -> tuple[str, bool]:
    """A line on the rollout, and whether it is done; raises Failure if it has failed."""
    if kind == DEPLOYMENT:
        return _deployment(workload, revision)
    if kind == DAEMON_SET:
        return _daemon_set(workload)
    if kind == STATEFUL_SET:
        return _stateful_set(workload)
    title = f"{kind.kind}.{kind.group}".rstrip(".")
    raise Failure(f"no status viewer has been implemented for {title}")


def _observed(workload: Document) -> bool:
    status = workload.get("status") or {}
    generation: int = workload["metadata"].get("generation", 0)
    return generation <= int(status.get("observedGeneration", 0))


def _deployment(workload: Document, revision: int) -> tuple[str, bool]:
    name, status = quote(name_of(workload)), workload.get("status") or {}
    running = int(annotations_of(workload).get(REVISION) or 0)
    if revision > 0 and revision != running:
        raise Failure(
            f"desired revision ({revision}) is different from the running revision ({running})"
        )
    if not _observed(workload):
        return "Waiting for deployment spec update to be observed...\n", False
    progressing = condition(workload, "Progressing")
    if progressing is not None and progressing.get("reason") == "ProgressDeadlineExceeded":
        raise Failure(f"deployment {name} exceeded its progress deadline")
    wanted = replicas_of(workload)
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    waiting = f"Waiting for deployment {name} rollout to finish: "
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...\n", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...\n", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...\n", False
    return f"deployment {name} successfully rolled out\n", True


def _require_rolling(workload: Document) -> None:
    if (workload["spec"].get("updateStrategy") or {}).get("type") != "RollingUpdate":
        raise Failure("rollout status is only available for RollingUpdate strategy type")


def _daemon_set(workload: Document) -> tuple[str, bool]:
    _require_rolling(workload)
    name, status = quote(name_of(workload)), workload.get("status") or {}
    if not _observed(workload):
        return "Waiting for daemon set spec update to be observed...\n", False
    wanted = status.get("desiredNumberScheduled", 0)
    updated = status.get("updatedNumberScheduled", 0)
    available = status.get("numberAvailable", 0)
    waiting = f"Waiting for daemon set {name} rollout to finish: "
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new pods have been updated...\n", False
    if available < wanted:
        return f"{waiting}{available} of {wanted} updated pods are available...\n", False
    return f"daemon set {name} successfully rolled out\n", True


def _stateful_set(workload: Document) -> tuple[str, bool]:
    _require_rolling(workload)
    status = workload.get("status") or {}
    if not (_observed(workload) and status.get("observedGeneration")):
        return "Waiting for statefulset spec update to be observed...\n", False
    wanted, ready = replicas_of(workload), status.get("readyReplicas", 0)
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...\n", False
    updated = status.get("updatedReplicas", 0)
    rolling = workload["spec"]["updateStrategy"].get("rollingUpdate")
    if rolling is not None:
        partition = rolling.get("partition")
        if partition is not None and updated < wanted - partition:
            return (
                f"Waiting for partitioned roll out to finish: {updated} out of "
                f"{wanted - partition} new pods have been updated...\n",
                False,
            )
        done = f"partitioned roll out complete: {updated} new pods have been updated...\n"
        return done, True
    current, new = status.get("currentRevision", ""), status.get("updateRevision", "")
    if new != current:
        return (
            f"waiting for statefulset rolling update to complete {updated} pods at revision "
            f"{new}...\n",
            False,
        )
    pods = status.get("currentReplicas", 0)
    return f"statefulset rolling update complete {pods} pods at revision {current}...\n", True
