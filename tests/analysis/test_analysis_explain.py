"""Explanations of the tutorial's connections, of names, Services and special peers."""

from __future__ import annotations

import json

import pytest
import yaml

from minik8s.analysis import report
from minik8s.analysis.explain import Explainer, Outcome
from minik8s.analysis.explain_text import explain_text
from minik8s.policy import Verdict
from minik8s.policy.why import Failure

MANIFESTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: frontend}
spec:
  selector: {matchLabels: {app: frontend}}
  template:
    metadata: {labels: {app: frontend}}
    spec: {containers: [{name: c, image: curl}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: backend}
spec:
  selector: {matchLabels: {app: backend}}
  template:
    metadata: {labels: {app: backend}}
    spec: {containers: [{name: c, image: mock, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: backend}
spec: {clusterIP: 10.96.5.5, selector: {app: backend}, ports: [{port: 80, targetPort: 8080}]}
"""


def policy(name, **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


FRONTEND, BACKEND = ({"matchLabels": {"app": app}} for app in ("frontend", "backend"))
INGRESS_DENY = policy("backend-ingress-deny", podSelector=BACKEND)
EGRESS_DENY = policy("frontend-egress-deny", podSelector=FRONTEND, policyTypes=["Egress"])


def documents(*more):
    return [*yaml.safe_load_all(MANIFESTS), *more]


def explain(source, target, port, *more, protocol="TCP", base=None):
    return Explainer([*(base or documents()), *more]).explain(source, target, port, protocol)


def test_a_name_leads_through_dns_and_the_service_to_the_pod_port():
    found = explain("frontend", "backend", 80)
    assert found.verdict is Verdict.ALLOW
    assert found.outcomes == (Outcome.CONNECTED,)
    assert found.route.tried == ("backend.default.svc.cluster.local",)
    assert found.route.service == "default/backend"
    assert [hop.port for hop in found.hops] == [8080]
    assert {hop.target.key for hop in found.lookup} == {"kube-system/coredns"}


def test_denied_dns_is_not_resolved_and_one_policy_mends_both():
    found = explain("frontend", "backend", 80, EGRESS_DENY)
    assert found.outcomes == (Outcome.UNRESOLVED,)
    (mend,) = found.suggestion.policies
    ports = [[entry["port"] for entry in rule["ports"]] for rule in mend["spec"]["egress"]]
    assert sorted(ports) == [[53, 53], [8080]]
    after = explain("frontend", "backend", 80, EGRESS_DENY, mend)
    assert after.outcomes == (Outcome.CONNECTED,)


def test_both_denied_ends_get_a_policy_each():
    found = explain("frontend", "default/backend", 8080, INGRESS_DENY, EGRESS_DENY)
    assert found.outcomes == (Outcome.TIMED_OUT,)
    names = [mend["metadata"]["name"] for mend in found.suggestion.policies]
    assert names == ["frontend-egress-allow-to-backend", "backend-ingress-allow-from-frontend"]
    after = explain(
        "frontend", "default/backend", 8080, INGRESS_DENY, EGRESS_DENY, *found.suggestion.policies
    )
    assert after.verdict is Verdict.ALLOW


def test_names_of_suggested_policies_are_free():
    taken = policy("backend-ingress-allow-from-frontend", podSelector=BACKEND)
    found = explain("frontend", "default/backend", 8080, taken)
    assert found.suggestion.policies[0]["metadata"]["name"] == f"{taken['metadata']['name']}-2"


@pytest.mark.parametrize(
    ("target", "port", "outcome"),
    [
        ("ip:10.96.5.5", 80, Outcome.CONNECTED),
        ("ip:10.96.5.5", 81, Outcome.TIMED_OUT),
        ("default/backend", 81, Outcome.REFUSED),
        ("nobody", 80, Outcome.UNRESOLVED),
        ("backend.default", 80, Outcome.CONNECTED),
        ("backend.default.svc.cluster.local", 80, Outcome.CONNECTED),
        ("backend.other", 80, Outcome.UNRESOLVED),
        ("kubernetes.io", 80, Outcome.CONNECTED),
        ("ip:203.0.113.9", 80, Outcome.CONNECTED),
    ],
)
def test_what_the_program_sees(target, port, outcome):
    assert explain("frontend", target, port).outcomes == (outcome,)


def test_a_service_without_endpoints_refuses_even_under_an_egress_deny():
    empty = {
        "kind": "Service",
        "metadata": {"name": "empty", "namespace": "default"},
        "spec": {"clusterIP": "10.96.5.6", "selector": {"app": "none"}, "ports": [{"port": 80}]},
    }
    found = explain("frontend", "ip:10.96.5.6", 80, empty, EGRESS_DENY)
    assert (found.outcomes, found.hops) == ((Outcome.REFUSED,), ())


def test_search_domains_come_first_and_a_final_dot_skips_them():
    found = explain("frontend", "kubernetes.io", 80)
    assert found.route.tried == (
        "kubernetes.io.default.svc.cluster.local",
        "kubernetes.io.svc.cluster.local",
        "kubernetes.io.cluster.local",
        "kubernetes.io",
    )
    assert explain("frontend", "kubernetes.io.", 80).route.tried == ("kubernetes.io",)


def test_every_way_to_fail_is_told_apart():
    rules = [
        {"from": [{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.0.0/24"]}}]},
        {"from": [{"ipBlock": {"cidr": "192.168.0.0/16"}}]},
        {"from": [{"ipBlock": {"cidr": "fd00::/8"}}]},
        {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]},
        {"from": [{"podSelector": {"matchLabels": {"app": "x"}}}]},
        {"ports": [{"port": 81}]},
        {"ports": [{"port": 81, "endPort": 90}]},
        {"ports": [{"port": 80, "protocol": "UDP"}]},
        {"ports": [{"port": "web"}]},
    ]
    deny = policy("p", podSelector=BACKEND, ingress=rules)
    (hop,) = explain("frontend", "default/backend", 80, deny).hops
    (trial,) = hop.ingress.trials
    assert [entry.failure for rule in trial.rules for entry in (*rule.peers, *rule.ports)] == [
        Failure.EXCEPTION,
        Failure.OUTSIDE_BLOCK,
        Failure.OTHER_IP_VERSION,
        Failure.NAMESPACE_SELECTOR,
        Failure.POD_SELECTOR,
        Failure.NUMBER,
        Failure.RANGE,
        Failure.PROTOCOL,
        Failure.NAME_UNDECLARED,
    ]
    assert trial.rules[4].peers[0].detail == "app in (x)"


def node(name, address):
    addresses = [{"type": "InternalIP", "address": address}]
    return {"kind": "Node", "metadata": {"name": name}, "status": {"addresses": addresses}}


def pod(name, number, node_name, **labels):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {
            "nodeName": node_name,
            "containers": [{"name": "c", "ports": [{"containerPort": 80}]}],
        },
        "status": {"podIP": f"10.244.0.{number}"},
    }


def published(**spec):
    port = {"port": 80, "nodePort": 30080}
    return {
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [port], **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.1"}]}},
    }


NODES = [
    node("n1", "192.168.0.1"),
    node("n2", "192.168.0.2"),
    pod("w1", 11, "n1", app="web"),
    pod("w2", 12, "n2", app="web"),
]
CLIENT = policy(
    "client",
    podSelector={},
    ingress=[{"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}],
)


def verdicts(target, port, **spec):
    found = explain("ip:203.0.113.9", target, port, published(**spec), CLIENT, base=NODES)
    return {(hop.target.name, hop.seen.name if hop.seen else ""): hop.verdict for hop in found.hops}


def test_policy_sees_the_client_of_a_node_port_on_that_node_only():
    assert verdicts("ip:192.168.0.1", 30080) == {
        ("w1", ""): Verdict.ALLOW,
        ("w2", "n1"): Verdict.DROP,
    }


def test_local_external_traffic_keeps_the_client_and_the_node():
    assert verdicts("ip:192.168.0.2", 30080, externalTrafficPolicy="Local") == {
        ("w2", ""): Verdict.ALLOW
    }
    both = {("w1", ""): Verdict.ALLOW, ("w2", ""): Verdict.ALLOW}
    assert verdicts("ip:198.51.100.1", 80, externalTrafficPolicy="Local") == both


def test_a_load_balancer_may_come_in_at_any_node():
    assert verdicts("ip:198.51.100.1", 80) == {
        ("w1", ""): Verdict.ALLOW,
        ("w1", "n2"): Verdict.DROP,
        ("w2", ""): Verdict.ALLOW,
        ("w2", "n1"): Verdict.DROP,
    }


def test_local_internal_traffic_stays_on_the_node():
    service = published(internalTrafficPolicy="Local", clusterIP="10.96.9.9")
    found = explain("default/w2", "ip:10.96.9.9", 80, service, base=NODES)
    assert [hop.target.name for hop in found.hops] == ["w2"]
    away = pod("w3", 13, "n3")
    found = explain("default/w3", "ip:10.96.9.9", 80, service, away, base=NODES)
    assert found.outcomes == (Outcome.TIMED_OUT,)


def test_hairpin_through_a_service_needs_a_rule_and_loopback_does_not():
    service = published(clusterIP="10.96.9.9")
    deny = policy("deny", podSelector={})
    base = [d for d in NODES if d["metadata"]["name"] != "w2"]
    assert (
        explain("default/w1", "ip:10.96.9.9", 80, service, deny, base=base).verdict is Verdict.DROP
    )
    assert (
        explain("default/w1", "default/w1", 80, service, deny, base=base).verdict is Verdict.ALLOW
    )


def test_headless_services_lead_straight_to_the_pods():
    service = published(clusterIP="None")
    found = explain("default/w1", "web", 8080, service, base=NODES)
    assert {(hop.target.name, hop.port) for hop in found.hops} == {("w1", 8080), ("w2", 8080)}
    found = explain("default/w1", "w2.web", 80, service, base=NODES)
    assert [hop.target.name for hop in found.hops] == ["w2"]


def test_unready_pods_are_no_endpoints():
    unready = pod("w4", 14, "n1", app="web")
    unready["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    found = explain(
        "default/w4", "ip:10.96.9.9", 80, published(clusterIP="10.96.9.9"), unready, base=NODES
    )
    assert {hop.target.name for hop in found.hops} == {"w1", "w2"}


def test_terminating_pods_are_endpoints_where_no_other_is():
    going = pod("w4", 14, "n1", app="web")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    service = published(clusterIP="10.96.9.9")
    found = explain("default/w4", "ip:10.96.9.9", 80, service, going, base=NODES)
    assert {hop.target.name for hop in found.hops} == {"w1", "w2"}
    alone = [document for document in NODES if document["metadata"]["name"] not in ("w1", "w2")]
    found = explain("default/w4", "ip:10.96.9.9", 80, service, going, base=alone)
    assert {hop.target.name for hop in found.hops} == {"w4"}
    headless = published(clusterIP="None")
    assert not explain("default/w4", "web", 80, headless, going, base=alone).hops


def test_endpoint_slices_come_before_selectors():
    piece = {
        "kind": "EndpointSlice",
        "metadata": {
            "name": "web-1",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "ports": [{"name": "", "protocol": "TCP", "port": 80}],
        "endpoints": [{"addresses": ["10.244.0.12"]}, {"addresses": ["203.0.113.7"]}],
    }
    service = published(clusterIP="10.96.9.9")
    found = explain("default/w1", "ip:10.96.9.9", 80, service, piece, base=NODES)
    assert {hop.target.key for hop in found.hops} == {"default/w2", "203.0.113.7"}


def test_an_admin_deny_is_answered_by_a_policy_of_a_lower_number():
    rule = {"action": "Deny", "from": [{"namespaces": {}}]}
    spec = {"tier": "Admin", "priority": 5, "subject": {"namespaces": {}}, "ingress": [rule]}
    deny = {"kind": "ClusterNetworkPolicy", "metadata": {"name": "deny"}, "spec": spec}
    found = explain("frontend", "default/backend", 8080, deny, INGRESS_DENY)
    (mend,) = found.suggestion.policies
    assert (mend["kind"], mend["spec"]["priority"]) == ("ClusterNetworkPolicy", 4)
    after = explain("frontend", "default/backend", 8080, deny, INGRESS_DENY, mend)
    assert after.verdict is Verdict.ALLOW
    first = {**deny, "spec": {**spec, "priority": 0}}
    found = explain("frontend", "default/backend", 8080, first)
    assert found.suggestion.policies == ()
    assert "denies it with the first priority" in found.suggestion.note


def test_text_names_the_policy_the_rule_and_the_mend():
    text = explain_text(explain("frontend", "default/backend", 8080, INGRESS_DENY))
    assert text.startswith("frontend -> default/backend 8080/TCP: deny\n")
    assert "NetworkPolicy default/backend-ingress-deny selects it" in text
    assert "without NetworkPolicy default/backend-ingress-deny: allow" in text
    (mend,) = yaml.safe_load_all(text.partition("---\n")[2].partition("they also")[0])
    assert mend["metadata"]["name"] == "backend-ingress-allow-from-frontend"


def test_reports_have_exit_codes_and_data():
    base = documents(INGRESS_DENY)
    made = report.run_explain(base, "frontend", "default/backend", "8080/TCP", output="json")
    assert made.code == 1
    data = json.loads(made.out)
    assert (data["verdict"], data["outcome"]) == ("deny", ["timed out"])
    assert data["hops"][0]["ingress"]["policies"] == ["default/backend-ingress-deny"]
    assert (
        yaml.safe_load(
            report.run_explain(base, "frontend", "default/backend", "8080", output="yaml").out
        )
        == data
    )
    assert report.run_explain(documents(), "frontend", "backend", "80").code == 0
    for arguments, says in (
        (("nobody", "backend", "80"), "nobody: no such pod or workload\n"),
        (("frontend", "other/x", "80"), "other/x: no such pod or workload\n"),
        (("frontend", "ip:1.2", "80"), "ip:1.2: not an address\n"),
        (("frontend", "backend", "70000"), "70000: a port is a whole number from 1 to 65535\n"),
        (("frontend", "backend", "http"), "http: a port is NUMBER/PROTOCOL, such as 8080/TCP\n"),
    ):
        made = report.run_explain(base, *arguments)
        assert (made.code, made.out, made.err) == (2, "", says)


def test_without_the_last_network_policy_the_baseline_tier_decides():
    rule = {"action": "Deny", "from": [{"namespaces": {}}]}
    spec = {"tier": "Baseline", "priority": 5, "subject": {"namespaces": {}}, "ingress": [rule]}
    baseline = {"kind": "ClusterNetworkPolicy", "metadata": {"name": "base"}, "spec": spec}
    (hop,) = explain("frontend", "default/backend", 8080, baseline, INGRESS_DENY).hops
    assert [ref.name for ref in hop.ingress.policies] == ["backend-ingress-deny"]
    assert hop.ingress.without is Verdict.DROP
    (hop,) = explain("frontend", "default/backend", 8080, INGRESS_DENY).hops
    assert hop.ingress.without is Verdict.ALLOW
