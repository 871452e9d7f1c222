"""A matrix kept current through changes of every kind is the matrix computed anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from policy_cluster_worlds import all_ends, cluster_policies, cluster_worlds, older_policies
from policy_worlds import NAMESPACES, few, many, namespaces, pods, policies

from minik8s.analysis.matrix import Matrix


@st.composite
def moved(draw):
    """A pod, perhaps with another address than a pod of its name had before."""
    index = draw(st.integers(0, 3))
    document = draw(pods(index, draw(st.sampled_from([4, 4, 46]))))
    if draw(st.booleans()):
        document["status"]["podIP"] = f"10.0.3.{index + 1}"
        document["status"].pop("podIPs", None)
    return document


steps = st.lists(
    st.one_of(
        st.integers(0, 3).flatmap(lambda i: policies(f"np{i}")),
        st.integers(0, 2).flatmap(cluster_policies),
        st.integers(0, 1).flatmap(older_policies),
        moved(),
        moved(),
        st.sampled_from(NAMESPACES).flatmap(namespaces),
        st.integers(0, 30),
        st.integers(-30, -1),
    ),
    min_size=1,
    max_size=5,
)
"""Objects to put in, numbers of objects to take out, and negative ones of those to put back."""


def identity(document):
    return (document["kind"], document["metadata"].get("namespace"), document["metadata"]["name"])


def put(matrix, document):
    if document["kind"] == "Pod":
        matrix.put_pod(document)
    elif document["kind"] == "Namespace":
        matrix.put_namespace(document)
    else:
        matrix.apply(document)


def take(matrix, document):
    if document["kind"] == "Pod":
        matrix.remove_pod(document)
    else:
        matrix.remove(document)


def changed(documents, changes, kind=Matrix):
    """The matrix after each change, with the documents that it is to be the matrix of."""
    matrix = kind.of(documents)
    assert matrix.ends  # what was asked before must not stay as it was
    current = {identity(document): document for document in documents}
    first = [document for document in documents if document["kind"] != "Node"]
    for change in changes:
        if isinstance(change, int) and change < 0:
            change = first[change % len(first)]
        if isinstance(change, int):
            loose = [d for d in current.values() if d["kind"] not in ("Namespace", "Node")]
            if loose:
                gone = loose[change % len(loose)]
                take(matrix, gone)
                del current[identity(gone)]
        else:
            put(matrix, change)
            current[identity(change)] = change
        yield matrix, list(current.values())


@many
@given(cluster_worlds(), steps)
def test_every_pair_is_as_if_computed_anew(documents, changes):
    check_kept(documents, changes)


def check_kept(documents, changes, kind=Matrix):
    for matrix, current in changed(documents, changes, kind):
        fresh, places = kind.of(current), all_ends(current)
        for source in places:
            for target in places:
                where = (source, target)
                assert matrix.ports(*where) == fresh.ports(*where), where
        for packet in (("TCP", 80), ("UDP", 1), ("ICMP", None)):
            assert matrix.open_pairs(*packet) == fresh.open_pairs(*packet)


@few
@given(cluster_worlds(), steps)
def test_ends_and_the_table_are_as_if_computed_anew(documents, changes):
    check_table(documents, changes)


def check_table(documents, changes, kind=Matrix):
    def seen(matrix):
        rows = {}
        for source, target, access in matrix.table():
            if not source.outside and not target.outside:
                rows[source.name, target.name] = (str(access.every), str(access.some))
        inside = [end for end in matrix.ends if not end.outside]
        return rows, [(end.name, end.kind, {peer.key for peer in end.members}) for end in inside]

    for matrix, current in changed(documents, changes, kind):
        assert seen(matrix) == seen(kind.of(current))


@st.composite
def spaces(draw):
    """A namespace with one of few labels, so that earlier ones come back."""
    labels = draw(st.sampled_from([{}, {"app": "a"}, {"app": "b"}]))
    name = draw(st.sampled_from("xxy"))
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


teams = st.sampled_from(
    [
        {"matchLabels": {"app": "a"}},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    ]
)


@st.composite
def by_namespace(draw, name):
    """A policy whose peers are namespaces."""
    rule = {"from": [{"namespaceSelector": draw(teams)}]}
    spec = {"podSelector": {}, "ingress": [rule]}
    metadata = {"name": name, "namespace": draw(st.sampled_from("xxy"))}
    return {"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


@st.composite
def team_worlds(draw):
    documents = [draw(pods(i, 4)) for i in range(4)]
    for document in documents:
        document["metadata"]["namespace"] = draw(st.sampled_from("xxy"))
    return documents + [draw(by_namespace(f"np{i}")) for i in range(draw(st.integers(1, 2)))]


@few
@given(team_worlds(), st.lists(spaces() | by_namespace("np0") | moved(), min_size=2, max_size=6))
def test_namespaces_may_get_earlier_labels_back(documents, changes):
    check_kept(documents, changes)


def pod(index, address, **labels):
    return {
        "kind": "Pod",
        "metadata": {"name": f"p{index}", "namespace": "shop", "labels": labels},
        "status": {"podIP": address},
    }


def block(cidr, *holes, name="p"):
    rule = {"from": [{"ipBlock": {"cidr": cidr, "except": list(holes)}}]}
    metadata = {"name": name, "namespace": "shop"}
    spec = {"podSelector": {}, "ingress": [rule]}
    return {"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def test_a_block_that_cuts_many_classes_at_once_puts_every_pod_on_its_side():
    apps = [pod(i, f"10.0.{i % 2}.{i}", app=f"a{i // 2}") for i in range(60)]
    named = [
        {
            "kind": "NetworkPolicy",
            "metadata": {"name": f"n{i}", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": f"a{i}"}}, "policyTypes": ["Egress"]}
            | {"egress": [{}]},
        }
        for i in range(30)
    ]
    matrix = Matrix.of([*apps, *named])
    matrix.apply(block("10.0.0.0/16", "10.0.1.0/24"))
    for i in range(60):
        for j in range(60):
            if i != j:
                assert matrix.allows(f"shop/p{i}", f"shop/p{j}", "TCP", 80) == (i % 2 == 0)
    assert len(matrix.reach.classes.list) < 80


def test_a_pod_like_one_that_went_before_a_policy_came_is_not_taken_for_another():
    first, other = pod(0, "10.0.0.1", app="x"), pod(1, "10.0.0.2", app="y")
    key = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    exists = block("192.0.2.0/24", name="exists")
    exists["spec"]["podSelector"] = key
    one = {**block("10.0.0.0/8"), "spec": {"podSelector": {"matchLabels": {"app": "x"}}}}
    matrix = Matrix.of([first, other, exists])
    matrix.remove_pod(first)
    matrix.apply(one)
    third = pod(2, "10.0.0.3", app="z")
    matrix.put_pod(third)
    matrix.remove({"kind": "NetworkPolicy", "metadata": exists["metadata"]})
    assert matrix.allows("shop/p1", "shop/p2", "TCP", 80)
    matrix.put_pod(first)
    assert not matrix.allows("shop/p1", "shop/p0", "TCP", 80)


def test_a_namespace_that_gets_its_old_labels_back_is_as_it_was():
    team = {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}
    allow = block("10.0.0.0/8")
    allow["spec"] = {"podSelector": {"matchLabels": {"app": "api"}}, "ingress": [team]}
    space = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {}}}
    named = {**space, "metadata": {"name": "shop", "labels": {"team": "a"}}}
    pods_ = [pod(0, "10.0.0.1", app="web"), pod(1, "10.0.0.2", app="api")]
    matrix = Matrix.of([space, *pods_, allow])
    for document, answer in ((named, True), (space, False), (named, True), (space, False)):
        matrix.put_namespace(document)
        assert matrix.allows("shop/p0", "shop/p1", "TCP", 80) is answer


def test_earlier_labels_of_a_namespace_are_not_taken_for_its_own_by_a_new_policy():
    team = {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}
    spec = {"podSelector": {}, "ingress": [team]}
    elsewhere, here = (
        {"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": name}, "spec": spec}
        for name in ("other", "shop")
    )
    space = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {}}}
    named = {**space, "metadata": {"name": "shop", "labels": {"team": "a"}}}
    matrix = Matrix.of([pod(0, "10.0.0.1"), pod(1, "10.0.0.2"), elsewhere])
    matrix.put_namespace(named)
    matrix.put_namespace(space)
    matrix.apply(here)
    for document, answer in ((space, False), (named, True)):
        matrix.put_namespace(document)
        assert matrix.allows("shop/p0", "shop/p1", "TCP", 80) is answer


def test_documents_are_those_of_the_moment():
    matrix = Matrix.of([pod(0, "10.0.0.1"), pod(1, "10.0.0.2")])
    matrix.remove_pod(pod(0, "10.0.0.1"))
    matrix.put_pod(pod(2, "10.0.0.3"))
    space = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "a"}}}
    matrix.put_namespace(space)
    names = [document["metadata"]["name"] for document in matrix.documents]
    assert names == ["p1", "p2", "shop"]
    assert [end.name for end in matrix.ends][:2] == ["shop/p1", "shop/p2"]
