"""Bad input to every question: one line with file and line, exit code 2, nothing else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

from minik8s.cli import main

PODS = """\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, labels: {app: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: x, labels: {app: b}}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: p
  namespace: x
spec:
  podSelector: {}
  ingress:
  - from:
    - podSelector: {}
    ports:
    - port: 80
"""


def policy(old: str, new: str) -> bytes:
    assert old in POLICY
    return POLICY.replace(old, new).encode()


FILES: dict[str, tuple[str, bytes, int, str]] = {
    "port": ("f.yaml", policy("80", "70000"), 12, "Invalid value: 70000: must be between"),
    "negative port": ("f.yaml", policy("80", "-1"), 12, "Invalid value: -1: must be between"),
    "port as text": ("f.yaml", policy("80", '"80"'), 12, "must contain at least one letter"),
    "endPort": ("f.yaml", policy("80", "80\n      endPort: 79"), 13, "greater than or equal"),
    "protocol": ("f.yaml", policy("80", "80\n      protocol: tcp"), 13, 'value: "tcp"'),
    "CIDR": (
        "f.yaml",
        policy("- podSelector: {}", "- ipBlock:\n        cidr: 10.0.0.300/8"),
        11,
        "must be a valid CIDR value",
    ),
    "except": (
        "f.yaml",
        policy("- podSelector: {}", "- ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}"),
        10,
        "must be a strict subset",
    ),
    "operator": (
        "f.yaml",
        policy("{}\n    ports", "{matchExpressions: [{key: a, operator: Is}]}\n    ports"),
        10,
        "not a valid selector operator",
    ),
    "wrong type": (
        "f.yaml",
        policy("podSelector: {}\n  ingress", "podSelector: {matchLabels: {a: b, n: 1}}\n  ingress"),
        7,
        "cannot unmarshal number",
    ),
    "unknown field": ("f.yaml", policy("- from", "- form"), 9, "spec.ingress[0].form"),
    "no version": ("f.yaml", policy("apiVersion", "#"), 2, "apiVersion not set"),
    "old version": ("f.yaml", policy("o/v1", "o/v1beta1"), 1, "no matches for kind"),
    "workload of old": (
        "f.yaml",
        b"kind: Deployment\napiVersion: extensions/v1beta1\nmetadata: {name: a}\n",
        2,
        "it is apps/v1 today",
    ),
    "another's policy": (
        "f.yaml",
        policy("networking.k8s.io", "projectcalico.org"),
        1,
        'no matches for kind "NetworkPolicy" in version "projectcalico.org/v1"',
    ),
    "key twice": ("f.yaml", policy("  name: p", "  name: p\n  name: q"), 5, "already set in map"),
    "key twice in JSON": (
        "f.json",
        b'\n{"kind": "Pod",\n "kind": "Pod"}',
        3,
        'key "kind" already set in map',
    ),
    "deeper in JSON": (
        "f.json",
        b'{"apiVersion": "v1", "kind": "Pod", "metadata": {\n "name": "a",\n "labels": {"a": 1}}}',
        3,
        "cannot unmarshal number",
    ),
    "comment in JSON": ("f.json", b'{\n// why\n"kind": "Pod"}', 2, "Expecting property name"),
    "not a number": ("f.json", b'{"kind": NaN}', 1, "NaN is not a JSON number"),
    "tab": ("f.yaml", b"kind: Pod\nmetadata:\n\tname: a\n", 3, "cannot start any token"),
    "no end": ("f.yaml", b"kind: Pod\nmetadata: {name: a\n", 2, "did not find expected"),
    "bytes": ("f.yaml", b"kind: Pod\nmetadata: {name: \xff}\n", 2, "not UTF-8 text"),
    "control character": ("f.yaml", b"kind: Pod\na\x00b: c\n", 2, "control characters"),
    "nothing": ("f.yaml", b"# nothing\n---\n", 1, "no Kubernetes object in it"),
    "text": ("f.yaml", b"---\nhello\n", 2, "not a Kubernetes object"),
    "item": ("f.yaml", b"apiVersion: v1\nkind: List\nitems:\n- 5\n", 4, "not a Kubernetes object"),
    "alias of nothing": ("f.yaml", b"a: *nobody\n", 1, "found undefined alias"),
    "alias of itself": ("f.yaml", b"kind: Pod\nmetadata: &m {name: a, x: *m}\n", 1, "itself"),
    "podIP": (
        "f.yaml",
        PODS.encode() + b"status:\n  podIP: 10.0.0.300\n",
        9,
        "must be a valid IP address",
    ),
    "replicas": (
        "f.yaml",
        b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"
        b"spec:\n  replicas: 1000000000\n",
        5,
        "must be between 0 and 65000",
    ),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    monkeypatch.chdir(tmp_path)
    Path("pods.yaml").write_text(PODS, encoding="utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(("name", "data", "line", "says"), FILES.values(), ids=FILES)
def test_every_question_names_file_and_line(
    run: Any, name: str, data: bytes, line: int, says: str
) -> None:
    Path(name).write_bytes(data)
    case = f"manifests: [pods.yaml, {name}]\nprobes:\n- {{from: x/a, to: x/b, port: 80}}\n"
    Path("case.yaml").write_text(case, encoding="utf-8")
    commands: tuple[tuple[str, ...], ...] = (
        ("lint", name),
        ("matrix", "pods.yaml", name),
        ("explain", "x/a", "x/b", "--port", "80", "-f", "pods.yaml", name),
        ("diff", "-f", "pods.yaml", name),
        ("diff", "-f", name, "pods.yaml"),
        ("test", "case.yaml"),
    )
    for words in commands:
        code, out, err = run(*words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert err.startswith(f"{name}:{line}: "), words
        assert says in err


CASE = """\
id: one
manifests:
- pods.yaml
probes:
- {from: x/a, to: x/b, port: 80, expect: allow}
"""
CASES: dict[str, tuple[str, int, str]] = {
    "contradiction after an open question": (
        CASE.replace(", expect: allow", "")
        + "- {from: x/a, to: x/b, port: 80, expect: allow}\n"
        + "- {from: x/a, to: x/b, port: 80, protocol: tcp, expect: deny}\n",
        7,
        "contradicts the probe in line 6",
    ),
    "contradiction in another spelling": (
        CASE
        + '- {from: "ip:2001:db8::1", to: x/b, port: 80, expect: allow}\n'
        + '- {from: "ip:2001:db8:0:0::1", to: x/b, port: 80, expect: deny}\n',
        7,
        "contradicts the probe in line 6",
    ),
    "the same id": (f"{CASE}---\n{CASE}", 7, "the case in line 1 has the id one too"),
    "the same id in a line": (
        '[{"id": 1, "manifests": ["pods.yaml"], "probes": [{"from": "x/a", "to": "x/b", "port": 1}'
        ']}, {"id": 1, "manifests": ["pods.yaml"], "probes": [{"from": "x/a", "to": "x/b", "port":'
        " 1}]}]",
        1,
        "the case in line 1 has the id 1 too",
    ),
    "an id that is none": (CASE.replace("one", "[a]"), 1, 'id ["a"]: a text'),
    "no port": (CASE.replace("port: 80, ", ""), 5, "a probe needs a port"),
    "port as text": (CASE.replace("80", '"80"'), 5, 'port "80": a whole number from 1 to 65535'),
    "no such file": (CASE.replace("pods", "none"), 3, "none.yaml: no such file"),
    "empty directory": (CASE.replace("pods.yaml", "empty"), 3, "empty: no YAML or JSON file in"),
    "standard input": (CASE.replace("pods.yaml", '"-"'), 3, '"-": a path, as text'),
    "unknown pod in JSON": (
        '{"manifests": ["pods.yaml"],\n "probes": [\n  {"from": "x/a", "to": "x/c", "port": 80}]}',
        3,
        "x/c: no such pod or workload",
    ),
}


@pytest.mark.parametrize(("text", "line", "says"), CASES.values(), ids=CASES)
def test_a_bad_case(run: Any, text: str, line: int, says: str) -> None:
    Path("empty").mkdir()
    Path("case.yaml").write_text(text, encoding="utf-8")
    code, out, err = run("test", "case.yaml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"case.yaml:{line}: {says}")


def test_several_cases_in_lists_and_objects_in_lists(run: Any) -> None:
    pods = "{apiVersion: v1, kind: List, items: [%s]}" % ", ".join(  # noqa: UP031
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: x}}}}" for name in "ab"
    )
    probes = "probes: [{from: x/a, to: x/b, port: 80, expect: allow}]"
    text = "".join(f"- id: {n}\n  objects: [{pods}]\n  {probes}\n" for n in (1, 2))
    Path("cases.yaml").write_text(text, encoding="utf-8")
    assert run("test", "cases.yaml") == (0, "ok  1\nok  2\n2 probes, 0 failed\n", "")


def test_manifests_beside_the_cases_of_a_folder(run: Any) -> None:
    Path("folder").mkdir()
    Path("folder", "pods.yaml").write_text(PODS, encoding="utf-8")
    assert run("test", "folder") == (2, "", "folder:1: no case in it\n")
    Path("folder", "case.yaml").write_text(CASE, encoding="utf-8")
    assert run("test", "folder") == (0, "ok  one\n1 probe, 0 failed\n", "")
    assert run("test", "folder/pods.yaml")[2].startswith("folder/pods.yaml:1: unknown field")


def test_an_odd_id_makes_no_odd_xml(run: Any) -> None:
    Path("case.json").write_text(json.dumps({**yaml.safe_load(CASE), "id": "a\x1b & <b>"}))
    assert run("test", "case.json", "--junit", "out.xml")[0] == 0
    suite = ElementTree.parse("out.xml").getroot()[0]
    assert suite.get("name") == "a\N{REPLACEMENT CHARACTER} & <b>"


def test_what_is_only_called_a_service_is_none(run: Any) -> None:
    wanted = run("matrix", "pods.yaml")
    text = (
        "kind: Service\napiVersion: serving.knative.dev/v1\nmetadata: {name: a}\nspec: {ports: 7}\n"
    )
    Path("other.yaml").write_text(text, encoding="utf-8")
    assert run("matrix", "pods.yaml", "other.yaml") == wanted
    assert run("explain", "x/a", "default/a", "--port", "80", "-f", "pods.yaml", "other.yaml") == (
        2,
        "",
        "default/a: no such pod or workload\n",
    )


def test_versions_of_what_nobody_here_reads(run: Any) -> None:
    text = "kind: HorizontalPodAutoscaler\napiVersion: autoscaling/v1\nmetadata: {name: a}\n"
    Path("other.yaml").write_text(text, encoding="utf-8")
    assert run("lint", "pods.yaml", "other.yaml") == (0, "no findings\n", "")


def test_more_pods_than_addresses(run: Any) -> None:
    made = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: %s}\nspec: {replicas: 40000}\n"
    Path("many.yaml").write_text("---\n".join(made % name for name in "ab"), encoding="utf-8")
    code, out, err = run("matrix", "many.yaml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "more than the addresses of 10.244.0.0/16" in err


def test_half_a_character_in_a_name(run: Any) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\ud800", "namespace": "x"}}
    Path("half.json").write_text(json.dumps(pod), encoding="utf-8")
    code, out, _ = run("matrix", "half.json")
    assert code == 0
    assert "x/?" in out


def test_an_empty_port_is_none(run: Any) -> None:
    assert run("matrix", "pods.yaml", "--port", "")[0] == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "crlf"])
def test_how_other_systems_write_text(run: Any, encoding: str) -> None:
    wanted = run("matrix", "pods.yaml")
    data = PODS.replace("\n", "\r\n").encode()
    Path("pods.yaml").write_bytes(data if encoding == "crlf" else PODS.encode(encoding))
    assert run("matrix", "pods.yaml") == wanted
    assert wanted[0] == 0


def test_dates_and_numbers_as_keys_are_text(run: Any) -> None:
    annotations = "{1: one, true: yes, since: 2024-05-01}"
    text = PODS.replace("labels: {app: a}", f"annotations: {annotations}")
    Path("pods.yaml").write_text(text.replace("yes", "'yes'"), encoding="utf-8")
    assert run("lint", "pods.yaml") == (0, "no findings\n", "")


def test_a_merge_may_be_overridden_and_aliases_may_be_used(run: Any) -> None:
    text = PODS.replace("labels: {app: a}", "labels: &all {app: a, tier: t}").replace(
        "labels: {app: b}", "labels: {<<: {app: c}, app: b}"
    )
    Path("pods.yaml").write_text(text, encoding="utf-8")
    assert run("lint", "pods.yaml") == (0, "no findings\n", "")


def test_folders_and_links(run: Any) -> None:
    Path("loop").symlink_to("loop")
    Path("folder").mkdir()
    Path("folder", "again").symlink_to("../folder")
    for path, says in (
        ("loop", "Too many levels of symbolic links"),
        ("folder", "no YAML or JSON file in this directory"),
    ):
        assert run("matrix", path) == (2, "", f"{path}:1: {says}\n")


def test_a_folder_that_may_not_be_read(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:  # root may read everything, so the kernel is played here
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    Path("closed").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    assert run("matrix", "closed") == (2, "", "closed:1: Permission denied\n")


@pytest.mark.parametrize("command", ["test", "matrix", "lint"])
def test_bytes_on_standard_input(command: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "minik8s", command, "-"],
        input=b"kind: Pod\n\xff\xfe\n",
        capture_output=True,
        check=False,
    )
    assert (made.returncode, made.stdout, made.stderr) == (2, b"", b"-:2: not UTF-8 text\n")
