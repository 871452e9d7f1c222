"""Lint: what is probably a mistake in a policy, where it is, and how to mend it.

Findings that depend on the cluster (`selects-nothing`, `port-name-unknown`, ...) are looked
for only if the input holds pods, or workloads that make pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from minik8s.analysis.cells import CellMaker
from minik8s.analysis.explain import with_dns
from minik8s.analysis.inputs import Source
from minik8s.analysis.matrix import Matrix
from minik8s.model import policies as view
from minik8s.model.metadata import Document, name_of
from minik8s.model.services import cluster_ips
from minik8s.policy.addresses import Block, parse_address
from minik8s.policy.bits import bits
from minik8s.policy.clusterwide import CLUSTER_NETWORK_POLICY, DOMAIN_NAMES
from minik8s.policy.clusterwide import KINDS as CLUSTER_KINDS
from minik8s.policy.compile import NETWORK_POLICY, CompiledPolicy, Rule, Tier
from minik8s.policy.policyset import KINDS
from minik8s.policy.ports import PROTOCOLS
from minik8s.policy.values import Direction, Peer, Verdict

SERVICE_CIDR = Block.of("10.96.0.0/12")
"""Where kubeadm clusters have their Services' addresses."""

MENDS = {
    "selects-nothing": "correct podSelector, or apply the policy in the namespace of its pods",
    "rule-never-matches": "correct or remove the rule",
    "port-name-unknown": "use a port name that the destination pods declare, or the number",
    "policy-types-missing": "say policyTypes: [Ingress], [Egress] or both",
    "rules-ignored": "add the direction to policyTypes, or remove the rules",
    "egress-without-dns": "allow UDP and TCP 53 to the pods k8s-app=kube-dns of kube-system",
    "block-of-services": "select the pods behind the Service: policy sees pod addresses",
    "peer-dash": "write both selectors in one entry if both shall hold: remove the second dash",
    "duplicate": "remove one of the two",
    "shadowed": "remove it: nothing changes without it",
    "allows-everything": "name the peers and ports that are meant",
    "equal-priority": "give each policy of a tier a priority of its own",
}
"""The codes of findings, each with its mend."""

_SECTIONS = {Direction.INGRESS: "ingress", Direction.EGRESS: "egress"}
_PEERS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One probable mistake."""

    file: str
    line: int
    code: str
    subject: str
    message: str

    @property
    def mend(self) -> str:
        """What to do about it."""
        return MENDS[self.code]


def lint(sources: Iterable[Source]) -> list[Finding]:
    """The findings in the policies of some files, in order of place."""
    sources = list(sources)
    linter = _Linter(sources)
    found = [finding for source in sources for finding in linter.findings(source)]
    return sorted(set(found))


class _Linter:
    def __init__(self, sources: list[Source]) -> None:
        documents = with_dns([source.document for source in sources])
        self._given = [source.document for source in sources]
        self._matrix = Matrix.of(documents)
        self._snapshot = self._matrix.snapshot
        self._populated = any(
            pod.namespace != "kube-system" for pod in self._snapshot.pods.values()
        )
        self._service_addresses = [
            (name_of(d), parse_address(address))
            for d in self._given
            if d.get("kind") == "Service"
            for address in cluster_ips(d)
        ]

    def findings(self, source: Source) -> Iterator[Finding]:
        document = source.document
        if document.get("kind") not in KINDS:
            return
        policy = self._snapshot.policies.find(document)
        if policy is None:
            return
        checks = [*self._rules(policy, document), *self._whole(policy, document)]
        if self._populated:
            checks += [*self._in_cluster(policy), *self._shadows(policy)]
        for path, code, message in checks:
            subject = f"{policy.ref.kind} {policy.ref}"
            yield Finding(source.file, source.line_of(path), code, subject, message)

    def _whole(self, policy: CompiledPolicy, document: Document) -> Iterator[tuple[str, str, str]]:
        if policy.ref.kind == NETWORK_POLICY:
            yield from _types(document)
        for other in self._snapshot.policies:
            if other.ref.kind != policy.ref.kind or not other.ref < policy.ref:
                continue
            if _same(other, policy):
                yield "metadata.name", "duplicate", f"says the same as {other.ref}"
            elif policy.ref.kind in CLUSTER_KINDS and _tie(other, policy):
                text = f"has the priority of {other.ref} in its tier: either may be asked first"
                yield "spec.priority", "equal-priority", text

    def _rules(self, policy: CompiledPolicy, document: Document) -> Iterator[tuple[str, str, str]]:
        for direction, rules in policy.rules.items():
            section, peers = _SECTIONS[direction], _PEERS[direction]
            raw = (document.get("spec") or {}).get(section) or ()
            for rule in rules:
                path = f"spec.{section}[{rule.index}]"
                entries = (raw[rule.index] or {}).get(peers) or ()
                if rule.peers is None and rule.ports is None:
                    yield path, "allows-everything", f"a rule without {peers} and ports matches all"
                yield from self._entries(f"{path}.{peers}", entries)

    def _entries(self, path: str, entries: Iterable[Document]) -> Iterator[tuple[str, str, str]]:
        before: set[str] = set()
        for index, entry in enumerate(entries):
            keys = set(entry or ())
            if before == {"namespaceSelector"} and keys == {"podSelector"}:
                text = "namespaceSelector and podSelector are two peers here: either is enough"
                yield f"{path}[{index}]", "peer-dash", text
            before = keys
            cidr = (entry.get("ipBlock") or {}).get("cidr") if keys else None
            if cidr:
                yield from self._block(f"{path}[{index}].ipBlock", entry["ipBlock"])

    def _block(self, path: str, raw: Document) -> Iterator[tuple[str, str, str]]:
        block = Block.of(raw["cidr"], raw.get("except") or ())
        if block is None or SERVICE_CIDR is None:
            return
        if not block.spans():
            yield path, "rule-never-matches", "the exceptions leave nothing of the block"
        within = SERVICE_CIDR.version == block.version and all(
            SERVICE_CIDR.covers((block.version, edge)) for edge in block.span
        )
        narrow = block.span[1] - block.span[0] < 2**16
        names = [name for name, address in self._service_addresses if address in block]
        if within or (names and narrow):
            what = f"of Service {names[0]}" if names else "of Services"
            yield path, "block-of-services", f"the block holds clusterIPs {what}"

    def _in_cluster(self, policy: CompiledPolicy) -> Iterator[tuple[str, str, str]]:
        pods = [pod for pod in self._snapshot.pods.values() if policy.subject.matches(pod)]
        if not pods:
            path = "spec.podSelector" if policy.ref.kind == NETWORK_POLICY else "spec.subject"
            yield path, "selects-nothing", "no pod is selected"
            return
        for direction, rules in policy.rules.items():
            for rule in rules:
                path = f"spec.{_SECTIONS[direction]}[{rule.index}]"
                yield from self._reachable(f"{path}.{_PEERS[direction]}", rule)
                field = "protocols" if policy.ref.kind == CLUSTER_NETWORK_POLICY else "ports"
                yield from self._names(f"{path}.{field}", direction, rule, pods)
        if Direction.EGRESS in policy.rules and policy.tier is Tier.NETWORK_POLICY:
            yield from self._dns(pods)

    def _reachable(self, path: str, rule: Rule) -> Iterator[tuple[str, str, str]]:
        """Peers that match nobody; a rule all of whose peers do can never match.

        Nobody here can tell whom a domain name stands for.
        """
        classes = self._matrix.reach.classes
        if rule.peers is None or DOMAIN_NAMES in rule.peers:
            return
        if not any(classes.matching(peer) for peer in rule.peers):
            yield path, "rule-never-matches", "no pod, node or address matches its peers"

    def _names(
        self, path: str, direction: Direction, rule: Rule, pods: list[Peer]
    ) -> Iterator[tuple[str, str, str]]:
        targets = pods
        if direction is Direction.EGRESS:
            targets = [pod for pod in self._snapshot.pods.values() if self._meets(rule, pod)]
        for index, entry in enumerate(rule.ports or ()):
            protocols = (entry.protocol,) if entry.protocol else PROTOCOLS
            keys = [(entry.name, protocol) for protocol in protocols]
            if entry.name and not any(key in pod.ports for pod in targets for key in keys):
                text = f"no destination pod has a port named {entry.name}"
                if entry.protocol:
                    text += f" for {entry.protocol}"
                yield f"{path}[{index}]", "port-name-unknown", text

    def _meets(self, rule: Rule, pod: Peer) -> bool:
        """Whether the peers of a rule hold a pod that has ports, under any of its addresses."""
        addresses = self._snapshot.variants.get(pod.key, [pod])
        return pod.is_pod and (
            rule.peers is None or any(m.matches(a) for m in rule.peers for a in addresses)
        )

    def _dns(self, pods: list[Peer]) -> Iterator[tuple[str, str, str]]:
        """Pods that may not ask any DNS server of the cluster, for want of a rule."""
        servers = [
            pod
            for pod in self._snapshot.by_namespace.get("kube-system", {}).values()
            if pod.labels.get("k8s-app") == "kube-dns"
        ]
        for pod in pods:
            if servers and all(self._unheard(pod, server) for server in servers):
                text = f"{pod.key} may not ask the cluster's DNS"
                yield "spec.policyTypes", "egress-without-dns", text
                return

    def _unheard(self, pod: Peer, server: Peer) -> bool:
        """Whether no rule lets a pod ask a DNS server; a Deny of the cluster's is meant so."""
        ends = self._snapshot.pair(pod, server)
        decision = self._snapshot.policies.decide_direction(Direction.EGRESS, *ends, "UDP", 53)
        return decision.verdict is Verdict.DROP and decision.matched is None

    def _shadows(self, policy: CompiledPolicy) -> Iterator[tuple[str, str, str]]:
        """Whether the other policies isolate the same pods and allow all that this one does."""
        if policy.tier is not Tier.NETWORK_POLICY or not policy.rules:
            return
        reach = self._matrix.reach
        selected = list(bits(reach.classes.matching(policy.subject)))
        others = set()
        for direction in policy.rules:
            for index in selected:
                all_of_them = reach.sides[direction].policies[index]
                rest = tuple(p for p in all_of_them if p is not policy)
                if not any(p.tier is Tier.NETWORK_POLICY for p in rest):
                    return
                if any(_same(p, policy) for p in rest):
                    return
                left = CellMaker(direction, reach.classes, reach.space).cells(rest, index)
                whole, all_of_it = reach.sides[direction].cells[index], reach.classes.everything
                if _flat(left, all_of_it) != _flat(whole, all_of_it):
                    return
                others |= {p.ref for p in rest if p.tier is Tier.NETWORK_POLICY}
        if selected:
            names = ", ".join(map(str, sorted(others)))
            yield "metadata.name", "shadowed", f"adds nothing to {names}"


def _types(document: Document) -> Iterator[tuple[str, str, str]]:
    spec = view.spec_of(document)
    given = spec.get("policyTypes")
    if not given and "egress" in spec:
        effect = "also denies ingress" if not spec.get("ingress") else "isolates ingress too"
        if not spec["egress"]:
            effect = "does not isolate egress"
        yield "spec.egress", "policy-types-missing", f"without policyTypes the policy {effect}"
    for policy_type, section in view.SECTIONS.items():
        if given and policy_type not in given and spec.get(section):
            text = f"policyTypes lacks {policy_type}, so these rules do nothing"
            yield f"spec.{section}", "rules-ignored", text


def _same(one: CompiledPolicy, other: CompiledPolicy) -> bool:
    return (one.tier, one.priority, one.subject, one.rules) == (
        other.tier,
        other.priority,
        other.subject,
        other.rules,
    )


def _tie(one: CompiledPolicy, other: CompiledPolicy) -> bool:
    return (one.tier, one.priority) == (other.tier, other.priority)


def _flat(cells: Iterable[tuple[int, int]], everything: int) -> frozenset[tuple[int, int]]:
    """Cells in a form that does not depend on how the ports were cut, nor on absent classes."""
    merged: dict[int, int] = {}
    for mask, peers in cells:
        for atom in bits(mask):
            merged[atom] = merged.get(atom, 0) | peers & everything
    return frozenset(merged.items())
