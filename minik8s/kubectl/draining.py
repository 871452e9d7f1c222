"""Emptying a node: which of its pods must go, which may stay, and what forbids it.

Each *filter* looks at a pod and gives a *finding*: whether the pod goes, and a warning or an
error to go with it (kubectl/pkg/drain/filters.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from minik8s.client import Client
from minik8s.clock import parse_rfc3339
from minik8s.errors import ApiError, NotFound
from minik8s.kubectl.failures import Failure, message_of
from minik8s.model.metadata import Document, annotations_of, controller_of, name_of, namespace_of
from minik8s.model.registry import DAEMON_SET, POD
from minik8s.model.workloads import is_terminal

_MIRROR = "kubernetes.io/config.mirror"
_DAEMONS = "DaemonSet-managed Pods"
_LOCAL = "Pods with local storage"
_LONELY = "Pods that declare no controller"


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes of a pod."""

    goes: bool
    warning: str = ""
    error: str = ""


_GOES = Finding(True)
_STAYS = Finding(False)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the command line allows."""

    client: Client
    now: float
    force: bool = False
    ignore_daemon_sets: bool = False
    delete_local_storage: bool = False
    pod_selector: str = ""
    longest_deletion: float = 0.0
    """Pods that have been going for longer are not waited for, in seconds; 0 for none."""
    chunk: int = 500

    def pods_of(self, node: str) -> Plan:
        """The pods of a node with what becomes of each; raises ApiError."""
        query = {"fieldSelector": f"spec.nodeName={node}"}
        if self.pod_selector:
            query["labelSelector"] = self.pod_selector
        found = self.client.list(POD, "", query=query)
        return Plan([(pod, self._finding(pod)) for pod in found.get("items") or ()])

    def _finding(self, pod: Document) -> Finding:
        finding = _GOES
        for judge in self._filters():
            finding = judge(pod)
            if not finding.goes:
                break
        return finding

    def _filters(self) -> Iterator[Callable[[Document], Finding]]:
        yield self._going_already
        yield self._of_daemon_set
        yield self._mirror
        yield self._with_local_storage
        yield self._without_controller

    def _going_already(self, pod: Document) -> Finding:
        since = pod["metadata"].get("deletionTimestamp")
        if not (self.longest_deletion and since):
            return _GOES
        waited = self.now - parse_rfc3339(since)
        return _STAYS if waited > self.longest_deletion else _GOES

    def _of_daemon_set(self, pod: Document) -> Finding:
        owner = controller_of(pod)
        if owner is None or owner.get("kind") != "DaemonSet" or is_terminal(pod):
            return _GOES
        try:
            self.client.get(DAEMON_SET, owner["name"], namespace_of(pod))
        except ApiError as error:
            message = message_of(error)
            if isinstance(error, NotFound) and self.force:
                return Finding(True, warning=message)
            return Finding(False, error=message)
        if self.ignore_daemon_sets:
            return Finding(False, warning=f"ignoring {_DAEMONS}")
        return Finding(False, error=f"{_DAEMONS} (use --ignore-daemonsets to ignore)")

    def _mirror(self, pod: Document) -> Finding:
        return _STAYS if _MIRROR in annotations_of(pod) else _GOES

    def _with_local_storage(self, pod: Document) -> Finding:
        volumes = (pod.get("spec") or {}).get("volumes") or ()
        if not any("emptyDir" in volume for volume in volumes) or is_terminal(pod):
            return _GOES
        if self.delete_local_storage:
            return Finding(True, warning=f"deleting {_LOCAL}")
        return Finding(False, error=f"{_LOCAL} (use --delete-emptydir-data to override)")

    def _without_controller(self, pod: Document) -> Finding:
        if is_terminal(pod) or controller_of(pod) is not None:
            return _GOES
        if self.force:
            return Finding(True, warning=f"deleting {_LONELY}")
        return Finding(False, error=f"{_LONELY} (use --force to override)")


@dataclass(frozen=True, slots=True)
class Plan:
    """The pods of one node, each with its finding."""

    entries: Sequence[tuple[Document, Finding]]

    @property
    def pods(self) -> list[Document]:
        """The pods that go."""
        return [pod for pod, finding in self.entries if finding.goes]

    @property
    def warnings(self) -> str:
        """All warnings on one line."""
        found = self._grouped(lambda finding: finding.warning)
        return "; ".join(f"{message}: {names}" for message, names in found)

    @property
    def errors(self) -> list[Failure]:
        """What forbids to empty the node."""
        found = self._grouped(lambda finding: finding.error)
        return [Failure(f"cannot delete {message}: {names}") for message, names in found]

    def _grouped(self, message_in: Callable[[Finding], str]) -> list[tuple[str, str]]:
        groups: dict[str, list[str]] = {}
        for pod, finding in self.entries:
            if message := message_in(finding):
                groups.setdefault(message, []).append(f"{namespace_of(pod)}/{name_of(pod)}")
        return [(message, ", ".join(names)) for message, names in groups.items()]
