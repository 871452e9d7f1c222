"""All pairs by classes against the truth data and against the naive evaluator."""

from __future__ import annotations

import pytest
from hypothesis import given
from policy_naive import World
from policy_worlds import (
    PROBED,
    dual_stack_worlds,
    ends,
    few,
    many,
    spare_addresses,
    worlds,
)
from test_policy_properties import pairs
from test_policy_truth import COUNTS, cases, place

from minik8s.analysis.matrix import Matrix
from minik8s.policy.ports import EVERYTHING


@pytest.mark.parametrize("suite", COUNTS)
def test_matrix_agrees_with_the_truth_data(suite):
    wrong = []
    for case in cases(suite):
        matrix = Matrix.of(case["objects"])
        known = {}
        for probe in case["probes"]:
            pair = (probe["from"], probe["to"])
            ports = known.get(pair)
            if ports is None:
                ports = known[pair] = matrix.ports(*pair)
            if ((probe["protocol"], probe["port"]) in ports) != (probe["expect"] == "allow"):
                wrong.append(f"{case['id']}: {place(probe)}: expected {probe['expect']}")
    assert wrong[:10] == []


@many
@given(worlds())
def test_matrix_agrees_with_the_naive_evaluator(documents):
    matrix, world = Matrix.of(documents), World(documents)
    for source, target in pairs(ends(documents) + spare_addresses(documents)):
        ports = matrix.ports(source, target)
        for protocol, port in edges(ports):
            expected = world.allows(*world.pair(source, target), protocol, port)
            assert ((protocol, port) in ports) == expected, (source, target, protocol, port)


def edges(ports):
    """The usual ports, and both sides of every edge of the answer."""
    near = {
        (protocol, port)
        for protocol, first, last in ports.intervals
        if protocol != "other"
        for port in (first - 1, first, last, last + 1)
        if 1 <= port <= 65535
    }
    return near | set(PROBED)


@few
@given(worlds(max_pods=5) | dual_stack_worlds())
def test_workload_access_is_the_sum_of_its_pairs(documents):
    matrix = Matrix.of(documents)
    for source, target, access in matrix.table():
        if source.outside or target.outside:
            continue
        pairs = [
            matrix.ports(one.key, other.key)
            for one in source.members
            for other in target.members
            if one.key != other.key
        ]
        every, some = EVERYTHING, EVERYTHING - EVERYTHING
        for ports in pairs:
            every, some = every & ports, some | ports
        assert (access.every, access.some) == (every, some if pairs else EVERYTHING)


@few
@given(worlds(max_pods=5) | dual_stack_worlds())
def test_open_pairs_counts_every_pair_once(documents):
    matrix = Matrix.of(documents)
    pods = [key for key, pod in matrix.snapshot.pods.items() if pod.is_pod]
    for protocol, port in (("TCP", 80), ("UDP", 443), ("ICMP", None)):
        counted = sum(
            matrix.allows(one, other, protocol, port)
            for one in pods
            for other in pods
            if one != other
        )
        assert matrix.open_pairs(protocol, port) == counted


def test_a_pod_that_goes_leaves_no_trace_in_its_class():
    def pod(name, app):
        metadata = {"name": name, "namespace": "x", "labels": {"app": app}}
        return {"kind": "Pod", "metadata": metadata, "status": {"podIP": f"10.0.0.{len(name)}"}}

    first, other = pod("a", "first"), pod("bb", "other")
    matrix = Matrix.of([first, other])
    matrix.remove_pod(first)
    selector = {"matchLabels": {"app": "first"}}
    matrix.apply(
        {
            "kind": "NetworkPolicy",
            "metadata": {"name": "p", "namespace": "x"},
            "spec": {"podSelector": selector},
        }
    )
    assert matrix.allows("ip:192.0.2.1", "x/bb", "TCP", 80)
    matrix.put_pod(first)
    assert not matrix.allows("ip:192.0.2.1", "x/a", "TCP", 80)
