"""A network that has followed every change is the network made anew from the same store."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from network_worlds import World, pod, policy

from minik8s.clock import Clock
from minik8s.ids import Ids
from minik8s.model.registry import POD
from minik8s.network import Network
from minik8s.policy import Decision

sys.path.insert(0, str(Path(__file__).parents[1] / "policy"))

from policy_cluster_worlds import cluster_policies, cluster_worlds, nodes
from policy_worlds import NAMESPACES, NODES, few, namespaces, pods, policies

Document = dict[str, Any]


@st.composite
def moved(draw: Any) -> Document:
    """A pod, perhaps with another address than a pod of its name had before."""
    index = draw(st.integers(0, 3))
    document: Document = draw(pods(index, 46))
    other = draw(st.sampled_from([None, f"10.0.3.{index + 1}", f"fd00:0:0:3::{index + 1}"]))
    if other is not None:
        document["status"] = {"phase": document["status"]["phase"], "podIP": other}
    return stored(document, draw(st.sampled_from(["first", "second"])))


def stored(document: Document, uid: str) -> Document:
    """A pod as a store has it: with a uid, on a node, without owners that are not there.

    One on another node, or on the network of one, is another pod.
    """
    spec = {"nodeName": NODES[0], **document["spec"]}
    uid = f"{uid}-{spec['nodeName']}-{spec.get('hostNetwork', False)}"
    metadata = {**document["metadata"], "uid": uid, "ownerReferences": []}
    return {**document, "metadata": metadata, "spec": spec}


changes = st.lists(
    st.one_of(
        st.integers(0, 3).flatmap(lambda i: policies(f"np{i}")),
        st.integers(0, 2).flatmap(cluster_policies),
        moved(),
        moved(),
        st.sampled_from(NAMESPACES).flatmap(namespaces),
        st.sampled_from(NODES).flatmap(nodes),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=8,
)
"""Objects to put in, and numbers of objects to take out."""


def spot(world: World, document: Document) -> tuple[Any, str, str]:
    metadata = document["metadata"]
    return world.store.registry.of(document), metadata.get("namespace", ""), metadata["name"]


def apply(world: World, change: Document | int, known: dict[Any, Document]) -> None:
    if isinstance(change, int):
        loose = [where for where, d in known.items() if d["kind"] not in ("Namespace", "Node")]
        if loose:
            world.store.delete(*loose[change % len(loose)])
            del known[loose[change % len(loose)]]
        return
    where = spot(world, change)
    if change["kind"] == "Pod":
        # an address belongs to one pod, and a pod of another uid is another pod
        for other in list(known):
            twin = known[other]["metadata"]
            same = other[0] == POD and other[2] == where[2]
            if same and (other[1] != where[1] or twin.get("uid") != change["metadata"]["uid"]):
                world.store.delete(*other)
                del known[other]
    world.load(change)
    known[where] = change


def interfaces(network: Network) -> dict[str, tuple[Any, ...]]:
    return {
        address: (each.peer, each.node.name, each.pod and each.pod.key)
        for address, each in network.topology.interfaces.items()
    }


def decisions(network: Network, addresses: Iterable[str]) -> list[Decision]:
    peers = [network.topology.peer(address) for address in addresses]
    return [
        network.policies.decide(one, other, "TCP", port)
        for one in peers
        for other in peers
        for port in (80, 443)
    ]


@few
@given(cluster_worlds(), changes)
def test_addresses_and_decisions_are_as_if_made_anew(
    documents: list[Document], steps: list[Document | int]
) -> None:
    documents = [stored(d, "first") if d["kind"] == "Pod" else d for d in documents]
    world = World(documents)
    known = {spot(world, document): document for document in documents}
    for step in steps:
        decisions(world.network, interfaces(world.network))
        apply(world, step, known)
        fresh = Network(world.store, Clock(start=0), Ids(1))
        seen = interfaces(fresh)
        assert interfaces(world.network) == seen
        ends = [*seen, "192.0.2.1", "2001:db8::1"]
        assert decisions(world.network, ends) == decisions(fresh, ends)
        world.store.unsubscribe(fresh._follow)


def test_a_pod_with_another_address_leaves_nothing_at_the_old_one() -> None:
    """A sandbox that is made anew has another address; the pod is the same."""
    documents = [pod("default/a", "10.244.0.5"), pod("default/b", "10.244.0.6")]
    allow = [{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}]}]
    world = World([*documents, policy("default/p", pods={"app": "b"}, ingress=allow)])
    host = world.pod("a")
    world.load(pod("default/a", "10.244.0.7"))
    assert host.closed
    assert sorted(world.network.topology.interfaces) == ["10.244.0.6", "10.244.0.7"]
    assert world.pod("a").addresses == ("10.244.0.7",)
    world.load(pod("default/c", "10.244.0.5"))
    assert world.reach("a", "10.244.0.6", 80) == "refused"
    assert world.reach("c", "10.244.0.6", 80) == "timed out"
