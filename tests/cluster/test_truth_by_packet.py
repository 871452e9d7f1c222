"""Every probe of the truth data, by a packet, in clusters restored with `Cluster.load`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minik8s.cluster import Cluster

TRUTH = Path(__file__).parent.parent / "data" / "truth"
SUITES = ("apidocs", "e2e", "cyclonus")
COUNTS = {"apidocs": 88, "e2e": 4680, "cyclonus": 111036}
PARTS = {"apidocs": 1, "e2e": 1, "cyclonus": 8}


def cases(suite: str) -> Iterator[dict[str, Any]]:
    with gzip.open(TRUTH / f"{suite}.jsonl.gz", "rt") as lines:
        yield from map(json.loads, lines)


@pytest.mark.parametrize(
    ("suite", "part"), [(suite, part) for suite in SUITES for part in range(PARTS[suite])]
)
def test_truth(suite: str, part: int) -> None:
    wrong = []
    for number, case in enumerate(cases(suite)):
        if number % PARTS[suite] != part:
            continue
        cluster = Cluster().load(case["objects"])
        for probe in case["probes"]:
            seen = cluster.probe(probe["from"], probe["to"], probe["port"], probe["protocol"])
            if seen.verdict.value != probe["expect"]:
                wrong.append((case["id"], probe, str(seen.trace)))
    assert wrong == []


@pytest.mark.parametrize("suite", SUITES)
def test_no_probe_is_left_out(suite: str) -> None:
    assert sum(len(case["probes"]) for case in cases(suite)) == COUNTS[suite]
