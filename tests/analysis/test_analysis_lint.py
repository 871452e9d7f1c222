"""Each finding has its code, its line and its mend; a sound policy has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import minik8s
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


TO_API = "egress:\n- to:\n  - podSelector: {matchLabels: {app: api}}"


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
        ("egress-without-dns", 2, f"podSelector: {{}}\npolicyTypes: [Egress]\n{TO_API}"),
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
    alone = f"podSelector: {{}}\npolicyTypes: [Egress]\n{TO_API}"
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


# -- what is no mistake

TUTORIAL = Path(minik8s.__file__).parent / "data" / "tutorial"


def tutorial(*names):
    files = [str(path) for name in names for path in sorted(TUTORIAL.glob(f"{name}*"))]
    return [(f.code, f.subject.rpartition("/")[2]) for f in lint(inputs.read(files))]


@pytest.mark.parametrize("step", ["01", "02", "03", "04", "05", "06", "08"])
def test_the_policies_of_the_tutorial_are_sound(step):
    assert tutorial("demo-app", step) == []
    assert tutorial(step) == []


def test_the_steps_of_the_tutorial_together():
    assert tutorial("demo-app", "01", "02") == []
    assert tutorial("demo-app", "06", "07", "08") == []
    trap = [("egress-without-dns", "frontend-egress-allow-to-backend")]
    assert tutorial("demo-app", "06", "07") == tutorial("demo-app", "07") == tutorial("07") == trap
    assert tutorial("demo", "monitoring", "0") == [
        ("shadowed", "backend-ingress-allow-frontend"),
        ("shadowed", "backend-ingress-allow-monitoring-app"),
    ]


INGRESS = "podSelector: {}\npolicyTypes: [Ingress]\ningress:\n- from:\n"
EMPTY = "---\nkind: Namespace\napiVersion: v1\nmetadata: {name: empty, labels: {team: b}}\n"


@pytest.mark.parametrize(
    ("peers", "more", "expected"),
    [
        # a namespace that has no pods yet, one that no file declares, one that has other pods
        ("  - namespaceSelector: {matchLabels: {team: b}}", EMPTY, []),
        ("  - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}", "", []),
        ("  - namespaceSelector: {matchLabels: {team: c}}", EMPTY, ["rule-never-matches"]),
        (
            "  - namespaceSelector: {matchLabels: {team: a}}\n"
            "    podSelector: {matchLabels: {app: db}}",
            EMPTY,
            ["rule-never-matches"],
        ),
        (
            "  - namespaceSelector:\n      matchExpressions:\n"
            "      - {key: team, operator: In, values: [c]}\n"
            "      - {key: team, operator: NotIn, values: [c]}",
            "",
            ["rule-never-matches"],
        ),
        # alternatives that nobody meant as one
        ("  - namespaceSelector: {matchLabels: {team: b}}\n  - podSelector: {}", EMPTY, []),
        (
            "  - ipBlock: {cidr: 172.17.0.0/16}\n"
            "  - namespaceSelector: {matchLabels: {team: a}}\n"
            "  - podSelector: {matchLabels: {app: web}}",
            "",
            [],
        ),
        (
            "  - namespaceSelector: {matchLabels: {k: v}}\n"
            "  - podSelector: {matchLabels: {app: web}}",
            EMPTY,
            [],
        ),
        (
            "  - namespaceSelector: {}\n  - podSelector: {matchLabels: {app: web}}",
            "",
            ["peer-dash"],
        ),
    ],
)
def test_what_files_leave_open_is_no_mistake(peers, more, expected):
    assert [code for code, _ in codes(INGRESS + peers, pods=PODS, more=more)] == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("to: [{ipBlock: {cidr: 169.254.20.10/32}}], ports: [{port: 53, protocol: UDP}]", []),
        ("ports: [{port: 53, protocol: UDP}]", []),
        ("ports: [{port: 53}]", ["egress-without-dns"]),
        ("to: [{namespaceSelector: {matchLabels: {dns: here}}}]", []),
    ],
)
def test_dns_that_is_not_at_hand(rule, expected):
    spec = f"podSelector: {{}}\npolicyTypes: [Egress]\negress:\n- {{{rule}}}"
    pods = PODS.partition("---\n")[2]  # without the Namespace
    found = {finding.code for finding in lint(inputs.parse("f.yaml", pods + HEAD + indented(spec)))}
    assert sorted(found) == expected


def indented(spec):
    return "".join(f"  {line}\n" for line in spec.splitlines())


def test_a_narrow_policy_is_shadowed_without_pods_too():
    wide = DUPLICATE.replace(
        "    - podSelector: {matchLabels: {app: api}}\n", "    - podSelector: {}\n"
    )
    assert wide != DUPLICATE
    assert [(f.code, f.subject) for f in found(SOUND, pods="", more=wide)] == [
        ("shadowed", "NetworkPolicy shop/p")
    ]


def test_of_two_that_only_these_pods_make_equal_none_is_shadowed():
    other = DUPLICATE.replace("app: api", "tier: back")
    pods = PODS.replace("labels: {app: api}", "labels: {app: api, tier: back}")
    assert found(SOUND, pods=pods, more=other) == []
