"""Why a connection passes or not: every rule tried, the verdict, and what the program sees.

An explanation is data; `explain_text` puts it into words. What it claims can be checked: each
side names the rules or policies whose removal turns its verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from minik8s.analysis.directory import DeadEnd, Directory, Endpoint, Route
from minik8s.analysis.inputs import InputError
from minik8s.analysis.suggest import Need, Suggestion, suggest
from minik8s.analysis.surroundings import Surroundings
from minik8s.analysis.workloads import Owners, complete
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.workloads import declared_ports
from minik8s.policy.addresses import parse_address
from minik8s.policy.compile import CompiledPolicy, Tier
from minik8s.policy.decide import Selection, always_allowed, judge
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import (
    Direction,
    DirectionDecision,
    Peer,
    PolicyRef,
    Reason,
    RuleRef,
    Verdict,
    Via,
)
from minik8s.policy.why import PolicyTrial, try_policies

Listens = Callable[[Peer, str, int], bool | None]
"""Whether a pod or node listens on a port of a protocol; None where nobody can know."""


class Outcome(Enum):
    """What the program sees."""

    CONNECTED = "connected"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of one connection: the pod that is judged, its policies, their rules.

    Without the `rules` or `policies` named here the verdict of this side would be `without`;
    both are empty where policy had no say.
    """

    decision: DirectionDecision
    pod: str
    trials: tuple[PolicyTrial, ...]
    rules: tuple[RuleRef, ...] = ()
    policies: tuple[PolicyRef, ...] = ()
    without: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One way that the connection can take: from one pod to one endpoint.

    `seen` is the node whose address the endpoint sees instead of the source's, if any.
    """

    source: Peer
    target: Peer
    seen: Peer | None
    protocol: str
    port: int | None
    verdict: Verdict
    egress: Side
    ingress: Side
    listening: bool | None

    @property
    def outcome(self) -> Outcome:
        """What the program sees on this way."""
        if self.verdict is Verdict.DROP:
            return Outcome.TIMED_OUT
        return Outcome.REFUSED if self.listening is False else Outcome.CONNECTED

    @property
    def dropped_by(self) -> Direction | None:
        """The direction that drops it; egress comes first on the way."""
        if self.egress.decision.verdict is Verdict.DROP:
            return Direction.EGRESS
        return Direction.INGRESS if self.verdict is Verdict.DROP else None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole story of one attempt.

    `lookup` are the ways to the DNS servers if the target is a name. `hops` has one entry for
    each endpoint that may be picked and each pod of a workload.
    """

    source: str
    target: str
    protocol: str
    port: int | None
    route: Route
    lookup: tuple[Hop, ...]
    hops: tuple[Hop, ...]
    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    suggestion: Suggestion | None

    @property
    def agreed(self) -> bool:
        """Whether all pods and endpoints fare alike."""
        return len({hop.verdict for hop in self.hops}) < 2


class Explainer:
    """Explains connections in one snapshot."""

    def __init__(self, documents: Iterable[Document], listens: Listens | None = None) -> None:
        documents = complete(with_dns(list(documents)))
        self.snapshot = Snapshot.of(documents)
        self.directory = Directory(documents, self.snapshot)
        self.owners = Owners(documents)
        self._documents = documents
        self._workloads: dict[str, dict[str, list[Peer]]] = {}
        self._rests: dict[object, Selection] = {}
        self._declared: dict[str, frozenset[tuple[str, int]]] = {}
        self._by_key = {
            f"{namespace_of(d) or 'default'}/{name_of(d)}": d
            for d in documents
            if d.get("kind") == "Pod"
        }
        self._listens = listens or self._declares
        self._around = Surroundings(self.snapshot, self._name)

    def explain(
        self, source: str, target: str, port: int | None, protocol: str = "TCP"
    ) -> Explanation:
        """Why `source` reaches `target` or not.

        Ends are `namespace/pod`, `namespace/workload` or `ip:ADDRESS`; a target may also be
        `namespace/service` or a DNS name as a program would dial it. Raises InputError.
        """
        self._rests.clear()
        sources = self.peers(source)
        route = self._route(sources[0], target, protocol, port)
        if route.endpoints and not self._meet(sources[0], route, source, target):
            route = replace(route, dead_end=DeadEnd.OTHER_IP_VERSION)  # policy has its say still
        lookup = self._lookup(sources) if route.by_name else ()
        via = Via.SERVICE if route.service else Via.ADDRESS
        hops = tuple(
            self._hop(one, endpoint, protocol, via, source, target)
            for one in sources
            for endpoint in route.endpoints
        )
        outcomes = _outcomes(route, lookup, hops)
        dropped = [hop for hop in (*lookup, *hops) if hop.verdict is Verdict.DROP]
        return Explanation(
            source,
            target,
            protocol,
            port,
            route,
            lookup,
            hops,
            Verdict.DROP if dropped else Verdict.ALLOW,
            outcomes,
            suggest(self._around, list(_needs(dropped))) if dropped else None,
        )

    def peers(self, text: str) -> list[Peer]:
        """The pods, or the address, that a text names; raises InputError for none."""
        if text.startswith("ip:"):
            address = text.removeprefix("ip:")
            if not parse_address(address)[0]:
                raise InputError(f"{text}: not an address")
            peer = self.snapshot.peer(text)
            return [peer] if peer else []
        key = text if "/" in text else f"default/{text}"
        pod = self.snapshot.pods.get(key)
        found = [pod] if pod else self._workload(key)
        if not found:
            raise InputError(f"{text}: no such pod or workload")
        return found

    def _workload(self, key: str) -> list[Peer]:
        namespace = key.partition("/")[0]
        known = self._workloads.get(namespace)
        if known is None:
            known = self._workloads[namespace] = {}
            for pod_key, peer in self.snapshot.by_namespace.get(namespace, {}).items():
                owner = str(self.owners.workload(self._by_key[pod_key]))
                known.setdefault(owner, []).append(peer)
        return known.get(key, [])

    def _route(self, source: Peer, target: str, protocol: str, port: int | None) -> Route:
        if target.startswith("ip:"):
            address = target.removeprefix("ip:")
            if not parse_address(address)[0]:
                raise InputError(f"{target}: not an address")
            return self.directory.by_address(address, source, protocol, port)
        if "/" not in target:
            return self.directory.by_name(target, source, protocol, port)
        namespace, _, name = target.partition("/")
        pod = self.snapshot.pods.get(target)
        found = [pod] if pod else self._workload(target)
        service = self.directory.service(namespace, name)
        if not found and service is not None:
            return self.directory.through(service, source, protocol, port)
        return Route(tuple(Endpoint(peer, port) for peer in found or self.peers(target)))

    def _meet(self, client: Peer, route: Route, *asked: str) -> bool:
        """Whether a client has an address of the IP version that it dials."""
        ends = (Peer(route.address),) if route.address else [end.peer for end in route.endpoints]
        for end in ends:
            first, second = self.snapshot.pair(client, end, *asked)
            versions = {parse_address(peer.address)[0] for peer in (first, second)} - {0}
            if len(versions) < 2:
                return True
        return False

    def _lookup(self, sources: Iterable[Peer]) -> tuple[Hop, ...]:
        """The ways to the cluster's DNS servers."""
        service = self.directory.service("kube-system", "kube-dns")
        if service is None:
            return ()
        return tuple(
            self._hop(source, end, "UDP", Via.SERVICE)
            for source in sources
            for end in self.directory.through(service, source, "UDP", 53).endpoints
        )

    def _hop(self, source: Peer, end: Endpoint, protocol: str, via: Via, *asked: str) -> Hop:
        policies, port = self.snapshot.policies, end.port
        source, target = self.snapshot.pair(source, end.peer, *asked)
        seen = end.seen or source
        decision = policies.decide(source, target, protocol, port, via=via)
        inward = decision.ingress
        if end.seen is not None:
            inward = policies.decide_direction(Direction.INGRESS, target, seen, protocol, port)
        egress = self._side(decision.egress, source, target, protocol, port)
        ingress = self._side(inward, target, seen, protocol, port)
        both = {decision.egress.verdict, inward.verdict}
        verdict = Verdict.DROP if Verdict.DROP in both else Verdict.ALLOW
        listening = self._listening(end, protocol)
        return Hop(source, target, end.seen, protocol, port, verdict, egress, ingress, listening)

    def _listening(self, end: Endpoint, protocol: str) -> bool | None:
        """Whether somebody listens; None where nobody here can know."""
        if end.port is None or not (end.peer.namespace or end.peer.name):
            return None
        return self._listens(end.peer, protocol, end.port)

    def _declares(self, peer: Peer, protocol: str, port: int) -> bool | None:
        if not peer.namespace:
            return None
        declared = self._declared.get(peer.key)
        if declared is None:
            ports = declared_ports(self._by_key[peer.key])
            declared = frozenset((entry.protocol, entry.number) for entry in ports)
            self._declared[peer.key] = declared
        return (protocol, port) in declared

    def _side(
        self, decision: DirectionDecision, pod: Peer, other: Peer, protocol: str, port: int | None
    ) -> Side:
        direction = decision.direction
        if always_allowed(direction, pod, other) or decision.reason is Reason.LOOPBACK:
            return Side(decision, pod.key, ())
        selection = self.snapshot.policies.selection(direction, pod)
        trials = try_policies(selection, pod, other, protocol, port)
        if not selection.policies:
            return Side(decision, pod.key, trials)
        rules, policies = _named(decision, trials)
        rest = self._rest(direction, pod, rules, policies)
        without = judge(rest, pod, other, protocol, port).verdict
        return Side(decision, pod.key, trials, rules, policies, without)

    def _rest(
        self,
        direction: Direction,
        pod: Peer,
        rules: tuple[RuleRef, ...],
        policies: tuple[PolicyRef, ...],
    ) -> Selection:
        """What selects a pod without some rules or policies; hops of one pod share it."""
        gone = frozenset((ref.policy, ref.index) for ref in rules)
        key = (direction, pod.key, gone, policies)
        rest = self._rests.get(key)
        if rest is None:
            everybody = self.snapshot.policies.selecting(pod)
            rest = self._rests[key] = _without(direction, everybody, gone, policies)
        return rest

    def _name(self, peer: Peer) -> str:
        """A short name for a peer, to name policies after."""
        document = self._by_key.get(peer.key)
        return self.owners.workload(document).name if document else peer.name or peer.address


def _named(
    decision: DirectionDecision, trials: Iterable[PolicyTrial]
) -> tuple[tuple[RuleRef, ...], tuple[PolicyRef, ...]]:
    """The rules, or else the policies, that the verdict rests on."""
    matched = decision.matched
    if matched is None:
        isolating = [t.policy for t in trials if t.tier is Tier.NETWORK_POLICY]
        return (), tuple(isolating) if decision.verdict is Verdict.DROP else ()
    tier = next(trial.tier for trial in trials if trial.policy == matched.policy)
    if tier is not Tier.NETWORK_POLICY:
        return (matched,), ()
    matching = (r.ref for t in trials if t.tier is tier for r in t.rules if r.matched)
    return tuple(matching), ()


def _without(
    direction: Direction,
    selecting: Iterable[CompiledPolicy],
    rules: Collection[tuple[PolicyRef, int]],
    policies: Collection[PolicyRef],
) -> Selection:
    """The selection as it would be without some rules or policies.

    A pod that loses its last NetworkPolicy falls to the Baseline tier, so all tiers count.
    """
    poorer = {policy for policy, _ in rules}
    kept = []
    for policy in selecting:
        if direction in policy.rules and policy.ref not in policies:
            if policy.ref in poorer:
                old = policy.rules[direction]
                left = tuple(rule for rule in old if (policy.ref, rule.index) not in rules)
                policy = replace(policy, rules={direction: left})
            kept.append(policy)
    return Selection.of(direction, kept)


def _outcomes(route: Route, lookup: tuple[Hop, ...], hops: tuple[Hop, ...]) -> tuple[Outcome, ...]:
    """What the program may see, one of these at each attempt."""
    if route.by_name and any(hop.verdict is Verdict.DROP for hop in lookup):
        return (Outcome.UNRESOLVED,)
    if route.dead_end is DeadEnd.NO_NAME:
        return (Outcome.UNRESOLVED,)
    if route.dead_end is DeadEnd.NO_ENDPOINT:
        return (Outcome.REFUSED,)
    if route.dead_end is not None:
        return (Outcome.TIMED_OUT,)
    return tuple(dict.fromkeys(hop.outcome for hop in hops))


def _needs(dropped: Iterable[Hop]) -> Iterable[Need]:
    for hop in dropped:
        for side in (hop.egress, hop.ingress):
            if side.decision.verdict is Verdict.DROP:
                inward = side is hop.ingress and hop.seen is not None
                source = hop.seen if inward and hop.seen else hop.source
                yield Need(side.decision, source, hop.target, hop.protocol, hop.port)


def with_dns(documents: list[Document]) -> list[Document]:
    """The documents, with the DNS of a kubeadm cluster if they do not say where it is."""
    for document in documents:
        if document.get("kind") == "Service" and name_of(document) == "kube-dns":
            return documents
    labels = {"k8s-app": "kube-dns"}
    ports = [
        {"name": "dns", "protocol": "UDP", "containerPort": 53},
        {"name": "dns-tcp", "protocol": "TCP", "containerPort": 53},
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": labels},
        "spec": {"containers": [{"name": "coredns", "ports": ports}]},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {
            "clusterIP": "10.96.0.10",
            "selector": labels,
            "ports": [{**port, "port": 53} for port in ports],
        },
    }
    return [*documents, pod, service]
