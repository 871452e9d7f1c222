"""The table of pods (printPod of pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minik8s.apiserver.columns import AGE, NAME, NONE, WIDE, Cells, Column, Printer, age_of
from minik8s.model.durations import age
from minik8s.model.metadata import Document

NODE_LOST = "NodeLost"

COLUMNS = (
    NAME,
    Column("Ready", description="How many of the pod's containers are ready."),
    Column("Status", description="What the containers of the pod are doing."),
    Column("Restarts", description="How often containers of the pod have been restarted."),
    AGE,
    Column("IP", priority=WIDE, description="The pod's address."),
    Column("Node", priority=WIDE, description="The node that the pod is bound to."),
    Column("Nominated Node", priority=WIDE, description="The node that is being cleared for it."),
    Column("Readiness Gates", priority=WIDE, description="Further conditions that are met."),
)

_ENDED = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}


class _Tally:
    """What the containers' statuses add up to."""

    __slots__ = ("ready", "reason", "restarted", "restarts", "running")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ready = 0
        self.restarts = 0
        self.restarted = ""
        self.running = False

    def count_restarts(self, status: Mapping[str, Any]) -> None:
        self.restarts += status.get("restartCount", 0)
        last = (status.get("lastState") or {}).get("terminated")
        if last:
            self.restarted = max(self.restarted, last.get("finishedAt") or "")


def row(pod: Document, now: float) -> Cells:
    """The cells of one pod."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    init = spec.get("initContainers") or ()
    sidecars = {c["name"] for c in init if c.get("restartPolicy") == "Always"} if init else ()
    tally = _Tally(_first_reason(status))
    if not init or not _initializing(status, tally, sidecars, len(init)):
        _count_containers(status, tally)
    reason = tally.reason
    if "deletionTimestamp" in metadata:
        if status.get("reason") == NODE_LOST:
            reason = "Unknown"
        elif status.get("phase") not in _ENDED:
            reason = "Terminating"
    restarts = str(tally.restarts)
    if tally.restarts and tally.restarted:
        restarts += f" ({age(tally.restarted, now)} ago)"
    addresses = status.get("podIPs")
    return [
        metadata.get("name", ""),
        f"{tally.ready}/{len(spec.get('containers') or ()) + len(sidecars)}",
        reason,
        restarts,
        age_of(pod, now),
        (addresses[0].get("ip") if addresses else "") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates(spec, status),
    ]


def _first_reason(status: Mapping[str, Any]) -> str:
    reason = status.get("reason") or status.get("phase") or ""
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "SchedulingGated" and condition["type"] == "PodScheduled":
            return "SchedulingGated"
    return str(reason)


def _initializing(
    status: Mapping[str, Any], tally: _Tally, sidecars: Sequence[str] | set[str], total: int
) -> bool:
    """Whether an init container is still at work, or has failed; sets the reason."""
    waiting = False
    of_sidecars = _Tally("")
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        tally.count_restarts(container)
        is_sidecar = container.get("name") in sidecars
        if is_sidecar:
            of_sidecars.count_restarts(container)
        if is_sidecar and container.get("started") and not _succeeded(container):
            tally.ready += bool(container.get("ready"))
            continue
        if not _succeeded(container):
            tally.reason = _init_reason(container.get("state") or {}, index, total)
            waiting = True
            break
    if waiting and not _condition(status, "Initialized"):
        return True
    tally.restarts, tally.restarted = of_sidecars.restarts, of_sidecars.restarted
    return False


def _succeeded(container: Mapping[str, Any]) -> bool:
    ended = (container.get("state") or {}).get("terminated")
    return ended is not None and ended.get("exitCode", 0) == 0


def _init_reason(state: Mapping[str, Any], index: int, total: int) -> str:
    ended, waiting = state.get("terminated"), state.get("waiting")
    if ended is not None:
        return "Init:" + _end_reason(ended)
    if waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
        return f"Init:{waiting['reason']}"
    return f"Init:{index}/{total}"


def _end_reason(ended: Mapping[str, Any]) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _count_containers(status: Mapping[str, Any], tally: _Tally) -> None:
    for container in reversed(status.get("containerStatuses") or ()):
        tally.count_restarts(container)
        state = container.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            tally.reason = waiting["reason"]
        elif ended is not None:
            tally.reason = _end_reason(ended)
        elif container.get("ready") and "running" in state:
            tally.running = True
            tally.ready += 1
    if tally.reason == "Completed" and tally.running:
        tally.reason = "Running" if _condition(status, "Ready") else "NotReady"


def _condition(status: Mapping[str, Any], name: str) -> bool:
    return any(
        condition["type"] == name and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )


def _readiness_gates(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    gates = spec.get("readinessGates")
    if not gates:
        return NONE
    met = sum(_condition(status, gate.get("conditionType", "")) for gate in gates)
    return f"{met}/{len(gates)}"


def conditions(pod: Document) -> list[Document] | None:
    """The row's conditions: whether the pod has run to its end."""
    phase = (pod.get("status") or {}).get("phase")
    if phase not in _ENDED:
        return None
    return [{"type": "Completed", "status": "True", "reason": phase, "message": _ENDED[phase]}]


PODS = Printer(COLUMNS, row, conditions)
