"""Lint: what is probably a mistake in a policy, where it is, and how to mend it.

Findings that depend on the cluster (`selects-nothing`, `port-name-unknown`, ...) are looked
for only if the input holds pods, or workloads that make pods. What files leave open, such as the
labels of a namespace that none of them declares, counts for the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from minik8s.analysis.cells import CellMaker
from minik8s.analysis.explain import with_dns
from minik8s.analysis.implied import implies, selects_all_of
from minik8s.analysis.inputs import Source
from minik8s.analysis.knowledge import Knowledge
from minik8s.analysis.matrix import Matrix
from minik8s.model import policies as view
from minik8s.model.metadata import Document, name_of
from minik8s.model.services import cluster_ips
from minik8s.policy.addresses import Block, parse_address
from minik8s.policy.bits import bits
from minik8s.policy.clusterwide import CLUSTER_NETWORK_POLICY, DOMAIN_NAMES
from minik8s.policy.clusterwide import KINDS as CLUSTER_KINDS
from minik8s.policy.compile import NETWORK_POLICY, CompiledPolicy, PodMatch, Rule, Tier
from minik8s.policy.policyset import KINDS
from minik8s.policy.ports import PROTOCOLS
from minik8s.policy.values import Direction, Peer, PolicyRef, Verdict

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
        self._knowledge = Knowledge(self._given, self._snapshot)
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
        checks += self._in_cluster(policy) if self._populated else self._dns_alone(policy)
        checks += self._shadows(policy)
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
                if policy.ref.kind == NETWORK_POLICY:
                    yield from self._dashes(f"{path}.{peers}", entries, rule)

    def _entries(self, path: str, entries: Iterable[Document]) -> Iterator[tuple[str, str, str]]:
        for index, entry in enumerate(entries):
            cidr = ((entry or {}).get("ipBlock") or {}).get("cidr")
            if cidr:
                yield from self._block(f"{path}[{index}].ipBlock", entry["ipBlock"])

    def _dashes(
        self, path: str, entries: Sequence[Document], rule: Rule
    ) -> Iterator[tuple[str, str, str]]:
        """Two neighbouring peers that look like one with a dash too many.

        A list with blocks is a list of alternatives, and what selects every pod of a namespace
        needs no second selector.
        """
        if any("ipBlock" in (entry or ()) for entry in entries):
            return
        for index in range(1, len(entries)):
            one, other = (set(entry or ()) for entry in entries[index - 1 : index + 1])
            named = one == {"namespaceSelector"} and other == {"podSelector"}
            if named and entries[index]["podSelector"] and self._meant_as_one(rule, index):
                text = "namespaceSelector and podSelector are two peers here: either is enough"
                yield f"{path}[{index}]", "peer-dash", text

    def _meant_as_one(self, rule: Rule, index: int) -> bool:
        """Whether two peers might be one: not if pods match the second but never both."""
        peers = rule.peers or ()
        pods, pair = self._snapshot.pods.values(), peers[index - 1 : index + 1]
        spaces, labels = (peer for peer in pair if isinstance(peer, PodMatch))
        if not any(labels.matches(pod) for pod in pods):
            return True
        both = replace(spaces, pods=labels.pods)
        return any(both.matches(pod) for pod in pods) or self._knowledge.could_match(both)

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
        pods = self._selected(policy)
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
        if policy.rules.get(Direction.EGRESS) and policy.tier is Tier.NETWORK_POLICY:
            yield from self._dns(pods)

    def _selected(self, policy: CompiledPolicy) -> list[Peer]:
        everybody, space = self._snapshot.pods, policy.subject.namespace
        if space is not None:
            everybody = self._snapshot.by_namespace.get(space, {})
        return [pod for pod in everybody.values() if policy.subject.matches(pod)]

    def _reachable(self, path: str, rule: Rule) -> Iterator[tuple[str, str, str]]:
        """Peers that match nobody; a rule all of whose peers do can never match.

        Nobody here can tell whom a domain name stands for.
        """
        classes = self._matrix.reach.classes
        if rule.peers is None or DOMAIN_NAMES in rule.peers:
            return
        could = self._knowledge.could_match
        if not any(classes.matching(peer) or could(peer) for peer in rule.peers):
            yield path, "rule-never-matches", "no pod, node or address matches its peers"

    def _names(
        self, path: str, direction: Direction, rule: Rule, pods: list[Peer]
    ) -> Iterator[tuple[str, str, str]]:
        if not any(entry.name for entry in rule.ports or ()):
            return
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

    def _dns_alone(self, policy: CompiledPolicy) -> Iterator[tuple[str, str, str]]:
        """The same without pods: whether no policy for all that this one selects allows DNS."""
        if policy.tier is not Tier.NETWORK_POLICY or not policy.rules.get(Direction.EGRESS):
            return
        everybody = [p for p in self._snapshot.policies if selects_all_of(p, policy)]
        rules = [rule for each in everybody for rule in each.rules.get(Direction.EGRESS, ())]
        servers = self._snapshot.pods.values()
        if not any(
            _asks_for_dns(rule) or self._knowledge.may_reach(rule, server, "UDP", 53)
            for rule in rules
            for server in servers
        ):
            text = "the pods that it selects may not ask the cluster's DNS"
            yield "spec.policyTypes", "egress-without-dns", text

    def _unheard(self, pod: Peer, server: Peer) -> bool:
        """Whether no rule lets a pod ask a DNS server; a Deny of the cluster's is meant so."""
        ends = self._snapshot.pair(pod, server)
        decision = self._snapshot.policies.decide_direction(Direction.EGRESS, *ends, "UDP", 53)
        if decision.verdict is not Verdict.DROP or decision.matched is not None:
            return False
        return not any(
            _asks_for_dns(rule) or self._knowledge.may_reach(rule, ends[1], "UDP", 53)
            for each, rule in self._snapshot.policies.selection(Direction.EGRESS, pod).rules
            if each.tier is Tier.NETWORK_POLICY
        )

    def _shadows(self, policy: CompiledPolicy) -> Iterator[tuple[str, str, str]]:
        """Whether other policies isolate the same pods and allow all that this one does.

        One that has no rules denies by default, which is good practice beside others.
        """
        if policy.tier is not Tier.NETWORK_POLICY or not any(policy.rules.values()):
            return
        others = [p for p in self._snapshot.policies if p.ref.kind == policy.ref.kind]
        wide = next((p for p in others if p != policy and implies(p, policy)), None)
        if wide is not None and not implies(policy, wide):
            yield "metadata.name", "shadowed", f"adds nothing to {wide.ref}"
        elif wide is None and self._populated:
            covering = self._covering(policy)
            if covering and not any(policy in self._covering(other) for other in covering):
                names = ", ".join(sorted(str(other.ref) for other in covering))
                yield "metadata.name", "shadowed", f"adds nothing, for these pods, to {names}"

    def _covering(self, policy: CompiledPolicy) -> list[CompiledPolicy]:
        """The policies that, for the pods at hand, allow together all that one allows."""
        reach, found = self._matrix.reach, dict[PolicyRef, CompiledPolicy]()
        everything = reach.classes.everything
        for direction, rules in policy.rules.items():
            maker = CellMaker(direction, reach.classes, reach.space)
            for index in bits(reach.classes.matching(policy.subject)):
                all_of_them = reach.sides[direction].policies[index]
                rest = tuple(p for p in all_of_them if p is not policy)
                mine = [p for p in rest if p.tier is Tier.NETWORK_POLICY]
                if not mine:
                    return []
                left = maker.cells(rest, index)
                whole = reach.sides[direction].cells[index]
                if _flat(left, everything) != _flat(whole, everything):
                    return []
                found |= {p.ref: p for p in mine if p.rules[direction] or not rules}
        return list(found.values()) if self._alive(policy) else []

    def _alive(self, policy: CompiledPolicy) -> bool:
        """Whether any rule of a policy matches somebody now; dead ones are told elsewhere."""
        matching = self._matrix.reach.classes.matching
        return any(
            rule.peers is None or any(matching(peer) for peer in rule.peers)
            for rules in policy.rules.values()
            for rule in rules
        )


def _asks_for_dns(rule: Rule) -> bool:
    """Whether a rule names the port of DNS: the server may be one that is not at hand."""
    return any(
        entry.protocol == "UDP" and (entry.first, entry.last, entry.name) == (53, 53, "")
        for entry in rule.ports or ()
    )


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
