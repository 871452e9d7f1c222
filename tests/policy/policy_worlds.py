"""Random clusters for Hypothesis: small enough to try every pair, odd enough to matter."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PROFILE = os.environ.get("MINIK8S_TEST_PROFILE", "ci")
"""`ci` (500 examples a property) or `nightly` (20,000, or MINIK8S_TEST_EXAMPLES)."""

NIGHTLY = int(os.environ.get("MINIK8S_TEST_EXAMPLES", "20000"))
EXAMPLES = {"ci": 500, "nightly": NIGHTLY}[PROFILE]

many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=PROFILE == "ci",
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
few = settings(many, max_examples=EXAMPLES // 5)

KEYS = ("app", "tier")
VALUES = ("", "a", "b", "c")
NAMESPACES = ("x", "y", "z")
NODES = ("n1", "n2")
PORTS = (1, 79, 80, 81, 443, 65535)
PROTOCOLS = ("TCP", "UDP", "SCTP")
NAMES = ("web", "dns")
V4 = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "10.0.1.2")
V6 = ("fd00::1", "fd00::2", "fd00:0:0:1::1", "fd00:0:0:1::2", "fd00::5")
OUTSIDE = ("10.0.0.9", "192.0.2.1", "fd00::9", "2001:db8::1")
CIDRS = {
    4: ("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.2/32", "10.0.0.0/30", "192.0.2.0/24"),
    6: ("::/0", "fd00::/8", "fd00::/64", "fd00::2/128", "2001:db8::/32"),
}

labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2)

expressions = st.one_of(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(KEYS),
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True),
        }
    ),
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(KEYS),
            "operator": st.sampled_from(["Exists", "DoesNotExist"]),
        }
    ),
)

selectors = st.one_of(
    st.just({}),
    labels.map(lambda chosen: {"matchLabels": chosen}),
    st.lists(expressions, max_size=2).map(lambda chosen: {"matchExpressions": chosen}),
    st.fixed_dictionaries(
        {"matchLabels": labels, "matchExpressions": st.lists(expressions, min_size=1, max_size=2)}
    ),
)

namespace_selectors = st.one_of(
    selectors,
    st.sampled_from(NAMESPACES).map(
        lambda name: {"matchLabels": {"kubernetes.io/metadata.name": name}}
    ),
)


@st.composite
def blocks(draw):
    version = draw(st.sampled_from([4, 4, 6]))
    block = {"cidr": draw(st.sampled_from(CIDRS[version]))}
    if draw(st.booleans()):
        block["except"] = draw(st.lists(st.sampled_from(CIDRS[version][1:]), max_size=2))
    return {"ipBlock": block}


peers = st.one_of(
    blocks(),
    st.fixed_dictionaries({"podSelector": selectors}),
    st.fixed_dictionaries({"namespaceSelector": namespace_selectors}),
    st.fixed_dictionaries({"podSelector": selectors, "namespaceSelector": namespace_selectors}),
)


@st.composite
def ports(draw):
    entry = {}
    if draw(st.booleans()):
        entry["protocol"] = draw(st.sampled_from(PROTOCOLS))
    shape = draw(st.sampled_from(["none", "number", "range", "name"]))
    if shape == "number":
        entry["port"] = draw(st.sampled_from(PORTS))
    elif shape == "range":
        first, last = sorted([draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))])
        entry |= {"port": first, "endPort": last}
    elif shape == "name":
        entry["port"] = draw(st.sampled_from(NAMES))
    return entry


@st.composite
def rules(draw, field, peers=peers):
    rule = {}
    if draw(st.integers(0, 3)):
        rule[field] = draw(st.lists(peers, max_size=2))
    if draw(st.booleans()):
        rule["ports"] = draw(st.lists(ports(), max_size=2))
    return rule


@st.composite
def policies(draw, name, peers=peers):
    spec = {"podSelector": draw(selectors)}
    if draw(st.booleans()):
        spec["policyTypes"] = draw(
            st.sampled_from([[], ["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        )
    for section, field in (("ingress", "from"), ("egress", "to")):
        if draw(st.booleans()):
            spec[section] = draw(st.lists(rules(field, peers), max_size=2))
    metadata = {"name": name, "namespace": draw(st.sampled_from(NAMESPACES))}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


container_ports = st.fixed_dictionaries(
    {"containerPort": st.sampled_from(PORTS)},
    optional={"name": st.sampled_from(NAMES), "protocol": st.sampled_from(PROTOCOLS)},
)


def distinct_names(ports):
    """Container ports without a second use of a name and protocol, which the API refuses."""
    seen, kept = set(), []
    for port in ports:
        key = (port.get("name"), port.get("protocol", "TCP"))
        if key[0] is None or key not in seen:
            kept.append(port)
        seen.add(key)
    return kept


owners = st.sampled_from(
    [[], [], [{"kind": "ReplicaSet", "name": "rs"}], [{"kind": "DaemonSet", "name": "ds"}]]
)


@st.composite
def containers(draw):
    """The containers of a pod: one, perhaps a second, a sidecar, or one that is over at once."""
    ports = distinct_names(draw(st.lists(container_ports, max_size=3)))
    found = {"containers": [{"name": "c", "ports": ports}]}
    shape = draw(st.sampled_from(["one", "one", "two", "sidecar", "init"]))
    if shape == "init":
        init = {"name": "i", "ports": draw(st.lists(container_ports, max_size=1))}
        return found | {"initContainers": [init]}
    if shape != "one":
        found = {"containers": [{"name": "c", "ports": ports[:1]}]}
        other = {"name": "d", "ports": ports[1:]}
        if shape == "two":
            found["containers"].append(other)
        else:
            found["initContainers"] = [other | {"restartPolicy": "Always"}]
    return found


phases = st.sampled_from(["Running"] * 6 + ["Pending", "Succeeded", "Failed"])


def addresses(version, index):
    """What a pod's `status` says of its addresses; version 46 has both, in either order."""
    four, six = V4[index], V6[index]
    both = st.sampled_from([[four, six], [six, four], [four], [six]])
    chosen = {4: st.just([four]), 6: st.just([six]), 46: both}[version]
    return chosen.map(
        lambda a: {"podIP": a[0]} | ({"podIPs": [{"ip": i} for i in a]} if a[1:] else {})
    )


@st.composite
def pods(draw, index, version):
    spec = draw(containers())
    if draw(st.integers(0, 7)):
        spec["nodeName"] = draw(st.sampled_from(NODES))
        if draw(st.integers(0, 7)) == 0:
            spec["hostNetwork"] = True
    metadata = {
        "name": f"p{index}",
        "namespace": draw(st.sampled_from(NAMESPACES)),
        "labels": draw(labels),
        "ownerReferences": draw(owners),
    }
    if draw(st.integers(0, 7)) == 0:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": draw(phases), **draw(addresses(version, index))},
    }


@st.composite
def namespaces(draw, name):
    own = draw(labels)
    if draw(st.booleans()):
        own = own | {"kubernetes.io/metadata.name": name}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}}


@st.composite
def worlds(draw, max_policies=3, max_pods=4):
    """Namespaces, pods and policies, as documents."""
    version = draw(st.sampled_from([4, 4, 4, 6, 46]))
    documents = [draw(namespaces(name)) for name in NAMESPACES if draw(st.integers(0, 7))]
    documents += [draw(pods(i, version)) for i in range(draw(st.integers(2, max_pods)))]
    # the IP version of a connection shows in blocks only
    named = st.one_of(blocks(), peers) if version == 46 else peers
    count = draw(st.integers(0, max_policies))
    return documents + [draw(policies(f"np{i}", named)) for i in range(count)]


@st.composite
def dual_stack_worlds(draw):
    """Pods of both IP versions in any order, and policies that tell the versions apart."""
    documents = [draw(pods(i, 46)) for i in range(draw(st.integers(2, 5)))]
    for index in range(draw(st.integers(1, 2))):
        rule = {"from": [draw(blocks())]}
        spec = {"podSelector": draw(selectors), "ingress": [rule]}
        metadata = {"name": f"np{index}", "namespace": draw(st.sampled_from(NAMESPACES))}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
        documents.append({**kind, "metadata": metadata, "spec": spec})
    return documents


def ends(documents):
    """Every place a probe may start or stop at; pods that have ended are none."""
    return living(documents) + [f"ip:{address}" for address in OUTSIDE]


def living(documents):
    """The pods that have not run to their end, by `namespace/name`."""
    return [
        f"{d['metadata']['namespace']}/{d['metadata']['name']}"
        for d in documents
        if d["kind"] == "Pod" and d["status"].get("phase") not in ("Succeeded", "Failed")
    ]


def spare_addresses(documents):
    """`ip:ADDRESS` of the pods that have several."""
    return [
        f"ip:{entry['ip']}"
        for d in documents
        if d["kind"] == "Pod" and d["status"].get("phase") not in ("Succeeded", "Failed")
        for entry in d["status"].get("podIPs") or ()
        if not d["spec"].get("hostNetwork")
    ]


PROBED = [(protocol, port) for protocol in PROTOCOLS for port in PORTS] + [("ICMP", None)]
