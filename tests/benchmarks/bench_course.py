"""What the whole course costs: `netpol run` in a process of its own.

    python tests/benchmarks/bench_course.py [RUNS]

Prints wall time (process start included) and peak memory, and ends with exit code 1 if one of
them misses its bar: 3 s and 150 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

WALL_S = 3.0
PEAK_MB = 150.0


def run_course() -> tuple[float, float, int]:
    """Seconds of wall time, peak memory in MB and the exit code of one `netpol run`."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "course", "run"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return time.perf_counter() - began, usage.ru_maxrss / 1024, process.returncode


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    results = [run_course() for _ in range(runs)]
    wall, peak = min(r[0] for r in results), max(r[1] for r in results)
    print(f"netpol run, best of {runs}: {wall:.2f} s (bar: {WALL_S:g}), {peak:.0f} MB ", end="")
    print(f"(bar: {PEAK_MB:g})")
    return int(wall > WALL_S or peak > PEAK_MB or any(r[2] for r in results))


if __name__ == "__main__":
    sys.exit(main())
