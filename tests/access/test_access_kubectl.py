"""`kubectl auth` and `--as`: ours in process beside the real binary on a served cluster."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from access_objects import binding, namespace, role, rule, to_account, to_user

from minik8s.apiserver import ADMIN, ApiServer, Request
from minik8s.client import Contexts, InProcessTransport
from minik8s.cluster import Cluster
from minik8s.kubectl import MemoryIO, main

pytest.importorskip("fastapi")

COMMANDS = [
    "auth can-i --list --as=anna",
    "auth can-i --list --as=anna -n dev",
    "auth can-i --list --as=bert -n dev --no-headers",
    "auth can-i --list",
    "auth can-i --list --as=system:serviceaccount:dev:default -n dev",
    "auth can-i --list --as=nobody",
    "auth can-i --list x",
    "auth can-i --list -A",
    "auth can-i --list -q",
    "auth can-i get pods",
    "auth can-i get pods -q",
    "auth can-i get pods -q --as=anna",
    "auth can-i get pods --as=anna",
    "auth can-i get pods --as=anna -n dev",
    "auth can-i create networkpolicies --as anna -n dev",
    "auth can-i create netpol --as anna",
    "auth can-i get pods/web --subresource=log --as anna -n dev",
    "auth can-i create pods --subresource=exec --as anna -n dev",
    "auth can-i get configmap/settings --as bert -n dev",
    "auth can-i get configmaps --as bert -n dev",
    "auth can-i get lost --as bert -n dev",
    "auth can-i list deployments.apps --as anna -A",
    "auth can-i create pods -A --as anna",
    "auth can-i * *",
    "auth can-i * * --as anna -n dev",
    "auth can-i frob pods",
    "auth can-i frob pods -A",
    "auth can-i get foos",
    "auth can-i get foos.bar.com --as anna",
    "auth can-i get nodes",
    "auth can-i get namespaces --as anna -n dev",
    "auth can-i get storageclasses.storage.k8s.io",
    "auth can-i impersonate users",
    "auth can-i impersonate groups --as anna",
    "auth can-i get /healthz --as anna",
    "auth can-i get /metrics --as anna",
    "auth can-i frob /metrics",
    "auth can-i get /x --subresource=y",
    "auth can-i get",
    "auth can-i",
    "auth can-i get pods x",
    "auth can-i get pods --no-headers",
    "auth can-i list pods --as=system:serviceaccount:dev:default -n dev",
    "auth can-i list pods --as=x --as-group=system:masters",
    "auth can-i get pods --as missing",
    "auth whoami",
    "auth whoami x",
    "auth whoami --as=anna",
    "auth whoami --as=anna --as-group=b --as-group=a",
    "auth whoami --as=a --as-uid=7 --as-user-extra=k=v1,v2 --as-user-extra=j=w --as-user-extra=z",
    "auth whoami --as=system:serviceaccount:dev:bot",
    "auth whoami --as=system:anonymous",
    "auth whoami -o json --as=a --as-uid=7 --as-group=g --as-user-extra=k=v",
    "auth whoami -o yaml --as=anna",
    "auth whoami -o name",
    "auth whoami -o jsonpath={.status.userInfo.username}",
    "auth whoami -o bogus",
    "auth foo",
    "get pods --as=anna",
    "get pods --as=anna -n dev",
    "get pods -A --as=anna",
    "get nodes --as=anna",
    "get ns dev --as=anna -o name",
    "get --raw /metrics --as=anna",
    "get pods --as-group=x",
    "get pods --as-uid=x",
    "get pods --as-user-extra=a=b",
    "create ns x --as=anna",
    "create rolebinding r --clusterrole=cluster-admin --user=anna -n dev --as=boss",
    "create rolebinding r --clusterrole=nosuch --user=anna -n dev --as=boss",
    "create role r --verb=get --resource=nodes -n dev --as=boss",
    "create role r --verb=get,list --resource=pods -n dev --as=boss",
    "create rolebinding r --role=r --user=bert -n dev --as=boss",
    "get roles,rolebindings -n dev -o name --as=boss",
    "auth reconcile -f FILE1",
    "auth reconcile -f FILE1",
    "get roles,rolebindings -n fresh -o name",
    "auth reconcile -f FILE2",
    "auth reconcile -f FILE1 --remove-extra-permissions --remove-extra-subjects --dry-run=client",
    "auth reconcile -f FILE1 --remove-extra-permissions --remove-extra-subjects",
    "auth reconcile -f FILE3 -o name",
    "get role r -n fresh -o jsonpath={.rules}",
    "get rolebinding b -n fresh -o jsonpath={.subjects}",
    "auth reconcile",
    "auth reconcile -f FILE1 x",
    "auth reconcile -f FILE1 --dry-run=server",
    "delete ns dev --as=boss",
    "create clusterrole c --verb=get --resource=pods --as=boss",
]
"""Every command runs on both clusters, in this order."""

_ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: fresh, labels: {l: LABEL}}
rules:
- {apiGroups: [""], resources: [RESOURCES], verbs: [get, list]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: passed-over}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: fresh}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: KIND, name: r}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: NAME}
- {kind: ServiceAccount, name: bot, namespace: dev}
"""


def _manifest(label: str, resources: str, kind: str, name: str) -> str:
    words = {"LABEL": label, "RESOURCES": resources, "KIND": kind, "NAME": name}
    text = _ROLE
    for word, value in words.items():
        text = text.replace(word, value)
    return text


FILES = {
    "FILE1": _manifest("a", "pods, services", "Role", "anna"),
    "FILE2": _manifest("a", "secrets", "Role", "bert"),
    "FILE3": _manifest("b", "pods", "ClusterRole", "anna"),
}


def _objects() -> list[dict[str, Any]]:
    reader = role("reader", rule("get", "configmaps", names="settings"), namespace="dev")
    return [
        namespace("dev"),
        reader,
        binding("anna", "edit", to_user("anna"), namespace="dev"),
        binding("bert", "reader", to_user("bert"), namespace="dev", local=True),
        binding("boss", "admin", to_user("boss"), namespace="dev"),
        binding("bot", "view", to_account("default", "dev"), namespace="dev"),
        binding("missing", "gone", to_user("missing"), namespace="default"),
    ]


def _prepared() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    api = ApiServer(cluster.runtime)
    for document in _objects():
        kind = cluster.runtime.registry.of(document)
        assert kind is not None
        path = kind.path(document["metadata"].get("namespace"))
        answer = api.handle(Request("POST", path, body=document, user=ADMIN))
        assert answer.code == 201, answer.body
    return cluster


Result = tuple[str, str, int]
Run = Callable[[list[str]], Result]


@pytest.fixture(scope="module")
def ours() -> Run:
    """Our kubectl, in process."""
    cluster = _prepared()
    contexts = Contexts()
    contexts.add(
        "kubernetes-admin",
        InProcessTransport(ApiServer(cluster.runtime)),
        cluster={"server": "https://127.0.0.1:6443"},
        user={},
    )

    def run(arguments: list[str]) -> Result:
        io = MemoryIO(
            contexts,
            files={name: text.encode() for name, text in FILES.items()},
            now=lambda: cluster.clock.now,
            stdin="",
        )
        code = main(arguments, io)
        return io.stdout, io.stderr, code

    return run


@pytest.fixture(scope="module")
def real(real_kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The real kubectl, on a served cluster."""
    folder = tmp_path_factory.mktemp("real")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with _prepared().serve() as server:
        path = folder / "kubeconfig"
        server.write_kubeconfig(path)
        environment = {
            "KUBECONFIG": str(path),
            "KUBECACHEDIR": str(folder / "cache"),
            "KUBECTL_KUBERC": "false",
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
        }

        def run(arguments: list[str]) -> Result:
            ended = subprocess.run(
                [real_kubectl, *arguments],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            return ended.stdout, ended.stderr, ended.returncode

        yield run


@pytest.mark.parametrize("line", COMMANDS)
def test_ours_prints_what_the_real_one_prints(line: str, ours: Run, real: Run) -> None:
    assert ours(line.split()) == real(line.split())


def test_the_real_one_comes_in_with_an_accounts_token(real: Run) -> None:
    token, _, code = real(["create", "token", "default", "-n", "dev"])
    assert code == 0
    asked = ["--token", token.strip(), "-n", "dev"]
    out, _, code = real(["auth", "whoami", "-o", "json", *asked])
    assert code == 0
    info = json.loads(out)["status"]["userInfo"]
    assert info["username"] == "system:serviceaccount:dev:default"
    assert real(["get", "pods", *asked])[1:] == ("No resources found in dev namespace.\n", 0)
    assert real(["get", "pods", "--token", token.strip(), "-n", "default"])[2] == 1
    _, err, code = real(["get", "pods", "--token", "x" + token.strip()])
    assert (err, code) == ("error: You must be logged in to the server (Unauthorized)\n", 1)


def test_a_class_is_served_from_a_file(real_kubectl: str, tmp_path: Path) -> None:
    from minik8s.server.options import ServeError
    from minik8s.server.startup import Order, open_server

    users = tmp_path / "users.yaml"
    users.write_text("- {name: anna, namespaces: [anna]}\n- {name: bert, namespaces: [bert]}\n")
    order = Order(port=0, kubeconfig=tmp_path / "admin", users=users, nodes=1)
    opened = open_server(order)
    assert [path.name for path in opened.written] == ["anna", "bert"]

    def kubectl(user: str, *arguments: str) -> Result:
        environment = {
            "KUBECONFIG": str(opened.written[["anna", "bert"].index(user)]),
            "KUBECACHEDIR": str(tmp_path / "cache"),
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
        }
        ended = subprocess.run(
            [real_kubectl, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return ended.stdout, ended.stderr, ended.returncode

    with opened.server:
        made = kubectl("anna", "create", "deployment", "web", "--image=nginx")
        assert made == ("deployment.apps/web created\n", "", 0)
        assert kubectl("anna", "exec", "deploy/web", "--", "hostname")[2] == 0
        assert kubectl("anna", "logs", "deploy/web")[2] == 0
        for arguments in (
            ["get", "pods", "-n", "anna"],
            ["exec", "-n", "anna", "deploy/web", "--", "hostname"],
            ["logs", "-n", "anna", "deploy/web"],
            ["port-forward", "-n", "anna", "deploy/web", ":80"],
            ["get", "netpol", "-A"],
        ):
            _, err, code = kubectl("bert", *arguments)
            assert code == 1
            assert 'User "bert" cannot' in err

    users.write_text("- name: anna\n  namespace: x\n")
    with pytest.raises(ServeError, match=r"users.yaml:2: unknown field 'namespace'"):
        open_server(order)
