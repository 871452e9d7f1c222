"""ClusterNetworkPolicy and its predecessors in a running cluster: API, packets, answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cluster_worlds import container, pod
from hypothesis import HealthCheck, Phase, given, settings

from minik8s import Cluster, Verdict
from minik8s.analysis.objects import fault_of
from minik8s.errors import Invalid
from minik8s.network import Fate

sys.path.insert(0, str(Path(__file__).parents[1] / "policy"))

from policy_cluster_worlds import NODE_ADDRESSES, all_ends, cluster_worlds
from policy_naive_cluster import ClusterWorld
from policy_worlds import NODES, PORTS

Document = dict[str, Any]
CNP = ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy")
ANP = ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy")
BANP = ("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy")


def policy(kind: tuple[str, str], name: str, **spec: Any) -> Document:
    spec = {"subject": {"namespaces": {}}, **spec}
    version, word = kind
    return {"apiVersion": version, "kind": word, "metadata": {"name": name}, "spec": spec}


def inward(action: str, **more: Any) -> Document:
    return {"action": action, "from": [{"namespaces": {}}], **more}


ADMIN = {"tier": "Admin", "priority": 5}
BASELINE = {"tier": "Baseline", "priority": 5}
DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "default"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}


@pytest.fixture
def pair(cluster: Cluster) -> Cluster:
    ports = [container(ports=[{"containerPort": 80, "name": "http"}])]
    cluster.apply([pod("a"), pod("b", labels={"app": "b"}, containers=ports)])
    return cluster


def verdict(cluster: Cluster, port: int = 80) -> Verdict:
    """What a packet meets; explanation and matrix must say the same."""
    found = cluster.probe("a", "b", port).verdict
    assert cluster.explain("a", "default/b", port).verdict is found
    allowed = cluster.matrix().allows("default/a", "default/b", "TCP", port)
    assert allowed is (found is Verdict.ALLOW)
    return found


def test_the_tiers_by_packet(pair: Cluster) -> None:
    pair.apply(policy(CNP, "base", **BASELINE, ingress=[inward("Deny")]))
    assert verdict(pair) is Verdict.DROP
    pair.apply(policy(CNP, "admin", **ADMIN, ingress=[inward("Accept")]))
    pair.apply(DENY_ALL)
    assert verdict(pair) is Verdict.ALLOW
    pair.apply(policy(CNP, "admin", **ADMIN, ingress=[inward("Pass")]))
    assert verdict(pair) is Verdict.DROP
    pair.delete(DENY_ALL)
    assert verdict(pair) is Verdict.DROP
    pair.kubectl("delete cnp base")
    assert verdict(pair) is Verdict.ALLOW


def test_the_older_kinds_by_packet(pair: Cluster) -> None:
    number = {"portNumber": {"port": 80}}
    pair.apply(policy(BANP, "default", ingress=[inward("Deny")]))
    assert verdict(pair) is Verdict.DROP
    pair.apply(policy(ANP, "open", priority=1, ingress=[inward("Allow", ports=[number])]))
    assert verdict(pair) is Verdict.ALLOW
    assert verdict(pair, 81) is Verdict.DROP


def test_named_ports_and_nodes_by_packet(pair: Cluster) -> None:
    named = inward("Deny", protocols=[{"destinationNamedPort": "http"}])
    pair.apply(policy(CNP, "named", **ADMIN, ingress=[named]))
    assert verdict(pair) is Verdict.DROP
    assert verdict(pair, 81) is Verdict.ALLOW
    node = "minik8s-control-plane"
    address = pair.get("node", node)["status"]["addresses"][0]["address"]
    outward = {"action": "Deny", "to": [{"nodes": {"matchLabels": {"closed": "yes"}}}]}
    pair.apply(policy(CNP, "nodes", **{**ADMIN, "priority": 6}, egress=[outward]))
    assert pair.probe("a", f"ip:{address}", 22).verdict is Verdict.ALLOW
    pair.kubectl(f"label node {node} closed=yes")
    assert pair.probe("a", f"ip:{address}", 22).verdict is Verdict.DROP
    assert pair.explain("a", f"ip:{address}", 22).verdict is Verdict.DROP


def test_the_suggestion_against_an_admin_deny_works(pair: Cluster) -> None:
    pair.apply(policy(CNP, "admin", **ADMIN, ingress=[inward("Deny")]))
    found = pair.explain("a", "default/b", 80)
    assert found.suggestion is not None
    assert found.suggestion.policies[0]["kind"] == "ClusterNetworkPolicy"
    pair.apply(list(found.suggestion.policies))
    assert verdict(pair) is Verdict.ALLOW
    assert verdict(pair, 81) is Verdict.DROP


def test_what_kubectl_shows(pair: Cluster) -> None:
    pair.apply(policy(CNP, "one", **ADMIN, ingress=[inward("Deny")]))
    pair.apply(policy(ANP, "two", priority=7))
    pair.apply(policy(BANP, "default"))
    assert pair.kubectl("get cnp").stdout == (
        "NAME   TIER    PRIORITY   AGE\none    Admin   5          0s\n"
    )
    assert pair.kubectl("get anp").stdout == "NAME   PRIORITY   AGE\ntwo    7          0s\n"
    assert pair.kubectl("get banp").stdout == "NAME      AGE\ndefault   0s\n"
    assert (
        "API Version:  policy.networking.k8s.io/v1alpha2" in pair.kubectl("describe cnp one").stdout
    )
    assert "tier\t<string> -required-" in pair.kubectl("explain cnp.spec").stdout
    assert "namespaced" not in pair.kubectl("delete anp,banp --all").stderr


def test_equal_priorities_are_warned_of(pair: Cluster) -> None:
    pair.apply(policy(CNP, "one", **ADMIN))
    pair.apply(policy(CNP, "other-tier", **BASELINE))
    result = pair.kubectl("apply -f -", stdin=json.dumps(policy(CNP, "two", **ADMIN)))
    assert result.stdout == "clusternetworkpolicy.policy.networking.k8s.io/two created\n"
    assert result.stderr == (
        "Warning: spec.priority: one has priority 5 in tier Admin, too: where both match, "
        "either may decide\n"
    )


def test_a_snapshot_is_validated(cluster: Cluster) -> None:
    with pytest.raises(Invalid, match="Only one baseline admin network policy"):
        cluster.load(policy(BANP, "second"))
    with pytest.raises(Invalid, match=r"spec\.tier: Required value"):
        cluster.load(policy(CNP, "x", priority=1))


def test_a_difference_with_cluster_wide_policies(pair: Cluster) -> None:
    change = pair.diff(policy(CNP, "one", **ADMIN, ingress=[inward("Deny")]))
    assert "- default/a -> default/b all" in str(change)
    assert "ingress denied by ingress[0] of one" in str(change)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(cluster_worlds())
def test_packets_meet_what_the_naive_evaluator_says(documents: list[Document]) -> None:
    documents = [_loadable(each) for each in documents if fault_of(each) is None]
    world, cluster = ClusterWorld(documents), Cluster(nodes=0).load(documents)
    for source in all_ends(documents):
        for target in all_ends(documents):
            one, other = world.pair(source, target)
            if one[0] is None and other[0] is None:
                continue
            for protocol, port in (("TCP", PORTS[0]), ("UDP", PORTS[1])):
                probe = cluster.probe(source, target, port, protocol)
                if probe.trace is None or probe.trace.fate is Fate.LOST:
                    continue  # no way from one IP version to the other
                expected = world.allows(one, other, protocol, port)
                assert (probe.verdict is Verdict.ALLOW) == expected, str(probe)


def _loadable(document: Document) -> Document:
    """A document as a server has it: pods on a node, with images and their addresses."""
    if document["kind"] != "Pod":
        return document
    spec, status = {"nodeName": NODES[0], **document["spec"]}, document["status"]
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{**each, "image": "example.com/c:1"} for each in spec[field]]
    if spec.get("hostNetwork"):
        status = {"phase": status["phase"], "podIP": NODE_ADDRESSES[spec["nodeName"]]}
    metadata = {**document["metadata"], "ownerReferences": []}
    metadata.pop("deletionTimestamp", None)  # the kubelet would finish it at once
    return {**document, "metadata": metadata, "spec": spec, "status": status}
