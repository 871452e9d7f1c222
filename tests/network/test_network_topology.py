"""Who has which address, as the store changes."""

from __future__ import annotations

import pytest
from network_worlds import (
    BACKEND,
    BACKEND_IP,
    FRONTEND,
    NODE,
    World,
    deny_ingress,
    endpoint_slice,
    kernel_world,
    namespace,
    node,
    pod,
    policy,
    serve_http,
    service,
)

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.model import registry
from minik8s.model.registry import ENDPOINT_SLICE, NAMESPACE, SERVICE
from minik8s.network import Event, Network
from minik8s.store import Store


def test_hosts_are_found_by_pod_node_and_address() -> None:
    world = kernel_world(pod("default/agent", NODE, host_network=True))
    network = world.network
    assert network.host(BACKEND) is network.pod_host("default", "backend")
    assert network.host(NODE) is network.node_host("node")
    assert network.pod_host("default", "agent") is network.node_host("node")
    assert network.host("10.244.0.1") is network.node_host("node")
    assert network.host("34.107.204.206").name == "kubernetes.io"
    for lookup in (
        lambda: network.host("10.244.0.99"),
        lambda: network.pod_host("default", "nobody"),
        lambda: network.node_host("nobody"),
    ):
        with pytest.raises(LookupError):
            lookup()


def test_a_network_made_late_knows_what_is_in_the_store() -> None:
    store = Store(Clock(start=0), Ids(1))
    store.load(
        [namespace("default"), node("n", "172.18.0.2"), pod("default/a", "10.0.0.1", node="n")]
    )
    network = Network(store, store.clock, store.ids)
    assert network.pod_host("default", "a").addresses == ("10.0.0.1",)
    assert network.node_host("n").addresses == ("172.18.0.2",)


def test_a_pod_gets_its_host_with_its_address_and_loses_it_at_its_end() -> None:
    world = kernel_world()
    waiting = pod("default/late", "10.244.0.7")
    waiting["status"] = {"phase": "Pending"}
    world.load(waiting)
    with pytest.raises(LookupError):
        world.pod("late")
    world.load(pod("default/late", "10.244.0.7"))
    host = world.pod("late")
    world.load(pod("default/late", "10.244.0.7", app="relabelled"))
    assert world.pod("late") is host
    done = pod("default/late", "10.244.0.7")
    done["status"]["phase"] = "Succeeded"
    world.load(done)
    assert host.closed
    assert world.reach("frontend", "10.244.0.7", 80, wait=1) == "timed out"


def test_a_pod_that_is_made_anew_has_a_new_network() -> None:
    world = kernel_world()
    old = world.pod("backend")
    document = pod("default/backend", BACKEND)
    document["metadata"]["uid"] = "another"
    world.load(document)
    assert world.pod("backend") is not old
    assert old.closed
    assert world.reach("frontend", BACKEND, 8080) == "refused"


def test_a_killed_pod_says_goodbye() -> None:
    world = kernel_world()
    connection = world.connect("frontend", BACKEND, 8080)
    world.clock.advance(0.01)
    world.remove_pod("backend")
    world.clock.advance(0.01)
    assert connection.eof


def test_labels_of_pods_and_namespaces_count_at_once() -> None:
    rule = {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}
    world = kernel_world(
        namespace("shop"),
        pod("shop/web", "10.244.0.20"),
        policy("default/p", pods={"app": "backend"}, ingress=[rule]),
    )
    assert world.reach("shop/web", BACKEND, 8080, wait=1) == "timed out"
    world.store.update(NAMESPACE, namespace("shop", team="a"))
    assert world.reach("shop/web", BACKEND, 8080) == "connected"
    world.store.update(NAMESPACE, namespace("shop"))
    assert world.reach("shop/web", BACKEND, 8080, wait=1) == "timed out"
    world.load(pod("default/backend", BACKEND, app="other"))
    assert world.reach("shop/web", BACKEND, 8080) == "connected"


def test_policies_come_change_and_go() -> None:
    world, deny = kernel_world(), deny_ingress("backend")
    assert world.reach("frontend", BACKEND, 8080) == "connected"
    world.load(deny)
    assert world.reach("frontend", BACKEND, 8080, wait=1) == "timed out"
    world.load({**deny, "spec": {**deny["spec"], "ingress": [{}]}})
    assert world.reach("frontend", BACKEND, 8080) == "connected"
    world.load(deny)
    assert world.reach("frontend", BACKEND, 8080, wait=1) == "timed out"
    world.remove_policy(deny)
    assert world.reach("frontend", BACKEND, 8080) == "connected"


def test_services_and_their_endpoints_come_and_go() -> None:
    world = kernel_world()
    assert world.reach("frontend", BACKEND_IP, 8080) == "connected"
    world.store.delete(ENDPOINT_SLICE, "default", "backend-tcp-8080")
    assert world.reach("frontend", BACKEND_IP, 8080) == "refused"
    world.load(endpoint_slice("default/backend", 8080, (BACKEND, "node")))
    assert world.reach("frontend", BACKEND_IP, 8080) == "connected"
    world.load(service("default/backend", "10.96.0.200", 8080))
    assert world.reach("frontend", BACKEND_IP, 8080, wait=1) == "timed out"
    assert world.reach("frontend", "10.96.0.200", 8080) == "connected"
    world.store.delete(SERVICE, "default", "backend")
    assert world.reach("frontend", "10.96.0.200", 8080, wait=1) == "timed out"


def test_nodes_come_change_and_go() -> None:
    world = kernel_world(node("other", "192.168.77.2", "10.244.7.0/24"))
    assert world.reach("frontend", "192.168.77.2", 10250) == "refused"
    world.load(node("other", "192.168.77.9", "10.244.7.0/24"))
    assert world.reach("frontend", "192.168.77.2", 10250, wait=1) == "timed out"
    host = world.network.node_host("other")
    assert host.addresses == ("192.168.77.9", "10.244.7.1")
    assert world.reach("frontend", "192.168.77.9", 10250) == "refused"
    world.store.delete(registry.NODE, "", "other")
    assert world.reach("frontend", "192.168.77.9", 10250, wait=1) == "timed out"
    assert set(world.network.conntrack) == {"node"}


def test_pods_on_the_nodes_network_are_nodes_to_policy() -> None:
    everyone = policy("default/everyone", policyTypes=["Ingress", "Egress"])
    world = kernel_world(
        everyone,
        node("other", "192.168.77.2"),
        pod("default/agent", "192.168.77.2", node="other", host_network=True, app="agent"),
    )
    serve_http(world.pod("agent"), 9100)
    assert world.reach("frontend", "192.168.77.2", 9100, wait=1) == "timed out"
    assert world.reach(world.network.node_host("node"), "192.168.77.2", 9100) == "connected"
    assert world.reach("agent", FRONTEND, 80, wait=1) == "timed out"
    block = {"from": [{"ipBlock": {"cidr": "192.168.77.0/24"}}]}
    world.load(policy("default/nodes", pods={"app": "frontend"}, ingress=[block]))
    assert world.reach("agent", FRONTEND, 80) == "refused"


def test_pods_without_a_node_still_have_a_network() -> None:
    world = World([pod("default/a", "10.9.0.1", node=""), pod("default/b", "10.9.0.2", node="")])
    serve_http(world.pod("b"), 80)
    assert world.reach("a", "10.9.0.2", 80) == "connected"
    assert world.reach("a", "34.107.204.206", 80) == "connected"


def test_addresses_that_nobody_has_are_silent() -> None:
    world = kernel_world()
    for address in ("10.244.0.99", "198.51.100.7", "10.96.200.1"):
        assert world.reach("frontend", address, 80, wait=1) == "timed out"
        assert world.network.traces[-1].hops[-1].event is Event.NO_ROUTE
