"""What clusters cost: the import, a start, memory, a probe; and how controllers scale.

    python tests/benchmarks/bench_clusters.py [--clusters 1000] [--pods 10000] [--only NAME ...]

Prints figures, and ends with exit code 1 if one of them misses its bar.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "tests" / "data" / "cluster" / "demo-app.yaml"

IMPORT_MS = 150.0
START_MS = 30.0
PROBE_US = 200.0
CLUSTERS_MB = 1000.0

missed: list[str] = []


def report(name: str, value: float, unit: str, bar: float | None = None) -> None:
    verdict = ""
    if bar is not None:
        verdict = f"(bar: {bar:g})" if value <= bar else f"(bar: {bar:g}) MISSED"
        if value > bar:
            missed.append(name)
    print(f"{name:<44} {value:>10.1f} {unit:<6} {verdict}")


def resident() -> float:
    """This process's memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def fresh(code: str) -> float:
    """The median time that a statement takes in a fresh interpreter, in milliseconds."""
    program = (
        "import time; start = time.perf_counter()\n"
        f"{code}\n"
        "print((time.perf_counter() - start) * 1000)"
    )
    times = []
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}  # compiled once, as installed
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(8):
            done = subprocess.run(
                [sys.executable, "-c", program],
                capture_output=True,
                text=True,
                check=True,
                env=environment,
            )
            times.append(float(done.stdout))
    return statistics.median(times[1:])


def bench_import(_: argparse.Namespace) -> None:
    report("import minik8s", fresh("import minik8s"), "ms", IMPORT_MS)
    report("from minik8s import Cluster", fresh("from minik8s import Cluster"), "ms")
    whole = fresh("from minik8s import Cluster; Cluster()")
    report("... and the first cluster", whole, "ms")


def bench_start(_: argparse.Namespace) -> None:
    from minik8s import Cluster

    times = []
    for seed in range(30):
        start = time.perf_counter()
        Cluster(seed=seed)
        times.append((time.perf_counter() - start) * 1000)
    report("Cluster(), median", statistics.median(times[3:]), "ms", START_MS)


def bench_memory(options: argparse.Namespace) -> None:
    from minik8s import Cluster

    Cluster().apply(DEMO)
    before, start, kept = resident(), time.perf_counter(), []
    for seed in range(options.clusters):
        kept.append(Cluster(seed=seed))
        kept[-1].apply(DEMO)
    spent = time.perf_counter() - start
    report("a cluster with the demo app", (resident() - before) / len(kept) * 1000, "KB")
    report(f"{len(kept)} of them, whole process", resident(), "MB", CLUSTERS_MB)
    report("starting one and applying the demo app", spent / len(kept) * 1000, "ms")


def bench_probe(_: argparse.Namespace) -> None:
    from minik8s import Cluster

    cluster = Cluster()
    cluster.apply(DEMO)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "default"},
        "spec": {"podSelector": {"matchLabels": {"app": "backend"}}},
    }
    source = cluster.pods.find("frontend-").name
    target = cluster.pods.find("backend-").name
    for name, port, manifest in (
        ("a probe that connects", 8080, None),
        ("a probe that is refused", 8081, None),
        ("a probe that is denied", 8080, policy),
    ):
        if manifest is not None:
            cluster.apply(manifest)
        times = []
        for _ in range(2000):
            start = time.perf_counter()
            cluster.probe(source, target, port)
            times.append((time.perf_counter() - start) * 1e6)
        report(f"{name}, median", statistics.median(times), "us", PROBE_US)


def deployment(name: str, replicas: int) -> dict[str, object]:
    labels = {"app": name}
    container = {"name": "c", "image": "example.com/app:1", "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def bench_pods(options: argparse.Namespace) -> None:
    from minik8s import Cluster

    for pods in (options.pods // 10, options.pods):
        cluster = Cluster(nodes=pods // 100 + 1)
        before, start = resident(), time.perf_counter()
        cluster.apply([deployment(f"app-{n}", pods // 100) for n in range(100)])
        spent = time.perf_counter() - start
        running = sum(p["status"]["phase"] == "Running" for p in cluster.objects("pods", "default"))
        assert running == pods, running
        report(f"{pods} pods by 100 Deployments", spent, "s")
        report("... each", spent / pods * 1e6, "us")
        report("... memory each", (resident() - before) / pods * 1000, "KB")


BENCHES = {
    "import": bench_import,
    "start": bench_start,
    "memory": bench_memory,
    "probe": bench_probe,
    "pods": bench_pods,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", choices=BENCHES, default=list(BENCHES))
    options = parser.parse_args()
    for name in options.only:
        BENCHES[name](options)
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
