"""The engine broken in many named ways: the comparison with the naive evaluator finds each.

A mutant is one piece of the engine's source replaced. It is imported beside the real engine,
judged by the same probes as the other tests use, and thrown away.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from policy_cluster_worlds import all_ends, cluster_worlds
from policy_mutation import imported
from policy_naive import World
from policy_naive_cluster import ClusterWorld
from policy_worlds import PROBED, ends, worlds
from test_policy_truth import cases

VIEW, SELECTORS = "minik8s.model.policies", "minik8s.model.requirements"
COMPILE, DECIDE = "minik8s.policy.compile", "minik8s.policy.decide"
PORTS, ADDRESSES = "minik8s.policy.ports", "minik8s.policy.addresses"
VALUES, SET = "minik8s.policy.values", "minik8s.policy.policyset"
CLUSTER = "minik8s.policy.clusterwide"

TYPES = 'return (INGRESS, EGRESS) if spec.get("egress") else (INGRESS,)'
PROTOCOL = "if protocol != self.protocol and self.protocol:"
NAMED = "return port is not None and named.get((self.name, protocol)) == port"
BOTH = "egress.verdict is ingress.verdict is Verdict.ALLOW"
ITSELF = "if via is Via.ADDRESS and _same_pod(source, destination):"

MUTANTS = {
    "an empty egress list isolates": (
        VIEW,
        'if spec.get("egress") else',
        'if "egress" in spec else',
    ),
    "egress rules do not isolate egress": (VIEW, TYPES, "return (INGRESS,)"),
    "egress rules spare ingress": (VIEW, "return (INGRESS, EGRESS) if", "return (EGRESS,) if"),
    "policyTypes are ignored": (VIEW, "if given:", "if False:"),
    "an empty list of peers matches nobody": (
        COMPILE,
        "Rule(index, peers or None,",
        'Rule(index, peers if "from" in rule or "to" in rule else None,',
    ),
    "an empty list of ports matches nothing": (
        COMPILE,
        "ports or None)",
        'ports if "ports" in rule else None)',
    ),
    "a port without protocol means every protocol": (
        COMPILE,
        'protocol = port.get("protocol") or "TCP"',
        'protocol = port.get("protocol") or ""',
    ),
    "a port entry without number matches nothing": (
        COMPILE,
        "return PortMatch(protocol)\n",
        "return PortMatch(protocol, 1, 0)\n",
    ),
    "endPort is exclusive": (
        COMPILE,
        "number if end is None else end)",
        "number if end is None else end - 1)",
    ),
    "endPort is ignored": (COMPILE, "number if end is None else end)", "number)"),
    "podSelector alone reaches every namespace": (
        COMPILE,
        "namespace=namespace if namespaces is None else None,",
        "namespace=None,",
    ),
    "podSelector beside namespaceSelector is ignored": (
        COMPILE,
        "return self.pods is None or",
        "return self.pods is None or self.namespaces is not None or",
    ),
    "namespaceSelector is ignored": (
        COMPILE,
        "if self.namespaces is not None and not self",
        "if False and not self",
    ),
    "selectors match addresses outside": (COMPILE, "if not peer.is_pod:", "if False:"),
    "host-network pods count as pods": (
        VALUES,
        'return self.namespace != "" and not self.host_network',
        'return self.namespace != ""',
    ),
    "except is ignored": (
        ADDRESSES,
        "return self.covers(address) and self.hole_at(address) is None",
        "return self.covers(address)",
    ),
    "except leaves out its first address": (
        ADDRESSES,
        "if first <= address[1] <= last:",
        "if first < address[1] <= last:",
    ),
    "except spares every block": (
        ADDRESSES,
        "self.covers(address) and self.hole_at(address) is None",
        "self.covers(address) and not self.holes",
    ),
    "a block leaves out its last address": (
        ADDRESSES,
        "<= address[1] <= self.span[1]",
        "<= address[1] < self.span[1]",
    ),
    "a block covers the other IP version": (
        ADDRESSES,
        "return address[0] == self.version and",
        "return address[1] % 2**32 == address[1] or",
    ),
    "a port name ignores the protocol": (
        PORTS,
        NAMED,
        "return any(n == self.name and named[n, p] == port for n, p in named)",
    ),
    "a port name means any declared port": (PORTS, NAMED, "return port in named.values()"),
    "port names are looked up on the selected pod": (
        DECIDE,
        "target = pod if direction is Direction.INGRESS else other",
        "target = pod",
    ),
    "port names of host-network pods count": (
        DECIDE,
        "return target.ports if target.is_pod else _NO_PORTS",
        "return target.ports",
    ),
    "ping passes rules with ports": (
        PORTS,
        PROTOCOL,
        "if port is None:\n            return True\n        " + PROTOCOL,
    ),
    "the protocol is ignored": (PORTS, PROTOCOL, "if False:"),
    "a range leaves out its first port": (
        PORTS,
        "return self.first <= port <= self.last",
        "return self.first < port <= self.last or self.first == self.last == port",
    ),
    "a rule's ports need not match": (
        DECIDE,
        "        else:\n            return None\n    if rule.peers",
        "        else:\n            port_index = None\n    if rule.peers",
    ),
    "a rule's peers need not match": (DECIDE, "    if rule.peers is None:", "    if True:"),
    "only ingress counts": (SET, BOTH, "ingress.verdict is Verdict.ALLOW"),
    "only egress counts": (SET, BOTH, "egress.verdict is Verdict.ALLOW"),
    "loopback is judged": (SET, ITSELF, "if False:"),
    "hairpin is free": (SET, ITSELF, "if _same_pod(source, destination):"),
    "the own node is judged": (DECIDE, "and other.node == pod.node", "and False"),
    "neighbours on the node pass": (DECIDE, "and not other.is_pod", ""),
    "only the first policy counts": (
        DECIDE,
        "for policy in concerned for rule in",
        "for policy in concerned[:1] for rule in",
    ),
    "isolation without a rule allows": (DECIDE, "    if selection.isolated:", "    if False:"),
    "NotIn needs the key": (
        SELECTORS,
        "return value is None or value not in self.values",
        "return value is not None and value not in self.values",
    ),
    "DoesNotExist is Exists": (
        SELECTORS,
        "            return value is None\n",
        "            return value is not None\n",
    ),
    "an empty value is no key": (
        SELECTORS,
        "            return value is not None\n",
        "            return bool(value)\n",
    ),
    "requirements are ORed": (
        SELECTORS,
        "if not requirement.matches(labels):\n                return False",
        "if requirement.matches(labels):\n                return True",
    ),
    "a change leaves old selections": (
        SET,
        "if ref.namespace:",
        "return\n        if ref.namespace:",
    ),
    "Pass is forgotten": (DECIDE, "passed = policy.tier", "passed = None"),
    "Baseline is asked after NetworkPolicy": (
        DECIDE,
        "if policy.tier is not Tier.BASELINE]",
        "]",
    ),
    "the highest number is asked first": (
        DECIDE,
        "policy.priority, policy",
        "-policy.priority, policy",
    ),
    "Deny accepts": (CLUSTER, '"Deny": Action.DENY', '"Deny": Action.ACCEPT'),
    "BaselineAdminNetworkPolicy is asked first": (
        CLUSTER,
        "return Tier.ADMIN if kind == ADMIN_NETWORK_POLICY else Tier.BASELINE",
        "return Tier.ADMIN",
    ),
    "an older port without protocol means UDP": (
        CLUSTER,
        'PortMatch(number.get("protocol") or "TCP"',
        'PortMatch(number.get("protocol") or "UDP"',
    ),
    "an older range leaves out its last port": (
        CLUSTER,
        'span.get("end", 0))',
        'span.get("end", 0) - 1)',
    ),
    "a range of the cluster leaves out its last port": (
        CLUSTER,
        'span["start"], span["end"])',
        'span["start"], span["end"] - 1)',
    ),
    "a port name of the cluster means TCP": (
        CLUSTER,
        'PortMatch("", name=entry["destinationNamedPort"])',
        'PortMatch("TCP", name=entry["destinationNamedPort"])',
    ),
    "domain names stand for everybody": (
        CLUSTER,
        "DOMAIN_NAMES = ConstantMatch(False",
        "DOMAIN_NAMES = ConstantMatch(True",
    ),
    "only the first network counts": (
        CLUSTER,
        'for cidr in peer["networks"]',
        'for cidr in peer["networks"][:1]',
    ),
    "nodes are nobody": (
        COMPILE,
        "return self.nodes.matches(peer.node_labels)",
        "return False",
    ),
    "a subject's podSelector is ignored": (
        CLUSTER,
        'pods=read_selector(pods.get("podSelector"))',
        "pods=None",
    ),
    "a subject's namespaceSelector is ignored": (
        CLUSTER,
        'namespaces = pods.get("namespaceSelector") or {}',
        "namespaces = {}",
    ),
}


CELLS, REACH, CLASSES = "minik8s.analysis.cells", "minik8s.analysis.reach", "minik8s.policy.classes"
POSTINGS, SPACE = "minik8s.policy.postings", "minik8s.policy.portspace"
BLOCKS, MATRIX = "minik8s.policy.blockmap", "minik8s.analysis.matrix"

MATRIX_MUTANTS = {
    "rules replace each other": (
        CELLS,
        "raw[mask] = raw.get(mask, 0) | peers",
        "raw[mask] = peers",
    ),
    "the smallest port set wins": (
        CELLS,
        "union(raw[mask] for mask in holders)",
        "raw[holders[0]]",
    ),
    "ports without a rule stay open": (CELLS, "if rest and not isolated:", "if rest:"),
    "Pass allows": (
        CELLS,
        "elif action is Action.PASS:\n            passed |= hit",
        "elif action is Action.PASS:\n            allowed |= hit",
    ),
    "port names mean their numbers everywhere": (CELLS, "peers & to) for part", "peers) for part"),
    "egress alone decides a row": (
        REACH,
        "if (to := far & close)",
        "if (to := far)",
    ),
    "open destinations are forgotten": (
        REACH,
        "near.append((self.space.everything, always))",
        "pass",
    ),
    "port names do not tell classes apart": (
        REACH,
        "key = (key, self.classes.port_names(index))",
        "pass",
    ),
    "blocks do not tell pods apart": (
        CLASSES,
        "cover = self._map.covering(peer.address) if self._words.blocks else 0",
        "cover = 0",
    ),
    "labels do not tell pods apart": (
        CLASSES,
        "return (namespace, _said(peer.labels, self._words.labels), ports, cover)",
        "return (namespace, ports, cover)",
    ),
    "namespaces of policies are not told apart": (
        CLASSES,
        'peer.namespace if peer.namespace in self._words.namespaces else ""',
        '""',
    ),
    "an absent key never meets a requirement": (
        POSTINGS,
        "if requirement.matches({}):",
        "if False:",
    ),
    "an unlisted value never meets a requirement": (
        POSTINGS,
        "if requirement.matches({key: _UNLISTED}):",
        "if False:",
    ),
    "a second selector is not asked": (
        POSTINGS,
        "found &= self._label_bits(match.pods)",
        "found &= self._label_bits(match.pods) or found",
    ),
    "the last port of a range is another atom": (
        SPACE,
        "cuts[entry.protocol] |= {entry.first, entry.last + 1}",
        "cuts[entry.protocol] |= {entry.first, entry.last}",
    ),
    "protocols share their atoms": (SPACE, "<< (self._base[protocol] + low)", "<< low"),
    "blocks end one address early": (
        BLOCKS,
        "changes[last + 1] = changes.get(last + 1, 0) ^ (1 << index)",
        "changes[last] = changes.get(last, 0) ^ (1 << index)",
    ),
    "a pod does not reach itself": (MATRIX, "if one.is_pod and one.key == other.key:", "if False:"),
    "nodes do not reach their pods": (
        MATRIX,
        "if other.is_pod and _own_node(one, other):",
        "if False:",
    ),
}


def pod(name, index, labels, protocol="TCP", **spec):
    ports = [{"name": "web", "containerPort": 81, "protocol": protocol}]
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "x", "labels": labels},
        "spec": {
            "nodeName": f"n{index % 2}",
            "containers": [{"name": "c", "ports": ports}],
            **spec,
        },
        "status": {"podIP": f"10.0.0.{index}"},
    }


def policy(**spec):
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "x"},
        "spec": {"podSelector": {"matchLabels": {"app": "a"}}, **spec},
    }


def cluster_policy(name, tier, priority, action, **more):
    rule = {"action": action, "from": [{"namespaces": {}}], **more}
    spec = {"tier": tier, "priority": priority, "subject": {"namespaces": {}}, "ingress": [rule]}
    return {"kind": "ClusterNetworkPolicy", "metadata": {"name": name}, "spec": spec}


def named_ports(protocol):
    rule = {"protocols": [{"destinationNamedPort": "web"}]}
    return cluster_policy(f"named-{protocol.lower()}", "Admin", 1, "Deny", **rule)


def older(kind, *ports):
    document = cluster_policy("default", "", 1, "Deny", **({"ports": [*ports]} if ports else {}))
    del document["spec"]["tier"]
    return {**document, "kind": kind}


def outward(peer):
    rule = {"action": "Deny", "to": [peer]}
    spec = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}, "egress": [rule]}
    return {"kind": "ClusterNetworkPolicy", "metadata": {"name": "outward"}, "spec": spec}


NODE = {
    "kind": "Node",
    "metadata": {"name": "n1", "labels": {}},
    "status": {"addresses": [{"type": "InternalIP", "address": "10.0.2.1"}]},
}
PODS = [
    {"kind": "Namespace", "metadata": {"name": "x", "labels": {}}},
    pod("a", 1, {"app": "a"}),
    pod("empty", 2, {"app": ""}),
    pod("bare", 3, {}),
    pod("agent", 4, {"app": "b"}, hostNetwork=True),
]
HOLE = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.2/31", "10.0.0.5/32"]}}


def labelled(app):
    return {"podSelector": {"matchLabels": {"app": app}}}


HAS_APP = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
DENY, ACCEPT = (
    cluster_policy(action, "Admin", at, action) for at, action in ((1, "Deny"), (2, "Accept"))
)
TWINS = [pod("one", 5, {"app": "b"}), pod("two", 6, {"app": "b"})]
NESTED = [
    {"from": [{"ipBlock": {"cidr": "10.0.0.5/32"}}]},
    {"ports": [{"port": 81}], "from": [HOLE]},
]
CORNERS = [
    [*PODS, *TWINS, policy(ingress=NESTED)],
    [*PODS, *TWINS, policy(ingress=NESTED[:1])],
    [*PODS, policy(ingress=[{"from": [HOLE]}])],
    [*PODS, policy(ingress=[{"from": [{"podSelector": HAS_APP}]}])],
    [*PODS, policy(policyTypes=["Egress"], egress=[{"ports": [{"port": "web"}]}])],
    [*PODS, DENY, ACCEPT],
    [*PODS, cluster_policy("first", "Admin", 0, "Pass"), DENY],
    [*PODS, cluster_policy("first", "Admin", 0, "Pass"), policy()],
    [*PODS, *TWINS, policy(ingress=[{"from": [labelled("b")]}, {"from": [labelled("")]}])],
    [*PODS, policy(), cluster_policy("late", "Baseline", 1, "Accept")],
    [*PODS, pod("udp", 7, {}, "UDP"), named_ports("UDP")],
    [*PODS, older("AdminNetworkPolicy", {"portRange": {"start": 1, "end": 81}})],
    [*PODS, older("AdminNetworkPolicy", {"portNumber": {"port": 81}})],
    [*PODS, older("BaselineAdminNetworkPolicy"), policy(ingress=[{}])],
    [*PODS, NODE, outward({"networks": ["192.0.2.0/24", "10.0.0.2/32"]})],
    [*PODS, NODE, outward({"nodes": {}})],
    [*PODS, NODE, outward({"domainNames": ["example.com"]})],
]
"""Worlds that random ones hit too seldom."""


@pytest.fixture(scope="module")
def corpus():
    """Worlds with every probe and its right answer, the same ones at every run."""
    found = []
    fixed = settings(
        max_examples=60, derandomize=True, database=None, deadline=None, phases=[Phase.generate]
    )

    @fixed
    @given(worlds())
    def plain(documents):
        found.append(answered(documents, World(documents), ends(documents)))

    @fixed
    @given(cluster_worlds())
    def cluster_wide(documents):
        found.append(answered(documents, ClusterWorld(documents), all_ends(documents)))

    found += [answered(world, ClusterWorld(world), all_ends(world)) for world in CORNERS]
    plain()
    cluster_wide()
    for case in cases("apidocs"):
        probes = [
            (p["from"], p["to"], p["protocol"], p["port"], False, p["expect"] == "allow")
            for p in case["probes"]
        ]
        found.append((case["objects"], probes))
    return found


def answered(documents, world, places):
    probes = []
    for source in places:
        for target in places:
            for protocol, port in PROBED[::3] + PROBED[-1:]:
                for hairpin in (False, True) if source == target and "/" in source else (False,):
                    ends_ = world.pair(source, target)
                    answer = world.allows(*ends_, protocol, port, via_service=hairpin)
                    probes.append((source, target, protocol, port, hairpin, answer))
    return documents, probes


ENGINE, ALL_PAIRS = ("policy", "policy.snapshot"), ("analysis.matrix",)
"""The modules that are judged."""


@pytest.fixture
def engine():
    """Imports the engine anew, mutated if wanted, and puts the real one back afterwards."""
    with imported() as load:
        yield lambda mutant=None, names=ENGINE: load(names, mutant)


def matrix_disagreement(matrix, corpus):
    """The first probe that a matrix gets wrong, or None."""
    for documents, probes in corpus:
        made, known = matrix.Matrix.of(documents), {}
        for source, target, protocol, port, hairpin, answer in probes:
            if hairpin:
                continue
            if (source, target) not in known:
                known[source, target] = made.ports(source, target)
            if ((protocol, port) in known[source, target]) != answer:
                return f"{source} -> {target} {port}/{protocol}"
    return None


def disagreement(policy, snapshot, corpus):
    """The first probe that an engine gets wrong, or None."""
    for documents, probes in corpus:
        made = snapshot.Snapshot.of([d for d in documents if "Policy" not in d["kind"]])
        # policies come one by one and late, so that a stale selection shows
        for document in documents:
            if "Policy" in document["kind"]:
                for pod in made.pods.values():
                    made.policies.decide(pod, pod, "TCP", 80, via=policy.Via.SERVICE)
                made.policies.upsert(document)
        for source, target, protocol, port, hairpin, answer in probes:
            via = policy.Via.SERVICE if hairpin else policy.Via.ADDRESS
            decision = made.policies.decide(
                made.peer(source), made.peer(target), protocol, port, via=via
            )
            if (decision.verdict is policy.Verdict.ALLOW) != answer:
                return f"{source} -> {target} {port}/{protocol}"
    return None


def test_the_sound_engine_agrees_everywhere(engine, corpus):
    *modules, matrix = engine(names=(*ENGINE, *ALL_PAIRS))
    assert disagreement(*modules, corpus) is None
    assert matrix_disagreement(matrix, corpus) is None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_engine_is_caught(engine, corpus, name):
    assert disagreement(*engine(MUTANTS[name]), corpus) is not None


@pytest.mark.parametrize("name", MATRIX_MUTANTS)
def test_a_broken_matrix_is_caught(engine, corpus, name):
    assert matrix_disagreement(*engine(MATRIX_MUTANTS[name], ALL_PAIRS), corpus) is not None


def test_there_are_enough_mutants():
    assert len(MUTANTS) >= 30
