"""A pod's status as the kubelet writes it: container states, phase and conditions.

Pure functions. A *container status* is one entry of `status.containerStatuses`; its state is
waiting, running or terminated. A container that waits after it has ended (a back-off) keeps
its end in `lastState`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from minik8s.controllers.conditions import pod_condition
from minik8s.controllers.images import InvalidReference, image_id, normalize
from minik8s.model.metadata import Document
from minik8s.model.workloads import is_sidecar

Statuses: TypeAlias = dict[str, Document]
"""Container statuses by container name, in the order of the spec."""

CREATING = "ContainerCreating"
INITIALIZING = "PodInitializing"
COMPLETED = "Completed"
START_ERROR = 128
"""The exit code of a container whose command could not be started."""

_NO_STATE: Document = {}


def waiting(
    container: Mapping[str, Any], reason: str, message: str = "", before: Document | None = None
) -> Document:
    """A container that does not run yet, or not again yet."""
    state: Document = {"reason": reason}
    if message:
        state["message"] = message
    status = _status(container, before, {"waiting": state})
    if before is not None and "terminated" in before["state"]:
        status["lastState"] = before["state"]
    return status


def running(
    container: Mapping[str, Any],
    container_id: str,
    now: str,
    before: Document | None,
    *,
    ready: bool,
) -> Document:
    """A container that has just been started."""
    status = _status(container, before, {"running": {"startedAt": now}})
    status["containerID"] = container_id
    status["imageID"] = _image_id(container)
    status["started"] = "startupProbe" not in container
    status["ready"] = ready
    if before is not None and "terminated" in before["state"]:
        status["lastState"] = before["state"]
    if before is not None and (before["state"].get("terminated") or before.get("lastState")):
        status["restartCount"] = before["restartCount"] + 1
    return status


def terminated(before: Document, code: int, now: str, message: str = "") -> Document:
    """A container that has ended."""
    started = (before["state"].get("running") or {}).get("startedAt", now)
    end = {
        "exitCode": code,
        "reason": end_reason(code),
        "startedAt": started,
        "finishedAt": now,
        "containerID": before.get("containerID", ""),
    }
    if message:
        end["message"] = message
    return {**before, "state": {"terminated": end}, "ready": False, "started": False}


def end_reason(code: int) -> str:
    """The word for an exit code."""
    if code == 0:
        return COMPLETED
    return "StartError" if code == START_ERROR else "Error"


def _status(container: Mapping[str, Any], before: Document | None, state: Document) -> Document:
    image = str(container.get("image", ""))
    status: Document = {
        "name": container["name"],
        "state": state,
        "lastState": before["lastState"] if before else _NO_STATE,
        "ready": False,
        "restartCount": before["restartCount"] if before else 0,
        "image": image if "waiting" in state and before is None else _full_name(image),
        "imageID": before["imageID"] if before else "",
        "started": False,
    }
    if before and "containerID" in before:
        status["containerID"] = before["containerID"]
    return status


def _full_name(image: str) -> str:
    try:
        return normalize(image)
    except InvalidReference:
        return image


def _image_id(container: Mapping[str, Any]) -> str:
    return image_id(str(container.get("image", "")))


def by_name(entries: Iterable[Document] | None) -> Statuses:
    """Container statuses by name."""
    return {entry["name"]: entry for entry in entries or ()}


def exit_code(status: Mapping[str, Any]) -> int | None:
    """How the container ended last, if it does not run now."""
    state = status["state"]
    end = state.get("terminated")
    if end is None and "waiting" in state:
        end = (status.get("lastState") or {}).get("terminated")
    return None if end is None else int(end["exitCode"])


def is_running(status: Mapping[str, Any] | None) -> bool:
    """Whether the container runs."""
    return status is not None and "running" in status["state"]


def restarts(policy: str, code: int) -> bool:
    """Whether a container that ended is started again."""
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def initialized(spec: Mapping[str, Any], init: Statuses) -> bool:
    """Whether every init container has done its work, and every sidecar has started."""
    for container in spec.get("initContainers") or ():
        status = init.get(container["name"])
        if status is None:
            return False
        if is_sidecar(container):
            if not status.get("started") and not is_running(status):
                return False
        elif exit_code(status) != 0 or "terminated" not in status["state"]:
            return False
    return True


def phase(spec: Mapping[str, Any], init: Statuses, main: Statuses) -> str:
    """Pending, Running, Succeeded or Failed (kubelet's getPhase)."""
    policy = spec.get("restartPolicy", "Always")
    if not initialized(spec, init):
        broken = [exit_code(each) for each in init.values() if not is_running(each)]
        return "Failed" if policy == "Never" and any(broken) else "Pending"
    codes = [exit_code(status) for status in main.values()]
    waits = [is_waiting_first(status) for status in main.values()]
    if any(waits) or not main:
        return "Pending"
    if any(is_running(status) for status in main.values()) or policy == "Always":
        return "Running"
    if not any(codes):
        return "Succeeded"
    return "Running" if policy == "OnFailure" else "Failed"


def is_waiting_first(status: Mapping[str, Any]) -> bool:
    """Whether the container has never run."""
    return "waiting" in status["state"] and exit_code(status) is None


def compose(pod: Document, init: Statuses, main: Statuses, now: str, *, sandbox: bool) -> Document:
    """The whole status: phase and conditions computed, times of unchanged conditions kept."""
    spec, before = pod["spec"], pod.get("status") or {}
    status = {**before, "phase": phase(spec, init, main)}
    if init:
        status["initContainerStatuses"] = list(init.values())
    status["containerStatuses"] = list(main.values())
    generation = int(pod["metadata"].get("generation") or 1)
    status["observedGeneration"] = generation
    status["conditions"] = _conditions(spec, before, status, init, main, now, sandbox)
    return status


def _conditions(
    spec: Mapping[str, Any],
    before: Mapping[str, Any],
    status: Mapping[str, Any],
    init: Statuses,
    main: Statuses,
    now: str,
    sandbox: bool,
) -> list[Document]:
    sidecars = [c["name"] for c in spec.get("initContainers") or () if is_sidecar(c)]
    everybody = {**{name: init[name] for name in sidecars if name in init}, **main}
    unready = [name for name, each in everybody.items() if not each["ready"]]
    done = status["phase"] == "Succeeded"
    why = _unready(unready, done)
    known = {each["type"]: each for each in before.get("conditions") or ()}
    gate = _closed_gate(spec, known)
    ready = not unready and not gate
    fresh = [
        pod_condition("PodReadyToStartContainers", sandbox, now),
        pod_condition(
            "Initialized", initialized(spec, init), now, *_uninitialized(spec, init, done)
        ),
        pod_condition("Ready", ready, now, *(why if any(why) or not gate else _gate_words(gate))),
        pod_condition("ContainersReady", not unready, now, *why),
        pod_condition("PodScheduled", True, now),
    ]
    mine = {each["type"] for each in fresh}
    merged = [_kept(known.get(each["type"]), each) for each in fresh]
    return merged + [each for name, each in known.items() if name not in mine]


def _closed_gate(spec: Mapping[str, Any], known: Mapping[str, Document]) -> str:
    """The first readiness gate whose condition is not True, or the empty string."""
    gates = [gate["conditionType"] for gate in spec.get("readinessGates") or ()]
    closed = (gate for gate in gates if known.get(gate, {}).get("status") != "True")
    return next(closed, "")


def _gate_words(gate: str) -> tuple[str, str]:
    text = f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    return "ReadinessGatesNotReady", text


def _unready(unready: list[str], done: bool) -> tuple[str, str]:
    if done:
        return "PodCompleted", ""
    if unready:
        return "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return "", ""


def _uninitialized(spec: Mapping[str, Any], init: Statuses, done: bool) -> tuple[str, str]:
    if done:
        return "PodCompleted", ""
    if initialized(spec, init):
        return "", ""
    names = [
        container["name"]
        for container in spec.get("initContainers") or ()
        if exit_code(init.get(container["name"]) or {"state": {}}) != 0
    ]
    return "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(names)}]"


def _kept(before: Document | None, fresh: Document) -> Document:
    if before is None or before["status"] != fresh["status"]:
        return fresh
    fresh["lastTransitionTime"] = before["lastTransitionTime"]
    return before if fresh == before else fresh
