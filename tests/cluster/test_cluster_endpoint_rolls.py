"""Slices and Endpoints after many changes: what a fresh look at the cluster would write."""

from __future__ import annotations

import random

import pytest

from minik8s import Cluster
from minik8s.controllers.endpointrolls import AddressRoll, Member, Plan, Slice, SliceRoll
from minik8s.model.metadata import Document
from minik8s.model.registry import ENDPOINT_SLICE, ENDPOINTS, POD, SERVICE

WEB = (("", 80, "TCP", ""),)
DNS = (("dns", 53, "UDP", ""),)


WEB_SERVICE: Document = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


def web_pod(name: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "nginx"}]},
    }


class Shelf:
    """What the plans of a roll make of the slices."""

    def __init__(self) -> None:
        self.made: list[Slice] = []

    def follow(self, plan: Plan) -> None:
        for each in plan.useless:
            self.made.remove(each)
        for each in plan.created:
            each.name = f"slice-{len(self.made)}"
            self.made.append(each)
        assert all(each in self.made for each in plan.renewed)


def test_any_changes_lead_to_what_is_wanted() -> None:
    draw = random.Random(7)
    roll, shelf = SliceRoll([]), Shelf()
    wanted: dict[str, tuple[object, Document]] = {}
    for step in range(300):
        news: dict[str, object] = {}
        for _ in range(draw.choice((1, 3, 150))):
            name = f"pod-{draw.randrange(400)}"
            gone = draw.random() < 0.4
            ports = draw.choice((WEB, WEB, DNS))
            news[name] = None if gone else (ports, {"step": step, "name": name})
        homes = {name: each for each in shelf.made for name in each.entries}
        shelf.follow(roll.place(news))  # type: ignore[arg-type]
        for name, found in news.items():
            if found is None:
                wanted.pop(name, None)
            else:
                wanted[name] = found  # type: ignore[assignment]
        lying = {n: (each.ports, entry) for each in shelf.made for n, entry in each.entries.items()}
        assert lying == wanted
        assert sum(len(each.entries) for each in shelf.made) == len(wanted)
        assert all(len(each.entries) <= 100 for each in shelf.made)
        assert all(each.entries for each in shelf.made) or len(shelf.made) == 1
        for name in set(homes) & set(wanted) - set(news):
            assert name in homes[name].entries  # whoever did not change has not moved


def test_addresses_come_in_order_and_no_more_than_a_thousand() -> None:
    roll = AddressRoll()
    unready = {f"i{n}": Member(WEB, False, {"ip": f"10.1.0.{n:04}"}) for n in range(400)}
    roll.place({f"r{n}": Member(WEB, True, {"ip": f"10.0.0.{n:04}"}) for n in range(900)})
    roll.place(unready)
    (subset,), truncated = roll.subsets()
    assert truncated
    assert [len(subset["addresses"]), len(subset["notReadyAddresses"])] == [900, 100]
    roll.place({name: member._replace(ready=True) for name, member in unready.items()})
    (subset,), truncated = roll.subsets()
    assert truncated
    assert [len(subset["addresses"]), "notReadyAddresses" in subset] == [1000, False]
    assert subset["addresses"] == sorted(subset["addresses"], key=lambda each: str(each["ip"]))
    roll.place(dict.fromkeys(unready))
    (subset,), truncated = roll.subsets()
    assert not truncated
    assert len(subset["addresses"]) == 900
    roll.place({f"r{n}": None for n in range(900)})
    assert roll.subsets() == ([], False)


def test_a_slice_that_somebody_wrote_is_made_right() -> None:
    cluster = Cluster()
    store = cluster.runtime.store
    cluster.apply([WEB_SERVICE, *(web_pod(name) for name in ("a", "b", "c"))])

    def listed() -> list[str]:
        slices = store.list(ENDPOINT_SLICE, "default")
        mine = [s for s in slices if s["metadata"]["name"].startswith("web-")]
        return sorted(e["targetRef"]["name"] for s in mine for e in s["endpoints"])

    (ours,) = [
        s for s in store.list(ENDPOINT_SLICE, "default") if s["metadata"]["name"].startswith("web-")
    ]
    cluster.client.patch(ENDPOINT_SLICE, ours["metadata"]["name"], {"endpoints": []})
    assert listed() == ["a", "b", "c"]
    cluster.client.delete(ENDPOINT_SLICE, ours["metadata"]["name"])
    assert listed() == ["a", "b", "c"]
    cluster.client.delete(POD, "b")
    assert listed() == ["a", "c"]
    cluster.client.patch(SERVICE, "web", {"spec": {"selector": {"app": "none"}}})
    assert listed() == []
    assert "subsets" not in (store.get(ENDPOINTS, "default", "web") or {})


def test_endpoints_tell_that_some_were_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minik8s.controllers.endpointrolls.CAPACITY", 2)
    cluster = Cluster()
    store = cluster.runtime.store
    cluster.apply([WEB_SERVICE, *(web_pod(name) for name in ("a", "b", "c"))])

    def told() -> tuple[int, object]:
        document = store.get(ENDPOINTS, "default", "web")
        assert document is not None
        (subset,) = document["subsets"]
        annotations = document["metadata"]["annotations"]
        word = annotations.get("endpoints.kubernetes.io/over-capacity")
        return len(subset["addresses"]), word

    assert told() == (2, "truncated")
    cluster.client.delete(POD, "a")
    assert told() == (2, None)
