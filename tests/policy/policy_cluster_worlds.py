"""Random clusters with nodes and ClusterNetworkPolicies beside the NetworkPolicies."""

from __future__ import annotations

from hypothesis import strategies as st
from policy_worlds import (
    CIDRS,
    NAMES,
    NODES,
    PORTS,
    PROTOCOLS,
    ends,
    labels,
    namespace_selectors,
    selectors,
    worlds,
)

NODE_ADDRESSES = dict(zip(NODES, ("10.0.2.1", "10.0.2.2"), strict=True))

groups = st.one_of(
    st.fixed_dictionaries({"namespaces": namespace_selectors}),
    st.fixed_dictionaries(
        {
            "pods": st.fixed_dictionaries(
                {"podSelector": selectors}, optional={"namespaceSelector": namespace_selectors}
            )
        }
    ),
)

networks = st.lists(st.sampled_from(CIDRS[4] + CIDRS[6]), min_size=1, max_size=2, unique=True)
outward = st.one_of(
    groups,
    st.fixed_dictionaries({"networks": networks}),
    st.fixed_dictionaries({"nodes": selectors}),
    st.just({"domainNames": ["example.com"]}),
)


@st.composite
def protocols(draw):
    kind = draw(st.sampled_from(["tcp", "udp", "sctp", "name"]))
    if kind == "name":
        return {"destinationNamedPort": draw(st.sampled_from(NAMES))}
    if draw(st.booleans()):
        return {kind: {"destinationPort": {"number": draw(st.sampled_from(PORTS))}}}
    first, last = sorted(
        draw(st.lists(st.sampled_from(PORTS), min_size=2, max_size=2, unique=True))
    )
    return {kind: {"destinationPort": {"range": {"start": first, "end": last}}}}


@st.composite
def rules(draw, field, peers, ports=protocols, words=("Accept", "Deny", "Pass"), key="protocols"):
    rule = {
        "action": draw(st.sampled_from(words)),
        field: draw(st.lists(peers, min_size=1, max_size=2)),
    }
    if draw(st.booleans()):
        rule[key] = draw(st.lists(ports(), min_size=1, max_size=2))
    return rule


priorities = st.integers(0, 3)
"""Few, so that several policies of a tier have the same."""


@st.composite
def cluster_policies(draw, index):
    spec = {
        "tier": draw(st.sampled_from(["Admin", "Baseline"])),
        "priority": draw(priorities),
        "subject": draw(groups),
    }
    if draw(st.booleans()):
        spec["ingress"] = draw(st.lists(rules("from", groups), min_size=1, max_size=3))
    if draw(st.booleans()):
        spec["egress"] = draw(st.lists(rules("to", outward), min_size=1, max_size=3))
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": f"cnp{9 - index}"},
        "spec": spec,
    }


@st.composite
def older_ports(draw):
    """One item of v1alpha1 `ports`."""
    kind = draw(st.sampled_from(["portNumber", "portRange", "namedPort"]))
    if kind == "namedPort":
        return {kind: draw(st.sampled_from(NAMES))}
    ends_ = sorted([draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))])
    value = (
        {"port": ends_[0]}
        if kind == "portNumber"
        else dict(zip(("start", "end"), ends_, strict=True))
    )
    if draw(st.booleans()):
        value["protocol"] = draw(st.sampled_from(PROTOCOLS))
    return {kind: value}


@st.composite
def older_policies(draw, index):
    """An AdminNetworkPolicy, or the one BaselineAdminNetworkPolicy that there may be."""
    admin = index > 0
    spec = {"subject": draw(groups)} | ({"priority": draw(priorities)} if admin else {})
    words = ("Allow", "Deny", "Pass") if admin else ("Allow", "Deny")
    for section, field, peers in (("ingress", "from", groups), ("egress", "to", outward)):
        if draw(st.booleans()):
            rule = rules(field, peers, older_ports, words, "ports")
            spec[section] = draw(st.lists(rule, min_size=1, max_size=2))
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy" if admin else "BaselineAdminNetworkPolicy",
        "metadata": {"name": f"anp{index}" if admin else "default"},
        "spec": spec,
    }


@st.composite
def nodes(draw, name):
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": draw(labels)},
        "status": {"addresses": [{"type": "InternalIP", "address": NODE_ADDRESSES[name]}]},
    }


@st.composite
def cluster_worlds(draw):
    """Documents with both nodes and up to four cluster-wide policies of the three kinds."""
    documents = [draw(nodes(name)) for name in NODES]
    documents += draw(worlds(max_policies=2))
    documents += [draw(cluster_policies(i)) for i in range(draw(st.integers(1, 3)))]
    if draw(st.integers(0, 3)) == 0:
        documents.append(draw(older_policies(draw(st.integers(0, 1)))))
    return documents


def all_ends(documents):
    """Every place a probe may start or stop at, nodes included."""
    return ends(documents) + [f"ip:{address}" for address in NODE_ADDRESSES.values()]
