"""A client with rights may write any `status`; the cluster goes on with what makes sense."""

from __future__ import annotations

from typing import Any

import pytest

from minik8s import Cluster
from minik8s.apiserver import Request
from minik8s.model.registry import POD

NODE = "/api/v1/nodes/minik8s-worker/status"
PODS = "/api/v1/namespaces/default/pods"


def call(cluster: Cluster, method: str, path: str, body: Any) -> Any:
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    response = cluster.server.handle(Request(method, path, headers=headers, body=body))
    assert response.code in (200, 201), response.body
    return response.body


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "nginx"}
    spec = {"nodeName": "minik8s-worker", "containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def stored(cluster: Cluster, name: str) -> Any:
    return cluster.runtime.store.get(POD, "default", name)


def phase(cluster: Cluster, name: str) -> str:
    return str(stored(cluster, name)["status"]["phase"])


def test_a_pod_on_the_host_waits_for_the_nodes_address() -> None:
    cluster = Cluster()
    call(cluster, "PATCH", NODE, {"status": {"addresses": None}})
    call(cluster, "POST", PODS, pod("host", hostNetwork=True))
    call(cluster, "POST", PODS, pod("own"))
    assert (phase(cluster, "host"), phase(cluster, "own")) == ("Pending", "Running")
    events = cluster.kubectl("events --for pod/host").stdout
    assert "Failed to create pod sandbox: host IP unknown; known addresses: []" in events
    addresses = [{"type": "InternalIP", "address": "172.18.0.3"}]
    call(cluster, "PATCH", NODE, {"status": {"addresses": addresses}})
    assert phase(cluster, "host") == "Running"


def test_a_pod_waits_for_the_nodes_block() -> None:
    cluster = Cluster()
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "bare"}}
    call(cluster, "POST", "/api/v1/nodes", node)
    call(cluster, "POST", PODS, pod("own", nodeName="bare"))
    assert phase(cluster, "own") == "Pending"


@pytest.mark.parametrize("entry", [{"type": "InternalIP"}, {"address": "10.1.1.1"}, {}])
def test_half_an_address_is_none(entry: dict[str, str]) -> None:
    cluster = Cluster()
    call(cluster, "PATCH", NODE, {"status": {"addresses": [entry]}})
    call(cluster, "POST", PODS, pod("host", hostNetwork=True))
    assert phase(cluster, "host") == "Pending"


@pytest.mark.parametrize("text", ["worker.example", "10.0.0.1/24", "10.0.0.999"])
def test_a_text_that_is_no_address(text: str) -> None:
    cluster = Cluster()
    call(cluster, "POST", PODS, pod("a"))
    call(cluster, "POST", PODS, pod("b"))
    addresses = [{"type": "InternalIP", "address": text}]
    call(cluster, "PATCH", NODE, {"status": {"addresses": addresses}})
    patch = {"status": {"podIP": text, "podIPs": None}}
    headers = {"content-type": "application/merge-patch+json"}
    path = f"{PODS}/a/status"
    refused: Any = cluster.server.handle(Request("PATCH", path, headers=headers, body=patch))
    assert (refused.code, refused.body["message"]) == (
        422,
        f'Pod "a" is invalid: podIPs[0]: Invalid value: "{text}": must be a valid IP address, '
        "(e.g. 10.9.8.7 or 2001:db8::ffff)",
    )
    address = stored(cluster, "b")["status"]["podIP"]
    done = cluster.pods["default/b"].exec(f"curl -sI {address}")
    assert done.stdout.startswith("HTTP/1.1 200 OK")


def addresses_of(cluster: Cluster, name: str) -> tuple[Any, Any]:
    status = stored(cluster, name)["status"]
    return status.get("podIP"), status.get("podIPs")


@pytest.mark.parametrize(
    "status", [{"podIP": None, "podIPs": None}, {"podIP": "10.9.9.9", "podIPs": None}]
)
def test_the_kubelet_writes_a_pods_addresses_again(status: dict[str, Any]) -> None:
    cluster = Cluster()
    call(cluster, "POST", PODS, pod("a"))
    before = addresses_of(cluster, "a")
    assert before[0]
    answer = call(cluster, "PATCH", f"{PODS}/a/status", {"status": status})
    assert answer["status"].get("podIP") == status["podIP"], "the client had its way at first"
    assert addresses_of(cluster, "a") == before


def test_a_generation_counts_changes_of_the_spec_and_no_binding() -> None:
    cluster = Cluster()
    document = pod("a")
    del document["spec"]["nodeName"]
    call(cluster, "POST", PODS, document)
    assert stored(cluster, "a")["spec"]["nodeName"]
    assert stored(cluster, "a")["metadata"]["generation"] == 1
    cluster.runtime.autosettle = False
    document["metadata"]["name"] = "b"
    call(cluster, "POST", PODS, document)
    binding = {"target": {"kind": "Node", "name": "minik8s-worker"}}
    call(cluster, "POST", f"{PODS}/b/binding", binding)
    assert stored(cluster, "b")["spec"]["nodeName"] == "minik8s-worker"
    assert stored(cluster, "b")["metadata"]["generation"] == 1
    image = [{"op": "replace", "path": "/spec/containers/0/image", "value": "nginx:2"}]
    headers = {"content-type": "application/json-patch+json"}
    changed: Any = cluster.server.handle(Request("PATCH", f"{PODS}/b", headers=headers, body=image))
    assert changed.body["metadata"]["generation"] == 2
