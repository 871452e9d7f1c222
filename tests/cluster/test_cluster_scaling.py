"""What a write costs does not grow with the cluster: counted in Python calls, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from minik8s.apiserver import ApiServer, Request
from minik8s.model.metadata import Document
from minik8s.runtime import Runtime

PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
LABELS = {"app": "web"}


def send(api: ApiServer, method: str, path: str, body: Document | None = None) -> Document:
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    response = api.handle(Request(method, path, headers=headers, body=body))
    assert response.code in (200, 201), response.body
    assert isinstance(response.body, dict)
    return response.body


def pod(name: str) -> Document:
    container = {"name": "main", "image": "nginx"}
    return {"metadata": {"name": name, "labels": LABELS}, "spec": {"containers": [container]}}


def service(name: str) -> Document:
    return {"metadata": {"name": name}, "spec": {"selector": LABELS, "ports": [{"port": 80}]}}


def policy(name: str) -> Document:
    chosen = {"podSelector": {"matchLabels": LABELS}}
    return {"metadata": {"name": name}, "spec": {**chosen, "ingress": [{"from": [chosen]}]}}


def calls(work: Callable[[], object]) -> int:
    """How many Python functions are called by some work."""
    count = 0

    def see(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def measure(api: ApiServer, name: str) -> dict[str, int]:
    """The calls of each kind of write, made with a pod of this name."""
    marked: Document = {"metadata": {"annotations": {"marked": name}}}
    return {
        "create": calls(lambda: send(api, "POST", PODS, pod(name))),
        "patch": calls(lambda: send(api, "PATCH", f"{PODS}/{name}", marked)),
        "delete": calls(lambda: send(api, "DELETE", f"{PODS}/{name}")),
    }


@pytest.fixture(scope="module")
def costs() -> tuple[dict[str, int], dict[str, int]]:
    """The calls of each kind of write in a namespace of 40 pods, and of 440."""
    api = ApiServer(Runtime(nodes=8))
    send(api, "POST", SERVICES, service("web"))
    for number in range(20):
        send(api, "POST", POLICIES, policy(f"policy-{number}"))
    measured = []
    for group, count in (("few", 40), ("many", 400)):
        for number in range(count):
            send(api, "POST", PODS, pod(f"{group}-{number}"))
        measured.append(measure(api, f"{group}-more"))
    return measured[0], measured[1]


@pytest.mark.parametrize("verb", ["create", "patch", "delete"])
def test_a_write_costs_the_same_among_many(
    costs: tuple[dict[str, int], dict[str, int]], verb: str
) -> None:
    small, large = (each[verb] for each in costs)
    assert large <= 1.1 * small, f"{small} calls among 40 pods, {large} among 440"
