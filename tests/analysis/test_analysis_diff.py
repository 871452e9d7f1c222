"""What a change opens and closes, against the naive evaluator on random pairs of clusters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from policy_naive import World
from policy_worlds import OUTSIDE, PORTS, PROTOCOLS, few, labels, policies, worlds

from minik8s.analysis.diff import Difference, difference, merged
from minik8s.analysis.report import diff_text

changes = st.lists(st.integers(0, 3).flatmap(lambda i: policies(f"np{i}")), max_size=2)
relabelled = st.lists(st.tuples(st.integers(0, 3), labels), max_size=2)


@few
@given(worlds(), changes, relabelled)
def test_differences_are_those_that_the_naive_evaluator_sees(documents, new, relabels):
    for index, chosen in relabels:
        for pod in (d for d in documents if d["metadata"]["name"] == f"p{index}"):
            new = [*new, {**pod, "metadata": {**pod["metadata"], "labels": chosen}}]
    after = merged(documents, new)
    found = {(c.source, c.target): c for c in difference(documents, after).changes}
    one, other = World(documents), World(after)
    groups = by_workload(documents)
    outside = {f"ip:{address}": [f"ip:{address}"] for address in OUTSIDE}
    for source, sources in (groups | outside).items():
        for target, targets in (groups | outside).items():
            if source in outside and target in outside:
                continue
            opened, closed = naive_change(one, other, sources, targets)
            if source in outside or target in outside:
                # the address is in one of the blocks that the difference names
                near = [
                    c
                    for c in found.values()
                    if outward(c) == (source in outside, target in outside)
                ]
                near = [c for c in near if source == c.source or target == c.target]
                assert all(any(packet in c.opened for c in near) for packet in opened)
                assert all(any(packet in c.closed for c in near) for packet in closed)
                continue
            change = found.get((source, target))
            for protocol in PROTOCOLS:
                for port in PORTS:
                    packet = (protocol, port)
                    assert (change is not None and packet in change.opened) == (packet in opened)
                    assert (change is not None and packet in change.closed) == (packet in closed)


def outward(change):
    return change.source.startswith("outside"), change.target.startswith("outside")


def by_workload(documents):
    groups = {}
    for document in documents:
        if document["kind"] == "Pod":
            metadata = document["metadata"]
            owner = (metadata["ownerReferences"] or [{"name": metadata["name"]}])[0]["name"]
            key = f"{metadata['namespace']}/{metadata['name']}"
            groups.setdefault(f"{metadata['namespace']}/{owner}", []).append(key)
    return groups


def naive_change(one, other, sources, targets):
    opened, closed = set(), set()
    for protocol in PROTOCOLS:
        for port in PORTS:
            for a in sources:
                for b in targets:
                    was, now = (
                        world.allows(world.end(a), world.end(b), protocol, port)
                        for world in (one, other)
                    )
                    if was != now:
                        (opened if now else closed).add((protocol, port))
    return opened, closed


def pod(name, **labels):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "status": {"podIP": f"10.0.0.{len(name)}"},
    }


def policy(name, **spec):
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "api"}}, **spec},
    }


PODS = [pod("web", app="web"), pod("apis", app="api")]


def test_a_change_says_why():
    deny = policy("deny")
    found = difference(PODS, merged(PODS, [deny]))
    text = diff_text(found)
    assert "- shop/web -> shop/apis all" in text
    assert "no policy selects either end -> no ingress rule of shop/deny matches" in text
    assert "- outside -> shop/apis all" in text
    assert "+ " not in text


def test_replacing_a_policy_opens_only_what_it_adds():
    deny = policy("p")
    allow = policy("p", ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}])
    found = difference([*PODS, deny], merged([*PODS, deny], [allow]))
    (change,) = found.changes
    assert (change.source, change.target, str(change.opened)) == ("shop/web", "shop/apis", "TCP 80")
    assert not change.closed


def test_the_same_again_changes_nothing():
    deny = policy("deny")
    found = difference([*PODS, deny], merged([*PODS, deny], [deny]))
    assert found == Difference((), (), ())
    assert diff_text(found) == "nothing changes\n"


def deployment(replicas=2, **labels):
    return {
        "kind": "Deployment",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": labels}, "spec": {}}},
    }


def test_a_new_template_brings_new_pods():
    current = [*PODS, policy("deny"), deployment(app="db")]
    found = difference(current, merged(current, [deployment(app="api")]))
    assert {(c.source, c.target) for c in found.changes if c.closed} == {
        ("shop/web", "shop/db"),
        ("shop/apis", "shop/db"),
        ("shop/db", "shop/db"),
        ("outside", "shop/db"),
    }


def test_ends_that_come_and_go_are_named():
    found = difference(PODS, [PODS[0], deployment(app="db")])
    assert (found.added, found.removed) == (("shop/db",), ("shop/apis",))
