"""The changes and questions of the benchmark: every kind that one makes to a running cluster."""

from __future__ import annotations

import random
from functools import partial

import synthetic

from minik8s.analysis.matrix import Matrix

API = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
EVERYWHERE = [{"namespaceSelector": {}}]
BLOCKS = [{"ipBlock": {"cidr": "198.51.100.0/24"}}, {"ipBlock": {"cidr": "203.0.113.0/24"}}]
CUTTING = [{"ipBlock": {"cidr": "10.0.0.0/9", "except": ["10.0.3.0/24"]}}]


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def policy(name, space, **spec):
    metadata = {"name": name, "namespace": space}
    return {**API, "metadata": metadata, "spec": {"podSelector": {}, **spec}}


def spaces(documents, count=10):
    return [d["metadata"]["name"] for d in of_kind(documents, "Namespace")][:count]


def whole_namespaces(documents):
    return [
        policy("whole", space, policyTypes=["Ingress", "Egress"], egress=[{"to": EVERYWHERE}])
        for space in spaces(documents)
    ]


def from_everywhere(documents):
    return [
        policy("open", space, ingress=[{"from": EVERYWHERE, "ports": [{"port": 9000 + i}]}])
        for i, space in enumerate(spaces(documents))
    ]


def by_name(documents):
    rule = {"to": EVERYWHERE, "ports": [{"port": "http"}]}
    return [policy("named", s, policyTypes=["Egress"], egress=[rule]) for s in spaces(documents)]


def blocks(documents):
    return [policy("blocks", s, ingress=[{"from": BLOCKS}]) for s in spaces(documents)]


def cutting(documents):
    return [policy("cut", s, ingress=[{"from": CUTTING}]) for s in spaces(documents, 1)]


def cluster_wide(index):
    """An Admin policy about every pod of the cluster."""
    action = ("Pass", "Deny", "Accept")[index % 3]
    rule = {"action": action, "from": [{"namespaces": {"matchLabels": {"env": "dev"}}}]}
    spec = {"tier": "Admin", "priority": index, "subject": {"namespaces": {}}, "ingress": [rule]}
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": f"everybody{index}"},
        "spec": spec,
    }


def modified(documents, count=40):
    """Policies of another seed, which take the names of those that are there."""
    pods, policies = len(of_kind(documents, "Pod")), len(of_kind(documents, "NetworkPolicy"))
    _, _, others = synthetic.gen(pods, policies, seed=2)
    return random.Random(3).sample(others, min(count, policies))


def removed(documents):
    return random.Random(4).sample(of_kind(documents, "NetworkPolicy"), 20)


def relabelled(pod, index):
    metadata = {**pod["metadata"], "labels": {"app": f"new{index}", "tier": "web"}}
    return {**pod, "metadata": metadata}


def moved(space):
    labels = {**space["metadata"]["labels"], "env": "stage", "team": "new"}
    return {**space, "metadata": {**space["metadata"], "labels": labels}}


def kinds(documents):
    """Names of changes, each with its steps: functions of a matrix."""
    pods = random.Random(6).sample(of_kind(documents, "Pod"), 20)
    put, take = Matrix.apply, Matrix.remove
    some = of_kind(documents, "Namespace")[:10]
    yield "policy modified", steps(put, modified(documents))
    yield "policy removed", steps(take, removed(documents))
    yield "policy added", steps(put, removed(documents))
    for name, make in (
        ("policy about a whole namespace", whole_namespaces),
        ("policy from every namespace, on a new port", from_everywhere),
        ("policy with a port name", by_name),
        ("policy with blocks outside", blocks),
        ("policy with a block that cuts the pod network", cutting),
    ):
        yield f"{name} added", steps(put, make(documents))
        yield f"{name} removed", steps(take, make(documents))
    everybody = [cluster_wide(i) for i in range(3)]
    yield "cluster-wide policy about every pod added", steps(put, everybody)
    yield "cluster-wide policy about every pod removed", steps(take, everybody)
    changed = [relabelled(pod, index) for index, pod in enumerate(pods)]
    yield "pod removed", steps(Matrix.remove_pod, pods)
    yield "pod added", steps(Matrix.put_pod, pods)
    yield "pod relabelled as no other is", steps(Matrix.put_pod, changed)
    yield "namespace relabelled", steps(Matrix.put_namespace, map(moved, some))


def steps(call, documents):
    return [partial(step, call, document) for document in documents]


def step(call, document, matrix):
    call(matrix, document)


def left(documents):
    """The policies that are there after all the changes."""

    def name(document):
        return (document["metadata"]["namespace"], document["metadata"]["name"])

    known = {name(document): document for document in of_kind(documents, "NetworkPolicy")}
    for document in modified(documents):
        known[name(document)] = document
    gone = removed(documents)
    for document in gone:
        known[name(document)] = document
    return list(known.values())


def services(documents):
    """One Service for each app, in front of its pods."""
    found = {}
    for pod in of_kind(documents, "Pod"):
        found.setdefault(pod["metadata"]["labels"]["app"], pod["metadata"]["namespace"])
    ports = [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"svc-{app}", "namespace": space},
            "spec": {
                "clusterIP": f"10.{96 + index // 65025}.{index // 255 % 255}.{index % 255 + 1}",
                "selector": {"app": app},
                "ports": ports,
            },
        }
        for index, (app, space) in enumerate(found.items())
    ]


def questions(documents, fronts):
    """Names of questions, each with a function that draws source, target and port."""
    pods, inside = of_kind(documents, "Pod"), {}
    for pod in pods:
        inside.setdefault(pod["metadata"]["namespace"], []).append(place(pod))

    def anywhere(draw):
        return place(draw.choice(pods)), place(draw.choice(pods)), 8080

    def neighbours(draw):
        space = inside[draw.choice(list(inside))]
        return draw.choice(space), draw.choice(space), 8080

    def by_service(draw):
        return place(draw.choice(pods)), place(draw.choice(fronts)), 80

    def by_dns(draw):
        metadata = draw.choice(fronts)["metadata"]
        return place(draw.choice(pods)), f"{metadata['name']}.{metadata['namespace']}", 80

    def outward(draw):
        return place(draw.choice(pods)), f"ip:{draw.randrange(11, 200)}.1.2.3", 8080

    def inward(draw):
        return f"ip:{draw.randrange(11, 200)}.1.2.3", place(draw.choice(pods)), 8080

    yield "pod to pod of any namespace", anywhere
    yield "pod to pod of its namespace", neighbours
    yield "pod to Service", by_service
    yield "pod to DNS name", by_dns
    yield "pod to an address outside", outward
    yield "address outside to pod", inward


def place(document):
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"
