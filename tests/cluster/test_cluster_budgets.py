"""PodDisruptionBudgets: what their status counts, and what an eviction may do."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_worlds import events_about, pod, workload

from minik8s.clock import rfc3339
from minik8s.cluster import Cluster
from minik8s.errors import ApiError, Forbidden, Invalid, TooManyRequests
from minik8s.model.registry import DEPLOYMENT, NODE, POD, POD_DISRUPTION_BUDGET

Document = dict[str, Any]
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def budget(name: str = "web", selector: Document | None = None, **spec: Any) -> Document:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": selector or {"matchLabels": {"app": "web"}}, **spec},
    }


def status(cluster: Cluster, name: str = "web") -> Document:
    found: Document = cluster.client.get(POD_DISRUPTION_BUDGET, name)["status"]
    return found


def numbers(cluster: Cluster) -> tuple[int, ...]:
    """Expected, healthy, desired, allowed."""
    found = status(cluster)
    fields = ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed")
    return tuple(found[field] for field in fields)


def evict(cluster: Cluster, name: str, **options: Any) -> None:
    body = {"metadata": {"name": name}, "deleteOptions": options}
    cluster.client.create(POD, body, name=name, sub="eviction")


def names(cluster: Cluster) -> list[str]:
    found = cluster.objects("pods", "default")
    return [each["metadata"]["name"] for each in found]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 2}, (3, 3, 2, 1)),
        ({"minAvailable": 4}, (3, 3, 4, 0)),
        ({"minAvailable": "50%"}, (3, 3, 2, 1)),
        ({"minAvailable": "100%"}, (3, 3, 3, 0)),
        ({"maxUnavailable": 1}, (3, 3, 2, 1)),
        ({"maxUnavailable": "50%"}, (3, 3, 1, 2)),
        ({"maxUnavailable": 5}, (3, 3, 0, 3)),
        ({"minAvailable": 0}, (3, 3, 0, 3)),
    ],
)
def test_what_a_budget_counts(cluster: Cluster, spec: Document, expected: tuple[int, ...]) -> None:
    cluster.apply([workload("Deployment", "web", replicas=3), budget(**spec)])
    assert numbers(cluster) == expected
    found = status(cluster)
    assert found["observedGeneration"] == 1
    (condition,) = found["conditions"]
    allowed = expected[-1] > 0
    assert condition["type"] == "DisruptionAllowed"
    assert condition["status"] == str(allowed)
    assert condition["reason"] == ("SufficientPods" if allowed else "InsufficientPods")
    assert condition["observedGeneration"] == 1


def test_a_budget_follows_its_pods(cluster: Cluster) -> None:
    cluster.apply([budget(minAvailable=1), workload("Deployment", "web", replicas=1)])
    assert numbers(cluster) == (1, 1, 1, 0)
    cluster.client.patch(DEPLOYMENT, "web", {"spec": {"replicas": 3}})
    assert numbers(cluster) == (3, 3, 1, 2)
    cluster.client.patch(POD_DISRUPTION_BUDGET, "web", {"spec": {"minAvailable": 3}})
    assert numbers(cluster) == (3, 3, 3, 0)
    assert status(cluster)["observedGeneration"] == 2
    cluster.client.delete(DEPLOYMENT, "web")
    cluster.clock.advance(60)
    assert numbers(cluster) == (0, 0, 3, 0)
    assert [e["reason"] for e in events_about(cluster, "web") if e["reason"] == "NoPods"]


def test_an_eviction_that_the_budget_refuses(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=2), budget(minAvailable=2)])
    first, second = names(cluster)
    with pytest.raises(TooManyRequests) as caught:
        evict(cluster, first)
    assert caught.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": REFUSED,
        "reason": "TooManyRequests",
        "details": {
            "causes": [
                {
                    "reason": "DisruptionBudget",
                    "message": "The disruption budget web needs 2 healthy pods and has 2 currently",
                }
            ]
        },
        "code": 429,
    }
    assert names(cluster) == [first, second]


def test_an_eviction_uses_the_budget_up_until_there_is_a_new_pod(cluster: Cluster) -> None:
    cluster.apply([workload("StatefulSet", "web", replicas=2), budget(maxUnavailable=1)])
    for node in ("minik8s-worker", "minik8s-worker2", "minik8s-control-plane"):
        cluster.client.patch(NODE, node, {"spec": {"unschedulable": True}})
    evict(cluster, "web-0")
    assert numbers(cluster) == (2, 1, 1, 0)
    with pytest.raises(TooManyRequests):
        evict(cluster, "web-1")
    cluster.clock.advance(60)
    with pytest.raises(TooManyRequests):
        evict(cluster, "web-1")
    cluster.client.patch(NODE, "minik8s-worker", {"spec": {"unschedulable": None}})
    cluster.clock.advance(30)
    assert numbers(cluster) == (2, 2, 1, 1)
    assert "disruptedPods" not in status(cluster)
    evict(cluster, "web-1")


def test_a_dry_run_of_an_eviction(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=2), budget(minAvailable=1)])
    before = names(cluster)
    evict(cluster, before[0], dryRun=["All"])
    evict(cluster, before[1], dryRun=["All"])
    assert (names(cluster), numbers(cluster)) == (before, (2, 2, 1, 1))


def test_a_pod_in_two_budgets(cluster: Cluster) -> None:
    cluster.apply(
        [
            workload("Deployment", "web", replicas=2),
            budget(minAvailable=1),
            {**budget("all"), "spec": {"selector": {}, "minAvailable": 1}},
        ]
    )
    assert status(cluster, "all")["expectedPods"] == 2, "an empty selector takes every pod"
    with pytest.raises(ApiError) as caught:
        evict(cluster, names(cluster)[0])
    assert caught.value.code == 500
    assert caught.value.message == (
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support."
    )


def test_pods_that_no_budget_guards(cluster: Cluster) -> None:
    waiting = pod("waiting", labels={"app": "web"}, nodeSelector={"no": "node"})
    cluster.apply([waiting, budget(minAvailable=1)])
    assert numbers(cluster) == (1, 0, 1, 0)
    evict(cluster, "waiting")
    assert names(cluster) == []


@pytest.mark.parametrize(("policy", "goes"), [(None, False), ("AlwaysAllow", True)])
def test_a_pod_that_is_not_ready(cluster: Cluster, policy: str | None, goes: bool) -> None:
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
    sick = pod("sick", labels={"app": "web"})
    sick["spec"]["containers"][0].update(
        image="registry.k8s.io/e2e-test-images/agnhost:2.53", args=["pause"], readinessProbe=probe
    )
    more = {} if policy is None else {"unhealthyPodEvictionPolicy": policy}
    cluster.apply([sick, budget(minAvailable=1, **more)])
    assert cluster.get("pod", "sick")["status"]["phase"] == "Running"
    if goes:
        evict(cluster, "sick")
        cluster.clock.advance(60)
        assert names(cluster) == []
    else:
        with pytest.raises(TooManyRequests):
            evict(cluster, "sick")


def test_owners_that_cannot_be_counted(cluster: Cluster) -> None:
    cluster.apply([workload("DaemonSet", "web"), budget(maxUnavailable=1)])
    found = status(cluster)
    assert found["disruptionsAllowed"] == 0
    (condition,) = found["conditions"]
    assert (condition["reason"], condition["message"]) == (
        "SyncFailed",
        "daemonsets.apps does not implement the scale subresource",
    )
    (event,) = [e for e in events_about(cluster, "web") if e["reason"].startswith("Calculate")]
    assert event["type"] == "Warning"
    with pytest.raises(TooManyRequests) as caught:
        evict(cluster, names(cluster)[0])
    assert caught.value.causes[0].message == (
        "The disruption budget web does not allow evicting pods currently because it failed sync: "
        "daemonsets.apps does not implement the scale subresource"
    )


def test_pods_without_an_owner(cluster: Cluster) -> None:
    cluster.apply([pod("lone", labels={"app": "web"}), budget(maxUnavailable=1)])
    assert numbers(cluster) == (0, 1, 0, 0)
    (event,) = [e for e in events_about(cluster, "web") if e["reason"] == "UnmanagedPods"]
    assert "(selector: app=web)" in event["message"]


def test_a_pod_that_was_to_go_and_stayed_counts_again(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=2), budget(minAvailable=1)])
    name, document = names(cluster)[0], cluster.client.get(POD_DISRUPTION_BUDGET, "web")
    now = rfc3339(cluster.clock.now)
    noted = {**document["status"], "disruptedPods": {name: now}}
    cluster.client.update(POD_DISRUPTION_BUDGET, {**document, "status": noted}, sub="status")
    assert numbers(cluster) == (2, 1, 1, 0)
    cluster.clock.advance(121)
    assert numbers(cluster) == (2, 2, 1, 1)
    assert [e for e in events_about(cluster, name) if e["reason"] == "NotDeleted"]


def test_a_changed_budget_is_first_looked_at(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=2), budget(minAvailable=1)])
    cluster.runtime.autosettle = False
    cluster.client.patch(POD_DISRUPTION_BUDGET, "web", {"spec": {"minAvailable": 0}})
    with pytest.raises(TooManyRequests) as caught:
        evict(cluster, names(cluster)[0])
    assert caught.value.retry_after == 10
    assert caught.value.causes[0].message.endswith("is still being processed by the server.")


def test_a_budget_that_makes_no_sense(cluster: Cluster) -> None:
    with pytest.raises(Invalid) as caught:
        cluster.apply(budget(minAvailable="101%", maxUnavailable="x"))
    assert [(c.field, c.message.rpartition(": ")[2]) for c in caught.value.causes] == [
        ("spec", "minAvailable and maxUnavailable cannot be both set"),
        ("spec.minAvailable", "must not be greater than 100%"),
        ("spec.maxUnavailable", "must be an integer or percentage (e.g '5%')"),
    ]


def test_an_allowance_below_zero(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=1), budget(minAvailable=1)])
    cluster.runtime.autosettle = False
    document = cluster.client.get(POD_DISRUPTION_BUDGET, "web")
    document["status"] = {**document["status"], "disruptionsAllowed": -1}
    cluster.client.update(POD_DISRUPTION_BUDGET, document, sub="status")
    with pytest.raises(Forbidden, match="pdb disruptions allowed is negative"):
        evict(cluster, names(cluster)[0])
