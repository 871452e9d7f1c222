"""Connections to Services, by address and by name, against a translation written apart.

Service (core/v1): `selector` picks pods of the namespace by all its labels, `port` and
`protocol` choose the entry, `targetPort` is a number or the name of a container port of that
protocol; headless Services lead to the pods themselves. Policy sees pod addresses and ports.
"""

from __future__ import annotations

from analysis_checks import DNS, check_side, sides
from hypothesis import given
from hypothesis import strategies as st
from policy_naive import World, container_ports
from policy_worlds import NAMES, NAMESPACES, PORTS, PROTOCOLS, few, labels, living, pods, policies

from minik8s.analysis.explain import Explainer

ADDRESS = "10.96.7.7"


@st.composite
def service_worlds(draw):
    """Pods, policies, and one Service with the cluster's DNS beside it."""
    documents = [draw(pods(i, 4)) for i in range(draw(st.integers(2, 4)))]
    documents += [draw(policies(f"np{i}")) for i in range(draw(st.integers(0, 2)))]
    kinds = st.tuples(st.sampled_from(PROTOCOLS), st.sampled_from(PORTS[:4]))
    ports = [
        {"name": f"s{i}", "protocol": protocol, "port": port}
        | {"targetPort": draw(st.sampled_from((*NAMES, *PORTS)))}
        for i, (protocol, port) in enumerate(
            draw(st.lists(kinds, min_size=1, max_size=2, unique=True))
        )
    ]
    headless = draw(st.integers(0, 4)) == 0
    spec = {"selector": draw(labels), "ports": ports}
    metadata = {"name": "svc", "namespace": draw(st.sampled_from(NAMESPACES))}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": spec | {"clusterIP": "None" if headless else ADDRESS},
    }
    return [*documents, service, *DNS]


def endpoints(documents, protocol, port):
    """The pods and pod ports behind the Service; None if it has no such port."""
    service = next(d for d in documents if d["metadata"]["name"] == "svc")
    spec, namespace = service["spec"], service["metadata"]["namespace"]
    entries = [e for e in spec["ports"] if (e["protocol"], e["port"]) == (protocol, port)]
    headless = spec["clusterIP"] == "None"
    if not entries and not headless:
        return None
    found, world = set(), World(documents)
    for key in living(documents) if spec["selector"] else ():
        pod = world.pods[key]
        mine = pod["metadata"]["labels"]
        if pod["metadata"]["namespace"] != namespace:
            continue
        if not spec["selector"].items() <= mine.items():
            continue
        if headless:
            found.add((key, port))
            continue
        target = entries[0]["targetPort"]
        numbers = [target]
        if isinstance(target, str):
            on_node = {**pod, "spec": {**pod["spec"], "hostNetwork": False}}
            numbers = container_ports(on_node, target, protocol)
        found |= {(key, number) for number in numbers[:1]}
    going = {end for end in found if "deletionTimestamp" in world.pods[end[0]]["metadata"]}
    # who is terminating serves only where nobody else does; DNS does not name it at all
    return found - going if headless or found - going else found


asked = st.tuples(
    st.integers(0, 9),
    st.sampled_from(PROTOCOLS),
    st.sampled_from(PORTS[:4]),
    st.sampled_from(["namespaced", "address", "name"]),
)


@few
@given(service_worlds(), asked)
def test_services_lead_to_their_pods_and_policy_sees_those(documents, question):
    number, protocol, port, way = question
    places = [key for key in living(documents) if not key.startswith("kube-system/")]
    if not places:
        return
    source = places[number % len(places)]
    service = next(d for d in documents if d["metadata"]["name"] == "svc")
    space = service["metadata"]["namespace"]
    if way == "address" and service["spec"]["clusterIP"] == "None":
        return
    target = {"namespaced": f"{space}/svc", "address": f"ip:{ADDRESS}", "name": f"svc.{space}"}[way]
    explanation = Explainer(documents).explain(source, target, port, protocol)
    wanted = endpoints(documents, protocol, port)
    assert {(hop.target.key, hop.port) for hop in explanation.hops} == (wanted or set())
    world = World(documents)
    for hop in explanation.hops:
        ends = world.end(source), world.end(hop.target.key)
        expected = world.allows(*ends, protocol, hop.port, via_service=True)
        assert (hop.verdict.value == "allow") == expected
        for side in sides(hop):
            check_side(documents, side, hop)
    outcomes = {outcome.value for outcome in explanation.outcomes}
    dns = world.allows(world.end(source), world.end("kube-system/dns"), "UDP", 53)
    if way == "name" and not dns:
        assert outcomes == {"unresolved"}
    elif wanted is None:
        assert outcomes == {"timed out"}
    elif not wanted:
        assert outcomes == {"refused"}
    if explanation.suggestion is not None:
        added = list(explanation.suggestion.policies)
        after = Explainer([*documents, *added]).explain(source, target, port, protocol)
        assert after.verdict.value == "allow"
        assert "unresolved" not in {outcome.value for outcome in after.outcomes}
        if way == "name" and not dns and not wanted:
            (policy,) = added
            ports = policy["spec"]["egress"][0]["ports"]
            assert {(p["protocol"], p["port"]) for p in ports} == {("UDP", 53), ("TCP", 53)}
