"""Job: pods that run to their end, a number of times.

What is here: `completions`, `parallelism`, `backoffLimit`, `suspend`. Not here: indexed jobs,
deadlines, pod failure policies.
"""

from __future__ import annotations

from typing import Any

from minik8s.clock import rfc3339
from minik8s.controllers.base import (
    controlled,
    key_of,
    with_status,
)
from minik8s.controllers.podowner import PodOwner
from minik8s.controllers.pods import MOST_PODS, TOO_MANY, remove_pod
from minik8s.model.metadata import Document, is_terminating, name_of
from minik8s.model.registry import JOB, POD
from minik8s.model.workloads import has_condition, is_active, is_ready, pod_phase

BACKOFF_LIMIT = 6
_TOO_OFTEN = "Job has reached the specified backoff limit"
_REACHED = "Reached expected number of succeeded pods"


class JobController(PodOwner):
    """Runs the pods of each Job until enough have succeeded, or too many failed."""

    name = "job-controller"
    watches = (JOB,)
    owns = JOB

    def reconcile(self, namespace: str, name: str) -> None:
        """Start what is missing, stop what is too much, and note the end."""
        job = self.store.get(JOB, namespace, name)
        if job is None or is_terminating(job) or _finished(job):
            return
        pods = controlled(self.store, job, POD)
        succeeded = sum(pod_phase(pod) == "Succeeded" for pod in pods)
        failed = sum(pod_phase(pod) == "Failed" for pod in pods)
        active = [pod for pod in pods if is_active(pod)]
        spec = job["spec"]
        wanted = spec.get("completions")
        limit = spec.get("backoffLimit", BACKOFF_LIMIT)
        if failed + _restarts(active) > limit:
            self._stop(job, active)
            self._end(job, "Failed", "BackoffLimitExceeded", _TOO_OFTEN)
        elif succeeded >= (1 if wanted is None else wanted) and (wanted is not None or not active):
            self._stop(job, active)
            self._end(job, "Complete", "CompletionsReached", _REACHED)
        else:
            self._scale(job, active, succeeded, MOST_PODS - len(pods))
            self._count(job, {})

    def _scale(self, job: Document, active: list[Document], succeeded: int, most: int) -> None:
        """Have as many pods as there should be, by making no more than `most`."""
        spec = job["spec"]
        room = 0 if spec.get("suspend") else int(spec.get("parallelism", 1))
        if spec.get("completions") is not None:
            room = min(room, int(spec["completions"]) - succeeded)
        elif succeeded:
            room = len(active)
        missing = room - len(active)
        for _ in range(min(missing, most)):
            pod = self.pods.create(job, spec.get("template") or {})
            self._tell(job, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        if missing > max(most, 0):
            self.context.recorder.warning(job, "FailedCreate", TOO_MANY, self.source)
        for pod in active[max(room, 0) :]:
            self._delete(job, pod)

    def _stop(self, job: Document, active: list[Document]) -> None:
        for pod in active:
            self._delete(job, pod)

    def _delete(self, job: Document, pod: Document) -> None:
        remove_pod(self.store, pod)
        self._tell(job, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _end(self, job: Document, kind: str, reason: str, message: str) -> None:
        now = rfc3339(self.clock.now)
        early = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
        entries = [
            {
                "type": each,
                "status": "True",
                "lastProbeTime": now,
                "lastTransitionTime": now,
                "reason": reason,
                "message": message,
            }
            for each in (early, kind)
        ]
        extra: dict[str, Any] = {"conditions": entries}
        if kind == "Complete":
            extra["completionTime"] = now
            self._tell(job, "Completed", "Job completed")
        else:
            self.context.recorder.warning(job, reason, message, self.source)
        self._count(job, extra)

    def _count(self, job: Document, extra: dict[str, Any]) -> None:
        job = self.store.get(JOB, *key_of(job)) or job
        pods = controlled(self.store, job, POD)
        active = [pod for pod in pods if is_active(pod)]
        status: Document = {**(job.get("status") or {}), **extra}
        status.setdefault("startTime", rfc3339(self.clock.now))
        counts = {
            "active": len(active),
            "succeeded": sum(pod_phase(pod) == "Succeeded" for pod in pods),
            "failed": sum(pod_phase(pod) == "Failed" for pod in pods),
        }
        for field, count in counts.items():
            status.pop(field, None)
            if count:
                status[field] = count
        status["ready"] = sum(is_ready(pod) for pod in active)
        status["terminating"] = sum(is_terminating(pod) for pod in pods)
        if status != job.get("status"):
            self.store.update(JOB, with_status(job, status))

    def _tell(self, job: Document, reason: str, message: str) -> None:
        self.context.recorder.normal(job, reason, message, self.source)


def _finished(job: Document) -> bool:
    return has_condition(job, "Complete") or has_condition(job, "Failed")


def _restarts(pods: list[Document]) -> int:
    """How often containers of the pods have been started again (restartPolicy OnFailure)."""
    return sum(
        int(status.get("restartCount", 0))
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses") or ()
    )
