"""Kinds in two versions: one object, stored once, read and written in either form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import Api

from minik8s.model.autoscalers import autoscaler_v1, autoscaler_v2
from minik8s.model.registry import EVENT, Registry

OLD = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
NEW = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
CORE = "/api/v1/namespaces/default/events"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
MERGE = "application/merge-patch+json"


def old_form(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec},
    }


def cpu(percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def new_event(name: str = "e", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name},
        "eventTime": "2026-03-08T09:00:00.000000Z",
        "reportingController": "example.com/robot",
        "reportingInstance": "robot-0",
        "action": "Look",
        "reason": "Seen",
        "type": "Normal",
        "note": "hello",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "default"},
        **more,
    }


# -- HorizontalPodAutoscaler


def test_an_autoscaler_made_in_the_old_version_is_read_in_the_new(api: Api) -> None:
    made = api.ok("POST", OLD, old_form(targetCPUUtilizationPercentage=50))
    assert made["apiVersion"] == "autoscaling/v1"
    assert made["spec"] == {
        "scaleTargetRef": TARGET,
        "minReplicas": 1,
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 50,
    }
    assert made["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
    read = api.ok("GET", f"{NEW}/web")
    assert read["apiVersion"] == "autoscaling/v2"
    assert read["spec"]["metrics"] == [cpu(50)]
    assert "targetCPUUtilizationPercentage" not in read["spec"]
    assert api.ok("GET", f"{OLD}/web") == made
    for same in ("uid", "resourceVersion"):
        assert read["metadata"][same] == made["metadata"][same]


def test_the_new_versions_default_is_seen_in_the_old(api: Api) -> None:
    made = api.ok("POST", OLD, old_form())
    assert made["spec"]["targetCPUUtilizationPercentage"] == 80
    assert api.ok("GET", f"{NEW}/web")["spec"]["metrics"] == [cpu(80)]


def test_an_autoscaler_is_there_once(api: Api) -> None:
    api.ok("POST", OLD, old_form())
    document = {**old_form(), "apiVersion": "autoscaling/v2"}
    for url, body in ((OLD, old_form()), (NEW, document), (f"{OLD}?dryRun=All", old_form())):
        assert api.fails("POST", url, body)["message"] == (
            'horizontalpodautoscalers.autoscaling "web" already exists'
        )
    for url, version in ((OLD, "autoscaling/v1"), (NEW, "autoscaling/v2")):
        listed = api.ok("GET", url)
        assert listed["apiVersion"] == version
        assert [item["apiVersion"] for item in listed["items"]] == [version]
    assert api.ok("DELETE", f"{OLD}/web")["status"] == "Success"
    assert api.fails("GET", f"{NEW}/web")["code"] == 404


def test_an_autoscaler_is_changed_in_either_version(api: Api) -> None:
    api.ok("POST", OLD, old_form(targetCPUUtilizationPercentage=50))
    patch = {"spec": {"targetCPUUtilizationPercentage": 60}}
    changed = api.ok("PATCH", f"{OLD}/web", patch, media=MERGE)
    assert changed["spec"]["targetCPUUtilizationPercentage"] == 60
    patch = {"spec": {"metrics": [cpu(70)], "maxReplicas": 9}}
    assert api.ok("PATCH", f"{NEW}/web", patch, media=MERGE)["spec"]["maxReplicas"] == 9
    read = api.ok("GET", f"{OLD}/web")
    assert read["spec"]["targetCPUUtilizationPercentage"] == 70
    read["spec"]["maxReplicas"] = 4
    assert api.ok("PUT", f"{OLD}/web", read)["spec"]["maxReplicas"] == 4
    status = {"status": {"currentReplicas": 2, "desiredReplicas": 3}}
    assert api.ok("PATCH", f"{OLD}/web/status", status, media=MERGE)["status"] == {
        "currentReplicas": 2,
        "desiredReplicas": 3,
    }
    assert api.ok("GET", f"{NEW}/web")["status"]["currentReplicas"] == 2
    same = api.ok("PATCH", f"{OLD}/web", {}, media=MERGE)
    assert same["metadata"] == api.ok("GET", f"{OLD}/web")["metadata"], "no change is no write"


def test_server_side_apply_in_the_old_version(api: Api) -> None:
    url, media = f"{OLD}/web?fieldManager=me", "application/apply-patch+yaml"
    body = old_form(targetCPUUtilizationPercentage=50)
    made = api.ok("PATCH", url, body, media=media)
    assert made["metadata"]["managedFields"][0]["apiVersion"] == "autoscaling/v1"
    body["spec"]["maxReplicas"] = 8
    assert api.ok("PATCH", url, body, media=media)["spec"]["maxReplicas"] == 8


def test_an_autoscaler_in_tables_of_either_version(api: Api) -> None:
    api.ok("POST", OLD, old_form(targetCPUUtilizationPercentage=50))
    tables = [api.table(url) for url in (OLD, NEW, f"{OLD}/web", f"{NEW}/web")]
    assert [t["rows"][0]["cells"][2] for t in tables] == ["cpu: <unknown>/50%"] * 4
    rows = api.table(f"{OLD}?includeObject=Object")["rows"]
    assert rows[0]["object"]["spec"]["targetCPUUtilizationPercentage"] == 50


EVERYTHING = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web", "annotations": {"a": "b"}},
    "spec": {
        "scaleTargetRef": TARGET,
        "minReplicas": 2,
        "maxReplicas": 5,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
        "metrics": [
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "hits", "selector": {"matchLabels": {"a": "b"}}},
                    "target": {"type": "AverageValue", "averageValue": "10"},
                },
            },
            {
                "type": "Object",
                "object": {
                    "describedObject": TARGET,
                    "metric": {"name": "queue"},
                    "target": {"type": "Value", "value": "3"},
                },
            },
            {
                "type": "External",
                "external": {
                    "metric": {"name": "mail"},
                    "target": {"type": "AverageValue", "averageValue": "4"},
                },
            },
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "c",
                    "target": {"type": "Utilization", "averageUtilization": 30},
                },
            },
            {
                "type": "Resource",
                "resource": {
                    "name": "memory",
                    "target": {"type": "AverageValue", "averageValue": "1Gi"},
                },
            },
            cpu(80),
        ],
    },
    "status": {
        "currentReplicas": 2,
        "desiredReplicas": 3,
        "conditions": [{"type": "AbleToScale", "status": "True"}],
        "currentMetrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "current": {"averageUtilization": 40, "averageValue": "20m"},
                },
            }
        ],
    },
}


def test_nothing_of_an_autoscaler_is_lost_between_the_versions() -> None:
    older = autoscaler_v1(EVERYTHING)
    assert older["spec"] == {
        "scaleTargetRef": TARGET,
        "minReplicas": 2,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 80,
    }
    assert older["status"]["currentCPUUtilizationPercentage"] == 40
    told = older["metadata"]["annotations"]
    metrics = json.loads(told["autoscaling.alpha.kubernetes.io/metrics"])
    assert [metric["type"] for metric in metrics] == [
        *("Pods", "Object", "External", "ContainerResource", "Resource")
    ]
    assert metrics[4]["resource"] == {"name": "memory", "targetAverageValue": "1Gi"}
    assert autoscaler_v2(older) == EVERYTHING


@pytest.mark.parametrize("text", ["", "{", "3", '["a"]', "[" * 100_000])
def test_annotations_that_say_nothing(text: str) -> None:
    document = old_form(targetCPUUtilizationPercentage=50)
    keys = ("metrics", "current-metrics", "conditions", "behavior")
    told = {f"autoscaling.alpha.kubernetes.io/{key}": text for key in keys}
    document["metadata"]["annotations"] = told
    assert autoscaler_v2(document)["spec"]["metrics"] == [cpu(50)]


# -- Event


def test_an_event_in_both_groups(api: Api) -> None:
    made = api.ok("POST", EVENTS, new_event())
    assert made["deprecatedSource"] == {}
    assert made["deprecatedFirstTimestamp"] is None
    read = api.ok("GET", f"{CORE}/e")
    assert (read["apiVersion"], read["message"]) == ("v1", "hello")
    assert read["involvedObject"] == made["regarding"]
    assert read["reportingComponent"] == "example.com/robot"
    assert read["source"] == {}
    assert "note" not in read
    assert api.ok("GET", f"{EVENTS}/e") == made
    assert api.backend.store.count(EVENT) == 1
    assert api.fails("POST", EVENTS, new_event())["message"] == (
        'events.events.k8s.io "e" already exists'
    )
    api.ok("DELETE", f"{EVENTS}/e")
    assert api.ok("GET", CORE)["items"] == []


def test_events_by_what_they_are_about(api: Api) -> None:
    api.ok("POST", EVENTS, new_event())
    api.ok("POST", EVENTS, new_event("other", regarding={"kind": "Node", "namespace": "default"}))

    def names(url: str) -> list[str]:
        return [item["metadata"]["name"] for item in api.ok("GET", url)["items"]]

    assert names(f"{EVENTS}?fieldSelector=regarding.kind=Pod,reason=Seen") == ["e"]
    assert names(f"{EVENTS}?fieldSelector=reportingController!=example.com/robot") == []
    assert names(f"{CORE}?fieldSelector=involvedObject.kind=Pod") == ["e"]
    for url in (
        f"{EVENTS}?fieldSelector=involvedObject.kind=Pod",
        f"{CORE}?fieldSelector=regarding.kind=Pod",
    ):
        assert api.fails("GET", url)["message"].startswith("field label not supported: ")


def test_both_groups_are_watched_together(api: Api) -> None:
    start = api.ok("GET", EVENTS)["metadata"]["resourceVersion"]
    streams = [
        api.call("GET", f"{url}?watch=true&resourceVersion={start}").stream
        for url in (EVENTS, CORE)
    ]
    api.ok("POST", EVENTS, new_event())
    api.ok("PATCH", f"{CORE}/e", {"message": "again"}, media=MERGE)
    new, core = ([(e["type"], e["object"]) for e in stream.poll()] for stream in streams)
    assert [(kind, shown["note"]) for kind, shown in new] == [
        ("ADDED", "hello"),
        ("MODIFIED", "again"),
    ]
    assert [(kind, shown["message"]) for kind, shown in core] == [
        ("ADDED", "hello"),
        ("MODIFIED", "again"),
    ]
    assert {shown["apiVersion"] for _, shown in new} == {"events.k8s.io/v1"}


def test_events_in_tables_of_either_group(api: Api) -> None:
    api.ok("POST", EVENTS, new_event())
    cells = [api.table(url)["rows"][0]["cells"] for url in (EVENTS, CORE, f"{EVENTS}/e")]
    assert cells[0] == cells[1] == cells[2]
    assert "pod/web" in cells[0]


def test_an_event_that_tells_too_little(api: Api) -> None:
    bare = {"metadata": {"name": "x"}, "deprecatedCount": 3}
    error = api.fails("POST", EVENTS, bare)
    assert error["message"].startswith('Event.events.k8s.io "x" is invalid: ')
    assert [(c["field"], c["message"]) for c in error["details"]["causes"]] == [
        ("eventTime", "Required value"),
        ("type", 'Invalid value: "": has invalid value: '),
        ("count", 'Invalid value: "": needs to be unset'),
    ]
    error = api.fails(
        "POST", EVENTS, new_event(reportingInstance="", action="", note="x" * 1025, series={})
    )
    assert [c["field"] for c in error["details"]["causes"]] == [
        *("reportingInstance", "action", "message", "series.count", "series.lastObservedTime")
    ]


# -- what is said of them


def test_both_are_discovered_and_described(api: Api) -> None:
    group = api.ok("GET", "/apis/autoscaling")
    assert [v["version"] for v in group["versions"]] == ["v2", "v1"]
    assert group["preferredVersion"]["version"] == "v2"
    (event,) = api.ok("GET", "/apis/events.k8s.io/v1")["resources"]
    assert (event["name"], event["kind"], event["shortNames"]) == ("events", "Event", ["ev"])
    for place, path in (("events.k8s.io/v1", EVENTS), ("autoscaling/v1", OLD)):
        text = api.ok("GET", f"/openapi/v3/apis/{place}")
        paths = json.loads(text)["paths"]
        assert path.replace("/default/", "/{namespace}/") in paths


def test_every_object_is_gone_through_once() -> None:
    kinds = [(kind.api_version, kind.kind) for kind in Registry().shelves()]
    assert ("autoscaling/v2", "HorizontalPodAutoscaler") in kinds
    assert ("autoscaling/v1", "HorizontalPodAutoscaler") not in kinds
    assert ("events.k8s.io/v1", "Event") not in kinds
    assert ("v1", "Event") in kinds


def test_a_snapshot_in_another_version_is_loaded_as_it_is_kept(api: Api) -> None:
    event = new_event("kept", metadata={"name": "kept", "namespace": "default"})
    api.backend.store.load([event])
    assert api.ok("GET", f"{CORE}/kept")["message"] == "hello"
