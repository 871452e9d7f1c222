"""The compiled engine against the naive evaluator, and incremental against recomputed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from policy_cluster_worlds import all_ends, cluster_policies, cluster_worlds, older_policies
from policy_naive import World
from policy_worlds import PROBED, ends, few, living, many, policies, spare_addresses, worlds

from minik8s.policy import PolicySet, Verdict, Via
from minik8s.policy.policyset import KINDS
from minik8s.policy.snapshot import Snapshot


@many
@given(worlds())
def test_engine_agrees_with_the_naive_evaluator(documents):
    snapshot, world = Snapshot.of(documents), World(documents)
    places = ends(documents) + spare_addresses(documents)
    for source, target in pairs(places):
        one, other = snapshot.pair(snapshot.peer(source), snapshot.peer(target), source, target)
        first, second = world.pair(source, target)
        assert (one.address, other.address) == (first[1], second[1])
        for protocol, port in PROBED:
            decision = snapshot.policies.decide(one, other, protocol, port)
            expected = world.allows(first, second, protocol, port)
            assert (decision.verdict is Verdict.ALLOW) == expected, (source, target, port)


def pairs(places):
    """Every two places between which there can be a connection: not two IP versions."""
    for source in places:
        for target in places:
            versions = {":" in place[3:] for place in (source, target) if place.startswith("ip:")}
            if len(versions) < 2:
                yield source, target


@few
@given(worlds())
def test_hairpin_is_judged_like_any_other_connection(documents):
    snapshot, world = Snapshot.of(documents), World(documents)
    for key, pod in snapshot.pods.items():
        end = world.end(key)
        for protocol, port in PROBED:
            decision = snapshot.policies.decide(pod, pod, protocol, port, via=Via.SERVICE)
            expected = world.allows(end, end, protocol, port, via_service=True)
            assert (decision.verdict is Verdict.ALLOW) == expected, (key, port)


changes = st.lists(
    st.one_of(
        st.integers(0, 2).flatmap(lambda i: policies(f"np{i}")),
        st.integers(0, 2).flatmap(cluster_policies),
        st.integers(0, 1).flatmap(older_policies),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=5,
)
"""Policies to put in, and numbers of policies to take out."""


@many
@given(cluster_worlds(), changes)
def test_incremental_changes_equal_recomputation(documents, steps):
    snapshot = Snapshot.of(documents)
    engine = snapshot.policies
    current = {place_of(d): d for d in documents if d["kind"] in KINDS}
    places = [*living(documents), *all_ends(documents)[-3:]]
    peers = [snapshot.peer(place) for place in places]
    for step in steps:
        decisions(engine, peers)  # fill the caches that the change must not leave stale
        if not isinstance(step, int):
            engine.upsert(step)
            current[place_of(step)] = step
        elif current:
            kind, namespace, name = gone = list(current)[step % len(current)]
            engine.remove(namespace or "", name, kind)
            del current[gone]
        fresh = PolicySet.of(current.values())
        assert decisions(engine, peers) == decisions(fresh, peers)
        assert len(engine) == len(fresh)


def place_of(document):
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace"), metadata["name"]


def decisions(engine, peers):
    return [
        engine.decide(source, target, protocol, port)
        for source in peers
        for target in peers
        for protocol, port in (("TCP", 80), ("ICMP", None))
    ]
