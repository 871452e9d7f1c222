"""The API in front of a whole cluster: what a request leads to once the controllers are done."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import CONFIGMAPS, DEPLOYMENTS, PODS, SERVICES, Api, deployment, pod
from fakes import service as service_of

from minik8s.apiserver import ApiServer
from minik8s.runtime import Runtime

REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets"
NAMESPACES = "/api/v1/namespaces"


@pytest.fixture
def api() -> Api:
    runtime: Any = Runtime()
    return Api(runtime, ApiServer(runtime).handle)


SLEEPER = [{"name": "main", "image": "busybox", "command": ["sleep", "3600"]}]


def sleeping(name: str, replicas: int = 1) -> dict[str, Any]:
    made = deployment(name, replicas=replicas)
    made["spec"]["template"]["spec"]["containers"] = SLEEPER
    return made


def names(api: Api, url: str) -> list[str]:
    return [item["metadata"]["name"] for item in api.ok("GET", url)["items"]]


def test_a_deployment_is_running_when_the_next_request_comes(api: Api) -> None:
    api.ok("POST", DEPLOYMENTS, sleeping("web", 2))
    rows = api.table(PODS)["rows"]
    assert [row["cells"][1:3] for row in rows] == [["1/1", "Running"]] * 2
    assert api.table(DEPLOYMENTS)["rows"][0]["cells"][:4] == ["web", "2/2", 2, 2]


def test_a_watch_sees_every_step_of_a_pod(api: Api) -> None:
    stream: Any = api.call("GET", f"{PODS}?watch=true").stream
    api.ok("POST", PODS, pod("a", containers=SLEEPER))
    api.ok("DELETE", f"{PODS}/a")
    events = stream.poll()
    assert [event["type"] for event in events][0 :: len(events) - 1] == ["ADDED", "DELETED"]
    phases = [event["object"]["status"]["phase"] for event in events]
    assert phases.index("Pending") < phases.index("Running")
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_dependents_go_with_their_owner(api: Api, propagation: str) -> None:
    api.ok("POST", DEPLOYMENTS, sleeping("web"))
    api.ok("DELETE", f"{DEPLOYMENTS}/web", {"propagationPolicy": propagation})
    for url in (DEPLOYMENTS, REPLICA_SETS, PODS):
        assert names(api, url) == []


def test_orphans_stay(api: Api) -> None:
    api.ok("POST", DEPLOYMENTS, sleeping("web"))
    api.ok("DELETE", f"{DEPLOYMENTS}/web", {"propagationPolicy": "Orphan"})
    assert names(api, DEPLOYMENTS) == []
    (replica_set,) = api.ok("GET", REPLICA_SETS)["items"]
    assert "ownerReferences" not in replica_set["metadata"]
    assert len(names(api, PODS)) == 1


def test_a_namespace_takes_everything_along(api: Api) -> None:
    api.ok("POST", NAMESPACES, {"metadata": {"name": "shop"}})
    inside = f"{NAMESPACES}/shop"
    api.ok("POST", f"{inside}/pods", pod("a", containers=SLEEPER))
    api.ok("POST", f"{inside}/services", service_of("web"))
    api.ok("DELETE", inside)
    assert "shop" not in names(api, NAMESPACES)
    assert names(api, f"{inside}/pods") == []
    assert names(api, f"{inside}/configmaps") == []


def test_a_namespace_waits_for_a_finalizer(api: Api) -> None:
    api.ok("POST", NAMESPACES, {"metadata": {"name": "stuck"}})
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    api.ok("POST", f"{NAMESPACES}/stuck/configmaps", held)
    api.ok("DELETE", f"{NAMESPACES}/stuck")
    assert api.ok("GET", f"{NAMESPACES}/stuck")["status"]["phase"] == "Terminating"
    refused = api.fails("POST", f"{NAMESPACES}/stuck/configmaps", {"metadata": {"name": "new"}})
    assert refused["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    patch = {"metadata": {"finalizers": None}}
    url = f"{NAMESPACES}/stuck/configmaps/held"
    api.ok("PATCH", url, patch, media="application/merge-patch+json")
    assert "stuck" not in names(api, NAMESPACES)


def test_the_cluster_s_own_services_hold_their_addresses(api: Api) -> None:
    for address in ("10.96.0.1", "10.96.0.10"):
        refused = api.fails("POST", SERVICES, service_of("s", clusterIP=address))
        assert refused["message"].endswith("provided IP is already allocated")


def test_steps_can_be_watched_one_by_one(api: Api) -> None:
    api.backend.autosettle = False
    api.ok("POST", DEPLOYMENTS, sleeping("web"))
    assert names(api, PODS) == []
    api.backend.settle()
    assert len(names(api, PODS)) == 1


def test_a_program_in_a_pod(api: Api) -> None:
    api.ok("POST", PODS, pod("a", containers=SLEEPER))
    session: Any = api.call("POST", f"{PODS}/a/exec?command=hostname&stdout=true").session
    session.run()
    assert session.output() == [(1, b"a\n")]
    assert session.exit_code == 0
    refused = api.fails("POST", f"{PODS}/a/exec?command=nothing-like-it&stdout=true")
    assert refused["reason"] == "InternalError"
    assert '"nothing-like-it": executable file not found in $PATH' in refused["message"]


def test_the_same_seed_gives_the_same_answers() -> None:
    answers = []
    for _ in range(2):
        runtime: Any = Runtime(seed=7)
        api = Api(runtime, ApiServer(runtime).handle)
        api.ok("POST", DEPLOYMENTS, sleeping("web", 3))
        api.ok("POST", SERVICES, service_of("web", type="NodePort"))
        api.ok("POST", CONFIGMAPS, {"metadata": {"generateName": "c-"}})
        urls = ("/api/v1/pods", "/api/v1/services", "/api/v1/configmaps", "/api/v1/events")
        answers.append([api.ok("GET", url) for url in urls])
    assert answers[0] == answers[1]
