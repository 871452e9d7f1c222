"""How long all pairs take, from parsed documents to the answer, and how the cost grows.

    python tests/benchmarks/bench_matrix.py [--quick]

Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import synthetic

from minik8s.analysis.matrix import Matrix

SIZES = ((1_000, 100), (3_000, 300), (10_000, 1_000), (30_000, 1_000), (100_000, 1_000))
HEAD = f"{'pods':>8} {'policies':>8} {'classes':>8} {'seconds':>8} {'change ms':>10} {'worst ms':>9} {'open TCP 8080':>14} {'peak MB':>8}"


def measure(pods, policies):
    namespaces, made, rules = synthetic.gen(pods, policies)
    documents = namespaces + made + rules
    before = peak()
    start = time.perf_counter()
    matrix = Matrix.of(documents)
    ends = len(matrix.ends)
    seconds = time.perf_counter() - start
    pairs = matrix.open_pairs("TCP", 8080)
    after = peak()
    changes = change_times(matrix, pods, policies)
    assert ends >= pods // 5
    print(
        f"{pods:>8} {policies:>8} {len(matrix.reach.classes.list):>8} {seconds:>8.3f}"
        f" {1000 * sum(changes) / len(changes):>10.2f} {1000 * max(changes):>9.2f}"
        f" {pairs:>14} {after:>8.0f}  (of it documents {before:.0f})"
    )


def change_times(matrix, pods, policies, count=40):
    """Seconds for one policy changed: policies of another seed take the names of these."""
    _, _, others = synthetic.gen(pods, policies, seed=2)
    chosen = random.Random(3).sample(others, count)
    times = []
    for document in chosen:
        start = time.perf_counter()
        matrix.apply(document)
        times.append(time.perf_counter() - start)
    return times


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out the largest sizes")
    parser.add_argument("--one", nargs=2, type=int, metavar=("PODS", "POLICIES"))
    arguments = parser.parse_args()
    if arguments.one:
        measure(*arguments.one)
        return
    print(HEAD, flush=True)
    for pods, policies in SIZES[:3] if arguments.quick else SIZES:
        command = [sys.executable, __file__, "--one", str(pods), str(policies)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
