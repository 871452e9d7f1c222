"""A Deployment's status: the counts of its ReplicaSets, and its conditions with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.clock import parse_rfc3339, rfc3339
from minik8s.controllers import rollout
from minik8s.model.metadata import Document, name_of
from minik8s.model.workloads import replicas_of

AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time, which a condition without a time has."""


def count_status(
    deployment: Document, new: Document | None, sets: list[Document]
) -> dict[str, Any]:
    """The numbers of a status; zeros are left out, as Go's omitempty does."""
    total = rollout.counted(sets, "replicas")
    available = rollout.counted(sets, "availableReplicas")
    missing = max(0, rollout.wanted_total(sets) - available)
    counts = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total,
        "updatedReplicas": rollout.counted([new] if new else [], "replicas"),
        "readyReplicas": rollout.counted(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": missing,
    }
    status: dict[str, Any] = {field: count for field, count in counts.items() if count}
    status["terminatingReplicas"] = rollout.counted(sets, "terminatingReplicas")
    if collisions := deployment.get("status", {}).get("collisionCount"):
        status["collisionCount"] = collisions
    return status


class Progress:
    """Computes one new status from the old one and the ReplicaSets."""

    def __init__(
        self, deployment: Document, new: Document | None, sets: list[Document], now: float
    ) -> None:
        self.deployment = deployment
        self.new = new
        self.before: Mapping[str, Any] = deployment.get("status") or {}
        self.now = rfc3339(now)
        self.seconds = now
        self.counts = count_status(deployment, new, sets)
        self.conditions: list[Document] = list(self.before.get("conditions") or ())
        self.waits = False

    def status(self) -> Document:
        """The new status."""
        self._judge_availability()
        self._judge_progress()
        return {**self.counts, "conditions": self.conditions}

    @staticmethod
    def deadline(status: Mapping[str, Any], seconds: float) -> float | None:
        """When a rollout that shows no movement counts as failed."""
        for entry in status.get("conditions") or ():
            if entry["type"] == "Progressing" and entry["status"] != "False":
                return _moved_at(entry) + seconds
        return None

    def _judge_availability(self) -> None:
        enough = replicas_of(self.deployment) - rollout.fence_posts(self.deployment)[1]
        if self.counts.get("availableReplicas", 0) >= enough:
            text = "Deployment has minimum availability."
            self._set("Available", "True", "MinimumReplicasAvailable", text)
        else:
            text = "Deployment does not have minimum availability."
            self._set("Available", "False", "MinimumReplicasUnavailable", text)

    def _judge_progress(self) -> None:
        deadline = self.deployment["spec"].get("progressDeadlineSeconds")
        if not deadline:
            self._drop("Progressing")
            return
        current = self._find("Progressing")
        if self._judge_pause(current):
            return
        if self.new is not None and current is None:
            text = f'Created new replica set "{name_of(self.new)}"'
            self._set("Progressing", "True", "NewReplicaSetCreated", text)
            current = self._find("Progressing")
        complete = rollout.is_complete(self.deployment, self.counts)
        if complete and self.new is not None:
            self._say("True", AVAILABLE, "has successfully progressed.")
        elif rollout.is_progressing(self.counts, self.before):
            self._say_progressing(current)
        elif self._timed_out(current, float(deadline)):
            self._say("False", TIMED_OUT, "has timed out progressing.")
        self.waits = not complete

    def _judge_pause(self, current: Document | None) -> bool:
        """Note a pause or its end; whether that is all there is to say."""
        reason = current.get("reason") if current else None
        if reason == TIMED_OUT:
            return False
        if self.deployment["spec"].get("paused"):
            if reason != PAUSED:
                self._set("Progressing", "Unknown", PAUSED, "Deployment is paused")
            return True
        if reason == PAUSED:
            self._set("Progressing", "Unknown", RESUMED, "Deployment is resumed")
            return not rollout.is_complete(self.deployment, self.counts)
        return False

    def _timed_out(self, current: Document | None, seconds: float) -> bool:
        if current is None or current.get("reason") == AVAILABLE:
            return False
        if current.get("reason") == TIMED_OUT:
            return True
        return _moved_at(current) + seconds < self.seconds

    def _say(self, value: str, reason: str, text: str) -> None:
        name = name_of(self.new) if self.new else ""
        subject = f'ReplicaSet "{name}"' if name else f'Deployment "{name_of(self.deployment)}"'
        self._set("Progressing", value, reason, f"{subject} {text}")

    def _say_progressing(self, current: Document | None) -> None:
        since = _since(current) if current and current["status"] == "True" else ""
        self._drop("Progressing")
        self._say("True", "ReplicaSetUpdated", "is progressing.")
        if since:
            self.conditions[-1]["lastTransitionTime"] = since

    def _find(self, kind: str) -> Document | None:
        return next((each for each in self.conditions if each["type"] == kind), None)

    def _drop(self, kind: str) -> None:
        self.conditions = [each for each in self.conditions if each["type"] != kind]

    def _set(self, kind: str, value: str, reason: str, message: str) -> None:
        """Replace a condition; one that says the same keeps its times."""
        current = self._find(kind)
        if current and current["status"] == value and current.get("reason") == reason:
            return
        since = self.now
        if current and current["status"] == value:
            since = _since(current)
        self._drop(kind)
        self.conditions.append(
            {
                "type": kind,
                "status": value,
                "lastUpdateTime": self.now,
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }
        )


def _since(entry: Document) -> str:
    """When a condition came to have its value; a client may have left it out."""
    return str(entry.get("lastTransitionTime") or NEVER)


def _moved_at(entry: Mapping[str, Any]) -> float:
    """When a rollout last showed movement, in seconds."""
    return parse_rfc3339(str(entry.get("lastUpdateTime") or NEVER))
