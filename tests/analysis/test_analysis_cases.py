"""Policy test files: what they say, what is refused with file and line, and the truth data."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from minik8s.analysis import report
from minik8s.analysis.casefile import read_cases
from minik8s.analysis.cases import run_case

TRUTH = Path(__file__).parents[1] / "data" / "truth"

CASE = """\
id: shop
objects:
- {kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop, labels: {app: web}}}
- {kind: Pod, apiVersion: v1, metadata: {name: api, namespace: shop, labels: {app: api}}}
- kind: NetworkPolicy
  apiVersion: networking.k8s.io/v1
  metadata: {name: deny, namespace: shop}
  spec: {podSelector: {matchLabels: {app: api}}}
probes:
- {from: shop/web, to: shop/api, port: 80, expect: deny}
- {from: shop/api, to: shop/web, port: 80, protocol: UDP, expect: allow}
- {from: "ip:192.0.2.1", to: shop/api, port: 80, protocol: TCP}
"""


def written(tmp_path, text, name="case.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_json_has_one_line_for_each_case(tmp_path):
    made, results = report.run_test([written(tmp_path, CASE)], as_json=True)
    assert (made.code, made.err) == (0, "")
    (line,) = made.out.splitlines()
    data = json.loads(line)
    assert data["id"] == "shop"
    assert [probe["verdict"] for probe in data["probes"]] == ["deny", "allow", "deny"]
    assert data["probes"][0] == {
        "from": "shop/web",
        "to": "shop/api",
        "port": 80,
        "protocol": "TCP",
        "expect": "deny",
        "verdict": "deny",
        "reason": "no ingress rule of shop/deny matches",
    }
    assert data["probes"][2]["expect"] is None
    assert results[0].passed


def test_a_failed_expectation_is_told_with_its_line(tmp_path):
    path = written(tmp_path, CASE.replace("expect: deny", "expect: allow"))
    made, results = report.run_test([path])
    assert made.code == 1
    assert f"{path}:10: shop/web -> shop/api 80/TCP" in made.out
    assert "expected allow, is deny: no ingress rule of shop/deny matches" in made.out
    suite = ElementTree.fromstring(report.junit(results)).find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert suite.find("testcase/failure").get("message").startswith("expected allow, is deny")


def test_a_workload_stands_for_all_its_pods(tmp_path):
    text = """\
objects:
- kind: Deployment
  apiVersion: apps/v1
  metadata: {name: web, namespace: shop}
  spec:
    replicas: 2
    selector: {matchLabels: {app: web}}
    template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
- kind: Pod
  apiVersion: v1
  metadata:
    name: odd
    namespace: shop
    ownerReferences: [{kind: ReplicaSet, name: rs, apiVersion: apps/v1, uid: u}]
- kind: Pod
  apiVersion: v1
  metadata:
    name: even
    namespace: shop
    labels: {app: api}
    ownerReferences: [{kind: ReplicaSet, name: rs, apiVersion: apps/v1, uid: u}]
- kind: NetworkPolicy
  apiVersion: networking.k8s.io/v1
  metadata: {name: deny, namespace: shop}
  spec: {podSelector: {matchLabels: {app: api}}}
probes:
- {from: shop/odd, to: shop/web, port: 80, expect: allow}
- {from: shop/web, to: shop/rs, port: 80, expect: allow}
"""
    (result,) = map(run_case, read_cases([written(tmp_path, text)]))
    agreed, mixed = result.results
    assert agreed.passed
    assert not mixed.passed
    assert mixed.data()["verdict"] == "mixed"
    assert "shop/web-0 -> shop/odd" in mixed.reason
    assert "deny: shop/web-0 -> shop/even, shop/web-1 -> shop/even" in mixed.reason


def test_manifests_are_found_beside_the_file(tmp_path):
    (tmp_path / "sub").mkdir()
    objects, _, probes = CASE.partition("probes:")
    manifest = "\n---\n".join(
        json.dumps(document) for document in yaml.safe_load(objects)["objects"]
    )
    written(tmp_path, manifest, "sub/all.yaml")
    path = written(tmp_path, f"manifests: [sub/all.yaml]\nprobes:{probes}")
    made, results = report.run_test([path])
    assert made.code == 0
    assert results[0].case.id == f"{path}#1"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("from: shop/web", "from: shop/nobody", 10, "shop/nobody: no such pod or workload"),
        ("port: 80, expect: deny", "port: 70000", 10, "port 70000: a whole number from 1 to 65535"),
        ("port: 80, expect: deny", "port: http", 10, 'port "http": a whole number'),
        ("expect: deny", "expect: maybe", 10, 'expect "maybe": allow or deny'),
        ("protocol: UDP", "protocol: GRE", 11, "protocol GRE: TCP, UDP, SCTP or ICMP"),
        ("ip:192.0.2.1", "ip:192.0.2", 12, "ip:192.0.2: not an address"),
        ("from: shop/api", "from: api", 11, "api: namespace/pod, namespace/workload or ip:ADDRESS"),
        ("from: shop/api, ", "", 11, "a probe needs 'from' as text"),
        ("port: 80, protocol: TCP}", "prot: 80}", 12, "unknown field 'prot' in a probe"),
        ("id: shop", "name: shop", 1, "unknown field 'name' in a case"),
        (
            '- {from: "ip:192.0.2.1", to: shop/api, port: 80, protocol: TCP}',
            "- {from: shop/web, to: shop/api, port: 80, expect: allow}",
            12,
            "contradicts the probe in line 10",
        ),
        ("probes:\n", "probes: 7\nx:\n", 9, "unknown field 'x' in a case"),
        ("{matchLabels: {app: api}}}", "{matchLabels: 7}}", 8, "cannot unmarshal number"),
        ("podSelector", "podSelectr", 8, 'unknown field "spec.podSelectr"'),
        ("kind: NetworkPolicy\n", "kind: {\n", 7, "expected"),
    ],
)
def test_bad_cases_are_refused_with_file_and_line(tmp_path, old, new, line, says):
    assert old in CASE
    path = written(tmp_path, CASE.replace(old, new, 1))
    made, _ = report.run_test([path])
    assert (made.code, made.out) == (2, "")
    assert made.err.count("\n") == 1
    if says.startswith("unknown field 'x'"):
        line += 1
    assert made.err.startswith(f"{path}:{line}: ")
    assert says in made.err


def test_empty_and_missing_places_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for path, says in (
        (tmp_path / "empty", "no YAML or JSON file in this directory"),
        (tmp_path / "none.yaml", "No such file or directory"),
        (Path(written(tmp_path, "# nothing\n")), "no case in it"),
    ):
        made, _ = report.run_test([str(path)])
        assert (made.code, made.out) == (2, "")
        assert made.err == f"{path}:1: {says}\n"


def test_a_file_over_the_limit_is_refused(tmp_path):
    path = written(tmp_path, CASE)
    made, _ = report.run_test([path], max_bytes=100)
    assert (made.code, made.err) == (2, f"{path}:3: the file is larger than 100 bytes\n")


@pytest.mark.parametrize("suite", ["apidocs", "e2e"])
def test_the_truth_data_pass_as_a_case_file(tmp_path, suite):
    with gzip.open(TRUTH / f"{suite}.jsonl.gz", "rt", encoding="utf-8") as lines:
        path = written(tmp_path, lines.read(), f"{suite}.jsonl")
    made, results = report.run_test([path], as_json=True)
    assert (made.code, made.err) == (0, "")
    assert len(made.out.splitlines()) == len(results) > 20
