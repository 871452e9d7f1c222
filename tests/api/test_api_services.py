"""Addresses and node ports of Services."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from fakes import SERVICES, Api, FakeBackend
from fakes import service as service_of

from minik8s.ipam import AddressPool
from minik8s.model.registry import SERVICE

MERGE = "application/merge-patch+json"


def spec_of(api: Api, name: str, **spec: Any) -> Any:
    return api.ok("POST", SERVICES, service_of(name, **spec))["spec"]


def patch(api: Api, name: str, **spec: Any) -> Any:
    return api.ok("PATCH", f"{SERVICES}/{name}", {"spec": spec}, media=MERGE)["spec"]


def test_each_service_gets_an_address_of_its_own(api: Api) -> None:
    addresses = [spec_of(api, f"s{number}")["clusterIP"] for number in range(50)]
    assert len(set(addresses)) == 50
    network = ip_network("10.96.0.0/12")
    for address in addresses:
        assert ip_address(address) in network
        assert int(ip_address(address)) >= int(ip_address("10.96.1.0")), "the static band is free"


def test_addresses_come_from_the_seed() -> None:
    from fakes import DOORS

    first, second = [
        spec_of(DOORS["in process"](backend), "a") for backend in (FakeBackend(), FakeBackend())
    ]
    assert first == second


def test_a_wanted_address(api: Api) -> None:
    spec = spec_of(api, "dns", clusterIP="10.96.0.10")
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("10.96.0.10", ["10.96.0.10"])
    refused = api.fails("POST", SERVICES, service_of("other", clusterIP="10.96.0.10"))
    assert refused["message"].endswith("provided IP is already allocated")
    api.ok("DELETE", f"{SERVICES}/dns")
    assert spec_of(api, "other", clusterIP="10.96.0.10")["clusterIP"] == "10.96.0.10"


def test_an_address_outside_the_block(api: Api) -> None:
    refused = api.fails("POST", SERVICES, service_of("s", clusterIP="192.168.1.1"))
    assert refused["message"] == (
        'Service "s" is invalid: spec.clusterIPs: Invalid value: ["192.168.1.1"]: failed to '
        "allocate IP 192.168.1.1: the provided IP (192.168.1.1) is not in the valid range. The "
        "range of valid IPs is 10.96.0.0/12"
    )


def test_services_without_an_address(api: Api) -> None:
    assert spec_of(api, "headless", clusterIP="None")["clusterIPs"] == ["None"]
    name = {"type": "ExternalName", "externalName": "example.com", "ports": []}
    assert "clusterIP" not in spec_of(api, "outside", **name)


def test_a_refused_service_takes_no_address(backend: FakeBackend) -> None:
    from fakes import DOORS

    api = DOORS["in process"](backend)
    spec_of(api, "s")
    taken = len(backend.service_addresses[0])
    api.fails("POST", SERVICES, service_of("s"))
    api.fails(
        "POST", SERVICES, service_of("t", type="NodePort", ports=[{"port": 80, "nodePort": 1}])
    )
    api.ok("POST", f"{SERVICES}?dryRun=All", service_of("u"))
    assert len(backend.service_addresses[0]) == taken
    api.ok("DELETE", f"{SERVICES}/s")
    assert len(backend.service_addresses[0]) == taken - 1


def test_a_block_that_is_full(backend: FakeBackend) -> None:
    from fakes import DOORS

    backend.service_addresses = (AddressPool("10.9.0.0/30"),)
    api = DOORS["in process"](backend)
    spec_of(api, "a")
    spec_of(api, "b")
    refused = api.fails("POST", SERVICES, service_of("c"))
    assert refused["message"] == (
        "Internal error occurred: failed to allocate a serviceIP: range is full"
    )


def test_loaded_services_hold_their_addresses(backend: FakeBackend) -> None:
    from fakes import DOORS

    api = DOORS["in process"](backend)
    loaded = service_of("old", clusterIP="10.96.7.7", clusterIPs=["10.96.7.7"])
    loaded["metadata"]["namespace"] = "default"
    backend.store.load([loaded])
    refused = api.fails("POST", SERVICES, service_of("new", clusterIP="10.96.7.7"))
    assert refused["message"].endswith("provided IP is already allocated")
    backend.store.delete(SERVICE, "default", "old")
    assert spec_of(api, "new", clusterIP="10.96.7.7")["clusterIP"] == "10.96.7.7"


# -- node ports


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_node_ports(api: Api, kind: str) -> None:
    ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]
    numbers = [port["nodePort"] for port in spec_of(api, "s", type=kind, ports=ports)["ports"]]
    assert len(set(numbers)) == 2
    assert all(30000 <= number < 32768 for number in numbers)


def test_a_wanted_node_port(api: Api) -> None:
    wanted = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}
    assert spec_of(api, "s", **wanted)["ports"][0]["nodePort"] == 30080
    refused = api.fails("POST", SERVICES, service_of("t", **wanted))
    assert refused["message"] == (
        'Service "t" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is '
        "already allocated"
    )
    api.ok("DELETE", f"{SERVICES}/s")
    spec_of(api, "t", **wanted)


def test_a_node_port_outside_the_range(api: Api) -> None:
    ports = [{"port": 80, "nodePort": 80}]
    refused = api.fails("POST", SERVICES, service_of("s", type="NodePort", ports=ports))
    assert refused["message"] == (
        'Service "s" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not '
        "in the valid range. The range of valid ports is 30000-32767"
    )


def test_two_protocols_may_share_a_node_port(api: Api) -> None:
    ports = [
        {"port": 53, "name": "tcp", "protocol": "TCP", "nodePort": 30053},
        {"port": 53, "name": "udp", "protocol": "UDP", "nodePort": 30053},
    ]
    spec = spec_of(api, "dns", type="NodePort", ports=ports)
    assert [port["nodePort"] for port in spec["ports"]] == [30053, 30053]


def test_node_ports_stay_through_updates_and_go_with_the_type(api: Api) -> None:
    before = spec_of(api, "s", type="NodePort")
    number = before["ports"][0]["nodePort"]
    replaced = api.ok("PUT", f"{SERVICES}/s", service_of("s", type="NodePort"))
    assert replaced["spec"]["ports"][0]["nodePort"] == number
    plain = patch(api, "s", type="ClusterIP")
    assert "nodePort" not in plain["ports"][0]
    assert plain["clusterIP"] == before["clusterIP"]
    wanted = [{"port": 80, "nodePort": number}]
    spec_of(api, "t", type="NodePort", ports=wanted)


def test_a_type_that_needs_an_address_gets_one(api: Api) -> None:
    name = {"type": "ExternalName", "externalName": "example.com"}
    assert "clusterIP" not in spec_of(api, "s", **name)
    changed = patch(api, "s", type="ClusterIP", externalName=None)
    assert ip_address(changed["clusterIP"]) in ip_network("10.96.0.0/12")
    gone = patch(api, "s", type="ExternalName", externalName="example.com")
    assert "clusterIP" not in gone
    assert spec_of(api, "t", clusterIP=changed["clusterIP"])["clusterIP"] == changed["clusterIP"]
