"""Pods with addresses of both IP versions: the version of the connection counts."""

from __future__ import annotations

import pytest

from minik8s.analysis.cases import Case, Probe, run_case
from minik8s.analysis.diff import difference
from minik8s.analysis.explain import Explainer
from minik8s.analysis.matrix import Matrix
from minik8s.policy import Verdict


def pod(name, *addresses):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "x", "labels": {"app": name}},
        "status": {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]},
    }


def allow(*blocks):
    peers = [{"ipBlock": {"cidr": block}} for block in blocks]
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "x"},
        "spec": {"podSelector": {"matchLabels": {"app": "b"}}, "ingress": [{"from": peers}]},
    }


PODS = [
    pod("a", "10.0.0.1", "fd00::1"),
    pod("b", "10.0.0.2", "fd00::2"),
    pod("six", "fd00::6"),
    pod("turned", "fd00::7", "10.0.0.7"),
]

CASES = [
    ("x/a", "x/b", {"10.0.0.0/8": True, "fd00::/8": False}),
    ("x/a", "ip:fd00::2", {"10.0.0.0/8": False, "fd00::/8": True}),
    ("ip:fd00::1", "x/b", {"10.0.0.0/8": False, "fd00::/8": True}),
    ("x/six", "x/b", {"10.0.0.0/8": False, "fd00::/8": True}),
    ("x/a", "ip:fd00::7", {"10.0.0.0/8": True, "fd00::/8": True}),
    ("ip:fd00::7", "x/b", {"10.0.0.0/8": False, "fd00::/8": True}),
    ("x/turned", "x/b", {"10.0.0.0/8": False, "fd00::/8": True}),
]


@pytest.mark.parametrize(("source", "target", "expected"), CASES)
def test_blocks_are_matched_by_the_address_that_is_used(source, target, expected):
    for block, allowed in expected.items():
        documents = (*PODS, allow(block))
        explanation = Explainer(documents).explain(source, target, 80)
        assert (explanation.verdict is Verdict.ALLOW) == allowed, block
        probe = Probe(source, target, 80, "TCP", None, 1)
        (answer,) = run_case(Case("c", documents, (probe,), "f", 1)).results
        assert (answer.verdict is Verdict.ALLOW) == allowed, block
        assert Matrix.of(documents).allows(source, target, "TCP", 80) == allowed, block


def test_whoever_is_asked_for_by_address_stays_under_it():
    """There is no way from one IP version to the other, nor an answer about another address."""
    snapshot = Explainer(PODS).snapshot
    six, wanted = snapshot.peer("x/six"), snapshot.peer("ip:10.0.0.1")
    assert snapshot.pair(six, wanted, "x/six", "ip:10.0.0.1") == (six, wanted)
    assert snapshot.pair(six, wanted, "x/six", "x/a")[1].address == "fd00::1"
    documents = [*PODS, allow("fd00::1/128")]
    only = [d for d in documents if d["metadata"]["name"] != "b"] + [pod("b", "10.0.0.2")]
    assert not Matrix.of(only).allows("ip:10.0.0.1", "x/b", "TCP", 80)
    assert not Matrix.of(only).allows("ip:fd00::2", "x/b", "TCP", 80)


def test_the_table_is_of_the_addresses_under_which_pods_meet():
    four = {**allow("0.0.0.0/0"), "spec": {**allow("0.0.0.0/0")["spec"], "podSelector": {}}}
    matrix = Matrix.of([*PODS, four])
    met = {(s.name, t.name): str(access.every) for s, t, access in matrix.table()}
    expected = {
        ("x/a", "x/b"): "all",
        ("x/a", "x/six"): "none",
        ("x/a", "x/turned"): "all",
        ("x/six", "x/turned"): "none",
        ("x/turned", "x/a"): "none",
        ("x/turned", "x/six"): "none",
    }
    assert {pair: met[pair] for pair in expected} == expected
    names = [document["metadata"]["name"] for document in PODS]
    pairs = [(f"x/{one}", f"x/{other}") for one in names for other in names if one != other]
    assert matrix.open_pairs("TCP", 80) == sum(matrix.allows(*p, "TCP", 80) for p in pairs)
    change = {(c.source, c.target) for c in difference(PODS, [*PODS, four]).changes if c.closed}
    assert {pair for pair in pairs if pair in change} == {p for p in pairs if met[p] == "none"}


def test_a_matrix_may_be_asked_for_one_version():
    documents = [*PODS, allow("fd00::/8")]
    assert not Matrix.of(documents).allows("x/a", "x/b", "TCP", 80)
    assert not Matrix.of(documents, 4).allows("x/a", "x/b", "TCP", 80)
    assert Matrix.of(documents, 6).allows("x/a", "x/b", "TCP", 80)
