"""Cluster-wide policy: random clusters against the naive evaluator, and the documented corners."""

from __future__ import annotations

import pytest
from hypothesis import given
from policy_cluster_worlds import all_ends, cluster_worlds
from policy_naive_cluster import ClusterWorld
from policy_worlds import PROBED, few

from minik8s.analysis.matrix import Matrix
from minik8s.policy import Direction, Peer, PolicySet, Reason, Verdict, Via


@few
@given(cluster_worlds())
def test_engine_and_matrix_agree_with_the_naive_evaluator(documents):
    world, matrix = ClusterWorld(documents), Matrix.of(documents)
    snapshot = matrix.snapshot
    places = all_ends(documents)
    for source in places:
        for target in places:
            ports = matrix.ports(source, target)
            one, other = snapshot.pair(snapshot.peer(source), snapshot.peer(target), source, target)
            for protocol, port in PROBED:
                expected = world.allows(*world.pair(source, target), protocol, port)
                decision = snapshot.policies.decide(one, other, protocol, port)
                where = (source, target, protocol, port)
                assert (decision.verdict is Verdict.ALLOW) == expected, where
                assert ((protocol, port) in ports) == expected, where


WEB = Peer("10.0.0.1", "shop", "web", {"app": "web"}, {"team": "a"})
API = Peer("10.0.0.2", "shop", "api", {"app": "api"}, {"team": "a"}, {("http", "TCP"): 8080})


def cluster_policy(name="p", tier="Admin", priority=10, kind="ClusterNetworkPolicy", **sections):
    spec = {"tier": tier, "priority": priority, "subject": {"namespaces": {}}, **sections}
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}


def inward(action, **more):
    return {"action": action, "from": [{"namespaces": {}}], **more}


def verdict(*documents, port=8080, protocol="TCP", via=Via.ADDRESS, source=WEB, target=API):
    engine = PolicySet.of(documents)
    return engine.decide(source, target, protocol, port, via=via).verdict


DENY_ALL = {"kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "shop"}}
OPEN = {**DENY_ALL, "spec": {"podSelector": {}, "ingress": [{}]}}


def test_admin_decides_before_and_baseline_after_network_policy():
    accept = cluster_policy(ingress=[inward("Accept")])
    deny = cluster_policy(ingress=[inward("Deny")])
    assert verdict(accept, DENY_ALL) is Verdict.ALLOW
    assert verdict(deny, OPEN) is Verdict.DROP
    baseline = cluster_policy(tier="Baseline", ingress=[inward("Deny")])
    assert verdict(baseline, OPEN) is Verdict.ALLOW
    assert verdict(baseline) is Verdict.DROP


def test_pass_leads_to_network_policy_and_then_to_baseline():
    passing = cluster_policy("a", priority=1, ingress=[inward("Pass"), inward("Deny")])
    deny = cluster_policy("b", priority=2, ingress=[inward("Deny")])
    baseline = cluster_policy("c", tier="Baseline", ingress=[inward("Deny")])
    assert verdict(passing, deny) is Verdict.ALLOW
    assert verdict(passing, deny, OPEN, baseline) is Verdict.ALLOW
    assert verdict(passing, deny, baseline) is Verdict.DROP
    skip = cluster_policy("d", tier="Baseline", priority=1, ingress=[inward("Pass")])
    assert verdict(skip, baseline) is Verdict.ALLOW


def test_being_a_subject_isolates_nobody():
    other = cluster_policy(ingress=[inward("Accept", protocols=[{"tcp": port(1)}])])
    decision = PolicySet.of([other]).decide(WEB, API, "TCP", 8080)
    assert decision.verdict is Verdict.ALLOW
    assert decision.ingress.reason is Reason.NO_RULE


def port(number):
    return {"destinationPort": {"number": number}}


def test_protocols_never_match_ping_and_their_absence_does():
    limited = cluster_policy(ingress=[inward("Deny", protocols=[{"tcp": port(8080)}])])
    assert verdict(limited) is Verdict.DROP
    assert verdict(limited, protocol="ICMP", port=None) is Verdict.ALLOW
    assert verdict(cluster_policy(ingress=[inward("Deny")]), protocol="ICMP", port=None) is (
        Verdict.DROP
    )


def test_a_named_port_takes_the_protocol_of_the_container_port():
    named = cluster_policy(ingress=[inward("Deny", protocols=[{"destinationNamedPort": "http"}])])
    assert verdict(named) is Verdict.DROP
    assert verdict(named, protocol="UDP") is Verdict.ALLOW


@pytest.mark.parametrize(
    ("action", "expected"),
    [("Accept", Verdict.DROP), ("Deny", Verdict.DROP), ("Pass", Verdict.DROP)],
)
def test_a_peer_without_a_known_field_fails_closed(action, expected):
    odd = cluster_policy(ingress=[{"action": action, "from": [{"future": {}}]}])
    later = cluster_policy("z", priority=99, ingress=[inward("Deny")])
    assert verdict(odd, later) is expected
    alone = {"Accept": Verdict.ALLOW}.get(action, Verdict.DROP)
    assert verdict(odd) is alone


def test_ingress_from_outside_matches_no_cluster_wide_rule():
    deny = cluster_policy(ingress=[inward("Deny")])
    assert verdict(deny, source=Peer("203.0.113.9")) is Verdict.ALLOW


def test_hairpin_is_subject_to_cluster_wide_policy_and_loopback_is_not():
    deny = cluster_policy(ingress=[inward("Deny")])
    assert verdict(deny, source=API, target=API) is Verdict.ALLOW
    assert verdict(deny, source=API, target=API, via=Via.SERVICE) is Verdict.DROP


def test_the_first_of_equal_priorities_by_name_decides():
    accept = cluster_policy("a", ingress=[inward("Accept")])
    deny = cluster_policy("b", ingress=[inward("Deny")])
    assert verdict(deny, accept) is Verdict.ALLOW


def test_the_older_kinds_mean_the_same():
    number = {"portNumber": {"protocol": "TCP", "port": 8080}}
    span = {"portRange": {"start": 8000, "end": 9000}}
    for ports in ([number], [span], [{"namedPort": "http"}], None):
        rule = {"action": "Deny", "from": [{"namespaces": {}}]} | (
            {"ports": ports} if ports else {}
        )
        admin = cluster_policy(kind="AdminNetworkPolicy", ingress=[rule])
        del admin["spec"]["tier"]
        assert verdict(admin, OPEN) is Verdict.DROP
        baseline = cluster_policy(kind="BaselineAdminNetworkPolicy", ingress=[rule])
        assert verdict(baseline, OPEN) is Verdict.ALLOW
        assert verdict(baseline) is Verdict.DROP
        assert verdict(baseline, protocol="UDP", port=1) is (
            Verdict.ALLOW if ports else Verdict.DROP
        )
    allow = cluster_policy(kind="AdminNetworkPolicy", ingress=[inward("Allow")])
    assert verdict(allow, DENY_ALL) is Verdict.ALLOW


def test_removing_a_cluster_wide_policy_takes_effect_everywhere():
    engine = PolicySet.of([cluster_policy(ingress=[inward("Deny")])])
    assert engine.decide(WEB, API, "TCP", 1).dropped_by is Direction.INGRESS
    engine.remove("", "p", "ClusterNetworkPolicy")
    assert engine.decide(WEB, API, "TCP", 1).verdict is Verdict.ALLOW
