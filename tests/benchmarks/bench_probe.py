"""How long one TCP connect through the datapath takes, by how it ends.

    python tests/benchmarks/bench_probe.py [--profile]

Two nodes, the pods on different ones, a Service in front; policies select both ends. A connect
is everything from the SYN to the verdict, on a private clock, its end at both hosts included.
Times are CPU times, since other programs may run beside it.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "network"))

from network_probe import probe
from network_worlds import World, endpoint_slice, namespace, node, pod, policy, serve_http, service

ROUNDS = 3000
API = "10.244.1.6"


def world() -> World:
    """Both ends isolated; the API lets `web` in on 8080 and 81 only."""
    web, api = {"app": "web"}, {"app": "api"}
    made = World(
        [
            namespace("default"),
            node("one", "172.18.0.2", "10.244.0.0/24"),
            node("two", "172.18.0.3", "10.244.1.0/24"),
            pod("default/web", "10.244.0.5", node="one"),
            pod("default/api", API, node="two"),
            service("default/api", "10.96.0.60", 80, target=8080),
            endpoint_slice("default/api", 8080, (API, "two")),
            policy("default/out", pods=web, policyTypes=["Egress"], egress=[{}]),
            policy(
                "default/in",
                pods=api,
                ingress=[
                    {
                        "from": [{"podSelector": {"matchLabels": web}}],
                        "ports": [{"port": 8080}, {"port": 81}],
                    }
                ],
            ),
        ]
    )
    serve_http(made.pod("api"), 8080)
    return made


def measure(name: str, address: str, port: int, outcome: str) -> Callable[[], None]:
    made = world()
    source = made.pod("web")

    def run() -> None:
        for _ in range(ROUNDS):
            result = probe(made.network, source, "TCP", address, port)
            assert result.outcome == outcome

    start = time.process_time()
    run()
    spent = time.process_time() - start
    print(f"{name:<28} {spent / ROUNDS * 1e6:>8.1f}")
    return run


def main() -> None:
    print(f"{'connect':<28} {'µs each':>8}")
    measure("denied", API, 9999, "timed out")
    measure("refused", API, 81, "refused")
    connected = measure("connected", API, 8080, "connected")
    measure("connected through Service", "10.96.0.60", 80, "connected")
    if "--profile" in sys.argv:
        profile = cProfile.Profile()
        profile.runcall(connected)
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)


if __name__ == "__main__":
    main()
