"""Each finding has its code, its line and its mend; a sound policy has none."""

from __future__ import annotations

import json

import pytest

from minik8s.analysis import inputs
from minik8s.analysis.lint import MENDS, lint
from minik8s.analysis.report import run_lint

PODS = """\
kind: Namespace
apiVersion: v1
metadata: {name: shop, labels: {team: a}}
---
kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
---
kind: Pod
apiVersion: v1
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c}]}
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.97.0.7, selector: {app: web}, ports: [{port: 80}]}
"""

HEAD = """\
---
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata:
  name: p
  namespace: shop
spec:
"""

BASE = PODS.count("\n") + HEAD.count("\n")


def found(spec, pods=PODS, more=""):
    text = pods + HEAD + "".join(f"  {line}\n" for line in spec.splitlines()) + more
    return lint(inputs.parse("file.yaml", text))


def codes(*arguments, **named):
    return [(finding.code, finding.line - BASE) for finding in found(*arguments, **named)]


SOUND = """\
podSelector: {matchLabels: {app: web}}
policyTypes: [Ingress]
ingress:
- from:
  - podSelector: {matchLabels: {app: api}}
  ports:
  - port: http"""


def test_a_sound_policy_has_no_findings():
    assert codes(SOUND) == []


@pytest.mark.parametrize(
    ("code", "line", "spec"),
    [
        ("selects-nothing", 1, "podSelector: {matchLabels: {app: nobody}}\npolicyTypes: [Ingress]"),
        (
            "rule-never-matches",
            4,
            SOUND.replace("app: api", "app: nobody"),
        ),
        ("port-name-unknown", 7, SOUND.replace("http", "https")),
        ("policy-types-missing", 2, "podSelector: {}\negress:\n- {}"),
        ("policy-types-missing", 2, "podSelector: {}\negress: []"),
        ("rules-ignored", 3, "podSelector: {}\npolicyTypes: [Ingress]\negress:\n- {}"),
        ("egress-without-dns", 2, "podSelector: {}\npolicyTypes: [Egress]"),
        ("allows-everything", 4, "podSelector: {}\npolicyTypes: [Ingress]\ningress:\n- {}"),
        (
            "peer-dash",
            6,
            "podSelector: {}\npolicyTypes: [Ingress]\ningress:\n- from:\n"
            "  - namespaceSelector: {matchLabels: {team: a}}\n"
            "  - podSelector: {matchLabels: {app: web}}",
        ),
        (
            "block-of-services",
            6,
            "podSelector: {}\npolicyTypes: [Ingress]\ningress:\n- from:\n  -\n"
            "    ipBlock: {cidr: 10.97.0.7/32}",
        ),
        (
            "rule-never-matches",
            5,
            "podSelector: {}\npolicyTypes: [Ingress]\ningress:\n- from:\n"
            "  - ipBlock: {cidr: 192.168.0.0/16, except: [192.168.0.0/17, 192.168.128.0/17]}",
        ),
    ],
)
def test_findings_have_code_and_line(code, line, spec):
    assert (code, line) in codes(spec)
    assert code in MENDS


DUPLICATE = HEAD.replace("name: p", "name: q") + "".join(
    f"  {line}\n" for line in SOUND.splitlines()
)


def test_the_second_of_two_equal_policies_is_the_duplicate():
    (finding,) = found(SOUND, more=DUPLICATE)
    assert (finding.code, finding.subject) == ("duplicate", "NetworkPolicy shop/q")
    assert "shop/p" in finding.message


def test_a_policy_that_adds_nothing_is_shadowed():
    wide = DUPLICATE.replace("    - port: http\n", "    - port: http\n    - port: 8080\n")
    assert [(f.code, f.subject) for f in found(SOUND, more=wide)] == [
        ("shadowed", "NetworkPolicy shop/p")
    ]


def test_without_pods_only_the_policy_itself_is_judged():
    assert codes("podSelector: {matchLabels: {app: nobody}}\npolicyTypes: [Egress]", pods="") == []


def test_equal_priorities_in_a_tier_are_found():
    text = "".join(
        "---\nkind: ClusterNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha2\n"
        f"metadata: {{name: {name}}}\nspec:\n  tier: Admin\n  priority: 1\n"
        "  subject: {namespaces: {}}\n"
        f"  ingress:\n  - {{action: {action}, from: [{{namespaces: {{}}}}]}}\n"
        for name, action in (("a", "Deny"), ("b", "Pass"))
    )
    (finding,) = lint(inputs.parse("cnp.yaml", text))
    assert (finding.code, finding.line) == ("equal-priority", 17)


def admin(*lines):
    return (
        "---\nkind: ClusterNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha2\n"
        "metadata: {name: admin}\nspec:\n  tier: Admin\n  priority: 1\n"
        + "".join(f"  {line}\n" for line in lines)
    )


ALLOWED_DNS = admin(
    "subject: {namespaces: {}}",
    "egress:",
    "- action: Accept",
    "  to: [{pods: {podSelector: {matchLabels: {k8s-app: kube-dns}}}}]",
    "  protocols: [{udp: {destinationPort: {number: 53}}}]",
)


def test_who_may_ask_the_dns_by_a_rule_for_the_cluster_needs_no_other():
    alone = "podSelector: {}\npolicyTypes: [Egress]"
    assert "egress-without-dns" in dict(codes(alone))
    assert codes(alone, more=ALLOWED_DNS) == []
    refused = ALLOWED_DNS.replace("Accept", "Deny")
    assert codes(SOUND + "\n", more=refused) == []


def test_nobody_here_knows_whom_a_domain_name_stands_for():
    rule = "- {action: Accept, to: [{domainNames: [example.com]}]}"
    text = admin("subject: {namespaces: {}}", "egress:", rule)
    assert lint(inputs.parse("cnp.yaml", PODS + text)) == []


def test_names_of_ports_on_the_network_of_a_node_are_no_use():
    spec = (
        "podSelector: {matchLabels: {app: api}}\npolicyTypes: [Egress]\negress:\n"
        "- to: [{ipBlock: {cidr: 10.0.0.9/32}}]\n  ports: [{port: agent}]\n"
        "- to: [{namespaceSelector: {}}]"
    )
    agent = (
        "---\nkind: Pod\napiVersion: v1\nmetadata: {name: agent, namespace: shop}\n"
        "spec: {hostNetwork: true, containers: "
        "[{name: c, ports: [{name: agent, containerPort: 90}]}]}\n"
        "status: {podIP: 10.0.0.9}\n"
    )
    assert codes(spec, more=agent) == [("port-name-unknown", 5)]
    own = agent.replace("hostNetwork: true", "hostNetwork: false")
    assert codes(spec, more=own) == []


def test_findings_of_cluster_wide_policies_point_at_their_own_fields():
    text = admin(
        "subject: {pods: {podSelector: {matchLabels: {app: api}}}}",
        "ingress:",
        "- action: Accept",
        "  from: [{namespaces: {}}]",
        "  protocols:",
        "  - {tcp: {destinationPort: {number: 80}}}",
        "  - {destinationNamedPort: grpc}",
    )
    (finding,) = lint(inputs.parse("cnp.yaml", PODS + text))
    assert (finding.code, finding.line) == ("port-name-unknown", (PODS + text).count("\n"))
    nobody = text.replace("app: api", "app: nobody")
    (finding,) = lint(inputs.parse("cnp.yaml", PODS + nobody))
    assert (finding.code, finding.line) == ("selects-nothing", PODS.count("\n") + 8)


def test_reports_carry_place_and_mend():
    sources = list(inputs.parse("file.yaml", PODS + HEAD + "  podSelector: {}\n  egress: []\n"))
    report = run_lint(sources)
    assert report.code == 1
    line = BASE + 2
    assert report.out.startswith(f"file.yaml:{line}: policy-types-missing: NetworkPolicy shop/p: ")
    (row,) = json.loads(run_lint(sources, output="json").out)
    assert (row["code"], row["line"]) == ("policy-types-missing", line)
    run = json.loads(run_lint(sources, output="sarif").out)["runs"][0]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "file.yaml"}, "region": {"startLine": line}}
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(MENDS)
    assert run_lint([]).code == 0
