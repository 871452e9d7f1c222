"""What a write costs as the cluster grows, counted in Python calls within this process.

    python tests/benchmarks/bench_writes.py [pods]

A pod is created, patched and deleted alone, among many pods, under policies, behind Services.
Calls, unlike seconds, are the same on a busy machine. Exits 1 if a cost grows with the pods.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from bench_server import PODS, pod

from minik8s.apiserver import ApiServer, Request
from minik8s.model.metadata import Document
from minik8s.runtime import Runtime

NAMESPACE = "/namespaces/default"
SERVICES = f"/api/v1{NAMESPACE}/services"
POLICIES = f"/apis/networking.k8s.io/v1{NAMESPACE}/networkpolicies"
CHOSEN = {"app": "bench"}
SAME = 1.1
"""How much more a write may cost in a larger cluster."""

Costs = dict[str, int]


def service(number: int) -> bytes:
    spec = {"selector": CHOSEN, "ports": [{"port": 80, "targetPort": 8080}]}
    return json.dumps({"metadata": {"name": f"service-{number}"}, "spec": spec}).encode()


def policy(number: int) -> bytes:
    peer = {"podSelector": {"matchLabels": CHOSEN}}
    spec = {**peer, "ingress": [{"from": [peer]}]}
    return json.dumps({"metadata": {"name": f"policy-{number}"}, "spec": spec}).encode()


def send(api: ApiServer, method: str, path: str, body: bytes | None = None) -> None:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    response = api.handle(Request(method, path, headers={"content-type": kind}, body=body))
    assert response.code in (200, 201), response.body


def calls(work: Callable[[], None]) -> int:
    """How many Python functions some work calls."""
    count = 0

    def see(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(see)
    work()
    sys.setprofile(None)
    return count


def measure(api: ApiServer, title: str) -> Costs:
    """The calls of one write of each kind."""
    change: Document = {"metadata": {"annotations": {"measured": title}}}
    one = f"{PODS}/measured"
    costs = {
        "POST": calls(lambda: send(api, "POST", PODS, pod("measured"))),
        "PATCH": calls(lambda: send(api, "PATCH", one, json.dumps(change).encode())),
        "DELETE": calls(lambda: send(api, "DELETE", one)),
    }
    shown = "  ".join(f"{verb} {count:7,}" for verb, count in costs.items())
    print(f"{title:44} {shown}")
    return costs


def main() -> int:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    few = many // 10
    api = ApiServer(Runtime(nodes=50))
    send(api, "POST", PODS, pod("first"))
    print("Python calls of one write of a pod\n")
    alone = measure(api, "alone")
    for number in range(few):
        send(api, "POST", PODS, pod(f"few-{number}"))
    pairs = [("pods", alone, measure(api, f"among {few:,} pods"))]
    for number in range(100):
        send(api, "POST", POLICIES, policy(number))
    pairs.append(("policies", alone, measure(api, "  under 100 policies")))
    for number in range(50):
        send(api, "POST", SERVICES, service(number))
    served = measure(api, "  behind 50 Services")
    for number in range(many - few):
        send(api, "POST", PODS, pod(f"many-{number}"))
    pairs.append(("pods behind Services", served, measure(api, f"  the same among {many:,} pods")))
    grown = [
        f"{verb} grows with the {what}: {small[verb]:,} to {large[verb]:,} calls"
        for what, small, large in pairs
        for verb in small
        if large[verb] > SAME * small[verb]
    ]
    print("\n".join(["", *grown]) if grown else "\nNo cost grows with the cluster.")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
