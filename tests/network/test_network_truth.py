"""Every probe of the three truth files, judged by a packet through the datapath."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from network_probe import probe
from network_worlds import DATA, World, node

from minik8s.network import Host
from minik8s.policy import Verdict

COUNTS = {"e2e": (65, 4680), "apidocs": (26, 88), "cyclonus": (256, 111036)}
NODES = [
    node("one", "172.31.0.2", more=("fd31::2",)),
    node("two", "172.31.0.3", more=("fd31::3",)),
]


def cases(suite: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / "truth" / f"{suite}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def spread(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects with their pods on two nodes by turns, and with a serving status."""
    pods, placed = 0, []
    for each in objects:
        if each["kind"] == "Pod":
            pods += 1
            name = "one" if pods % 2 else "two"
            each = {**each, "spec": {**each["spec"], "nodeName": name}}
        placed.append(each)
    return [*NODES, *placed]


def host(world: World, text: str) -> Host:
    if text.startswith("ip:"):
        return world.network.outside.host(text.removeprefix("ip:"))
    return world.network.pod_host(*text.split("/"))


@pytest.mark.parametrize("suite", COUNTS)
def test_the_datapath_agrees_with_the_truth_data(suite: str) -> None:
    wrong, probes, seen = [], 0, 0
    for case in cases(suite):
        world = World(spread(case["objects"]))
        seen += 1
        for row in case["probes"]:
            source, target = host(world, row["from"]), host(world, row["to"])
            address = next(
                each for each in target.addresses if (":" in each) == (":" in source.addresses[0])
            )
            result = probe(world.network, source, row["protocol"], address, row["port"])
            probes += 1
            if result.verdict is not Verdict(row["expect"]):
                wrong.append((case["id"], row, str(result.trace)))
            outcome = "refused" if row["expect"] == "allow" else "timed out"
            if result.outcome != outcome:
                wrong.append((case["id"], row, result.outcome))
    assert wrong[:3] == []
    assert (seen, probes) == COUNTS[suite]
