"""`kubectl drain`, `get pdb` and `describe pdb` where budgets stand against it: twins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubectl_bridge import Twins, plain, twins

NODE = "minik8s-worker2"


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": NODE},
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "nginx"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


@pytest.fixture
def pair(real_kubectl: str, tmp_path: Any) -> Iterator[Twins]:
    held = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "held", "labels": {"held": "yes"}, "finalizers": ["x.io/y"]},
        "spec": {"nodeName": NODE, "containers": [{"name": "c", "image": "nginx"}]},
    }
    items = [deployment("free"), deployment("shop"), held]
    shop = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    with twins(real_kubectl, tmp_path, {"shop.yaml": shop.encode()}) as both:
        same(both, "create -f shop.yaml")
        yield both


def same(pair: Twins, line: str) -> str:
    """What both print, apart from ages."""
    ours, real = pair.ours(line.split()), pair.real(line.split())
    assert plain(ours) == plain(real), line
    return ours[0] + ours[1]


def test_a_drain_waits_for_a_budget(pair: Twins) -> None:
    same(pair, "create pdb shop --selector=app=shop --min-available=1")
    assert "1 N/A 0" in " ".join(same(pair, "get pdb").split())
    same(pair, "describe pdb shop")
    same(pair, "get pdb shop -o jsonpath={.status.conditions[0].reason}")
    line = f"drain {NODE} --ignore-daemonsets --timeout=1s --pod-selector=app"
    ours, real = pair.ours(line.split()), pair.real(line.split())
    for text, expected in zip(ours[:2], real[:2], strict=True):
        assert sorted(text.splitlines()) == sorted(expected.splitlines())
    assert ours[2] == real[2] == 1
    assert "(will retry after 5s): Cannot evict pod as it would violate the pod's" in ours[1]
    assert "pod/free-" in ours[0], "a budget holds nobody else's pods back"
    same(pair, "delete pdb shop")
    assert "evicted" in same(pair, f"drain {NODE} --ignore-daemonsets --pod-selector=app=shop")
    assert "drained" in same(pair, f"drain {NODE} --ignore-daemonsets --pod-selector=app=shop")


def test_a_drain_that_takes_too_long(pair: Twins) -> None:
    line = f"drain {NODE} --force --timeout=1s --pod-selector=held"
    assert "context deadline exceeded" in same(pair, line)
    assert "context deadline exceeded" in same(pair, f"{line} --disable-eviction")


def test_a_pod_in_two_budgets_is_not_evicted(pair: Twins) -> None:
    same(pair, "create pdb one --selector=app=shop --max-unavailable=1")
    same(pair, "create pdb two --selector=app=shop --min-available=10%")
    same(pair, "get pdb")
    said = same(pair, f"drain {NODE} --ignore-daemonsets --pod-selector=app=shop")
    assert "more than one PodDisruptionBudget" in said
