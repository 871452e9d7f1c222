"""What a change opens and closes, against the naive evaluator on random pairs of clusters."""

from __future__ import annotations

from analysis_checks import check_difference
from hypothesis import given
from hypothesis import strategies as st
from policy_cluster_worlds import cluster_policies, cluster_worlds
from policy_worlds import few, labels, pods, policies, worlds

from minik8s.analysis import diff
from minik8s.analysis.diff import Difference, difference, merged
from minik8s.analysis.report import diff_text


@st.composite
def altered(draw, documents):
    """The documents with labels changed, objects put in another's place, and some gone."""
    after = []
    for document in documents:
        kind, metadata = document["kind"], document["metadata"]
        choice = draw(st.sampled_from(["keep", "keep", "keep", "relabel", "again", "gone"]))
        if choice == "relabel" and kind in ("Pod", "Namespace", "Node"):
            document = {**document, "metadata": {**metadata, "labels": draw(labels)}}
        elif choice == "again" and kind == "NetworkPolicy":
            document = draw(policies(metadata["name"]))
        elif choice == "again" and kind == "ClusterNetworkPolicy":
            document = draw(cluster_policies(9 - int(metadata["name"][3:])))
        elif choice == "again" and kind == "Pod":
            new = draw(pods(int(metadata["name"][1:]), 46))
            same = {key: metadata[key] for key in ("namespace", "ownerReferences")}
            document = {**new, "metadata": {**new["metadata"], **same}}
        elif choice == "gone" and kind != "Node":
            continue
        after.append(document)
    return after + draw(st.lists(policies("new"), max_size=1))


@few
@given(worlds(), st.data())
def test_differences_are_those_that_the_naive_evaluator_sees(documents, data):
    check_difference(diff, documents, data.draw(altered(documents)))


@few
@given(cluster_worlds(), st.data())
def test_differences_of_cluster_wide_policies(documents, data):
    check_difference(diff, documents, data.draw(altered(documents)))


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
    assert "no policy selects either end; now no ingress rule of shop/deny matches" in text
    assert "- outside -> shop/apis all" in text
    assert "+ " not in text


def test_replacing_a_policy_opens_only_what_it_adds():
    deny = policy("p")
    allow = policy("p", ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}])
    found = difference([*PODS, deny], merged([*PODS, deny], [allow]))
    (change,) = found.changes
    assert (change.source, change.target, str(change.opened)) == ("shop/web", "shop/apis", "TCP 80")
    assert not change.closed


def test_nodes_are_compared_where_a_policy_asks_for_them():
    node = {
        "kind": "Node",
        "metadata": {"name": "n1", "labels": {"zone": "a"}},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.7"}]},
    }
    rule = {"action": "Deny", "to": [{"nodes": {"matchLabels": {"zone": "a"}}}]}
    spec = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}, "egress": [rule]}
    deny = {"kind": "ClusterNetworkPolicy", "metadata": {"name": "nodes"}, "spec": spec}
    found = difference([*PODS, node], [*PODS, node, deny])
    assert {(c.source, c.target, str(c.closed)) for c in found.changes} == {
        ("shop/web", "n1", "all"),
        ("shop/apis", "n1", "all"),
    }
    assert "egress denied by egress[0] of nodes" in found.changes[0].closed_because
    moved = {**node, "metadata": {"name": "n1", "labels": {}}}
    again = difference([*PODS, node, deny], [*PODS, moved, deny])
    assert {(c.source, c.target, str(c.opened)) for c in again.changes} == {
        ("shop/web", "n1", "all"),
        ("shop/apis", "n1", "all"),
    }


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
