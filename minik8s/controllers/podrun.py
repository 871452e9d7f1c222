"""What a kubelet keeps of one pod, and what it needs of the container runtime below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from minik8s.clock import Timer, parse_rfc3339
from minik8s.controllers import podstatus
from minik8s.controllers.podstatus import Statuses
from minik8s.model.metadata import Document

FIRST_BACK_OFF = 10.0
LONGEST_BACK_OFF = 300.0
"""Seconds (kubelet: initial and MaxContainerBackOff)."""

CALM = 600.0
"""Seconds after which a container that ends is no longer taken to be crashing."""

KILLED = 137
"""The exit code of a container that did not heed SIGTERM."""


class ContainerRuntime(Protocol):
    """What runs containers below the kubelet."""

    def start(self, pod: Document, names: Sequence[str] | None = None) -> dict[str, int | None]:
        """Start containers of a pod that has its addresses: exit code, None while it runs."""

    def stop(self, namespace: str, pod: str) -> None:
        """End a pod's programs and forget its containers."""

    def end(self, namespace: str, pod: str, container: str) -> None:
        """End one container's programs; it stays known, with its output."""


@dataclass(slots=True)
class BackOff:
    """How long a container that keeps ending must wait, and the timer of its next start."""

    seconds: float = FIRST_BACK_OFF
    timer: Timer | None = None


@dataclass(slots=True)
class Run:
    """What a kubelet remembers of one pod that it has taken up; a restored one is left alone."""

    uid: str
    node: str
    addresses: tuple[str, ...] = ()
    sandbox: bool = False
    restored: bool = False
    exits: list[tuple[str, int]] = field(default_factory=list)
    back_offs: dict[str, BackOff] = field(default_factory=dict)


def statuses_of(pod: Document) -> tuple[Statuses, Statuses]:
    """The container statuses of a pod, by name: init containers, then the others."""
    status = pod.get("status", {})
    init = podstatus.by_name(status.get("initContainerStatuses"))
    return init, podstatus.by_name(status.get("containerStatuses"))


def container_of(pod: Document, name: str) -> Document:
    """A container's entry in the spec; raises StopIteration for a name that is not there."""
    spec = pod["spec"]
    everybody = (*(spec.get("initContainers") or ()), *spec["containers"])
    found: Document = next(each for each in everybody if each["name"] == name)
    return found


def finished_at(status: Document) -> float:
    """When a container that does not run ended last, in seconds."""
    end = status["state"].get("terminated") or status["lastState"]["terminated"]
    return parse_rfc3339(end["finishedAt"])


def ran_for(status: Document) -> float:
    """How many seconds the last run of a container took."""
    end = status["state"].get("terminated") or status["lastState"]["terminated"]
    return parse_rfc3339(end["finishedAt"]) - parse_rfc3339(end["startedAt"])
