"""Explanations in words, whole: each text is compared line by line."""

from __future__ import annotations

from minik8s.analysis.explain import Explainer
from minik8s.analysis.explain_text import explain_text


def pod(name, namespace="shop", owner=None, **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    if owner:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "controller": True}]
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}]}]},
        "status": {"podIP": f"10.0.0.{sum(map(ord, name)) % 250}"},
    }


def policy(name, **spec):
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "api"}}, **spec},
    }


def cluster_policy(named, tier, priority, **rule):
    spec = {"tier": tier, "priority": priority, "subject": {"namespaces": {}}, "ingress": [rule]}
    return {"kind": "ClusterNetworkPolicy", "metadata": {"name": named}, "spec": spec}


WEB, API = pod("web", app="web"), pod("api", app="api")


def text(*documents, source="shop/web", target="shop/api", port=80, protocol="TCP"):
    return explain_text(Explainer([WEB, API, *documents]).explain(source, target, port, protocol))


def test_an_allowed_connection_names_the_rule_and_the_listener():
    rules = [
        {"from": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}], "ports": [{"port": 81}]},
        {"from": [{"podSelector": {}}], "ports": [{"port": "http"}]},
    ]
    assert (
        text(policy("p", ingress=rules))
        == """\
shop/web -> shop/api 80/TCP: allow
  the program connects
connection shop/web (10.0.0.68) -> shop/api (10.0.0.64) 80/TCP: allow
  egress of shop/web: allow (no policy selects the pod)
  ingress of shop/api: allow (by ingress[1] of NetworkPolicy shop/p)
    NetworkPolicy shop/p selects it
      ingress[0]: no match
        from[0]: namespaceSelector does not match the labels of the namespace (team in (x))
        ports[0]: another port (81)
      ingress[1]: matches
        from[0]: matches
        ports[0]: matches
    without ingress[1] of NetworkPolicy shop/p: deny
  listener: shop/api listens on 80/TCP
"""
    )


def test_tiers_priorities_actions_and_rule_names_are_told():
    peers = [{"namespaces": {}}]
    skip = cluster_policy("first", "Admin", 1, action="Pass", name="leave it", **{"from": peers})
    deny = cluster_policy("second", "Baseline", 0, action="Deny", **{"from": peers})
    assert (
        text(skip, deny)
        == """\
shop/web -> shop/api 80/TCP: deny
  the program sees: connection timed out
connection shop/web (10.0.0.68) -> shop/api (10.0.0.64) 80/TCP: deny
  egress of shop/web: allow (no policy selects the pod)
  ingress of shop/api: deny (by ingress[0] of ClusterNetworkPolicy second)
    ClusterNetworkPolicy first (tier Admin, priority 1) selects it
      ingress[0] (leave it) Pass: matches
        from[0]: matches
        ports: every port
    ClusterNetworkPolicy second (tier Baseline, priority 0) selects it
      ingress[0] Deny: matches
        from[0]: matches
        ports: every port
    without ingress[0] of ClusterNetworkPolicy second: allow
these policies would allow it:
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata:
  name: api-ingress-allow-from-web
spec:
  tier: Admin
  priority: 0
  subject:
    pods:
      namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: shop
      podSelector:
        matchLabels:
          app: api
  ingress:
  - action: Accept
    from:
    - pods:
        namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: shop
        podSelector:
          matchLabels:
            app: web
    protocols:
    - tcp:
        destinationPort:
          number: 80
"""
    )


def test_ping_from_outside_into_a_rule_with_ports():
    rules = [{"ports": [{"port": 80}]}, {"from": [{"podSelector": {}}]}]
    lines = text(
        policy("p", ingress=rules), source="ip:192.0.2.9", port=None, protocol="ICMP"
    ).splitlines()
    assert lines[0] == "ip:192.0.2.9 -> shop/api ICMP: deny"
    assert "        ports[0]: another protocol (TCP)" in lines
    assert "        from[0]: selectors match pods only (192.0.2.9)" in lines
    assert "  egress of 192.0.2.9: allow (policies select pods only)" in lines
    assert "    - ipBlock:" in lines


def test_other_pods_of_a_workload_are_named_by_verdict():
    pods = [pod(f"w{i}", owner="w", app="w" if i else "odd") for i in range(3)]
    allow = policy("p", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "w"}}}]}])
    lines = text(*pods, allow, source="shop/w").splitlines()
    assert lines[:3] == [
        "shop/w -> shop/api 80/TCP: deny",
        "  the program sees: connection timed out",
        "  the program connects",
    ]
    assert "  and so shop/w2 -> shop/api" in lines


def test_a_name_that_leads_nowhere_and_a_service_without_anybody():
    lines = text(target="nobody").splitlines()
    assert lines[1] == "  the program sees: could not resolve host"
    assert lines[2:6] == [
        "name: nobody is asked for, in turn, as",
        "  nobody.shop.svc.cluster.local",
        "  nobody.svc.cluster.local",
        "  nobody.cluster.local",
    ]
    assert "name: the DNS servers answer that there is no such name" in lines
    empty = {
        "kind": "Service",
        "metadata": {"name": "empty", "namespace": "shop"},
        "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 80}], "selector": {"app": "no"}},
    }
    assert text(empty, target="ip:10.96.0.9").splitlines() == [
        "shop/web -> ip:10.96.0.9 80/TCP: allow",
        "  the program sees: connection refused",
        "service shop/empty leads to nobody: the Service has no ready endpoint",
    ]


def test_only_some_of_many_opened_connections_are_listed():
    many = [pod(f"many{i}", owner="many", app="web") for i in range(30)]
    lines = text(*many, policy("p")).splitlines()
    start = lines.index("they also open:")
    assert len(lines) - start == 22
    assert lines[-1] == "  and 10 more"


def test_a_pod_that_speaks_to_itself_and_one_on_the_node():
    lines = text(policy("p"), target="shop/api", source="shop/api").splitlines()
    assert "  egress of shop/api: allow (a pod always reaches itself by its own address)" in lines
    host = pod("agent", app="x")
    host["spec"] |= {"hostNetwork": True, "nodeName": "n1"}
    on_node = {**API, "spec": {**API["spec"], "nodeName": "n1"}}
    found = Explainer([host, on_node, policy("p")]).explain("shop/agent", "shop/api", 80)
    assert "(traffic from the pod's own node is always allowed)" in explain_text(found)
