"""`cilium status` of v0.4: what it finds out, and the picture that it prints.

Within a heading the real tool lists in random order (Go maps); here the order is fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from minik8s.client import Client
from minik8s.errors import NotFound
from minik8s.model.metadata import Document, name_of
from minik8s.terminal.standins.ciliumobjects import AGENT, OPERATOR, RELAY, find, pods

RED, GREEN, YELLOW, RESET = "\033[31m", "\033[32m", "\033[33m", "\033[0m"
BLUE, MAGENTA, CYAN = "\033[34m", "\033[35m", "\033[36m"
MESH = "clustermesh-apiserver"
_PADDING = 4

_SELECTORS = {
    AGENT: "k8s-app=cilium",
    OPERATOR: "name=cilium-operator",
    RELAY: "k8s-app=hubble-relay",
}


@dataclass(slots=True)
class Status:
    """What is there and what is wrong, by component."""

    workloads: list[tuple[str, str, str]] = field(default_factory=list)
    phases: list[tuple[str, str]] = field(default_factory=list)
    images: list[tuple[str, str]] = field(default_factory=list)
    errors: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str, str]] = field(default_factory=list)

    def summary(self, component: str) -> str:
        """`OK`, or how many errors and warnings."""
        errors = sum(1 for row in self.errors if row[0] == component)
        warnings = sum(1 for row in self.warnings if row[0] == component)
        parts = []
        if errors:
            parts.append(f"{RED}{errors} errors{RESET}")
        if warnings:
            parts.append(f"{YELLOW}{warnings} warnings{RESET}")
        return ", ".join(parts) or f"{GREEN}OK{RESET}"

    def text(self) -> str:
        """The whole answer, with a blank line at its end."""
        return self._art() + "\n" + _aligned(self._rows()) + "\n"

    def _art(self) -> str:
        y, c, g, r, m, b, end = YELLOW, CYAN, GREEN, RED, MAGENTA, BLUE, RESET
        lines = (
            f"{y}    /¯¯\\",
            f"{c} /¯¯{y}\\__/{g}¯¯\\{end}    Cilium:         {self.summary(AGENT)}",
            f"{c} \\__{r}/¯¯\\{g}__/{end}    Operator:       {self.summary(OPERATOR)}",
            f"{g} /¯¯{r}\\__/{m}¯¯\\{end}    Hubble:         {self.summary(RELAY)}",
            f"{g} \\__{b}/¯¯\\{m}__/{end}    ClusterMesh:    {self.summary(MESH)}",
            f"{b}    \\__/{end}",
        )
        return "".join(line + "\n" for line in lines)

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = list(self.workloads)
        rows += _headed("Containers:", self.phases)
        rows += _headed("Image versions", self.images)
        rows += _headed("Errors:", [(a, b, f"{RED}{t}{RESET}") for a, b, t in self.errors])
        rows += _headed("Warnings:", [(a, b, f"{YELLOW}{t}{RESET}") for a, b, t in self.warnings])
        return rows


def _headed(heading: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(heading if number == 0 else "", *row) for number, row in enumerate(rows)]


def _aligned(rows: list[tuple[str, ...]]) -> str:
    """Columns as Go's tabwriter sets them; the last cell of a row has no width."""
    widths: dict[int, int] = {}
    for row in rows:
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths.get(column, 0), len(cell) + _PADDING)
    lines = []
    for row in rows:
        cells = [cell.ljust(widths[column]) for column, cell in enumerate(row[:-1])]
        lines.append("".join(cells) + row[-1] + "\n")
    return "".join(lines)


def collect(client: Client) -> Status:
    """Ask the cluster."""
    status = Status()
    _workload(client, status, "daemonsets", "DaemonSet", AGENT)
    _workload(client, status, "deployments", "Deployment", OPERATOR)
    try:
        find(client, "deployments", RELAY)
    except NotFound:
        status.warnings.append((RELAY, RELAY, "hubble relay is not deployed"))
    else:
        _workload(client, status, "deployments", "Deployment", RELAY)
    status.warnings.append((MESH, MESH, "clustermesh is not deployed"))
    components = [AGENT, OPERATOR]
    if not any(row[0] == RELAY for row in status.warnings):
        components.append(RELAY)
    for component in components:
        _containers(client, status, component)
    return status


def _workload(client: Client, status: Status, plural: str, kind: str, name: str) -> None:
    try:
        document = find(client, plural, name)
    except NotFound as error:
        status.errors.append((name, name, error.message))
        return
    counts = _counts(document)
    wanted, ready, available = counts
    parts = [f"Desired: {wanted}"]
    if ready:
        parts.append(f"Ready: {_good(ready, wanted)}")
    if available:
        parts.append(f"Available: {_good(available, wanted)}")
    if wanted > available:
        parts.append(f"Unavailable: {RED}{wanted - available}/{wanted}{RESET}")
        text = f"{wanted - ready} pods of DaemonSet {name} are not ready"
        status.errors.append((name, name, text))
    status.workloads.append((kind, name, ", ".join(parts)))


def _good(count: int, wanted: int) -> str:
    colour = GREEN if count == wanted else YELLOW
    return f"{colour}{count}/{wanted}{RESET}"


def _counts(document: Document) -> tuple[int, int, int]:
    """How many are wanted, ready and available."""
    status = document.get("status", {})
    if document["kind"] == "DaemonSet":
        return (
            int(status.get("desiredNumberScheduled", 0)),
            int(status.get("numberReady", 0)),
            int(status.get("numberAvailable", 0)),
        )
    wanted = int(document["spec"].get("replicas", 1))
    return wanted, int(status.get("readyReplicas", 0)), int(status.get("availableReplicas", 0))


def _containers(client: Client, status: Status, component: str) -> None:
    found = pods(client, _SELECTORS[component])
    if not found:
        status.phases.append((component, ""))
        return
    phases = Counter(str(pod["status"].get("phase", "Pending")) for pod in found)
    for phase, count in sorted(phases.items()):
        colour = GREEN if phase == "Running" else YELLOW
        status.phases.append((component, f"{phase}: {colour}{count}{RESET}"))
    images = Counter(pod["spec"]["containers"][0]["image"] for pod in found)
    for image, count in sorted(images.items()):
        status.images.append((component, f"{image}: {count}"))
    for pod in found:
        if pod["status"].get("phase") == "Pending":
            status.warnings.append((component, name_of(pod), "pod is pending"))
