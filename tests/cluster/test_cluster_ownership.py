"""Namespaces that go, and owners that go: what happens to what is theirs."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import Recording, names, pod, service, workload

from minik8s.cluster import Cluster
from minik8s.errors import Forbidden, NotFound
from minik8s.model.registry import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SERVICE_ACCOUNT,
)

Document = dict[str, Any]


def namespace(name: str, **labels: str) -> Document:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def config_map(name: str, *owners: Document) -> Document:
    metadata: Document = {"name": name, "namespace": "default"}
    if owners:
        metadata["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": True,
            }
            for owner in owners
        ]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}


def test_a_new_namespace_is_furnished(cluster: Cluster) -> None:
    cluster.apply(namespace("shop"))
    assert names(cluster.objects("serviceaccounts", "shop")) == ["default"]
    assert names(cluster.objects("configmaps", "shop")) == ["kube-root-ca.crt"]


def test_the_furniture_comes_back(cluster: Cluster) -> None:
    before = cluster.client.get(SERVICE_ACCOUNT, "default")["metadata"]["uid"]
    cluster.client.delete(SERVICE_ACCOUNT, "default")
    assert cluster.client.get(SERVICE_ACCOUNT, "default")["metadata"]["uid"] != before
    cluster.client.delete(CONFIG_MAP, "kube-root-ca.crt")
    assert cluster.client.get(CONFIG_MAP, "kube-root-ca.crt")["data"]


def test_a_deleted_namespace_is_emptied(cluster: Cluster) -> None:
    cluster.apply(namespace("shop"))
    web = workload("Deployment", "web", replicas=2)
    web["metadata"]["namespace"] = "shop"
    svc = service("web")
    svc["metadata"]["namespace"] = "shop"
    cluster.apply([web, svc])
    recording = Recording(cluster)
    cluster.client.delete(NAMESPACE, "shop")
    phases = [w.object["status"]["phase"] for w in recording.of("Namespace")]
    assert phases[-1] == "Terminating"
    assert recording.writes[-1].object["metadata"]["name"] == "shop"
    with pytest.raises(NotFound):
        cluster.client.get(NAMESPACE, "shop")
    left = [d for d in cluster.documents() if d["metadata"].get("namespace") == "shop"]
    assert left == []
    made = [w for w in recording.writes if w.type == "ADDED" and w.kind.kind != "Event"]
    assert made == []


def test_a_finalizer_holds_its_namespace(cluster: Cluster) -> None:
    cluster.apply(namespace("shop"))
    held = pod("web", namespace="shop")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.apply(held)
    cluster.client.delete(NAMESPACE, "shop")
    status = cluster.client.get(NAMESPACE, "shop")["status"]
    assert status["phase"] == "Terminating"
    said = {c["type"]: (c["status"], c["reason"], c["message"]) for c in status["conditions"]}
    assert list(said) == [
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionGroupVersionParsingFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ]
    assert said["NamespaceDeletionContentFailure"] == (
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    )
    assert said["NamespaceContentRemaining"] == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: pods. has 1 resource instances",
    )
    assert said["NamespaceFinalizersRemaining"] == (
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: "
        "example.com/hold in 1 resource instances",
    )
    cluster.client.patch(POD, "web", {"metadata": {"finalizers": None}}, "shop")
    with pytest.raises(NotFound):
        cluster.client.get(NAMESPACE, "shop")


def test_the_conditions_of_a_held_namespace_follow_what_is_left(cluster: Cluster) -> None:
    cluster.apply(namespace("shop"))
    for name, finalizers in (("a", ["x.io/1"]), ("b", ["x.io/1", "x.io/2"])):
        held = config_map(name)
        held["metadata"].update(namespace="shop", finalizers=finalizers)
        cluster.apply(held)
    cluster.client.patch(NAMESPACE, "shop", {"metadata": {"finalizers": ["x.io/own"]}})
    cluster.client.delete(NAMESPACE, "shop")

    def said(kind: str) -> tuple[str, str]:
        entries = cluster.client.get(NAMESPACE, "shop")["status"]["conditions"]
        return next((c["status"], c["message"]) for c in entries if c["type"] == kind)

    assert said("NamespaceFinalizersRemaining") == (
        "True",
        "Some content in the namespace has finalizers remaining: "
        "x.io/1 in 2 resource instances, x.io/2 in 1 resource instances",
    )
    cluster.client.patch(CONFIG_MAP, "b", {"metadata": {"finalizers": ["x.io/2"]}}, "shop")
    assert said("NamespaceFinalizersRemaining")[1].endswith(
        "x.io/1 in 1 resource instances, x.io/2 in 1 resource instances"
    )
    for name in ("a", "b"):
        cluster.client.patch(CONFIG_MAP, name, {"metadata": {"finalizers": None}}, "shop")
    assert said("NamespaceContentRemaining") == ("False", "All content successfully removed")
    assert said("NamespaceFinalizersRemaining") == (
        "False",
        "All content-preserving finalizers finished",
    )
    cluster.client.patch(NAMESPACE, "shop", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        cluster.client.get(NAMESPACE, "shop")


def test_nothing_new_in_a_namespace_that_is_going(cluster: Cluster) -> None:
    cluster.apply(namespace("shop"))
    cluster.client.patch(NAMESPACE, "shop", {"metadata": {"finalizers": ["x.io/own"]}})
    cluster.client.delete(NAMESPACE, "shop")
    late = {"metadata": {"generateName": "late-"}}
    with pytest.raises(Forbidden) as caught:
        cluster.client.create(CONFIG_MAP, late, "shop")
    assert caught.value.message == (
        'configmaps "late-" is forbidden: unable to create new content in namespace shop because '
        "it is being terminated"
    )
    (cause,) = caught.value.causes
    assert (cause.reason, cause.message, cause.field) == (
        "NamespaceTerminating",
        "namespace shop is being terminated",
        "metadata.namespace",
    )


def delete(cluster: Cluster, name: str, policy: str) -> None:
    cluster.client.delete(DEPLOYMENT, name, options={"propagationPolicy": policy})


def test_background(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    recording = Recording(cluster)
    delete(cluster, "web", "Background")
    gone = [w.kind.kind for w in recording.writes if w.type == "DELETED"]
    assert gone == ["Deployment", "ReplicaSet", "Pod", "Pod"]


def test_foreground(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    recording = Recording(cluster)
    delete(cluster, "web", "Foreground")
    gone = [w.kind.kind for w in recording.writes if w.type == "DELETED"]
    assert gone == ["Pod", "Pod", "ReplicaSet", "Deployment"]


def test_orphan(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    (before,) = cluster.objects("replicasets", "default")
    delete(cluster, "web", "Orphan")
    (left,) = cluster.objects("replicasets", "default")
    assert left["metadata"]["uid"] == before["metadata"]["uid"]
    assert "ownerReferences" not in left["metadata"]
    assert len(cluster.objects("pods", "default")) == 2
    cluster.apply(workload("Deployment", "web", replicas=2))
    (adopted,) = cluster.objects("replicasets", "default")
    assert adopted["metadata"]["uid"] == before["metadata"]["uid"]
    assert adopted["metadata"]["ownerReferences"][0]["kind"] == "Deployment"


def test_the_last_owner_counts(cluster: Cluster) -> None:
    cluster.apply([config_map("a"), config_map("b")])
    owners = [cluster.client.get(CONFIG_MAP, name) for name in "ab"]
    cluster.apply(config_map("c", *owners))
    cluster.client.delete(CONFIG_MAP, "a")
    references = cluster.client.get(CONFIG_MAP, "c")["metadata"]["ownerReferences"]
    assert [reference["name"] for reference in references] == ["b"]
    cluster.client.delete(CONFIG_MAP, "b")
    with pytest.raises(NotFound):
        cluster.client.get(CONFIG_MAP, "c")


def test_an_owner_that_never_was(cluster: Cluster) -> None:
    cluster.apply(config_map("a"))
    ghost = cluster.client.get(CONFIG_MAP, "a")
    ghost["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000"
    cluster.apply(config_map("b", ghost))
    with pytest.raises(NotFound):
        cluster.client.get(CONFIG_MAP, "b")


def test_a_pod_that_lost_its_set(cluster: Cluster) -> None:
    cluster.apply(workload("ReplicaSet", "web", replicas=1))
    cluster.client.delete(REPLICA_SET, "web", options={"propagationPolicy": "Orphan"})
    (left,) = cluster.objects("pods", "default")
    assert "ownerReferences" not in left["metadata"]
    assert left["status"]["phase"] == "Running"
