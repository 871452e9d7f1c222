"""What an explanation, a suggestion, lint and a difference must keep to, by the naive evaluator.

Each check takes the module that is judged, so that the same check judges a broken one.
"""

from __future__ import annotations

import copy
import re

from policy_cluster_worlds import all_ends
from policy_naive import World, addresses, container_ports, one_like
from policy_naive_cluster import KINDS as CLUSTER_KINDS
from policy_naive_cluster import ClusterWorld
from policy_worlds import OUTSIDE, PROBED, PROTOCOLS

SECTIONS = ("ingress", "egress")


def policy_of(document):
    return document["kind"] == "NetworkPolicy" or document["kind"] in CLUSTER_KINDS


def place_of(document):
    """Kind, namespace and name, as a reference to a policy has them."""
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace") or "", metadata["name"]


def types_of(document):
    spec = document["spec"]
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


# -- explanations


def stripped(documents, side):
    """The documents without the rules and policies that one side of an explanation names."""
    policies = {(ref.kind, ref.namespace, ref.name) for ref in side.policies}
    rules = {
        (ref.policy.kind, ref.policy.namespace, ref.policy.name, ref.index) for ref in side.rules
    }
    section, kept = side.decision.direction.value.lower(), []
    for document in documents:
        place = place_of(document)
        if place in policies:
            continue
        if policy_of(document):
            document = copy.deepcopy(document)
            spec = document["spec"]
            if document["kind"] == "NetworkPolicy":
                # a direction stays isolated when its last rule goes: say so before it does
                spec["policyTypes"] = types_of(document)
            spec[section] = [
                rule
                for index, rule in enumerate(spec.get(section) or [])
                if (*place, index) not in rules
            ]
        kept.append(document)
    return kept


def seen_as(world, peer):
    """The end that a peer of an explanation is, under the address that it has there."""
    return world.pods.get(peer.key), peer.address


def naive_side(documents, side, hop, seen=None):
    world = ClusterWorld(documents)
    section = side.decision.direction.value.lower()
    source, target = (seen_as(world, peer) for peer in (seen or hop.source, hop.target))
    judged, other = (target, source) if section == "ingress" else (source, target)
    return world.direction(section, judged, other, hop.protocol, hop.port)


def check_explanation(explain, documents, source, target, protocol, port):
    """Verdict, matched rules and counterfactual of an explanation."""
    explanation = explain.Explainer(documents).explain(source, target, port, protocol)
    world = ClusterWorld(documents)
    expected = world.allows(*world.pair(source, target), protocol, port)
    assert (explanation.verdict.value == "allow") == expected
    (hop,) = explanation.hops
    denied = [side.decision.direction.value for side in sides(hop) if denies(side)]
    assert (hop.dropped_by.value if hop.dropped_by else None) == (denied or [None])[0]
    for side in sides(hop):
        check_side(documents, side, hop)


def sides(hop):
    return hop.egress, hop.ingress


def denies(side):
    return side.decision.verdict.value == "deny"


def check_side(documents, side, hop, seen=None):
    plain = not any(document["kind"] in CLUSTER_KINDS for document in documents)
    matched = [rule.ref for trial in side.trials for rule in trial.rules if rule.matched]
    tried = {(t.policy.kind, t.policy.namespace, t.policy.name) for t in side.trials}
    if plain and side.trials:
        assert bool(matched) == (side.decision.verdict.value == "allow")
        assert side.decision.matched == (matched[0] if matched else None)
    if side.decision.matched is not None:
        assert side.decision.matched in matched
        assert side.decision.matched in side.rules
    if denies(side):
        assert side.rules or side.policies
    for ref in (*side.policies, *(rule.policy for rule in side.rules)):
        assert (ref.kind, ref.namespace, ref.name) in tried
    if side.rules or side.policies:
        if plain:
            assert side.without.value != side.decision.verdict.value
        without = naive_side(stripped(documents, side), side, hop, seen)
        assert without == (side.without.value == "allow")


# -- suggestions


def check_suggestion(explain, documents, source, target, protocol, port):
    """The suggested set opens what was asked for, lists what else it opens, closes nothing."""
    explanation = explain.Explainer(documents).explain(source, target, port, protocol)
    suggestion = explanation.suggestion
    if suggestion is None:
        assert explanation.verdict.value == "allow"
        return
    added = list(suggestion.policies)
    if not added:
        assert suggestion.note
        return
    assert not {place_of(d) for d in added} & {place_of(d) for d in documents}
    sections = [next(s for s in SECTIONS if s in document["spec"]) for document in added]
    denied = [side.decision.direction.value.lower() for side in sides(explanation.hops[0])]
    assert sorted(sections) == sorted(
        section
        for section, side in zip(denied, sides(explanation.hops[0]), strict=True)
        if denies(side)
    )
    before, after = ClusterWorld(documents), ClusterWorld([*documents, *added])
    assert after.allows(*after.pair(source, target), protocol, port)
    check_opened(documents, suggestion, before, after, (source, target, protocol, port))


def check_opened(documents, suggestion, before, after, asked_for):
    source, target, protocol, port = asked_for
    listed = {(o.source, o.target, o.protocol, o.port) for o in suggestion.opens}
    assert (key_of(before, source), key_of(before, target), protocol, port) not in listed
    places = all_ends(documents)
    outside = {f"ip:{address}" for address in OUTSIDE}
    for one in places:
        for other in places:
            for asked in PROBED:
                was, now = (w.allows(*w.pair(one, other), *asked) for w in (before, after))
                assert now or not was, ("closed", one, other, asked)
                if was or not now or (one, other, *asked) == asked_for:
                    continue
                # a rule without ports is the only one that ping passes
                assert asked == (protocol, port) or port is None, ("too wide", one, other, asked)
                assert one not in outside or one == source
                assert other not in outside or other == target
                assert like(before, source, one)
                assert like(before, target, other)
                if asked == (protocol, port):
                    assert (key_of(before, one), key_of(before, other), *asked) in listed
    for one, other, *asked in listed:
        ways = [w.allows(*w.pair(named(w, one), named(w, other)), *asked) for w in (before, after)]
        assert ways == [False, True], ("listed", one, other, asked)


def like(world, asked, opened):
    """Whether no label of the end that was asked for tells it from another one that opened."""
    one, other = world.end(asked)[0], world.end(opened)[0]
    if one is None or other is None or one["spec"].get("hostNetwork"):
        return True
    wanted, given = one["metadata"]["labels"].items(), other["metadata"]["labels"].items()
    here, there = one["metadata"]["namespace"], other["metadata"]["namespace"]
    return here == there and wanted <= given


def key_of(world, place):
    """How `opens` names an end: a pod or a node by its name, others by address."""
    if not place.startswith("ip:"):
        return place
    node = world.node_at(place[3:])
    return node["metadata"]["name"] if node is not None else place[3:]


def named(world, key):
    for node in world.nodes:
        if node["metadata"]["name"] == key:
            return f"ip:{address_of(node)}"
    return key if "/" in key else f"ip:{key}"


# -- lint

DNS_LABELS = {"k8s-app": "kube-dns"}
DNS = [
    {
        "kind": "Service",
        "metadata": {"namespace": "kube-system", "name": "kube-dns"},
        "spec": {
            "clusterIP": "10.96.0.10",
            "selector": DNS_LABELS,
            "ports": [
                {"name": "dns", "protocol": "UDP", "port": 53},
                {"name": "dns-tcp", "protocol": "TCP", "port": 53},
            ],
        },
    },
    {
        "kind": "Pod",
        "metadata": {
            "namespace": "kube-system",
            "name": "dns",
            "labels": DNS_LABELS,
            "ownerReferences": [],
        },
        "spec": {
            "containers": [
                {"name": "c", "ports": [{"name": "dns", "protocol": "UDP", "containerPort": 53}]}
            ]
        },
        "status": {"phase": "Running", "podIP": "10.0.4.1"},
    },
]
"""The DNS of the cluster; lint makes one up where the documents have none."""

USELESS = {"selects-nothing", "duplicate", "shadowed"}
PLACE = re.compile(r"spec\.(ingress|egress)\[(\d+)\]")
PEER = re.compile(r"\.(from|to)\[(\d+)\]\.ipBlock$")


def check_lint(lint, inputs, documents):
    """What lint calls useless can go; what the documents alone decide is found exactly."""
    documents, paths = [*documents, *DNS], []

    class Placed(inputs.Source):
        """A source whose "line" is the number of the path that was asked for."""

        def line_of(self, path):
            paths.append(path)
            return len(paths) - 1

    found = lint.lint([Placed(document, "file", inputs.Layout(1)) for document in documents])
    for finding in found:
        if finding.code in USELESS:
            kept = [d for d in documents if finding.subject != subject(d)]
            assert answers(documents) == answers(kept), finding
        elif finding.code == "rule-never-matches":
            less = without_rule(documents, finding, paths[finding.line])
            assert answers(documents) == answers(less), finding
    said = {(f.code, f.subject, paths[f.line]) for f in found if f.code in EXPECTED}
    if not populated(documents):
        said = {each for each in said if each[0] != "egress-without-dns"}  # judged without pods
    wanted = set()
    for code, expected in EXPECTED.items():
        for document in documents:
            if policy_of(document):
                wanted |= {(code, subject(document), p) for p in expected(documents, document)}
    assert said == wanted
    told = {f.subject for f in found if f.code in ("equal-priority", "duplicate")}
    assert {f.subject for f in found if f.code == "equal-priority"} <= ties(documents) <= told


def subject(document):
    kind, namespace, name = place_of(document)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def without_rule(documents, finding, path):
    section, index = PLACE.match(path).groups()
    changed = copy.deepcopy(documents)
    for document in changed:
        if subject(document) != finding.subject:
            continue
        spec, entry = document["spec"], PEER.search(path)
        rule = spec[section][int(index)]
        if entry is not None and len(rule[entry[1]]) > 1:
            del rule[entry[1]][int(entry[2])]
            continue
        if document["kind"] == "NetworkPolicy":
            spec["policyTypes"] = types_of(document)
        del spec[section][int(index)]
    return changed


def answers(documents):
    world, places = ClusterWorld(documents), all_ends(documents)
    return [
        world.allows(*world.pair(one, other), protocol, port)
        for one in places
        for other in places
        for protocol, port in PROBED[::2]
    ]


def selected(documents, policy):
    """The pods that a policy selects, by the naive evaluator."""
    world = ClusterWorld(documents)
    chosen = []
    for pod in living_pods(documents):
        if policy["kind"] == "NetworkPolicy":
            alone = World([policy, pod])
            spec = {**policy["spec"], "policyTypes": ["Ingress"]}
            alone.policies = [{**policy, "spec": spec}]
            if alone.isolating(pod, "Ingress"):
                chosen.append(pod)
        elif world.in_group(policy["spec"]["subject"], pod):
            chosen.append(pod)
    return chosen


def living_pods(documents):
    return [
        d
        for d in documents
        if d["kind"] == "Pod" and d["status"]["phase"] not in ("Succeeded", "Failed")
    ]


def selects_nothing(documents, policy):
    if populated(documents) and not selected(documents, policy):
        yield "spec.podSelector" if policy["kind"] == "NetworkPolicy" else "spec.subject"


def populated(documents):
    return any(pod["metadata"]["namespace"] != "kube-system" for pod in living_pods(documents))


def rules_ignored(documents, policy):
    types = policy["spec"].get("policyTypes")
    for section in SECTIONS if policy["kind"] == "NetworkPolicy" and types else ():
        if section.capitalize() not in types and policy["spec"].get(section):
            yield f"spec.{section}"


def types_missing(documents, policy):
    spec = policy["spec"]
    if policy["kind"] == "NetworkPolicy" and not spec.get("policyTypes") and "egress" in spec:
        yield "spec.egress"


def allows_everything(documents, policy):
    for section, index, rule, peers in rules_in(policy):
        if policy["kind"] == "NetworkPolicy" and not rule.get(peers) and not rule.get("ports"):
            yield f"spec.{section}[{index}]"


def rules_in(policy):
    """The rules that count: section, index, rule, and the field of its peers."""
    for section, peers in (("ingress", "from"), ("egress", "to")):
        if policy["kind"] == "NetworkPolicy" and section.capitalize() not in types_of(policy):
            continue
        for index, rule in enumerate(policy["spec"].get(section) or []):
            yield section, index, rule, peers


def name_unknown(documents, policy):
    """Named ports that no pod declares which could be the destination of the rule."""
    chosen = selected(documents, policy)
    if not chosen or not populated(documents):
        return
    world = ClusterWorld(documents)
    for section, index, rule, peers in rules_in(policy):
        targets = chosen
        if section == "egress":
            targets = [
                pod
                for pod in living_pods(documents)
                if peer_is(world, policy, rule.get(peers), pod)
            ]
        field = "protocols" if policy["kind"] == "ClusterNetworkPolicy" else "ports"
        for at, entry in enumerate(rule.get(field) or []):
            names = [entry.get(k) for k in ("port", "destinationNamedPort", "namedPort")]
            name = next((n for n in names if isinstance(n, str)), None)
            protocols = [entry.get("protocol", "TCP")] if "port" in entry else PROTOCOLS
            if name and not any(container_ports(p, name, q) for p in targets for q in protocols):
                yield f"spec.{section}[{index}].{field}[{at}]"


def peer_is(world, policy, peers, pod):
    ends = [(pod, address) for address in addresses(pod)]
    if policy["kind"] == "NetworkPolicy":
        return any(world.peer_ok(policy, peers, end) for end in ends)
    return any(world.peer(peer, end) for peer in peers for end in ends)


def without_dns(documents, policy):
    """Policies with egress rules one of whose pods may not ask the DNS, for want of a rule."""
    if policy["kind"] != "NetworkPolicy" or "Egress" not in types_of(policy):
        return
    if not policy["spec"].get("egress"):
        return  # it denies everything, and is meant to
    world, server = ClusterWorld(documents), (DNS[1], DNS[1]["status"]["podIP"])
    for pod in selected(documents, policy) if populated(documents) else ():
        mine = one_like(server[1], addresses(pod)) or pod["status"]["podIP"]
        ends = ((pod, mine), server, "UDP", 53)
        passed = world.first_action("Admin", "egress", *ends) in (None, "Pass")
        if passed and not world.direction("egress", *ends) and not might_ask(documents, pod):
            yield "spec.policyTypes"


def might_ask(documents, pod):
    """Whether a rule names port 53, or allows the DNS if its namespace has fitting labels."""
    world = ClusterWorld(documents)
    if any(d["kind"] == "Namespace" and name_is(d, "kube-system") for d in documents):
        guesses = [world]
    else:
        guesses = [ClusterWorld([*documents, kube_system(p)]) for p in peers_of(documents)]
    for policy in World(documents).isolating(pod, "Egress"):
        for rule in policy["spec"].get("egress") or []:
            ports, server = rule.get("ports") or [], (DNS[1], DNS[1]["status"]["podIP"])
            if any(
                p.get("port") == 53
                and p.get("protocol") == "UDP"
                and p.get("endPort") in (None, 53)
                for p in ports
            ):
                return True
            for guess in guesses or [world]:
                if guess.peer_ok(policy, rule.get("to"), server) and guess.port_ok(
                    ports, server, "UDP", 53
                ):
                    return True
    return False


def name_is(document, name):
    return document["metadata"]["name"] == name


def peers_of(documents):
    for document in documents:
        if document["kind"] == "NetworkPolicy":
            for rule in document["spec"].get("egress") or []:
                yield from (p for p in rule.get("to") or [] if p.get("namespaceSelector"))


def kube_system(peer):
    """The namespace of the DNS with labels that a peer asks for, if labels can do that."""
    selector = peer["namespaceSelector"]
    labels = dict(selector.get("matchLabels") or {})
    expressions = selector.get("matchExpressions") or []
    refused = {v for e in expressions if e["operator"] == "NotIn" for v in e["values"]}
    for each in sorted(expressions, key=lambda e: e["operator"] != "In"):
        if each["operator"] == "In":
            fitting = [v for v in each["values"] if v not in refused] or each["values"]
            labels.setdefault(each["key"], fitting[0])
        elif each["operator"] == "Exists":
            labels.setdefault(each["key"], "any-other")
    return {"kind": "Namespace", "metadata": {"name": "kube-system", "labels": labels}}


def ties(documents):
    """Policies of a kind with the tier and priority of another one that comes before them."""
    ranked = [d for d in documents if d["kind"] in CLUSTER_KINDS]
    return {
        subject(policy)
        for policy in ranked
        for other in ranked
        if other["kind"] == policy["kind"] and place_of(other) < place_of(policy)
        if (other["spec"].get("tier"), other["spec"].get("priority"))
        == (policy["spec"].get("tier"), policy["spec"].get("priority"))
    }


EXPECTED = {
    "selects-nothing": selects_nothing,
    "rules-ignored": rules_ignored,
    "policy-types-missing": types_missing,
    "allows-everything": allows_everything,
    "port-name-unknown": name_unknown,
    "egress-without-dns": without_dns,
}
"""Codes whose places the naive evaluator can tell."""


# -- differences


def check_difference(diff, before, after):
    """The pairs that a difference names, and on which ports, are those that change."""
    found = diff.difference(before, after)
    one, other = ClusterWorld(before), ClusterWorld(after)
    was, now = by_workload(before), by_workload(after)
    if asks_for_nodes(before) or asks_for_nodes(after):
        was, now = was | nodes(before), now | nodes(after)
    assert set(found.added) == now.keys() - was.keys()
    assert set(found.removed) == was.keys() - now.keys()
    shared = {name: [k for k in was[name] if k in now[name]] for name in was if name in now}
    shared = {name: keys for name, keys in shared.items() if keys}
    changes = {(c.source, c.target): c for c in found.changes}
    for change in found.changes:
        assert change.opened or change.closed
        assert bool(change.opened) == bool(change.opened_because)
        assert bool(change.closed) == bool(change.closed_because)
    for source, sources in shared.items():
        for target, targets in shared.items():
            opened, closed = naive_change(one, other, sources, targets)
            change = changes.get((source, target))
            for packet in PROBED:
                assert (change is not None and packet in change.opened) == (packet in opened)
                assert (change is not None and packet in change.closed) == (packet in closed)
    for name, keys in shared.items():
        for itself in ([f"ip:{address}"] for address in OUTSIDE):
            pairs = ((keys, itself, "target"), (itself, keys, "source"))
            for sources, targets, side in pairs:
                opened, closed = naive_change(one, other, sources, targets)
                near = [
                    c
                    for c in found.changes
                    if getattr(c, side).startswith("outside")
                    and name == (c.source if side == "target" else c.target)
                ]
                assert all(any(packet in c.opened for c in near) for packet in opened)
                assert all(any(packet in c.closed for c in near) for packet in closed)


def asks_for_nodes(documents):
    return any(
        "nodes" in peer
        for d in documents
        if d["kind"] in CLUSTER_KINDS
        for rule in d["spec"].get("egress") or []
        for peer in rule["to"]
    )


def nodes(documents):
    """Nodes stand beside the workloads once a policy asks for them."""
    found = [d for d in documents if d["kind"] == "Node"]
    return {d["metadata"]["name"]: [f"ip:{address_of(d)}"] for d in found}


def address_of(node):
    return node["status"]["addresses"][0]["address"]


def by_workload(documents):
    groups = {}
    for document in living_pods(documents):
        metadata = document["metadata"]
        owner = (metadata["ownerReferences"] or [{"name": metadata["name"]}])[0]["name"]
        key = f"{metadata['namespace']}/{metadata['name']}"
        groups.setdefault(f"{metadata['namespace']}/{owner}", []).append(key)
    return groups


def naive_change(one, other, sources, targets):
    opened, closed = set(), set()
    for packet in PROBED:
        for a in sources:
            for b in targets:
                was, now = (w.allows(*w.pair(a, b), *packet) for w in (one, other))
                if was != now:
                    (opened if now else closed).add(packet)
    return opened, closed
