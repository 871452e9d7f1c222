"""`kubectl config` and `kubectl version --client` beside the real binary, on equal kubeconfigs."""

import subprocess

import pytest
import yaml

from minik8s import kubectl
from minik8s.client import Contexts
from minik8s.kubectl.io import MemoryIO

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters:
- {name: a, cluster: {server: "https://192.0.2.4:6443"}}
- {name: b, cluster: {server: "https://192.0.2.5:6443"}}
users:
- {name: ua, user: {token: secret}}
contexts:
- {name: a, context: {cluster: a, user: ua}}
- {name: b, context: {cluster: b, user: ub, namespace: x}}
current-context: a
"""

SCRIPTS = [
    ["get-contexts"],
    ["get-contexts b"],
    ["get-contexts nosuch a"],
    ["get-contexts -o name"],
    ["get-contexts --no-headers"],
    ["get-contexts -o yaml"],
    ["get-users"],
    ["current-context"],
    ["use-context b", "current-context", "view"],
    ["use-context nosuch"],
    ["rename-context a c", "get-contexts", "current-context"],
    ["rename-context nosuch d"],
    ["rename-context b a"],
    ["set-context new", "set-context new --namespace y", "view"],
    ["set-context --current --namespace=zz", "view --minify"],
    ["set-context"],
    ["set-context --current new"],
    ["use-context b", "view --minify"],
    ["delete-context a", "current-context", "view --minify"],
    ["delete-context nosuch"],
    ["unset current-context", "current-context", "view --minify", "set-context --current"],
    ["delete-cluster b", "view"],
    ["delete-cluster nosuch"],
    ["delete-user ua", "get-users"],
    ["delete-user nosuch"],
    ["set-cluster q --server=https://h", "view"],
    ["set-credentials u --token=x", "set-credentials u --username=x --password=p", "view --raw"],
    ["set current-context b", "current-context"],
    ["set contexts.a.namespace foo", "view", "unset contexts.a.namespace", "view"],
    ["set clusters.a.insecure-skip-tls-verify true", "view -o json"],
    ["unset contexts.nosuch"],
    ["unset nosuch"],
    ["set bogus.x y"],
    ["view -o jsonpath={.contexts[0].name}"],
    ["view --raw -o json"],
    ["foo"],
]


def ours(commands):
    contexts = Contexts()
    document = yaml.safe_load(KUBECONFIG)
    contexts.clusters = {e["name"]: e["cluster"] for e in document["clusters"]}
    contexts.users = {e["name"]: e["user"] for e in document["users"]}
    contexts.contexts = {e["name"]: e["context"] for e in document["contexts"]}
    contexts.current = document["current-context"]
    results = []
    for command in commands:
        io = MemoryIO(contexts)
        io.env = {"KUBECONFIG": "/kubeconfig"}
        code = kubectl.main(["config", *command.split()], io)
        results.append((io.stdout, io.stderr, code))
    return results


def real(binary, commands, path):
    path.write_text(KUBECONFIG)
    results = []
    for command in commands:
        done = subprocess.run(
            [binary, "config", *command.split()],
            env={"KUBECONFIG": str(path), "HOME": str(path.parent)},
            capture_output=True,
            text=True,
        )
        out, err = (text.replace(str(path), "/kubeconfig") for text in (done.stdout, done.stderr))
        results.append((out, err, done.returncode))
    return results


@pytest.mark.parametrize("commands", SCRIPTS, ids="; ".join)
def test_config_prints_what_the_real_one_prints(commands, real_kubectl, tmp_path):
    assert ours(commands) == real(real_kubectl, commands, tmp_path / "kubeconfig")


@pytest.mark.parametrize("output", ["", "-o=json", "-o=yaml"])
def test_client_version(output, real_kubectl):
    command = ["version", "--client", *filter(None, [output])]
    done = subprocess.run([real_kubectl, *command], capture_output=True, text=True)
    io = MemoryIO(Contexts())
    assert kubectl.main(command, io) == done.returncode == 0
    assert io.stdout == done.stdout


def test_versions_too_far_apart_are_warned_of():
    class Old:
        def handle(self, request):
            from minik8s.apiserver import Response

            return Response(body={"gitVersion": "v1.30.0", "major": "1", "minor": "30+"})

        def wait(self, seconds):
            raise AssertionError(seconds)

    contexts = Contexts()
    contexts.add("old", Old(), cluster={}, user={})
    io = MemoryIO(contexts)
    assert kubectl.main(["version"], io) == 0
    assert io.stderr == (
        "Warning: version difference between client (1.37) and server (1.30) exceeds the supported "
        "minor version skew of +/-1\n"
    )
