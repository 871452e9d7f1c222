"""How long all pairs take, how long one change and one explanation, and how the cost grows.

    python tests/benchmarks/bench_matrix.py [--quick]

Everything is measured in one process, from parsed documents to the answer: compilation
included, every port and protocol, not through the API and not from files. A change is one
object put in or taken out, up to the new answer: the row of every class (any pair, port and
protocol is then a look-up) and the rows' and columns' names. Changes and explanations are timed
by the processor time of this process, the mean and the worst of many; full passes of the garbage
collector, which cost as much as there are documents, are taken out and counted. A sample of
pairs is compared with the naive evaluator of the tests before and after the changes.

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
sys.path.insert(0, str(Path(__file__).parent.parent / "policy"))

import bench_matrix_changes as changes
import synthetic
from policy_naive_cluster import ClusterWorld

from minik8s.analysis.explain import Explainer
from minik8s.analysis.matrix import Matrix

SIZES = ((1_000, 100), (3_000, 300), (10_000, 1_000), (30_000, 1_000), (100_000, 1_000))
HEAD = ("pods", "policies", "classes", "seconds", "cpu s", "us per pod", "open TCP 8080",
        "peak MB", "documents MB", "checked")  # fmt: skip
PROBES = (("TCP", 8080), ("TCP", 5432), ("UDP", 53), ("ICMP", None))


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
    assert ends >= pods // 5
    after, pairs = peak(), matrix.open_pairs("TCP", 8080)
    checked = check(matrix, documents)
    classes, each = len(matrix.reach.classes.list), 1e6 * seconds / pods
    figures = (f"{seconds:.3f}", f"{busy:.3f}", f"{each:.0f}", pairs, f"{after:.0f}")
    print(line((pods, policies, classes, *figures, f"{before:.0f}", checked)))
    gc.collect()
    clock = Clock()
    change_times(matrix, documents, clock)
    explain_times(documents, clock)
    print(
        f"{'':10}full passes of the collector: {clock.passes}, the longest {clock.longest:.0f} ms"
    )


def check(matrix, documents, count=60):
    """How many verdicts of random pairs are those of the naive evaluator; the rest is an error."""
    world, chosen = ClusterWorld(documents), random.Random(7)
    places = [*matrix.snapshot.pods, "ip:192.0.2.7", "ip:62.1.2.3"]
    for _ in range(count):
        source, target = chosen.sample(places, 2)
        for protocol, port in PROBES:
            expected = world.allows(*world.pair(source, target), protocol, port)
            found = matrix.allows(source, target, protocol, port)
            assert found == expected, (source, target, protocol, port)
    return count * len(PROBES)


class Clock:
    """Processor time, full passes of the garbage collector left out."""

    def __init__(self):
        self.passes, self.longest, self._spent, self._began = 0, 0.0, 0.0, 0.0
        gc.callbacks.append(self._collected)

    def _collected(self, phase, info):
        if info["generation"] == 2:
            if phase == "start":
                self._began = time.process_time()
            else:
                spent = time.process_time() - self._began
                self.passes, self.longest = self.passes + 1, max(self.longest, 1e3 * spent)
                self._spent += spent

    def milliseconds(self, action):
        """How long a call takes."""
        start, spent = time.process_time(), self._spent
        action()
        return 1e3 * (time.process_time() - start - (self._spent - spent))


def change_times(matrix, documents, clock):
    """One line for each kind of change."""
    for name, steps in changes.kinds(documents):
        times = []
        for step in steps:

            def act(step=step):
                step(matrix)
                return matrix.ends

            times.append(clock.milliseconds(act))
        report("change", name, times)
    policies = {id(d): d for d in changes.left(documents)}
    pods = [d for d in matrix.documents if not d["kind"].endswith("Policy")]
    print(
        f"{'':10}checked after the changes: {check(matrix, [*pods, *policies.values()])} verdicts"
    )


def explain_times(documents, clock, count=100):
    """One line for each kind of explanation, with its suggestion if something is denied."""
    services = changes.services(documents)
    policies = [changes.cluster_wide(i) for i in range(3)]
    explainer, chosen = Explainer([*documents, *services, *policies]), random.Random(5)
    for name, ask in changes.questions(documents, services):
        times = []
        for _ in range(count):
            source, target, port = ask(chosen)

            def act(source=source, target=target, port=port):
                return explainer.explain(source, target, port)

            times.append(clock.milliseconds(act))
        report("explain", name, times)


def report(what, name, times):
    mean = sum(times) / len(times)
    text = f"{what:8} {name:53} {len(times):4} times"
    print(f"{'':10}{text}  mean {mean:7.2f} ms  worst {max(times):7.2f} ms")


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out the largest sizes")
    parser.add_argument("--one", nargs=2, type=int, metavar=("PODS", "POLICIES"))
    arguments = parser.parse_args()
    if not arguments.one:
        for pods, policies in SIZES[:3] if arguments.quick else SIZES:
            command = [sys.executable, __file__, "--one", str(pods), str(policies)]
            subprocess.run(command, check=True)
        return
    print(line(HEAD), flush=True)
    measure(*arguments.one)


if __name__ == "__main__":
    main()
