"""A live cluster as the pictures see it: who is there, what the rules say, who reaches whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minik8s import Cluster, Verdict
from minik8s.model.metadata import labels_of, name_of, namespace_of
from minik8s.model.registry import NETWORK_POLICY, POD, SERVICE, Kind
from minik8s.model.selectors import format_label_selector

BACKEND_PORT = 8080


@dataclass(frozen=True, slots=True)
class Actor:
    """A pod of a picture."""

    namespace: str
    name: str
    labels: Mapping[str, str]

    @property
    def target(self) -> str:
        """The pod as a probe names it."""
        return f"{self.namespace}/{self.name}"


class Stage:
    """A cluster in the state that a picture shows."""

    outside = "kubernetes.io"

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def pods(self, namespace: str, selector: str) -> list[Actor]:
        """The pods that a label selector picks, by name."""
        found = self.cluster.client.list(POD, namespace, query={"labelSelector": selector})
        return [
            Actor(namespace_of(pod), name_of(pod), dict(labels_of(pod))) for pod in found["items"]
        ]

    def first(self, namespace: str, selector: str) -> Actor:
        """The first of these pods; raises LookupError if there is none."""
        for actor in self.pods(namespace, selector):
            return actor
        raise LookupError(f"no pod {selector} in namespace {namespace}")

    def allowed(
        self, source: Actor, target: Actor | str, port: int = BACKEND_PORT, protocol: str = "TCP"
    ) -> bool:
        """Whether the network lets a new connection through; a name means an outside host."""
        if isinstance(target, str):
            return self._reaches_outside(source, target)
        probe = self.cluster.probe(source.target, target.target, port=port, protocol=protocol)
        return bool(probe.verdict is Verdict.ALLOW)

    def service_port(self, namespace: str, name: str) -> str:
        """The port of a Service, as kubectl lists it."""
        port = self._get(SERVICE, namespace, name)["spec"]["ports"][0]
        return f"{port['port']}/{port['protocol']}"

    def rule(self, namespace: str, policy: str) -> str:
        """The first peer of a policy in words: `from ns:type=monitoring pod:app=monitoring`."""
        spec = self._get(NETWORK_POLICY, namespace, policy)["spec"]
        for rules, word in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(rules, ()):
                return f"{word} {_peer(rule[word][0])}"
        raise LookupError(f"policy {policy} has no rule")

    def _get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        return self.cluster.client.get(kind, name, namespace)

    def _reaches_outside(self, source: Actor, name: str) -> bool:
        curl = f"curl -sS -o /dev/null --connect-timeout 5 {name}"
        return self.cluster.pods[source.target].exec(curl).exit_code == 0


def _peer(peer: Mapping[str, Any]) -> str:
    pod, namespace = peer.get("podSelector"), peer.get("namespaceSelector")
    if namespace is None:
        return format_label_selector(pod) if pod else "every pod of the namespace"
    words = f"ns:{format_label_selector(namespace)}"
    return f"{words} pod:{format_label_selector(pod)}" if pod else words
