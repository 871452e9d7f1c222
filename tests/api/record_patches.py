"""Record what the real kubectl makes of patches: `python tests/api/record_patches.py KUBECTL`.

`kubectl patch --local` runs the code of k8s.io/apimachinery without a server. Each case is a
document, a patch and its type; the result, or the error text, is what kubectl printed.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "data" / "api" / "patches.json"

BASE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "labels": {"app": "web", "tier": "front"},
        "finalizers": ["a", "b"],
    },
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "nginx:1",
                        "args": ["-a", "-b"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    },
                    {"name": "side", "image": "busybox"},
                ],
                "volumes": [
                    {"name": "data", "emptyDir": {}},
                    {"name": "conf", "configMap": {"name": "c"}},
                ],
                "tolerations": [{"key": "k", "operator": "Exists"}],
            },
        },
    },
}


def in_pod(spec: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


HAND_MADE: list[tuple[str, str, Any]] = [
    ("change a scalar", "strategic", {"spec": {"replicas": 5}}),
    ("null removes", "strategic", {"metadata": {"labels": {"tier": None}}}),
    ("null of a missing key", "strategic", {"metadata": {"labels": {"nope": None}}}),
    ("merge a container", "strategic", in_pod({"containers": [{"name": "main", "image": "x:2"}]})),
    ("add a container", "strategic", in_pod({"containers": [{"name": "new", "image": "n"}]})),
    (
        "two containers, new one first",
        "strategic",
        in_pod({"containers": [{"name": "new", "image": "n"}, {"name": "side", "image": "s"}]}),
    ),
    (
        "delete a container",
        "strategic",
        in_pod({"containers": [{"name": "side", "$patch": "delete"}]}),
    ),
    (
        "delete and add",
        "strategic",
        in_pod({"containers": [{"name": "side", "$patch": "delete"}, {"name": "n", "image": "i"}]}),
    ),
    (
        "replace the list",
        "strategic",
        in_pod({"containers": [{"$patch": "replace"}, {"name": "only", "image": "o"}]}),
    ),
    (
        "replace a map",
        "strategic",
        {"metadata": {"labels": {"$patch": "replace", "new": "x"}}},
    ),
    ("delete a map", "strategic", {"metadata": {"labels": {"$patch": "delete"}}}),
    (
        "set image as kubectl does",
        "strategic",
        in_pod(
            {
                "$setElementOrder/containers": [{"name": "main"}],
                "containers": [{"image": "nginx:2", "name": "main"}],
            }
        ),
    ),
    (
        "set env as kubectl does",
        "strategic",
        in_pod(
            {
                "$setElementOrder/containers": [{"name": "main"}],
                "containers": [{"env": [{"name": "C", "value": "b"}], "name": "main"}],
            }
        ),
    ),
    (
        "reorder alone",
        "strategic",
        in_pod({"$setElementOrder/containers": [{"name": "side"}, {"name": "main"}]}),
    ),
    (
        "order with an addition",
        "strategic",
        in_pod(
            {
                "$setElementOrder/containers": [{"name": "n"}, {"name": "side"}, {"name": "main"}],
                "containers": [{"name": "n", "image": "i"}],
            }
        ),
    ),
    (
        "order of what is not there",
        "strategic",
        in_pod({"$setElementOrder/initContainers": [{"name": "x"}]}),
    ),
    (
        "order contradicts the list",
        "strategic",
        in_pod(
            {
                "$setElementOrder/containers": [{"name": "side"}, {"name": "main"}],
                "containers": [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}],
            }
        ),
    ),
    ("finalizers are a set", "strategic", {"metadata": {"finalizers": ["c", "a"]}}),
    (
        "delete from a set",
        "strategic",
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
    ),
    (
        "delete from a set, with an order",
        "strategic",
        {
            "metadata": {
                "$deleteFromPrimitiveList/finalizers": ["b"],
                "$setElementOrder/finalizers": ["c", "a"],
                "finalizers": ["c"],
            }
        },
    ),
    ("args are atomic", "strategic", in_pod({"containers": [{"name": "main", "args": ["-c"]}]})),
    (
        "retain keys of the strategy",
        "strategic",
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
    ),
    (
        "retain keys of a volume",
        "strategic",
        in_pod(
            {
                "volumes": [
                    {
                        "$retainKeys": ["name", "hostPath"],
                        "name": "data",
                        "hostPath": {"path": "/x"},
                    }
                ]
            }
        ),
    ),
    (
        "retain keys that lack one",
        "strategic",
        {"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {"maxSurge": 2}}}},
    ),
    (
        "ports are keyed by their number",
        "strategic",
        in_pod(
            {"containers": [{"name": "main", "ports": [{"containerPort": 80, "name": "http"}]}]}
        ),
    ),
    ("tolerations are atomic", "strategic", in_pod({"tolerations": [{"operator": "Exists"}]})),
    ("no merge key", "strategic", in_pod({"containers": [{"image": "x"}]})),
    ("unknown directive", "strategic", {"metadata": {"labels": {"$patch": "melt"}}}),
    ("unknown directive in a list", "strategic", in_pod({"containers": [{"$patch": "melt"}]})),
    ("nothing", "strategic", {}),
    ("a new map with nulls", "strategic", {"metadata": {"annotations": {"a": "b", "c": None}}}),
    ("merge: lists are replaced", "merge", in_pod({"containers": [{"name": "x", "image": "y"}]})),
    ("merge: null removes", "merge", {"spec": {"strategy": None}}),
    ("merge: nothing", "merge", {}),
    ("json: add", "json", [{"op": "add", "path": "/metadata/labels/x", "value": "y"}]),
    (
        "json: add at the end",
        "json",
        [{"op": "add", "path": "/metadata/finalizers/-", "value": "z"}],
    ),
    ("json: insert", "json", [{"op": "add", "path": "/metadata/finalizers/1", "value": "z"}]),
    ("json: remove", "json", [{"op": "remove", "path": "/metadata/labels/tier"}]),
    ("json: replace", "json", [{"op": "replace", "path": "/spec/replicas", "value": 7}]),
    (
        "json: move",
        "json",
        [{"op": "move", "from": "/metadata/labels/tier", "path": "/metadata/labels/layer"}],
    ),
    (
        "json: copy",
        "json",
        [{"op": "copy", "from": "/metadata/labels/tier", "path": "/metadata/labels/layer"}],
    ),
    (
        "json: test and change",
        "json",
        [
            {"op": "test", "path": "/spec/replicas", "value": 2},
            {"op": "replace", "path": "/spec/replicas", "value": 3},
        ],
    ),
    ("json: failed test", "json", [{"op": "test", "path": "/spec/replicas", "value": 9}]),
    ("json: remove nothing", "json", [{"op": "remove", "path": "/metadata/labels/nope"}]),
    ("json: replace nothing", "json", [{"op": "replace", "path": "/metadata/nope/x", "value": 1}]),
    (
        "json: escaped key",
        "json",
        [{"op": "add", "path": "/metadata/labels/example.com~1name", "value": "v"}],
    ),
]


def random_cases(count: int) -> list[tuple[str, str, Any]]:
    source = random.Random(7)
    cases: list[tuple[str, str, Any]] = []
    for number in range(count):
        spec: dict[str, Any] = {}
        names = source.sample(["main", "side", "n1", "n2"], source.randint(1, 3))
        entries = [_random_container(source, name) for name in names]
        spec["containers"] = entries
        if source.random() < 0.5:
            order = [e["name"] for e in entries if "$patch" not in e]
            extra = [n for n in ("main", "side") if n not in names and source.random() < 0.6]
            for name in extra:
                order.insert(source.randint(0, len(order)), name)
            spec["$setElementOrder/containers"] = [{"name": name} for name in order]
        if source.random() < 0.4:
            volumes = source.sample(["data", "conf", "v1"], source.randint(1, 2))
            spec["volumes"] = [{"name": name, "emptyDir": {}} for name in volumes]
        patch = in_pod(spec)
        if source.random() < 0.5:
            patch["metadata"] = {"finalizers": source.sample(["a", "b", "c"], source.randint(1, 3))}
        cases.append((f"random {number}", "strategic", patch))
    return cases


def _random_container(source: random.Random, name: str) -> dict[str, Any]:
    if source.random() < 0.15:
        return {"name": name, "$patch": "delete"}
    entry: dict[str, Any] = {"name": name, "image": f"i{source.randint(0, 9)}"}
    if source.random() < 0.5:
        variables = source.sample(["A", "B", "C"], source.randint(1, 3))
        entry["env"] = [{"name": each, "value": str(source.randint(0, 9))} for each in variables]
        if source.random() < 0.3:
            entry["env"][0]["value"] = None
        if source.random() < 0.3:
            entry["$setElementOrder/env"] = [{"name": each} for each in variables]
    if source.random() < 0.2:
        entry["args"] = None
    return entry


def run(kubectl: str, kind: str, patch: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "base.json")
        path.write_text(json.dumps(BASE))
        command = [kubectl, "patch", "--local", "-f", str(path), "--type", kind, "-o", "json"]
        done = subprocess.run(
            [*command, "-p", json.dumps(patch)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return {"error": done.stderr.strip()}
    return {"result": json.loads(done.stdout)}


def main() -> None:
    rows = []
    for name, kind, patch in [*HAND_MADE, *random_cases(120)]:
        rows.append({"name": name, "type": kind, "patch": patch, **run(sys.argv[1], kind, patch)})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    data = {"about": __doc__, "base": BASE, "cases": rows}
    OUT.write_text(json.dumps(data, indent=None, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
