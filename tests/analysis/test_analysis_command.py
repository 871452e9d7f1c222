"""The commands as typed: answers, exit codes, and one clear line for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minik8s import Cluster
from minik8s.cli import main

Run = tuple[int, str, str]

CLUSTER = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}
"""
DENY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress]}
"""
CASE = """id: one
manifests: [cluster.yaml, deny.yaml]
probes:
- {from: shop/web, to: shop/api, port: 8080, expect: deny}
- {from: shop/api, to: shop/web, port: 80, expect: allow}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("cluster", CLUSTER), ("deny", DENY), ("case", CASE)):
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> Run:
        try:
            code = main(words)
        except SystemExit as error:
            code = int(error.code or 0)
        return code, *capsys.readouterr()

    return run


# -- answers


def test_policy_tests_pass_and_fail(run: Any, here: Path) -> None:
    assert run("test", "case.yaml") == (0, "ok  one\n2 probes, 0 failed\n", "")
    (here / "case.yaml").write_text(CASE.replace("deny}", "allow}"))
    code, out, err = run("test", "case.yaml", "--junit", "out.xml")
    assert (code, err) == (1, "")
    assert "case.yaml:4: shop/web -> shop/api 8080/TCP" in out
    assert "<failure message=" in (here / "out.xml").read_text()
    code, out, _ = run("test", "case.yaml", "--json")
    assert code == 1
    assert [p["verdict"] for p in json.loads(out)["probes"]] == ["deny", "allow"]
    assert run("test", "case.yaml", "--junit", "no/where.xml")[0] == 2


def test_diff_takes_what_is_there_with_f_and_the_rest_as_new(run: Any) -> None:
    code, out, _ = run("diff", "-f", "cluster.yaml", "deny.yaml", "--exit-code")
    assert code == 1
    assert "- shop/web -> shop/api all" in out
    again = run("diff", "--exit-code", "-f", "cluster.yaml", "-f", "deny.yaml", "deny.yaml")
    assert again == (0, "nothing changes\n", "")


def test_explain(run: Any) -> None:
    words = ("explain", "shop/web", "shop/api", "--port", "8080/TCP")
    code, out, _ = run(*words, "-f", "cluster.yaml", "deny.yaml")
    assert code == 1
    assert "NetworkPolicy shop/deny selects it" in out
    assert run(*words, "-f", "cluster.yaml")[0] == 0


def test_the_same_answers_from_a_running_server(run: Any, here: Path) -> None:
    cluster = Cluster(nodes=1)
    cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    cluster.apply(CLUSTER + "---" + DENY)
    wide = cluster.matrix(port=8080).render("csv")
    with cluster.serve() as server:
        config = ("--kubeconfig", str(server.kubeconfig))
        assert run("matrix", "--port", "8080", "-o", "csv", *config) == (0, wide, "")
        code, out, _ = run("explain", "shop/web", "shop/api", "--port", "8080", *config)
        assert code == 1
        assert "without NetworkPolicy shop/deny: allow" in out
        assert run("diff", "deny.yaml", *config) == (0, "nothing changes\n", "")
        code, out, _ = run("lint", *config, "-o", "json")
        where = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny"
        assert {finding["file"] for finding in json.loads(out)} <= {where}
    code, out, err = run("matrix", *config)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


# -- bad input: one line, exit code 2, nothing else

BAD = {
    "unknown pod": (
        CASE.replace("to: shop/api", "to: shop/nobody"),
        "case.yaml:4: shop/nobody: no such pod or workload",
    ),
    "port": (
        CASE.replace("8080", "70000"),
        "case.yaml:4: port 70000: a whole number from 1 to 65535",
    ),
    "contradiction": (
        CASE + "- {from: shop/web, to: shop/api, port: 8080, expect: allow}\n",
        "case.yaml:6: contradicts the probe in line 4",
    ),
    "field": (CASE + "expects: all\n", "case.yaml:6: unknown field 'expects' in a case"),
    "expect": (CASE.replace("expect: deny", "expect: no"), "case.yaml:4: expect false: "),
    "protocol": (CASE.replace("80, ", "80, protocol: TPC, "), "case.yaml:4: protocol TPC: "),
    "manifest": (CASE.replace("cluster.yaml", "nothing.yaml"), "case.yaml:2: nothing.yaml: no"),
    "no YAML": (CASE + "  - : [\n", "case.yaml:6: "),
    "no case": ("", "case.yaml:1: no case in it"),
}


@pytest.mark.parametrize(("text", "complaint"), BAD.values(), ids=BAD)
def test_a_bad_case(run: Any, here: Path, text: str, complaint: str) -> None:
    (here / "case.yaml").write_text(text)
    code, out, err = run("test", "case.yaml")
    assert (code, out) == (2, "")
    assert err.startswith(complaint)
    assert err.count("\n") == 1
    assert err.endswith("\n")


@pytest.mark.parametrize("command", ["test", "matrix", "lint"])
def test_an_empty_directory_and_too_large_a_file(run: Any, here: Path, command: str) -> None:
    (here / "empty").mkdir()
    said = "empty:1: no YAML or JSON file in this directory\n"
    assert run(command, "empty") == (2, "", said)
    code, out, err = run(command, "cluster.yaml", "--max-bytes", "60")
    assert (code, out, err) == (2, "", "cluster.yaml:4: the file is larger than 60 bytes\n")


def test_too_large_a_manifest_of_a_case(run: Any, here: Path) -> None:
    (here / "cluster.yaml").write_text(CLUSTER + "# and more\n" * 100)
    code, out, err = run("test", "case.yaml", "--max-bytes", "500")
    assert (code, out) == (2, "")
    assert err.startswith("cluster.yaml:")
    assert err.endswith("the file is larger than 500 bytes\n")


BAD_WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "port": (("matrix", "cluster.yaml", "--port", "70000"), "70000: a port is a whole number"),
    "no such file": (("matrix", "nothing.yaml"), "nothing.yaml:1: No such file or directory"),
    "no such pod": (
        ("explain", "shop/web", "shop/no", "--port", "80", "-f", "cluster.yaml"),
        "shop/no: no such pod or workload",
    ),
    "nothing": (("matrix",), "FILE or --kubeconfig: say one of the two"),
    "both": (("lint", "deny.yaml", "--kubeconfig", "x"), "FILE and --kubeconfig"),
    "no kubeconfig": (("lint", "--kubeconfig", "x"), "x: No such file or directory"),
    "not a kubeconfig": (("lint", "--kubeconfig", "deny.yaml"), "deny.yaml: not a kubeconfig"),
}


@pytest.mark.parametrize(("words", "complaint"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_bad_words(run: Any, words: tuple[str, ...], complaint: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith(complaint)
    assert err.count("\n") == 1


def test_a_policy_that_the_api_refuses(run: Any, here: Path) -> None:
    (here / "deny.yaml").write_text(DENY.replace("[Ingress]", "[Ingres]"))
    for words in (("matrix", "cluster.yaml", "deny.yaml"), ("lint", "deny.yaml")):
        code, out, err = run(*words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("deny.yaml:5: NetworkPolicy")


def test_as_a_program(here: Path) -> None:
    command = [sys.executable, "-m", "minik8s", "test", "case.yaml"]
    (here / "case.yaml").write_text(CASE.replace("8080", "70000"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "case.yaml:4: port 70000: a whole number from 1 to 65535\n"


def test_a_name_from_a_file_cannot_command_the_terminal(run: Any, here: Path) -> None:
    (here / "red.yaml").write_text(
        'apiVersion: v1\nkind: Pod\nmetadata: {name: "p\\e[31m", namespace: default}\n'
        "spec: {containers: [{name: c, image: x}]}\nstatus: {podIP: 10.0.0.9}\n"
    )
    out = run("matrix", "red.yaml")[1]
    assert "default/p^[[31m" in out
    assert "\x1b" not in out
