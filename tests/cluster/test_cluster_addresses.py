"""Addresses that pods bring along are kept from others, however many nodes there are."""

from __future__ import annotations

import pytest

from minik8s import Cluster, ipam
from minik8s.controllers.nodeaddresses import NodeAddresses
from minik8s.model.metadata import Document


def loaded_pod(index: int, address: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p{index}", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
    }


def test_a_reserved_address_is_not_given_again() -> None:
    cluster = Cluster(nodes=3, ip_families=("IPv4", "IPv6"))
    first = NodeAddresses(cluster.runtime.store).allocate("minik8s-worker")
    assert len(first) == 2
    addresses = NodeAddresses(cluster.runtime.store)
    addresses.reserve([*first, "192.0.2.1", "2001:db8::1"])
    assert not set(addresses.allocate("minik8s-worker")) & set(first)
    addresses.release(first)
    fresh = NodeAddresses(cluster.runtime.store)
    assert fresh.allocate("minik8s-worker") == first


def test_loading_does_not_ask_each_node_for_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    contains = ipam.AddressPool.__contains__

    def counted(pool: ipam.AddressPool, address: str) -> bool:
        asked.append(address)
        return contains(pool, address)

    monkeypatch.setattr(ipam.AddressPool, "__contains__", counted)
    pods = [loaded_pod(i, f"10.244.{i % 20 + 1}.{i // 20 + 10}") for i in range(100)]
    Cluster(nodes=20).load(pods)
    assert len([address for address in asked if address.startswith("10.244.")]) < 10 * len(pods)
