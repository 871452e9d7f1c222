"""How long decoding, defaulting and validating take, in microseconds an object.

python tests/benchmarks/bench_admission.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

from minik8s.admission import decode, default, schema_for, validate_create
from minik8s.model.metadata import Document
from minik8s.model.registry import NETWORK_POLICY, POD, SERVICE, Kind

ROUNDS = 2000

OBJECTS: list[tuple[Kind, Document]] = [
    (
        POD,
        {
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "nginx:1",
                        "ports": [{"containerPort": 80}],
                        "env": [{"name": "PORT", "value": "80"}],
                        "resources": {"limits": {"cpu": "100m"}},
                        "readinessProbe": {"httpGet": {"port": 80}},
                    }
                ]
            },
        },
    ),
    (
        NETWORK_POLICY,
        {
            "metadata": {"name": "allow", "namespace": "shop"},
            "spec": {
                "podSelector": {"matchLabels": {"app": "web"}},
                "ingress": [
                    {
                        "from": [{"podSelector": {"matchLabels": {"app": "api"}}}],
                        "ports": [{"port": 80}],
                    }
                ],
            },
        },
    ),
    (
        SERVICE,
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        },
    ),
]


def microseconds(call: Callable[[], object]) -> float:
    call()
    start = time.perf_counter()
    for _ in range(ROUNDS):
        call()
    return (time.perf_counter() - start) / ROUNDS * 1e6


def main() -> None:
    start = time.perf_counter()
    schema_for(POD)
    print(f"schemas read in {(time.perf_counter() - start) * 1000:.1f} ms")
    for kind, document in OBJECTS:
        full = default(kind, document)
        steps = {
            "decode": microseconds(lambda k=kind, d=document: decode(k, d, "Strict")),
            "default": microseconds(lambda k=kind, d=document: default(k, d)),
            "validate": microseconds(lambda k=kind, d=full: validate_create(k, d)),
        }
        shown = "  ".join(f"{name} {value:5.1f}" for name, value in steps.items())
        print(f"{kind.kind:14} {shown}  together {sum(steps.values()):5.1f}")


if __name__ == "__main__":
    main()
