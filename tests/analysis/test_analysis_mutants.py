"""Explanations, suggestions, lint, differences and kept matrices, broken in named ways.

The checks of the property tests find each, on worlds that are the same at every run.
"""

from __future__ import annotations

import pytest
from analysis_checks import check_difference, check_explanation, check_lint, check_suggestion
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from policy_cluster_worlds import NODE_ADDRESSES, all_ends, cluster_worlds
from policy_mutation import imported
from policy_naive_cluster import ClusterWorld
from test_analysis_diff import altered
from test_policy_matrix_kept import check_kept, check_table, steps

EXPLAIN, SUGGEST = "minik8s.analysis.explain", "minik8s.analysis.suggest"
AROUND, LINT, DIFF = (
    "minik8s.analysis.surroundings",
    "minik8s.analysis.lint",
    "minik8s.analysis.diff",
)
REACH, CLASSES = "minik8s.analysis.reach", "minik8s.policy.classes"
SNAPSHOT, MATRIX = "minik8s.policy.snapshot", "minik8s.analysis.matrix"
WHY = "minik8s.policy.why"

EXPLAINED = {
    "only the first matching rule is named": (
        EXPLAIN,
        "return tuple(matching), ()",
        "return (matched,), ()",
    ),
    "only the first isolating policy is named": (
        EXPLAIN,
        "tuple(isolating) if",
        "tuple(isolating[:1]) if",
    ),
    "without the policies Baseline stays away": (
        EXPLAIN,
        "everybody = self.snapshot.policies.selecting(pod)",
        "everybody = self.snapshot.policies.selection(direction, pod).policies",
    ),
    "the ingress side sees the target as its peer": (
        EXPLAIN,
        "self._side(inward, target, seen, protocol, port)",
        "self._side(inward, target, target, protocol, port)",
    ),
    "what always passes is laid to policies": (
        EXPLAIN,
        "if always_allowed(direction, pod, other) or",
        "if",
    ),
    "ingress is said to drop first": (
        EXPLAIN,
        "return Direction.INGRESS if self.verdict is Verdict.DROP else None",
        "return Direction.EGRESS if self.verdict is Verdict.DROP else None",
    ),
    "a rule with a matching port is said to match": (
        WHY,
        "return _any(self.peers) and _any(self.ports)",
        "return _any(self.ports)",
    ),
}

SUGGESTED = {
    "only egress is mended": (
        EXPLAIN,
        "for side in (hop.egress, hop.ingress):",
        "for side in (hop.egress,):",
    ),
    "open pods are selected as well": (
        AROUND,
        "return _narrow(pod, neighbours, harmless)",
        "return _narrow(pod, neighbours, bool)",
    ),
    "the peer is everybody of the namespace": (
        SUGGEST,
        '"podSelector": around.peer(other)}',
        '"podSelector": {}}',
    ),
    "the port is left out": (SUGGEST, "if need.protocol in PROTOCOLS:", "if False:"),
    "the other namespace is left out": (
        SUGGEST,
        "if other.namespace != pod.namespace:",
        "if False:",
    ),
    "what else opens is not listed": (SUGGEST, "_MOST_PAIRS = 1000", "_MOST_PAIRS = 0"),
    "what was asked for is listed": (SUGGEST, "not in asked", "not in ()"),
    "policyTypes are left to their default": (
        SUGGEST,
        '"policyTypes": [draft.direction.value],',
        "",
    ),
    "the number is that of the denying policy": (
        SUGGEST,
        "return denying.tier, denying.priority - 1",
        "return denying.tier, denying.priority",
    ),
    "the rule against a Deny passes on": (SUGGEST, '"action": "Accept"', '"action": "Pass"'),
    "an address is named by its network": (
        SUGGEST,
        "{32 if parse_address(address)[0] == 4 else 128}",
        "{24 if parse_address(address)[0] == 4 else 64}",
    ),
}

LINTED = {
    "who selects nothing is not told": (LINT, "        if not pods:\n", "        if False:\n"),
    "shadowed on one side is enough": (
        LINT,
        "        for direction, rules in policy.rules.items():\n            maker",
        "        for direction, rules in list(policy.rules.items())[:1]:\n            maker",
    ),
    "a port name of any protocol is known": (
        LINT,
        "protocols = (entry.protocol,) if entry.protocol else PROTOCOLS",
        "protocols = PROTOCOLS",
    ),
    "port names are looked up on the selected pods": (
        LINT,
        "        if direction is Direction.EGRESS:\n            targets",
        "        if False:\n            targets",
    ),
    "rules that count are said to be ignored": (
        LINT,
        "policy_type not in given",
        "policy_type in given",
    ),
    "DNS is asked for over TCP": (LINT, '*ends, "UDP", 53)', '*ends, "TCP", 53)'),
    "a Deny of the cluster counts as a missing rule": (
        LINT,
        "is not Verdict.DROP or decision.matched is not None:",
        "is not Verdict.DROP:",
    ),
    "one peer that is nobody spoils the rule": (
        LINT,
        "if not any(classes.matching(peer)",
        "if not all(classes.matching(peer)",
    ),
    "every exception leaves nothing of a block": (
        LINT,
        "if not block.spans():",
        "if block.holes:",
    ),
    "a rule without peers allows everything": (
        LINT,
        "rule.peers is None and rule.ports is None",
        "rule.peers is None",
    ),
    "priorities are compared across tiers": (
        LINT,
        "return (one.tier, one.priority) == (other.tier, other.priority)",
        "return one.priority == other.priority",
    ),
    "the same subject makes a duplicate": (
        LINT,
        "return (one.tier, one.priority, one.subject, one.rules) == (",
        "return (one.tier, one.priority, one.subject, other.rules) == (",
    ),
}

COMPARED = {
    "relabelled pods are passed over": (DIFF, "if twin != peer or any(", "if any("),
    "policies that go are passed over": (
        DIFF,
        "in ((before, after), (after, before))",
        "in ((after, before),)",
    ),
    "opened is closed": (DIFF, "(now - was, was - now)", "(was - now, now - was)"),
    "the first kind of pods stands for all": (
        DIFF,
        "in source.places:",
        "in source.places[:1]:",
    ),
    "both ends must be touched": (
        DIFF,
        "if source.touched or target.touched",
        "if source.touched and target.touched",
    ),
    "nodes are never compared": (DIFF, "if _by_node(one) or _by_node(other):", "if False:"),
    "ends that go are not named": (DIFF, "if name not in after_names)", "if not name)"),
}

KEPT = {
    "a policy that is replaced stays": (REACH, "if policy is not old]", "]"),
    "a policy that goes leaves its cells": (
        REACH,
        "for policy in (old, new) if policy is not None",
        "for policy in (new,) if policy is not None",
    ),
    "new policies are not put in order": (REACH, "kept.sort(key=order)", "pass"),
    "who was let in stays let in": (
        REACH,
        "            self._take_out(affected)\n",
        "            pass\n",
    ),
    "rows are kept as they were": (
        REACH,
        "self._fill_rows(self.classes.everything if finer else affected)",
        "self._fill_rows(0)",
    ),
    "a class keeps the sample that went": (
        CLASSES,
        "            entry.sample = next(iter(entry.members.values()))\n",
        "            pass\n",
    ),
    "an empty class takes anybody as it was": (
        CLASSES,
        "            entry.sample = peer\n            self._post(index)\n",
        "            pass\n",
    ),
    "new blocks leave the map as it was": (
        CLASSES,
        "            self._map = BlockMap(self._words.blocks)\n            splits",
        "            splits",
    ),
    "a namespace keeps its old labels": (
        SNAPSHOT,
        "moved.append((old, pod))",
        "moved.append((old, old))",
    ),
    "answers under another IP version are remembered": (
        MATRIX,
        "        self._others.clear()\n",
        "",
    ),
    "what workloads come to is remembered": (MATRIX, "        self._known.clear()\n", ""),
}


def pod(key, index, labels, node="n1", **spec):
    namespace, name = key.split("/")
    protocol = "UDP" if index % 2 else "TCP"
    ports = [{"name": "web", "containerPort": 80, "protocol": protocol}]
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [{"kind": "ReplicaSet", "name": "rs"}] if "tier" in labels else [],
        },
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": ports}], **spec},
        "status": {"phase": "Running", "podIP": f"10.0.0.{index}"},
    }


def policy(name, app, **spec):
    selector = {"matchLabels": {"app": app}} if app else {}
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "x"},
        "spec": {"podSelector": selector, **spec},
    }


def for_cluster(name, tier, priority, **sections):
    spec = {"tier": tier, "priority": priority, "subject": {"namespaces": {}}, **sections}
    return {"kind": "ClusterNetworkPolicy", "metadata": {"name": name}, "spec": spec}


def block(*cidrs):
    return {"ipBlock": {"cidr": cidrs[0], "except": [*cidrs[1:]]}}


NODES = [
    {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"zone": name}},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }
    for name, address in NODE_ADDRESSES.items()
]
PODS = [
    *({"kind": "Namespace", "metadata": {"name": name, "labels": {}}} for name in "xy"),
    *NODES,
    pod("x/web", 1, {"app": "web"}),
    pod("x/api", 2, {"app": "api", "tier": "b"}, "n2"),
    pod("x/api-b", 3, {"app": "api", "tier": "c"}),
    pod("x/bare", 4, {}),
    pod("y/web", 5, {"app": "web"}, "n2"),
    pod("x/agent", 6, {"app": "web"}, hostNetwork=True),
]
WEB = {"podSelector": {"matchLabels": {"app": "web"}}}
TIER_B = {"podSelector": {"matchLabels": {"tier": "b"}}}
NO_APP = {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}
NOBODY = {"matchLabels": {"app": "nobody"}}
DENY_IN, DENY_OUT = policy("deny", "api"), policy("mute", "web", policyTypes=["Egress"])
FROM_WEB = {"from": [WEB], "ports": [{"port": 80}]}
ALLOW = [policy(name, "api", ingress=[FROM_WEB]) for name in ("one", "two")]
BOTH = {"policyTypes": ["Ingress", "Egress"], "ingress": [FROM_WEB]}
EVERYBODY = [{"namespaces": {}}]
REFUSE = {"action": "Deny", "from": EVERYBODY}
NO_DNS = {"action": "Deny", "to": EVERYBODY}
TO_NODES = {"action": "Deny", "to": [{"nodes": {"matchLabels": {"zone": "n2"}}}]}
UDP_NAME = {"ports": [{"port": "web", "protocol": "UDP"}]}

WORLDS = [
    [*PODS, *ALLOW, DENY_OUT],
    [*PODS, DENY_IN, policy("again", "api"), DENY_OUT],
    [*PODS, DENY_IN, for_cluster("late", "Baseline", 3, ingress=[REFUSE])],
    [*PODS, for_cluster("first", "Admin", 3, ingress=[REFUSE])],
    [*PODS, DENY_IN, for_cluster("first", "Admin", 3, ingress=[REFUSE])],
    [*PODS, policy("hole", "api", ingress=[{"from": [block("10.0.0.0/24", "10.0.0.1/32")]}])],
    [*PODS, policy("all", "", policyTypes=["Egress"], egress=[{"to": [WEB], **UDP_NAME}])],
    [*PODS, policy("nobody", "nobody"), policy("mere", "api", ingress=[{"ports": [{"port": 1}]}])],
    [*PODS, policy("wide", "api", **BOTH, egress=[]), ALLOW[0], policy("out", "api", egress=[{}])],
    [*PODS, policy("half", "api", policyTypes=["Ingress"], ingress=[{}], egress=[{}])],
    [*PODS, policy("tcp", "api", ingress=[{"from": [WEB], "ports": [{"port": "web"}]}])],
    [*PODS, policy("udp", "web", ingress=[{"ports": [{"port": "web"}]}])],
    [*PODS, policy("some", "api", ingress=[{"from": [WEB, {"podSelector": NOBODY}]}])],
    [*PODS, policy("dns", "web", policyTypes=["Egress"], egress=[{"ports": [{"port": 53}]}])],
    [
        *PODS,
        policy("web", "web", egress=[{"to": [WEB]}]),
        for_cluster("no", "Admin", 1, egress=[NO_DNS]),
    ],
    [*PODS, policy("named", "web", policyTypes=["Egress"], egress=[{"to": [TIER_B], **UDP_NAME}])],
    [*PODS, policy("in", "api", **BOTH, egress=[{"to": [WEB]}]), ALLOW[0]],
    [*PODS, *(for_cluster(tier, tier, 1, ingress=[REFUSE]) for tier in ("Admin", "Baseline"))],
]
"""Worlds in which every mistake shows."""

BARE = [*PODS, {**policy("bare", ""), "spec": {"podSelector": NO_APP}}]
"""The one pod that is isolated has no labels."""

CHOSEN = [
    (BARE, ("x/web", "x/bare", "TCP", 80)),
    (WORLDS[1], ("y/web", "x/api", "TCP", 80)),
    (WORLDS[4], ("x/web", "x/api", "TCP", 80)),
]

OPEN = [*PODS, *ALLOW]
RENAMED = [
    d if d["kind"] != "Pod" else {**d, "metadata": {**d["metadata"], "labels": {}}} for d in OPEN
]
MOVED = [
    d if d["metadata"]["name"] != "api-b" else pod("x/api-b", 3, {"app": "x", "tier": "c"})
    for d in OPEN
]
CHANGES = [
    (PODS, OPEN),
    (OPEN, PODS),
    (OPEN, RENAMED),
    (OPEN, MOVED),
    (PODS, [*PODS, for_cluster("nodes", "Admin", 1, egress=[TO_NODES])]),
    (PODS, [*PODS, policy("b", "web", ingress=[{"from": [TIER_B]}])]),
    (PODS, [d for d in PODS if d["metadata"]["name"] != "bare"]),
]


def relabelled(name, **labels):
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def placed(key, index, labels, *addresses):
    document = pod(key, index, labels)
    status = {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]}
    return {**document, "status": {"phase": "Running", **status}}


BY_TEAM = {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}
MIXED = [
    placed("x/a", 1, {"app": "web"}, "10.0.0.1", "fd00::1"),
    placed("x/b", 2, {"app": "api"}, "fd00::2"),
]
STEPS = [
    (PODS, [DENY_IN, policy("deny", "api", ingress=[FROM_WEB]), policy("deny", "web")]),
    ([*PODS, DENY_IN], [policy("deny", "bare")]),
    ([*PODS, *ALLOW, DENY_OUT], [6 + 4, 0, 0, 0]),
    (PODS, [policy("hole", "api", ingress=[{"from": [block("10.0.0.0/24", "10.0.0.1/32")]}])]),
    ([*PODS, policy("p", "api", ingress=[BY_TEAM])], [relabelled("x", team="a"), relabelled("x")]),
    (
        [*PODS, for_cluster("b", "Admin", 2, ingress=[REFUSE])],
        [for_cluster("a", "Admin", 1, ingress=[{**REFUSE, "action": "Accept"}])],
    ),
    (
        [*MIXED, policy("p", "api", ingress=[{"from": [block("fd00::/64")]}])],
        [policy("p", "api", ingress=[{"from": [block(b)]}]) for b in ("10.0.0.0/8", "fd00::/64")],
    ),
    (
        [pod("x/one", 1, {"app": "x"}), pod("x/two", 2, {"app": "y"}), policy("p", "web")],
        [0, policy("q", "x"), pod("x/three", 3, {"app": "z"}), policy("r", "z")],
    ),
    (
        [pod("x/one", 1, {"app": "x"}), policy("p", "web")],
        [0, pod("x/two", 2, {"app": "y"}), policy("q", "y"), policy("r", "x")],
    ),
]


@pytest.fixture(scope="module")
def corpus():
    """What each part is asked: worlds, probes in them, changes and steps."""
    random = []

    @settings(
        max_examples=6, derandomize=True, database=None, deadline=None, phases=[Phase.generate]
    )
    @given(cluster_worlds(), steps, st.data())
    def collect(documents, changes, data):
        random.append((documents, data.draw(altered(documents)), changes))

    collect()
    packets = (("TCP", 80), ("UDP", 80))
    asked = [
        (world, (one, other, *packet))
        for world in WORLDS[:7]
        for one in all_ends(world)
        for other in all_ends(world)
        for packet in packets
    ]
    refused = [
        (world, probe)
        for world, probe in asked
        if probe[2] == "TCP" and probe[0] in FROM and not allowed(world, *probe)
    ]
    return {
        "explain": asked,
        "suggest": CHOSEN
        + refused[::17]
        + [(world, (*FROM[:2], "ICMP", None)) for world in WORLDS[:2]],
        "lint": WORLDS + [documents for documents, _, _ in random],
        "diff": CHANGES + [(documents, after) for documents, after, _ in random],
        "kept": STEPS + [(documents, changes) for documents, _, changes in random],
    }


FROM = ("x/web", "x/api", "y/web", "x/bare", "ip:192.0.2.1")


def allowed(documents, source, target, protocol, port):
    world = ClusterWorld(documents)
    return world.allows(*world.pair(source, target), protocol, port)


@pytest.fixture
def load():
    with imported() as loading:
        yield loading


MODULES = {
    "explain": ("explain",),
    "suggest": ("explain",),
    "lint": ("lint", "inputs"),
    "diff": ("diff",),
    "kept": ("matrix",),
}


def check_both(matrix, *question):
    for check in (check_kept, check_table):
        check(*question, matrix.Matrix)


CHECKS = {
    "explain": lambda explain, world, probe: check_explanation(explain, world, *probe),
    "suggest": lambda explain, world, probe: check_suggestion(explain, world, *probe),
    "lint": lambda lint, inputs, *world: check_lint(lint, inputs, [*world]),
    "diff": check_difference,
    "kept": check_both,
}


def judged(part, corpus, load, mutant=None):
    """The first complaint of the checks of one part about it, or None."""
    modules = load([f"analysis.{name}" for name in MODULES[part]], mutant)
    for question in corpus[part]:
        try:
            CHECKS[part](*modules, *question)
        except (AssertionError, LookupError, ValueError) as complaint:
            return complaint
    return None


PARTS = {
    "explain": EXPLAINED,
    "suggest": SUGGESTED,
    "lint": LINTED,
    "diff": COMPARED,
    "kept": KEPT,
}


@pytest.mark.parametrize("part", PARTS)
def test_the_sound_one_passes(load, corpus, part):
    assert judged(part, corpus, load) is None


@pytest.mark.parametrize(("part", "name"), [(p, name) for p in PARTS for name in PARTS[p]])
def test_a_broken_one_is_caught(load, corpus, part, name):
    assert judged(part, corpus, load, PARTS[part][name]) is not None
