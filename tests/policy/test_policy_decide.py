"""Decisions are data: who selects, which entry matched, and why policy was not asked."""

from __future__ import annotations

import pytest

from minik8s.policy import (
    Direction,
    Peer,
    PolicyRef,
    PolicySet,
    Reason,
    RuleRef,
    Verdict,
    Via,
)

WEB = Peer("10.0.1.2", "shop", "web", {"app": "web"}, {"team": "a"}, node="n1")
API = Peer("10.0.1.3", "shop", "api", {"app": "api"}, {"team": "a"}, {("http", "TCP"): 8080})
OUTSIDE = Peer("203.0.113.9")


def policy(name, namespace="shop", **spec):
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {}, **spec},
    }


def test_the_matched_entries_are_named():
    rules = [
        {"from": [{"podSelector": {"matchLabels": {"app": "db"}}}]},
        {
            "from": [
                {"ipBlock": {"cidr": "192.0.2.0/24"}},
                {"podSelector": {"matchLabels": {"app": "web"}}},
            ],
            "ports": [{"port": 80}, {"port": "http"}],
        },
    ]
    engine = PolicySet.of([policy("b"), policy("a", ingress=rules), policy("c", "other")])
    found = engine.decide_direction(Direction.INGRESS, API, WEB, "TCP", 8080)
    a, b = (PolicyRef("NetworkPolicy", "shop", name) for name in "ab")
    assert found.selecting == (a, b)
    assert found.matched == RuleRef(a, Direction.INGRESS, 1, peer=1, port=1)
    assert found.reason is Reason.RULE
    assert found.verdict is Verdict.ALLOW


def test_a_rule_without_lists_matches_without_indexes():
    engine = PolicySet.of([policy("open", ingress=[{}])])
    matched = engine.decide(OUTSIDE, API, "TCP", 1).ingress.matched
    assert (matched.index, matched.peer, matched.port) == (0, None, None)


def test_no_rule_and_not_selected_are_told_apart():
    engine = PolicySet.of([policy("deny", policyTypes=["Ingress"])])
    decision = engine.decide(WEB, API, "TCP", 80)
    assert decision.egress.reason is Reason.NOT_SELECTED
    assert decision.ingress.reason is Reason.NO_RULE
    assert decision.dropped_by is Direction.INGRESS


def test_egress_is_named_when_both_ends_drop():
    engine = PolicySet.of([policy("deny", policyTypes=["Ingress", "Egress"])])
    assert engine.decide(WEB, API, "TCP", 80).dropped_by is Direction.EGRESS


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (None, Verdict.ALLOW),
        ([], Verdict.ALLOW),
        ([{}], Verdict.DROP),
        ([{"port": 80}], Verdict.DROP),
    ],
)
def test_ping_needs_a_rule_without_ports(ports, expected):
    rule = {} if ports is None else {"ports": ports}
    engine = PolicySet.of([policy("p", ingress=[rule])])
    assert engine.decide(WEB, API, "ICMP", None).verdict is expected


def test_the_own_node_passes_ingress_and_no_other_node_does():
    engine = PolicySet.of([policy("deny", policyTypes=["Ingress", "Egress"])])
    own, other = (Peer(f"192.168.0.{n}", name=f"n{n}", node=f"n{n}") for n in (1, 2))
    found = engine.decide_direction(Direction.INGRESS, WEB, own, "TCP", 80)
    assert (found.verdict, found.reason) == (Verdict.ALLOW, Reason.OWN_NODE)
    assert engine.decide(other, WEB, "TCP", 80).verdict is Verdict.DROP
    assert engine.decide(WEB, own, "TCP", 80).dropped_by is Direction.EGRESS


def test_a_pod_on_the_same_node_is_not_the_node():
    engine = PolicySet.of([policy("deny", policyTypes=["Ingress"])])
    neighbour = Peer("10.0.1.9", "other", "pod", node="n1")
    assert engine.decide(neighbour, WEB, "TCP", 80).verdict is Verdict.DROP


def test_an_unknown_node_is_nobodys_own_node():
    engine = PolicySet.of([policy("deny", policyTypes=["Ingress"])])
    assert engine.decide(OUTSIDE, API, "TCP", 80).verdict is Verdict.DROP


def test_loopback_is_free_and_hairpin_is_not():
    engine = PolicySet.of([policy("deny", policyTypes=["Ingress"])])
    assert engine.decide(WEB, WEB, "TCP", 80).ingress.reason is Reason.LOOPBACK
    assert engine.decide(WEB, WEB, "TCP", 80, via=Via.SERVICE).verdict is Verdict.DROP


def test_host_network_pods_are_neither_selected_nor_matched_by_selectors():
    agent = Peer("192.168.0.2", "shop", "agent", {"app": "web"}, host_network=True, node="n2")
    by_label = policy("p", ingress=[{"from": [{"podSelector": {}}]}])
    by_block = policy("p", ingress=[{"from": [{"ipBlock": {"cidr": "192.168.0.0/24"}}]}])
    assert PolicySet.of([by_label]).decide(agent, WEB, "TCP", 1).verdict is Verdict.DROP
    assert PolicySet.of([by_block]).decide(agent, WEB, "TCP", 1).verdict is Verdict.ALLOW
    into = PolicySet.of([by_label]).decide(WEB, agent, "TCP", 1)
    assert into.ingress.reason is Reason.NOT_A_POD


def test_named_ports_of_a_host_network_pod_count_for_nobody():
    agent = Peer("192.168.0.2", "shop", "agent", ports={("http", "TCP"): 80}, host_network=True)
    engine = PolicySet.of(
        [policy("p", policyTypes=["Egress"], egress=[{"ports": [{"port": "http"}]}])]
    )
    assert engine.decide(WEB, agent, "TCP", 80).verdict is Verdict.DROP
    assert engine.decide(WEB, API, "TCP", 8080).verdict is Verdict.ALLOW


def test_blocks_with_leading_zeros_and_host_bits_still_count():
    rule = {"from": [{"ipBlock": {"cidr": "203.000.113.7/24"}}]}
    engine = PolicySet.of([policy("old", ingress=[rule])])
    assert engine.decide(OUTSIDE, API, "TCP", 80).verdict is Verdict.ALLOW


def test_removing_the_last_policy_opens_the_namespace_again():
    engine = PolicySet.of([policy("deny")])
    assert engine.decide(WEB, API, "TCP", 80).verdict is Verdict.DROP
    engine.remove("shop", "never-was")
    engine.remove("shop", "deny")
    assert engine.decide(WEB, API, "TCP", 80).verdict is Verdict.ALLOW
    assert len(engine) == 0
