"""Every explanation is checked by the naive evaluator: verdicts, counterfactuals, suggestions."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st
from policy_cluster_worlds import all_ends, cluster_worlds
from policy_naive import World
from policy_naive_cluster import ClusterWorld
from policy_worlds import OUTSIDE, PROBED, ends, few, many, worlds

from minik8s.analysis.explain import Explainer
from minik8s.policy import Direction, Verdict

SECTIONS = {Direction.INGRESS: "ingress", Direction.EGRESS: "egress"}


def stripped(documents, side):
    """The documents without the rules and policies that one side of an explanation names."""
    gone = {(ref.policy.namespace, ref.policy.name, ref.index) for ref in side.rules}
    policies = {(ref.namespace, ref.name) for ref in side.policies}
    kept = []
    for document in documents:
        place = (document["metadata"].get("namespace"), document["metadata"]["name"])
        if document["kind"] != "NetworkPolicy":
            kept.append(document)
            continue
        if place in policies:
            continue
        document = copy.deepcopy(document)
        section = SECTIONS[side.decision.direction]
        rules = document["spec"].get(section) or []
        # a direction stays isolated when its last rule goes: say so before it does
        document["spec"]["policyTypes"] = types_of(document)
        document["spec"][section] = [r for i, r in enumerate(rules) if (*place, i) not in gone]
        kept.append(document)
    return kept


def types_of(document):
    spec = document["spec"]
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def naive_side(documents, side, hop):
    world = World(documents)
    source, target = (world.end(place(peer)) for peer in (hop.source, hop.target))
    judge = world.egress if side.decision.direction is Direction.EGRESS else world.ingress
    return judge(source, target, hop.protocol, hop.port)


def place(peer):
    return peer.key if peer.namespace else f"ip:{peer.address}"


probes = st.tuples(st.integers(0, 20), st.integers(0, 20), st.sampled_from(PROBED))


def probed(documents, probe):
    return probed_of(ends(documents), probe)


@many
@given(worlds(), probes)
def test_explanations_hold_what_they_say(documents, probe):
    source, target, protocol, port = probed(documents, probe)
    explanation = Explainer(documents).explain(source, target, port, protocol)
    world = World(documents)
    expected = world.allows(world.end(source), world.end(target), protocol, port)
    assert (explanation.verdict is Verdict.ALLOW) == expected
    (hop,) = explanation.hops
    for side in (hop.egress, hop.ingress):
        matched = [rule.ref for trial in side.trials for rule in trial.rules if rule.matched]
        if side.trials:
            assert bool(matched) == (side.decision.verdict is Verdict.ALLOW)
            assert side.decision.matched == (matched[0] if matched else None)
        if side.rules or side.policies:
            assert side.without is not side.decision.verdict
            without = naive_side(stripped(documents, side), side, hop)
            assert without == (side.without is Verdict.ALLOW)


@many
@given(worlds(), probes)
def test_suggested_policies_open_what_they_say_and_close_nothing(documents, probe):
    source, target, protocol, port = probed(documents, probe)
    explanation = Explainer(documents).explain(source, target, port, protocol)
    if explanation.suggestion is None:
        assert explanation.verdict is Verdict.ALLOW
        return
    added = list(explanation.suggestion.policies)
    before, after = World(documents), World([*documents, *added])
    listed = {(o.source, o.target, o.protocol, o.port) for o in explanation.suggestion.opens}
    assert after.allows(after.end(source), after.end(target), protocol, port)
    outside = [f"ip:{address}" for address in OUTSIDE]
    for one in ends(documents):
        for other in ends(documents):
            for asked in PROBED:
                was, now = (w.allows(w.end(one), w.end(other), *asked) for w in (before, after))
                assert now or not was, ("closed", one, other, asked)
                if now and not was and (one, other, *asked) != (source, target, protocol, port):
                    assert asked == (protocol, port) or port is None
                    assert one not in outside or one == source
                    if port is not None:
                        key = (one.removeprefix("ip:"), other.removeprefix("ip:"), *asked)
                        assert key in listed
    for one, other, *asked in listed:
        ways = [w.allows(w.end(named(one)), w.end(named(other)), *asked) for w in (before, after)]
        assert ways == [False, True]


def named(key):
    return key if "/" in key else f"ip:{key}"


def stripped_cluster(documents, side):
    """The documents without what one side names, cluster-wide policies included."""
    gone = {(ref.policy.kind, ref.policy.name, ref.index) for ref in side.rules}
    section = SECTIONS[side.decision.direction]
    kept = []
    for document in stripped(documents, side):
        kind, name = document["kind"], document["metadata"]["name"]
        if kind == "ClusterNetworkPolicy":
            document = copy.deepcopy(document)
            rules = document["spec"].get(section) or []
            document["spec"][section] = [
                rule for i, rule in enumerate(rules) if (kind, name, i) not in gone
            ]
        kept.append(document)
    return kept


@few
@given(cluster_worlds(), probes)
def test_cluster_wide_explanations_hold_what_they_say(documents, probe):
    source, target, protocol, port = probed_of(all_ends(documents), probe)
    explanation = Explainer(documents).explain(source, target, port, protocol)
    world = ClusterWorld(documents)
    expected = world.allows(world.end(source), world.end(target), protocol, port)
    assert (explanation.verdict is Verdict.ALLOW) == expected
    (hop,) = explanation.hops
    for side in (hop.egress, hop.ingress):
        if side.rules or side.policies:
            world = ClusterWorld(stripped_cluster(documents, side))
            section = SECTIONS[side.decision.direction]
            ends_ = [world.end(place(peer)) for peer in (hop.source, hop.target)]
            judged, other = ends_ if section == "egress" else reversed(ends_)
            without = world.direction(section, judged, other, protocol, port)
            assert without == (side.without is Verdict.ALLOW)


@few
@given(cluster_worlds(), probes)
def test_suggestions_against_cluster_wide_policies_work(documents, probe):
    source, target, protocol, port = probed_of(all_ends(documents), probe)
    explanation = Explainer(documents).explain(source, target, port, protocol)
    if explanation.suggestion is None:
        return
    added = list(explanation.suggestion.policies)
    if not added:
        assert explanation.suggestion.note
        return
    before, after = ClusterWorld(documents), ClusterWorld([*documents, *added])
    assert after.allows(after.end(source), after.end(target), protocol, port)
    for one in all_ends(documents):
        for other in all_ends(documents):
            for asked in PROBED:
                was, now = (w.allows(w.end(one), w.end(other), *asked) for w in (before, after))
                assert now or not was, ("closed", one, other, asked)
                assert was or not now or asked == (protocol, port) or port is None


def probed_of(places, probe):
    one, other, (protocol, port) = probe
    return places[one % len(places)], places[other % len(places)], protocol, port
