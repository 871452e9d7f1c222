"""Server-side tables: every cell of wire-recorded and of hand-computed rows."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import PODS, START, Api, pod

from minik8s.apiserver.table import PRINTERS, TableForm, include_of
from minik8s.clock import rfc3339
from minik8s.model.durations import human_duration
from minik8s.model.registry import KINDS, Kind

NOW = START
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


def cells(plural: str, document: dict[str, Any]) -> list[Any]:
    """The cells of a document that was created 498 seconds ago."""
    kind = next(kind for kind in KINDS if kind.plural == plural)
    metadata = {"name": "x", "creationTimestamp": ago(498), **document.get("metadata", {})}
    form = TableForm(kind, include_of("None"))
    table = form.of([{**document, "metadata": metadata}], {}, NOW)
    (row,) = table["rows"]
    assert len(row["cells"]) == len(table["columnDefinitions"])
    found: list[Any] = row["cells"]
    return found


def ago(seconds: float) -> str:
    return rfc3339(NOW - seconds)


# wire/tables.md, "Common helpers".
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (498, "8m18s"),
        (599, "9m59s"),
        (600, "10m"),
        (3600, "60m"),
        (179 * 60 + 59, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 300, "3h5m"),
        (8 * HOUR - 1, "7h59m"),
        (8 * HOUR + 1800, "8h"),
        (48 * HOUR - 1, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + 5 * HOUR, "2d5h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY + 5 * HOUR, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + 3 * DAY, "2y3d"),
        (8 * YEAR - 1, "7y364d"),
        (9 * YEAR + 3 * DAY, "9y"),
    ],
)
def test_human_durations(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


# -- the shape of a table


def test_a_table_of_a_list(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    body = api.table(PODS)
    assert (body["kind"], body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert body["metadata"] == {"resourceVersion": str(api.backend.store.resource_version)}
    columns = body["columnDefinitions"]
    assert [(c["name"], c["type"], c["format"], c["priority"]) for c in columns] == [
        ("Name", "string", "name", 0),
        ("Ready", "string", "", 0),
        ("Status", "string", "", 0),
        ("Restarts", "string", "", 0),
        ("Age", "string", "", 0),
        ("IP", "string", "", 1),
        ("Node", "string", "", 1),
        ("Nominated Node", "string", "", 1),
        ("Readiness Gates", "string", "", 1),
    ]
    assert all(column["description"] for column in columns)
    (row,) = body["rows"]
    none = ["<none>"] * 4
    assert row["cells"] == ["a", "0/1", "Pending", "0", "0s", *none]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    whole = api.ok("GET", f"{PODS}/a")["metadata"]
    metadata = {key: value for key, value in whole.items() if key != "managedFields"}
    assert row["object"]["metadata"] == metadata


def test_a_table_of_one_object(api: Api) -> None:
    made = api.ok("POST", PODS, pod("a"))
    body = api.table(f"{PODS}/a")
    assert body["metadata"] == {"resourceVersion": made["metadata"]["resourceVersion"]}
    assert len(body["rows"]) == 1


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", "PartialObjectMetadata"), ("includeObject=Metadata", "PartialObjectMetadata"),
     ("includeObject=Object", "Pod"), ("includeObject=None", None)],
)  # fmt: skip
def test_what_a_row_includes(api: Api, query: str, kind: str | None) -> None:
    api.ok("POST", PODS, pod("a"))
    shown = api.table(f"{PODS}?{query}")["rows"][0]["object"]
    assert (shown["kind"] if shown else None) == kind
    if kind == "Pod":
        assert shown["spec"]["containers"]


def test_an_unknown_include(api: Api) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert api.fails("GET", f"{PODS}?includeObject=Half", accept=accept)["code"] == 400


def test_the_older_version_of_tables(api: Api) -> None:
    accept = "application/json;as=Table;v=v1beta1;g=meta.k8s.io"
    assert api.ok("GET", PODS, accept=accept)["apiVersion"] == "meta.k8s.io/v1beta1"


def test_every_printer_belongs_to_a_kind() -> None:
    assert set(PRINTERS) <= {kind.resource for kind in KINDS}


def test_kinds_without_columns_show_their_creation() -> None:
    form = TableForm(Kind("example.com", "v1", "Thing", "things"), include_of(""))
    document = {"metadata": {"name": "t", "creationTimestamp": "2026-01-01T00:00:00Z"}}
    table = form.of([document], {}, NOW)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Created At"]
    assert table["rows"][0]["cells"] == ["t", "2026-01-01T00:00:00Z"]
    assert cells("limitranges", {})[1] == ago(498)


# -- pods


def running(name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}, **more}


def waiting(reason: str, **more: Any) -> dict[str, Any]:
    return {"name": "c", "ready": False, "state": {"waiting": {"reason": reason}}, **more}


def ended(code: int = 0, **state: Any) -> dict[str, Any]:
    return {"name": "c", "ready": False, "state": {"terminated": {"exitCode": code, **state}}}


def pod_cells(
    status: dict[str, Any], *, metadata: dict[str, Any] | None = None, **spec: Any
) -> list[Any]:
    spec = {"containers": [{"name": "c"}], **spec}
    return cells("pods", {"metadata": metadata or {}, "spec": spec, "status": status})


def test_a_running_pod() -> None:
    status = {
        "phase": "Running",
        "podIPs": [{"ip": "10.0.1.1"}, {"ip": "fd00::1"}],
        "containerStatuses": [running()],
    }
    assert pod_cells(status, nodeName="worker-1") == [
        "x", "1/1", "Running", "0", "8m18s", "10.0.1.1", "worker-1", "<none>", "<none>",
    ]  # fmt: skip


STATUS = [
    ("phase alone", {"phase": "Pending"}, "0/1", "Pending"),
    ("reason wins", {"phase": "Failed", "reason": "Evicted"}, "0/1", "Evicted"),
    (
        "gated",
        {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}],
        },
        "0/1",
        "SchedulingGated",
    ),
    (
        "creating",
        {"phase": "Pending", "containerStatuses": [waiting("ContainerCreating")]},
        "0/1",
        "ContainerCreating",
    ),
    (
        "crash loop",
        {"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff")]},
        "0/1",
        "CrashLoopBackOff",
    ),
    (
        "completed",
        {"phase": "Succeeded", "containerStatuses": [ended(reason="Completed")]},
        "0/1",
        "Completed",
    ),
    ("exit code", {"phase": "Failed", "containerStatuses": [ended(3)]}, "0/1", "ExitCode:3"),
    (
        "signal",
        {"phase": "Failed", "containerStatuses": [ended(137, signal=9)]},
        "0/1",
        "Signal:9",
    ),
    (
        "not ready",
        {"phase": "Running", "containerStatuses": [running(ready=False)]},
        "0/1",
        "Running",
    ),
    (
        "the first container has the last word",
        {"phase": "Running", "containerStatuses": [waiting("First"), waiting("Second")]},
        "0/1",
        "First",
    ),
    (
        "completed beside a running one",
        {"phase": "Running", "containerStatuses": [ended(reason="Completed"), running()]},
        "1/1",
        "NotReady",
    ),
    (
        "the same, and ready",
        {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [ended(reason="Completed"), running()],
        },
        "1/1",
        "Running",
    ),
]


@pytest.mark.parametrize(
    ("status", "ready", "word"), [row[1:] for row in STATUS], ids=[row[0] for row in STATUS]
)
def test_pod_status(status: dict[str, Any], ready: str, word: str) -> None:
    assert pod_cells(status)[1:3] == [ready, word]


INIT = [
    ("first of two", [waiting("PodInitializing")], "Init:0/2"),
    ("second of two", [ended(0), waiting("PodInitializing")], "Init:1/2"),
    ("pull error", [waiting("ErrImagePull")], "Init:ErrImagePull"),
    ("failed", [ended(1, reason="Error")], "Init:Error"),
    ("failed silently", [ended(1)], "Init:ExitCode:1"),
    ("killed", [ended(137, signal=9)], "Init:Signal:9"),
    ("running", [{"name": "i1", "state": {"running": {}}}], "Init:0/2"),
]


@pytest.mark.parametrize(
    ("statuses", "word"), [row[1:] for row in INIT], ids=[row[0] for row in INIT]
)
def test_pods_that_initialize(statuses: list[dict[str, Any]], word: str) -> None:
    status = {
        "phase": "Pending",
        "initContainerStatuses": statuses,
        "containerStatuses": [waiting("PodInitializing")],
    }
    init = [{"name": "i1"}, {"name": "i2"}]
    assert pod_cells(status, initContainers=init)[2] == word


def test_sidecars_count() -> None:
    sidecar = {"name": "s", "restartPolicy": "Always"}
    status = {
        "phase": "Running",
        "initContainerStatuses": [running("s", started=True, restartCount=2)],
        "containerStatuses": [running(restartCount=1)],
    }
    assert pod_cells(status, initContainers=[sidecar])[1:4] == ["2/2", "Running", "3"]
    status["initContainerStatuses"] = [running("s", started=True, ready=False)]
    assert pod_cells(status, initContainers=[sidecar])[1] == "1/2"


def test_restarts_tell_when_the_last_one_was() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": ago(300)}}
    earlier = {"terminated": {"exitCode": 1, "finishedAt": ago(900)}}
    statuses = [running(restartCount=2, lastState=earlier), running(restartCount=3, lastState=last)]
    assert pod_cells({"phase": "Running", "containerStatuses": statuses})[3] == "5 (5m ago)"
    statuses = [running(restartCount=2)]
    assert pod_cells({"phase": "Running", "containerStatuses": statuses})[3] == "2"


def test_pods_that_go() -> None:
    going = {"deletionTimestamp": ago(1)}
    assert pod_cells({"phase": "Running"}, metadata=going)[2] == "Terminating"
    assert pod_cells({"phase": "Succeeded"}, metadata=going)[2] == "Succeeded"
    lost = {"phase": "Running", "reason": "NodeLost"}
    assert pod_cells(lost, metadata=going)[2] == "Unknown"


def test_readiness_gates() -> None:
    gates = [{"conditionType": "a"}, {"conditionType": "b"}]
    status = {"phase": "Running", "conditions": [{"type": "a", "status": "True"}]}
    assert pod_cells(status, readinessGates=gates)[8] == "1/2"


def test_ended_pods_carry_a_condition(api: Api) -> None:
    api.ok("POST", PODS, pod("a"))
    status = {"status": {"phase": "Succeeded"}}
    api.ok("PATCH", f"{PODS}/a/status", status, media="application/merge-patch+json")
    (row,) = api.table(PODS)["rows"]
    assert row["conditions"] == [
        {
            "type": "Completed",
            "status": "True",
            "reason": "Succeeded",
            "message": "The pod has completed successfully.",
        }
    ]


# -- other kinds

TEMPLATE = {
    "spec": {
        "containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "busybox"}],
        "nodeSelector": {"zone": "z", "disk": "ssd"},
    }
}
SELECTOR = {"matchLabels": {"app": "web"}}
PORT = {"port": 8080, "protocol": "TCP"}
NODE_INFO = {
    "kubeletVersion": "v1.37.0",
    "osImage": "Debian",
    "kernelVersion": "6.1",
    "containerRuntimeVersion": "containerd://2.2.0",
}
FULL_SELECTOR = {
    "matchLabels": {"b": "2", "a": "1"},
    "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["x"]},
        {"key": "app", "operator": "In", "values": ["z", "b", "a"]},
        {"key": "nex", "operator": "DoesNotExist"},
        {"key": "ex", "operator": "Exists"},
        {"key": "one", "operator": "In", "values": ["v"]},
    ],
}

ROWS: list[tuple[str, dict[str, Any], list[Any]]] = [
    (
        "services",
        {
            "spec": {
                "type": "ClusterIP",
                "clusterIPs": ["10.100.0.14"],
                "ports": [PORT],
                "selector": {"b": "c", "a": "b"},
            }
        },
        ["x", "ClusterIP", "10.100.0.14", "<none>", "8080/TCP", "8m18s", "a=b,b=c"],
    ),
    (
        "services",
        {"spec": {"type": "ClusterIP", "clusterIPs": ["None"], "externalIPs": ["1.2.3.4", "5"]}},
        ["x", "ClusterIP", "None", "1.2.3.4,5", "<none>", "8m18s", "<none>"],
    ),
    (
        "services",
        {
            "spec": {
                "type": "LoadBalancer",
                "clusterIPs": ["10.0.0.1"],
                "ports": [
                    {"port": 80, "protocol": "TCP", "nodePort": 30080},
                    {"port": 53, "protocol": "UDP"},
                ],
            }
        },
        ["x", "LoadBalancer", "10.0.0.1", "<pending>", "80:30080/TCP,53/UDP", "8m18s", "<none>"],
    ),
    (
        "services",
        {
            "spec": {"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]},
            "status": {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "1.example"}]}},
        },
        ["x", "LoadBalancer", "<none>", "1.example,2.2.2.2,9.9.9.9", "<none>", "8m18s", "<none>"],
    ),
    (
        "services",
        {"spec": {"type": "ExternalName", "externalName": "example.com"}},
        ["x", "ExternalName", "<none>", "example.com", "<none>", "8m18s", "<none>"],
    ),
    ("namespaces", {"status": {"phase": "Terminating"}}, ["x", "Terminating", "8m18s"]),
    ("networkpolicies", {"spec": {"podSelector": {}}}, ["x", "<none>", "8m18s"]),
    (
        "networkpolicies",
        {"spec": {"podSelector": FULL_SELECTOR}},
        ["x", "a=1,app in (a,b,z),b=2,ex,!nex,one in (v),tier notin (x)", "8m18s"],
    ),
    (
        "deployments",
        {
            "spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
            "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1},
        },
        ["x", "1/3", 2, 1, "8m18s", "a,b", "nginx:1,busybox", "app=web"],
    ),
    (
        "replicasets",
        {
            "spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
            "status": {"replicas": 2, "readyReplicas": 1},
        },
        ["x", 3, 2, 1, "8m18s", "a,b", "nginx:1,busybox", "app=web"],
    ),
    (
        "replicationcontrollers",
        {"spec": {"replicas": 1, "selector": {"app": "web"}}, "status": {"replicas": 1}},
        ["x", 1, 1, 0, "8m18s", "", "", "app=web"],
    ),
    (
        "statefulsets",
        {"spec": {"replicas": 2, "template": TEMPLATE}, "status": {"readyReplicas": 1}},
        ["x", "1/2", "8m18s", "a,b", "nginx:1,busybox"],
    ),
    (
        "daemonsets",
        {
            "spec": {"selector": SELECTOR, "template": TEMPLATE},
            "status": {
                "desiredNumberScheduled": 5,
                "currentNumberScheduled": 4,
                "numberReady": 3,
                "updatedNumberScheduled": 2,
                "numberAvailable": 1,
            },
        },
        ["x", 5, 4, 3, 2, 1, "disk=ssd,zone=z", "8m18s", "a,b", "nginx:1,busybox", "app=web"],
    ),
    (
        "jobs",
        {
            "spec": {"completions": 3, "template": TEMPLATE, "selector": SELECTOR},
            "status": {"succeeded": 1, "startTime": ago(498)},
        },
        ["x", "Running", "1/3", "8m18s", "8m18s", "a,b", "nginx:1,busybox", "app=web"],
    ),
    (
        "jobs",
        {
            "spec": {"parallelism": 4},
            "status": {
                "succeeded": 1,
                "startTime": ago(400),
                "completionTime": ago(395),
                "conditions": [{"type": "Complete", "status": "True"}],
            },
        },
        ["x", "Complete", "1/1 of 4", "5s", "8m18s", "", "", "<none>"],
    ),
    (
        "cronjobs",
        {
            "spec": {
                "schedule": "* * * * *",
                "suspend": False,
                "jobTemplate": {"spec": {"template": TEMPLATE}},
            },
            "status": {"lastScheduleTime": ago(30), "active": [{}]},
        },
        [
            "x", "* * * * *", "<none>", "False", 1, "30s", "8m18s",
            "a,b", "nginx:1,busybox", "<none>",
        ],
    ),
    (
        "controllerrevisions",
        {
            "metadata": {
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "StatefulSet",
                        "name": "db",
                        "controller": True,
                    }
                ]
            },
            "revision": 4,
        },
        ["x", "statefulset.apps/db", 4, "8m18s"],
    ),
    ("endpoints", {}, ["x", "<none>", "8m18s"]),
    ("endpoints", {"subsets": [{"ports": [{"port": 80}]}]}, ["x", "", "8m18s"]),
    (
        "endpoints",
        {
            "subsets": [
                {
                    "addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::2"}],
                    "ports": [{"port": 80}, {"port": 443}],
                }
            ]
        },
        ["x", "10.0.0.1:80,[fd00::2]:80,10.0.0.1:443 + 1 more...", "8m18s"],
    ),
    (
        "endpoints",
        {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]},
        ["x", "10.0.0.1", "8m18s"],
    ),
    (
        "endpointslices",
        {"addressType": "IPv4"},
        ["x", "IPv4", "<unset>", "<unset>", "8m18s"],
    ),
    (
        "endpointslices",
        {
            "addressType": "IPv4",
            "ports": [{"port": 80}, {"name": "http"}, {}, {"port": 4}],
            "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
        },
        ["x", "IPv4", "80,http,* + 1 more...", "10.0.0.1,10.0.0.2", "8m18s"],
    ),
    (
        "nodes",
        {
            "metadata": {
                "labels": {
                    "node-role.kubernetes.io/control-plane": "",
                    "kubernetes.io/role": "boss",
                    "node-role.kubernetes.io/": "",
                }
            },
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "192.168.0.2"}],
                "nodeInfo": NODE_INFO,
            },
        },
        [
            "x", "Ready,SchedulingDisabled", "boss,control-plane", "8m18s", "v1.37.0",
            "192.168.0.2", "<none>", "Debian", "6.1", "containerd://2.2.0",
        ],
    ),
    (
        "nodes",
        {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}},
        [
            "x", "NotReady", "<none>", "8m18s", "",
            "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>",
        ],
    ),
    (
        "nodes",
        {},
        [
            "x", "Unknown", "<none>", "8m18s", "",
            "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>",
        ],
    ),
    (
        "events",
        {
            "type": "Normal",
            "reason": "Pulled",
            "message": " done \n",
            "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"},
            "source": {"component": "kubelet", "host": "worker-1"},
            "firstTimestamp": ago(500),
            "lastTimestamp": ago(50),
            "count": 3,
        },
        [
            "50s", "Normal", "Pulled", "pod/p", "spec.containers{c}", "kubelet, worker-1", "done",
            "8m20s", 3, "x",
        ],
    ),
    (
        "events",
        {
            "involvedObject": {"kind": "Node"},
            "reportingComponent": "node-controller",
            "eventTime": ago(20),
        },
        ["20s", "", "", "node", "", "node-controller", "", "20s", 1, "x"],
    ),
    (
        "events",
        {
            "involvedObject": {},
            "eventTime": ago(20),
            "series": {"lastObservedTime": ago(5), "count": 7},
        },
        ["5s", "", "", "", "", "", "", "20s", 7, "x"],
    ),
    ("serviceaccounts", {"secrets": [{}]}, ["x", 1, "8m18s"]),
    ("configmaps", {"data": {"a": "b"}, "binaryData": {"c": ""}}, ["x", 2, "8m18s"]),
    ("secrets", {"type": "Opaque", "data": {"a": ""}}, ["x", "Opaque", 1, "8m18s"]),
    ("leases", {"spec": {"holderIdentity": "worker-1"}}, ["x", "worker-1", "8m18s"]),
    (
        "resourcequotas",
        {
            "status": {
                "hard": {"pods": "10", "limits.cpu": "4", "requests.cpu": "2"},
                "used": {"pods": "3", "requests.cpu": "500m"},
            }
        },
        ["x", "pods: 3/10, requests.cpu: 500m/2", "limits.cpu: 0/4", "8m18s"],
    ),
    (
        "rolebindings",
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [
                {"kind": "User", "name": "u"},
                {"kind": "Group", "name": "g"},
                {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
                {"kind": "User", "name": "v"},
            ],
        },
        ["x", "Role/r", "8m18s", "u, v", "g", "n/s"],
    ),
    (
        "podtemplates",
        {"template": {"metadata": {"labels": {"a": "b"}}, **TEMPLATE}},
        ["x", "a,b", "nginx:1,busybox", "a=b"],
    ),
    (
        "ingresses",
        {
            "spec": {
                "ingressClassName": "nginx",
                "tls": [{}],
                "rules": [{"host": f"h{n}"} for n in range(5)],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}},
        },
        ["x", "nginx", "h0,h1,h2 + 2 more...", "1.1.1.1", "80, 443", "8m18s"],
    ),
    ("ingresses", {"spec": {"rules": [{}]}}, ["x", "<none>", "*", "", "80", "8m18s"]),
    (
        "ingressclasses",
        {
            "spec": {
                "controller": "c/d",
                "parameters": {"kind": "P", "apiGroup": "g", "name": "n"},
            }
        },
        ["x", "c/d", "P.g/n", "8m18s"],
    ),
    (
        "poddisruptionbudgets",
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
        ["x", "50%", "N/A", 1, "8m18s"],
    ),
    (
        "priorityclasses",
        {"value": 5, "preemptionPolicy": "Never"},
        ["x", 5, False, "8m18s", "Never"],
    ),
    (
        "storageclasses",
        {
            "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "p",
            "volumeBindingMode": "Immediate",
        },
        ["x (default)", "p", "Delete", "Immediate", False, "8m18s"],
    ),
    (
        "horizontalpodautoscalers",
        {
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "web"},
                "maxReplicas": 3,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"averageUtilization": 80}},
                    },
                    {
                        "type": "Resource",
                        "resource": {"name": "memory", "target": {"averageValue": "1Gi"}},
                    },
                    {"type": "Melt"},
                ],
            },
            "status": {
                "currentReplicas": 2,
                "currentMetrics": [{"resource": {"current": {"averageUtilization": 50}}}],
            },
        },
        [
            "x", "Deployment/web", "cpu: 50%/80%, memory: <unknown>/1Gi + 1 more...", "<unset>",
            3, 2, "8m18s",
        ],
    ),
    (
        "persistentvolumeclaims",
        {
            "spec": {"volumeName": "v", "storageClassName": "fast", "volumeMode": "Filesystem"},
            "status": {
                "phase": "Bound",
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
            },
        },
        ["x", "Bound", "v", "1Gi", "RWO,RWX", "fast", "<unset>", "8m18s", "Filesystem"],
    ),
    (
        "persistentvolumes",
        {
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": "n", "name": "c"},
            },
            "status": {"phase": "Bound"},
        },
        ["x", "1Gi", "RWO", "Retain", "Bound", "n/c", "", "<unset>", "", "8m18s", "<unset>"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("plural", "document", "wanted"),
    ROWS,
    ids=[f"{plural}-{index}" for index, (plural, _, _) in enumerate(ROWS)],
)
def test_cells(plural: str, document: dict[str, Any], wanted: list[Any]) -> None:
    assert cells(plural, document) == wanted


def test_an_object_without_a_creation() -> None:
    document = {"metadata": {"creationTimestamp": None}, "data": {}}
    assert cells("configmaps", document) == ["x", 0, "<unknown>"]
