"""Where a pod may run: the scheduler's filters, and the words for a node that fails one.

Each filter is a plugin of kube-scheduler (pkg/scheduler/framework/plugins); the text is that
plugin's reason. *Resolvable* reasons are those that evicting other pods could cure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from minik8s.model.metadata import Document, labels_of, name_of, namespace_of
from minik8s.model.selectors import label_selector
from minik8s.model.workloads import node_name, quantity, tolerates

Key: TypeAlias = tuple[str, str]

TOO_MANY_PODS = "Too many pods"
UNSCHEDULABLE = "node(s) were unschedulable"
SELECTOR = "node(s) didn't match Pod's node affinity/selector"
AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING_ANTI_AFFINITY = "node(s) didn't satisfy existing pods anti-affinity rules"
PORTS = "node(s) didn't have free ports for the requested pod ports"

_RESOLVABLE = frozenset({TOO_MANY_PODS, ANTI_AFFINITY, EXISTING_ANTI_AFFINITY, PORTS})
_BLOCKING_EFFECTS = ("NoSchedule", "NoExecute")
_UNKNOWN = float("inf")
"""A node that does not say how much it has: a snapshot may be that terse."""

_UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class NodeLoad:
    """One node, what it can give, and what the pods on it take."""

    __slots__ = ("cpu", "max_cpu", "max_memory", "max_pods", "memory", "name", "node", "pods")

    def __init__(self, node: Document) -> None:
        self.name = name_of(node)
        self.pods: dict[Key, Document] = {}
        self.cpu = self.memory = 0.0
        self.observe(node)

    def observe(self, node: Document) -> None:
        """Take over a new state of the node."""
        self.node = node
        status = node.get("status", {})
        given = status.get("allocatable") or status.get("capacity") or {}
        self.max_pods = int(quantity(given.get("pods", "110")))
        self.max_cpu = quantity(given.get("cpu", _UNKNOWN))
        self.max_memory = quantity(given.get("memory", _UNKNOWN))

    def add(self, key: Key, pod: Document) -> None:
        """Count a pod."""
        self.pods[key] = pod
        cpu, memory = requests(pod)
        self.cpu += cpu
        self.memory += memory

    def remove(self, key: Key) -> None:
        """Count a pod no longer."""
        pod = self.pods.pop(key, None)
        if pod is not None:
            cpu, memory = requests(pod)
            self.cpu -= cpu
            self.memory -= memory


def requests(pod: Mapping[str, Any]) -> tuple[float, float]:
    """The cores and bytes that a pod asks for: its containers together, or its largest init."""
    spec = pod.get("spec", {})
    cpu = memory = 0.0
    for container in spec.get("containers") or ():
        wanted = (container.get("resources") or {}).get("requests")
        if wanted:
            cpu += quantity(wanted.get("cpu"))
            memory += quantity(wanted.get("memory"))
    for container in spec.get("initContainers") or ():
        wanted = (container.get("resources") or {}).get("requests") or {}
        cpu = max(cpu, quantity(wanted.get("cpu")))
        memory = max(memory, quantity(wanted.get("memory")))
    return cpu, memory


class Placement:
    """The question of one pod to many nodes.

    `repelling` are the running pods whose anti-affinity keeps others away.
    """

    __slots__ = (
        "_affinity",
        "_cpu",
        "_host_ports",
        "_memory",
        "_social",
        "_tolerations",
        "loads",
        "pod",
        "repelling",
        "spec",
    )

    def __init__(
        self, pod: Document, loads: Mapping[str, NodeLoad], repelling: Iterable[Document] = ()
    ) -> None:
        self.pod = pod
        self.spec: Mapping[str, Any] = pod.get("spec", {})
        self.loads = loads
        self.repelling = tuple(repelling)
        self._tolerations = self.spec.get("tolerations") or ()
        self._affinity: Mapping[str, Any] = self.spec.get("affinity") or {}
        self._cpu, self._memory = requests(pod)
        self._host_ports = list(host_ports(pod))
        self._social = bool(
            self.repelling or "podAffinity" in self._affinity or "podAntiAffinity" in self._affinity
        )

    @property
    def question(self) -> str:
        """What `excluded` and `preference` depend on, beside the node."""
        node_affinity = self._affinity.get("nodeAffinity")
        return repr((self._tolerations, self.spec.get("nodeSelector"), node_affinity))

    def excluded(self, load: NodeLoad, taint_text: str) -> str:
        """Why a node is out of the question, whatever runs there; empty if it is not."""
        spec = load.node.get("spec", {})
        if spec.get("unschedulable") and not tolerates(self._tolerations, _UNSCHEDULABLE_TAINT):
            return UNSCHEDULABLE
        for taint in spec.get("taints") or ():
            if taint.get("effect") in _BLOCKING_EFFECTS and not tolerates(self._tolerations, taint):
                return _taint(taint, taint_text)
        return "" if self.selects(load.node) else SELECTOR

    def obstacles(self, load: NodeLoad) -> list[str]:
        """Why a node has no room now: the reasons of the first filter that fails."""
        if self._host_ports and self._port_taken(load):
            return [PORTS]
        reasons = []
        if len(load.pods) >= load.max_pods:
            reasons.append(TOO_MANY_PODS)
        if self._cpu and load.cpu + self._cpu > load.max_cpu + 1e-9:
            reasons.append("Insufficient cpu")
        if self._memory and load.memory + self._memory > load.max_memory:
            reasons.append("Insufficient memory")
        return reasons or (self._neighbours(load) if self._social else [])

    def selects(self, node: Document) -> bool:
        """Whether nodeSelector and required node affinity allow a node."""
        labels = labels_of(node)
        for key, value in (self.spec.get("nodeSelector") or {}).items():
            if labels.get(key) != value:
                return False
        affinity = self._affinity.get("nodeAffinity") or {}
        required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
        if not required:
            return True
        return any(_term(term, node) for term in required.get("nodeSelectorTerms") or ())

    def preference(self, load: NodeLoad) -> int:
        """The weight of the preferred node affinity terms that a node meets."""
        affinity = self._affinity.get("nodeAffinity") or {}
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        return sum(int(p["weight"]) for p in preferred if _term(p["preference"], load.node))

    def _port_taken(self, load: NodeLoad) -> bool:
        taken = {port for pod in load.pods.values() for port in host_ports(pod)}
        return any(port in taken for port in self._host_ports)

    def _neighbours(self, load: NodeLoad) -> list[str]:
        """Required pod affinity and anti-affinity, the pod's own and that of its neighbours."""
        for term in required_terms(self._affinity, "podAffinity"):
            if not self._is_near(term, load) and not self._first_of_its_kind(term):
                return [AFFINITY]
        for term in required_terms(self._affinity, "podAntiAffinity"):
            if self._is_near(term, load):
                return [ANTI_AFFINITY]
        for pod in self.repelling:
            home = self.loads.get(node_name(pod))
            for term in required_terms(pod["spec"].get("affinity") or {}, "podAntiAffinity"):
                if home and _same_domain(term, home.node, load.node) and meant(term, pod, self.pod):
                    return [EXISTING_ANTI_AFFINITY]
        return []

    def _is_near(self, term: Mapping[str, Any], load: NodeLoad) -> bool:
        return any(
            meant(term, self.pod, pod)
            for other in self.loads.values()
            if _same_domain(term, other.node, load.node)
            for pod in other.pods.values()
        )

    def _first_of_its_kind(self, term: Mapping[str, Any]) -> bool:
        """A pod may ask for its own like; the first of them must run somewhere."""
        if not meant(term, self.pod, self.pod):
            return False
        everybody = (pod for load in self.loads.values() for pod in load.pods.values())
        return not any(meant(term, self.pod, pod) for pod in everybody)


def required_terms(affinity: Mapping[str, Any], side: str) -> Iterable[Mapping[str, Any]]:
    """The required terms of `podAffinity` or `podAntiAffinity`."""
    terms: Iterable[Mapping[str, Any]] = (affinity.get(side) or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or ()
    return terms


def meant(term: Mapping[str, Any], owner: Document, pod: Document) -> bool:
    """Whether an affinity term of one pod speaks of another."""
    namespaces = term.get("namespaces") or [namespace_of(owner)]
    everywhere = term.get("namespaceSelector") == {}
    if not everywhere and namespace_of(pod) not in namespaces:
        return False
    return label_selector(term.get("labelSelector")).matches(labels_of(pod))


def _same_domain(term: Mapping[str, Any], one: Document, other: Document) -> bool:
    key = term.get("topologyKey", "")
    value = labels_of(one).get(key)
    return value is not None and value == labels_of(other).get(key)


def host_ports(pod: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    """The node ports that a pod occupies: protocol and number."""
    for container in pod.get("spec", {}).get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield str(port.get("protocol") or "TCP"), int(port["hostPort"])


def _taint(taint: Mapping[str, Any], text: str) -> str:
    """The reason for a taint; `text` may name it (`{taint}`), as schedulers before 1.34 did."""
    return text.format(taint=f"{{{taint.get('key')}: {taint.get('value') or ''}}}")


def _term(term: Mapping[str, Any], node: Document) -> bool:
    labels, fields = labels_of(node), {"metadata.name": name_of(node)}
    expressions = term.get("matchExpressions") or ()
    by_field = term.get("matchFields") or ()
    if not expressions and not by_field:
        return False
    return all(_holds(each, labels) for each in expressions) and all(
        _holds(each, fields) for each in by_field
    )


def _holds(expression: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    value = values.get(expression.get("key", ""))
    wanted = expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value is not None and value in wanted
        case "NotIn":
            return value is None or value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(value, wanted[0] if wanted else "", operator)
    return False


def _compares(value: str | None, bound: str, operator: str) -> bool:
    try:
        number, limit = int(value or ""), int(bound)
    except ValueError:
        return False
    return number > limit if operator == "Gt" else number < limit


def explain(reasons: Mapping[str, list[str]], preemption: bool = True) -> str:
    """The message of a pod that fits nowhere (framework.FitError).

    >>> explain({"a": ["Too many pods"], "b": ["node(s) had untolerated taint(s)"]})[:59]
    '0/2 nodes are available: 1 Too many pods, 1 node(s) had unt'
    """
    total = len(reasons)
    if not total:
        return "no nodes available to schedule pods"
    counts = Counter(reason for found in reasons.values() for reason in found)
    text = f"0/{total} nodes are available: {_listed(counts)}."
    if not preemption:
        return text
    helpless = "Preemption is not helpful for scheduling"
    victimless = "No preemption victims found for incoming pod"
    hopes = Counter(
        victimless if all(_curable(each) for each in found) else helpless
        for found in reasons.values()
    )
    return f"{text} preemption: 0/{total} nodes are available: {_listed(hopes)}."


def _curable(reason: str) -> bool:
    return reason in _RESOLVABLE or reason.startswith("Insufficient")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
