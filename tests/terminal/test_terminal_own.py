"""`minik8s`, `help` and completion inside the terminal."""

import json

import pytest

from minik8s.kubectl.tree import root
from minik8s.terminal.completion import Completer


@pytest.fixture
def demo(laptop):
    laptop.run("kubectl create -f tutorial/demo-app.yaml -f tutorial/01-backend-ingress-deny.yaml")
    return laptop


def request(laptop):
    return laptop.run("kubectl exec deploy/frontend -- curl -sI -m 2 backend:8080").exit_code


def test_settings_are_shown_and_set(demo):
    assert demo.run("minik8s set").output == "tracking=on\nestablished=keep\nenforcement=on\n"
    assert request(demo) == 28
    assert demo.run("minik8s set enforcement=off").output == ""
    assert request(demo) == 0
    demo.run("minik8s set enforcement=on established=rejudge tracking=off")
    settings = demo.cluster.runtime.settings
    assert (settings.tracking, settings.established, settings.enforcement) == (
        False,
        "rejudge",
        True,
    )
    assert request(demo) == 28


def test_settings_of_the_current_cluster_only(demo):
    demo.run("minikube start; minik8s set enforcement=on")
    assert demo.run("minik8s set").output.endswith("enforcement=on\n")
    demo.run("minikube delete; kubectl config use-context minik8s; minik8s set enforcement=off")
    assert demo.cluster.runtime.settings.enforcement is False


MISTAKES = [
    "minik8s set enforcement=maybe",
    "minik8s set colour=red",
    "minik8s set enforcement",
    "minik8s dance",
    "minik8s explain a b",
    "minik8s explain default/nope default/backend --port 8080/TCP",
    "minik8s explain default/frontend default/backend --port 99999",
    "minik8s diff",
    "minik8s diff nothing.yaml",
    "minik8s lint nothing.yaml",
]


@pytest.mark.parametrize("command", MISTAKES)
def test_mistakes_are_one_line(demo, command):
    result = demo.run(command)
    assert result.exit_code == 2
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert demo.cluster.runtime.settings.enforcement is True


def test_explain_and_matrix(demo):
    explained = demo.run("minik8s explain default/frontend default/backend --port 8080/TCP")
    assert explained.exit_code == 1
    assert "backend-ingress-deny" in explained.output
    data = demo.run(
        "minik8s explain default/frontend default/backend --port 8080/TCP -o json"
    ).output
    assert json.loads(data)["verdict"] == "deny"
    matrix = demo.run("minik8s matrix --port 8080/TCP")
    assert matrix.exit_code == 0
    assert "default/backend" in matrix.output


def test_diff_and_lint_read_the_terminals_files(demo):
    diff = demo.run("minik8s diff tutorial/02-backend-ingress-allow-frontend.yaml")
    assert "+ default/frontend -> default/backend" in diff.output
    applied = "minik8s diff --exit-code tutorial/01-backend-ingress-deny.yaml"
    assert demo.run(applied).exit_code == 0
    demo.run("sed 's/app: backend/app: nobody/' tutorial/01*.yaml > mine.yaml")
    demo.run("kubectl get pods -o yaml > pods.yaml")
    lint = demo.run("minik8s lint mine.yaml pods.yaml")
    assert lint.exit_code == 1
    assert lint.output.startswith("mine.yaml:6: selects-nothing: ")
    piped = demo.run("cat tutorial/02*.yaml | minik8s diff -")
    assert piped.output == diff.output


def test_help_and_version(laptop):
    text = laptop.run("help").output
    for word in ("kubectl", "tutorial", "minik8s", "cilium", "hubble", "exit"):
        assert word in text
    assert laptop.run("minik8s version").output == "minik8s 0.1.0\n"
    assert laptop.run("minik8s").output == laptop.run("minik8s help").output


# -- completion


@pytest.fixture
def complete(demo):
    return Completer(demo.session, demo.machines, root).complete


LINES = {
    "kub": ["kubectl "],
    "cat tutorial/0": None,
    "kubectl create -f tut": ["tutorial/"],
    "kubectl create -f tutorial/demo": ["tutorial/demo-app.yaml "],
    "kubectl ex": ["explain ", "expose ", "exec "],
    "kubectl get netw": ["networkpolicies "],
    "kubectl get networkpolicies ": ["backend-ingress-deny "],
    "kubectl -n kube-system get svc ": ["kube-dns "],
    "kubectl get ns kube-n": ["kube-node-lease "],
    "kubectl get pods --name": ["--namespace "],
    "kubectl get pods -o ": ["json ", "jsonpath=", "name ", "wide ", "yaml "],
    "kubectl describe deploy fr": ["frontend "],
    "kubectl logs deploy/b": ["deploy/backend "],
    "kubectl -n kube-s": ["kube-system "],
    "kubectl config use-context ": ["minik8s "],
    "kubectl rollout st": ["status "],
    "kubectl rollout status deploy/f": ["deploy/frontend "],
    "minikube st": ["start ", "status ", "stop "],
    "gcloud container clusters c": ["create "],
    "minik8s set enf": ["enforcement=off ", "enforcement=on "],
    "hubble ob": ["observe "],
    "echo a | kubectl get n": None,
    "x=$(kubectl get networkp": ["networkpolicies "],
    "ls > tut": ["tutorial/"],
    "cd tu": ["tutorial/"],
    "FOO=1 kubectl get networkp": ["networkpolicies "],
    "sudo kubectl get networkp": ["networkpolicies "],
    "nosuch ": ["tutorial/"],
    "cat nothing/x": [],
}


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_completion(complete, line, expected):
    found = complete(line)
    if expected is None:
        assert found
    else:
        assert sorted(found) == sorted(expected)


def test_completion_of_live_names(demo, complete):
    (name,) = demo.run("kubectl get pods -l app=frontend -o name").output.split("/")[1:]
    assert complete("kubectl exec -ti fr") == [f"{name.strip()} "]
    assert complete("kubectl delete pod/fr") == [f"pod/{name.strip()} "]
    demo.run("alias k=kubectl; export FRONT=x")
    assert complete("k logs fr") == [f"{name.strip()} "]
    assert complete("echo $FRO") == ["$FRONT"]
