"""How long all pairs take, from parsed documents to the answer, and how the cost grows.

    python tests/benchmarks/bench_matrix.py [--quick]

Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import synthetic

from minik8s.analysis.explain import Explainer
from minik8s.analysis.matrix import Matrix

SIZES = ((1_000, 100), (3_000, 300), (10_000, 1_000), (30_000, 1_000), (100_000, 1_000))
HEAD = (
    "pods",
    "policies",
    "classes",
    "seconds",
    "cpu s",
    "change ms",
    "worst ms",
    "explain ms",
    "worst ms",
    "open TCP 8080",
    "peak MB",
    "documents MB",
)


def line(values):
    return " ".join(
        f"{value:>{max(8, len(name))}}" for value, name in zip(values, HEAD, strict=True)
    )


def measure(pods, policies):
    namespaces, made, rules = synthetic.gen(pods, policies)
    documents = namespaces + made + rules
    before = peak()
    start, started = time.perf_counter(), time.process_time()
    matrix = Matrix.of(documents)
    ends = len(matrix.ends)
    seconds, busy = time.perf_counter() - start, time.process_time() - started
    pairs = matrix.open_pairs("TCP", 8080)
    after = peak()
    explains = explain_times(documents)
    gc.collect()
    gc.freeze()  # a full pass over the documents, once in a while, is the collector's own cost
    changes = change_times(matrix, pods, policies)
    assert ends >= pods // 5
    classes = len(matrix.reach.classes.list)
    numbers = (f"{1000 * value:.2f}" for pair in (changes, explains) for value in pair)
    print(
        line(
            (
                pods,
                policies,
                classes,
                f"{seconds:.3f}",
                f"{busy:.3f}",
                *numbers,
                pairs,
                f"{after:.0f}",
                f"{before:.0f}",
            )
        )
    )


def explain_times(documents, count=100):
    """Mean and worst seconds for one explanation, suggestion included."""
    explainer, chosen = Explainer(documents), random.Random(5)
    keys = list(explainer.snapshot.pods)
    times = []
    for _ in range(count):
        source, target = chosen.choice(keys), chosen.choice(keys)
        start = time.perf_counter()
        explainer.explain(source, target, 8080)
        times.append(time.perf_counter() - start)
    return sum(times) / count, max(times)


def change_times(matrix, pods, policies, count=40):
    """Mean and worst seconds for one policy changed: those of another seed take the names."""
    _, _, others = synthetic.gen(pods, policies, seed=2)
    chosen = random.Random(3).sample(others, count)
    times = []
    for document in chosen:
        start = time.perf_counter()
        matrix.apply(document)
        times.append(time.perf_counter() - start)
    return sum(times) / count, max(times)


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
    print(line(HEAD), flush=True)
    for pods, policies in SIZES[:3] if arguments.quick else SIZES:
        command = [sys.executable, __file__, "--one", str(pods), str(policies)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
