"""The `minik8s` command, as a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "minik8s/data/tutorial"


def minik8s(*arguments, stdin=None, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "minik8s", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=cwd,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL if stdin is None else None,
    )


def test_a_script_in_an_argument():
    done = minik8s("sh", "-c", "kubectl get ns -o name | head -2; nosuch; exit 3")
    assert done.stdout == "namespace/default\nnamespace/kube-node-lease\n"
    assert done.stderr == "bash: line 1: nosuch: command not found\n"
    assert done.returncode == 3


def test_a_script_in_a_file(tmp_path):
    script = tmp_path / "demo.sh"
    script.write_text("kubectl create -f tutorial/demo-app.yaml\n\nnosuch\nfalse\n")
    done = minik8s("sh", script)
    assert done.stdout.startswith("deployment.apps/frontend created\n")
    assert done.stderr == f"{script}: line 3: nosuch: command not found\n"
    assert done.returncode == 1


def test_a_script_on_standard_input():
    done = minik8s("sh", stdin="kubectl get nodes --no-headers | wc -l\necho $0\n")
    assert (done.stdout, done.returncode) == ("3\nbash\n", 0)


def test_options_of_the_cluster(tmp_path):
    (tmp_path / "mine.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: m}\n")
    script = f"""
        kubectl get nodes --no-headers | wc -l
        kubectl -n kube-system get pods -o name | grep -c cilium
        minik8s set | grep enforcement
        kubectl create -f {tmp_path.name}/mine.yaml
    """
    options = ("--nodes", 4, "--cni", "none", "--seed", 5, "--files", tmp_path)
    done = minik8s("sh", *options, "-c", script)
    assert done.stdout == "5\n0\nenforcement=off\nnamespace/m created\n"


def test_seeds():
    script = "kubectl create -f tutorial/demo-app.yaml > /dev/null; kubectl get pods -o name; date"
    one, again, other = (minik8s("sh", "--seed", seed, "-c", script).stdout for seed in (1, 1, 2))
    assert one == again != other


def test_no_tty_shows_the_difference():
    script = (
        "kubectl create -f tutorial/demo-app.yaml > /dev/null; "
        "kubectl exec -ti deploy/frontend -- curl -I backend:8080 | head -1"
    )
    with_tty = minik8s("sh", "-c", script)
    assert with_tty.stdout.strip() == "HTTP/1.1 200 OK"
    assert with_tty.stderr == ""
    without = minik8s("sh", "--no-tty", "-c", script)
    assert without.stdout.strip() == "HTTP/1.1 200 OK"
    lines = without.stderr.splitlines()
    assert lines[0] == ("Unable to use a TTY - input is not a terminal or the right kind of file")
    assert lines[1].startswith("  % Total    % Received % Xferd")


def test_bad_input(tmp_path):
    assert minik8s("sh", tmp_path / "nothing.sh").returncode == 127
    missing = minik8s("sh", "--files", tmp_path / "nothing", "-c", "true")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    for wrong in (("sh", "--nodes", "-1"), ("sh", "--nodes", "x"), ("dance",), ()):
        done = minik8s(*wrong)
        assert done.returncode == 2
        assert done.stderr.startswith("usage: minik8s")


def test_an_endless_loop_ends():
    done = minik8s("sh", "-c", "while true; do :; done")
    assert done.returncode == 130
    assert done.stderr == "minik8s: stopped: a loop went round more than 10,000 times\n"


def test_output_arrives_in_order():
    done = subprocess.run(
        [sys.executable, "-m", "minik8s", "sh", "-c", "echo a; echo b >&2; echo c; nosuch; echo d"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout == "a\nb\nc\nbash: line 1: nosuch: command not found\nd\n"


def test_a_reader_that_has_had_enough():
    command = f"{sys.executable} -m minik8s sh -c 'yes | head -5000' | head -1"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert (done.stdout, done.stderr) == ("y\n", "")


def test_nothing_of_the_environment_gets_in():
    environment = {**os.environ, "SECRET_OF_THE_HOST": "1", "FRONTEND": "mine"}
    done = subprocess.run(
        [sys.executable, "-m", "minik8s", "sh", "-c", "env; echo [$FRONTEND]"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert "SECRET" not in done.stdout
    assert done.stdout.endswith("[]\n")


# -- questions about manifests


def test_version():
    assert minik8s("version").stdout == "minik8s 0.1.0\n"
    assert minik8s("--version").stdout == "minik8s 0.1.0\n"


@pytest.fixture
def snapshot(tmp_path):
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]},
            "status": {"podIP": f"10.0.0.{number}", "phase": "Running"},
        }
        for number, name in enumerate(("frontend", "backend"), start=1)
    ]
    path = tmp_path / "pods.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))
    return path


def test_matrix(snapshot):
    done = minik8s("matrix", snapshot, TUTORIAL / "01-backend-ingress-deny.yaml", "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert minik8s("matrix", snapshot, "--port", "x").returncode == 2


def test_explain(snapshot):
    question = ("explain", "default/frontend", "default/backend", "--port", "80/TCP", "-f")
    assert minik8s(*question, snapshot).returncode == 0
    denied = minik8s(*question, snapshot, TUTORIAL / "01-backend-ingress-deny.yaml")
    assert denied.returncode == 1
    assert "backend-ingress-deny" in denied.stdout


def test_diff(snapshot):
    deny = TUTORIAL / "01-backend-ingress-deny.yaml"
    changed = minik8s("diff", "-f", snapshot, "--exit-code", deny)
    assert changed.returncode == 1
    assert "- default/frontend -> default/backend" in changed.stdout
    same = minik8s("diff", "-f", snapshot, "-f", deny, "--exit-code", deny)
    assert same.returncode == 0


def test_lint_and_test(snapshot, tmp_path):
    assert minik8s("lint", TUTORIAL / "06-frontend-egress-deny.yaml").returncode in (0, 1)
    case = tmp_path / "case.yaml"
    case.write_text(
        "id: one\nmanifests: [pods.json]\nprobes:\n"
        "- {from: default/frontend, to: default/backend, port: 80, expect: deny}\n"
    )
    junit = tmp_path / "junit.xml"
    done = minik8s("test", case, "--json", "--junit", junit)
    assert done.returncode == 1
    assert json.loads(done.stdout)["probes"][0]["verdict"] == "allow"
    assert 'failures="1"' in junit.read_text()


def test_manifests_that_make_no_sense(tmp_path):
    for command in (("matrix",), ("lint",), ("test",)):
        done = minik8s(*command, tmp_path / "nothing.yaml")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
