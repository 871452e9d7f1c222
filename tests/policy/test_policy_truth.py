"""Every probe of the three truth files, judged by the engine and by the naive evaluator."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from policy_naive import World

from minik8s.policy import Verdict
from minik8s.policy.snapshot import Snapshot

TRUTH = Path(__file__).parents[1] / "data" / "truth"
COUNTS = {"e2e": (65, 4680), "cyclonus": (256, 111036), "apidocs": (26, 88)}


def cases(suite):
    with gzip.open(TRUTH / f"{suite}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def place(probe):
    return f"{probe['from']} -> {probe['to']} {probe['port']}/{probe['protocol']}"


@pytest.mark.parametrize("suite", COUNTS)
def test_engine_agrees_with_the_truth_data(suite):
    wrong, probes, seen = [], 0, 0
    for case in cases(suite):
        snapshot = Snapshot.of(case["objects"])
        seen += 1
        for probe in case["probes"]:
            source, target = snapshot.peer(probe["from"]), snapshot.peer(probe["to"])
            decision = snapshot.policies.decide(source, target, probe["protocol"], probe["port"])
            probes += 1
            if decision.verdict is not Verdict(probe["expect"]):
                wrong.append(f"{case['id']}: {place(probe)}: expected {probe['expect']}")
    assert wrong[:10] == []
    assert (seen, probes) == COUNTS[suite]


@pytest.mark.parametrize("suite", COUNTS)
def test_naive_evaluator_agrees_with_the_truth_data(suite):
    wrong = []
    for case in cases(suite):
        world = World(case["objects"])
        for probe in case["probes"]:
            source, target = world.end(probe["from"]), world.end(probe["to"])
            answer = world.allows(source, target, probe["protocol"], probe["port"])
            if answer != (probe["expect"] == "allow"):
                wrong.append(f"{case['id']}: {place(probe)}: expected {probe['expect']}")
    assert wrong[:10] == []
