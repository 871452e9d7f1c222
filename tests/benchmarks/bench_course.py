"""What the whole course costs: `netpol run` in a process of its own.

    python tests/benchmarks/bench_course.py [RUNS]

Prints wall time (process start included) and peak memory, and ends with exit code 1 if one of
them misses its bar: 3 s and 150 MB.
"""

from __future__ import annotations

import subprocess
import sys

WALL_S = 3.0
PEAK_MB = 150.0


_MEASURE = """
import resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run([sys.executable, "-m", "course", "run"], stdout=subprocess.DEVNULL).returncode
seconds = time.perf_counter() - began
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, code)
"""


def run_course() -> tuple[float, float, int]:
    """Seconds of wall time, peak memory in MB and the exit code of one `netpol run`."""
    # A small process in between: a child's peak includes its parent's size before `exec`.
    command = [sys.executable, "-c", _MEASURE]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, megabytes, code = done.stdout.split()
    return float(seconds), float(megabytes), int(code)


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    results = [run_course() for _ in range(runs)]
    wall, peak = min(r[0] for r in results), max(r[1] for r in results)
    print(f"netpol run, best of {runs}: {wall:.2f} s (bar: {WALL_S:g}), {peak:.0f} MB ", end="")
    print(f"(bar: {PEAK_MB:g})")
    return int(wall > WALL_S or peak > PEAK_MB or any(r[2] for r in results))


if __name__ == "__main__":
    sys.exit(main())
