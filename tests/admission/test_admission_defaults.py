"""Defaults: what the API server fills in, and what it leaves alone."""

from __future__ import annotations

import copy

import pytest

from minik8s.admission import decode, default
from minik8s.admission.defaulting.pods import pull_policy
from minik8s.model.registry import (
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Registry,
)


def defaulted(kind, document):
    before = copy.deepcopy(document)
    full = default(kind, decode(kind, document, "Strict")[0])
    assert document == before, "the given document is not touched"
    assert default(kind, full) == full, "defaults are filled in once"
    return full


def template(**container):
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "nginx:1", **container}]},
    }


POD_SPEC_DEFAULTS = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
CONTAINER_DEFAULTS = {
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}


def test_pod():
    pod = defaulted(POD, {"metadata": {"name": "x"}, "spec": template()["spec"]})
    container = {"name": "web", "image": "nginx:1", **CONTAINER_DEFAULTS}
    assert pod["spec"] == {
        "containers": [container],
        "enableServiceLinks": True,
        **POD_SPEC_DEFAULTS,
    }


def test_pod_keeps_what_it_says():
    spec = {
        "containers": [
            {
                "name": "a",
                "image": "b",
                "imagePullPolicy": "Never",
                "terminationMessagePolicy": "FallbackToLogsOnError",
            }
        ],
        "restartPolicy": "Never",
        "dnsPolicy": "Default",
        "terminationGracePeriodSeconds": 0,
        "enableServiceLinks": False,
        "nodeName": "node-1",
    }
    full = defaulted(POD, {"metadata": {"name": "x"}, "spec": spec})["spec"]
    assert {name: full[name] for name in spec if name != "containers"} == {
        name: spec[name] for name in spec if name != "containers"
    }
    assert spec["containers"][0].items() <= full["containers"][0].items()


def test_container_details():
    pod = defaulted(
        POD,
        {
            "metadata": {"name": "x"},
            "spec": template(
                ports=[{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                env=[
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "A", "value": "b"},
                ],
                readinessProbe={"httpGet": {"port": 80}, "periodSeconds": 3},
                lifecycle={"preStop": {"httpGet": {"port": 80, "path": "/bye"}}},
                resources={"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}},
            )["spec"],
        },
    )
    container = pod["spec"]["containers"][0]
    assert container["ports"] == [
        {"containerPort": 80, "protocol": "TCP"},
        {"containerPort": 53, "protocol": "UDP"},
    ]
    assert container["env"][0]["valueFrom"]["fieldRef"] == {
        "fieldPath": "status.podIP",
        "apiVersion": "v1",
    }
    assert container["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 3,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert container["lifecycle"]["preStop"]["httpGet"]["scheme"] == "HTTP"
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}


def test_requests_follow_limits_in_pods_only():
    limited = template(resources={"limits": {"cpu": "1"}})
    made = defaulted(REPLICA_SET, {"metadata": {"name": "x"}, "spec": {"template": limited}})
    assert made["spec"]["template"]["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "1"}
    }
    assert "enableServiceLinks" not in made["spec"]["template"]["spec"]


def test_host_network_takes_the_ports_of_the_node():
    spec = {**template(ports=[{"containerPort": 80}])["spec"], "hostNetwork": True}
    pod = defaulted(POD, {"metadata": {"name": "x"}, "spec": spec})
    assert pod["spec"]["containers"][0]["ports"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}
    ]


def test_service_account_has_two_names():
    for field in ("serviceAccountName", "serviceAccount"):
        spec = {**template()["spec"], field: "robot"}
        full = defaulted(POD, {"metadata": {"name": "x"}, "spec": spec})["spec"]
        assert full["serviceAccountName"] == full["serviceAccount"] == "robot"


def test_volumes():
    volumes = [
        {"name": "a"},
        {"name": "b", "configMap": {"name": "c"}},
        {"name": "c", "secret": {"secretName": "s", "defaultMode": 256}},
        {"name": "d", "hostPath": {"path": "/d"}},
        {"name": "e", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
        {"name": "f", "downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "p"}}]}},
    ]
    pod = defaulted(
        POD, {"metadata": {"name": "x"}, "spec": {**template()["spec"], "volumes": volumes}}
    )
    assert pod["spec"]["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "configMap": {"name": "c", "defaultMode": 420}},
        {"name": "c", "secret": {"secretName": "s", "defaultMode": 256}},
        {"name": "d", "hostPath": {"path": "/d", "type": ""}},
        {
            "name": "e",
            "projected": {
                "defaultMode": 420,
                "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}],
            },
        },
        {
            "name": "f",
            "downwardAPI": {
                "defaultMode": 420,
                "items": [{"path": "n", "fieldRef": {"fieldPath": "p", "apiVersion": "v1"}}],
            },
        },
    ]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.29", "IfNotPresent"),
        ("docker.io/cilium/json-mock:1.2", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:2", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
        ("nginx:latest@sha256:0123", "Always"),
        ("", "IfNotPresent"),
    ],
)
def test_pull_policy(image, policy):
    assert pull_policy(image) == policy


def test_service_of_the_tutorial():
    """The request is recorded from kubectl, the outcome from its `describe svc backend`."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"labels": {"app": "backend"}, "name": "backend", "namespace": "default"},
        "spec": {
            "ports": [{"name": "http", "port": 8080}],
            "selector": {"app": "backend"},
            "type": "ClusterIP",
        },
    }
    assert defaulted(SERVICE, service)["spec"] == {
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP", "targetPort": 8080}],
        "selector": {"app": "backend"},
        "type": "ClusterIP",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
    }


def test_service_types():
    def spec(**fields):
        given = {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}], **fields}}
        return defaulted(SERVICE, given)["spec"]

    assert spec(type="NodePort")["externalTrafficPolicy"] == "Cluster"
    balancer = spec(type="LoadBalancer")
    assert balancer["externalTrafficPolicy"] == "Cluster"
    assert balancer["allocateLoadBalancerNodePorts"] is True
    named = spec(type="ExternalName", externalName="example.com")
    assert not {"ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"} & set(named)
    assert spec(clusterIP="None", selector={"a": "b"})["ipFamilies"] == ["IPv4"]
    loose = spec(clusterIP="None")
    assert (loose["ipFamilies"], loose["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")
    assert spec(clusterIP="fd00::1")["ipFamilies"] == ["IPv6"]
    sticky = spec(sessionAffinity="ClientIP")
    assert sticky["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    assert "sessionAffinityConfig" not in spec(
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 5}}
    )


def test_service_of_a_dual_stack_cluster():
    service = {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}}
    families = ("IPv6", "IPv4")
    assert default(SERVICE, service, families)["spec"]["ipFamilies"] == ["IPv6"]
    service["spec"]["ipFamilyPolicy"] = "PreferDualStack"
    assert default(SERVICE, service, families)["spec"]["ipFamilies"] == ["IPv6", "IPv4"]


def test_deployment():
    """As `describe deployment backend` shows it: RollingUpdate, 25% and 25%, one replica."""
    spec = defaulted(
        DEPLOYMENT,
        {
            "metadata": {"name": "backend"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template()},
        },
    )["spec"]
    assert spec.pop("template") == {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "web", "image": "nginx:1", **CONTAINER_DEFAULTS}],
            **POD_SPEC_DEFAULTS,
        },
    }
    assert spec == {
        "selector": {"matchLabels": {"app": "web"}},
        "replicas": 1,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        },
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }


def test_deployment_keeps_zero_replicas_and_recreate():
    spec = defaulted(
        DEPLOYMENT,
        {"metadata": {"name": "x"}, "spec": {"replicas": 0, "strategy": {"type": "Recreate"}}},
    )["spec"]
    assert spec["replicas"] == 0
    assert spec["strategy"] == {"type": "Recreate"}


def test_daemon_set_and_stateful_set():
    daemons = defaulted(DAEMON_SET, {"metadata": {"name": "x"}, "spec": {}})["spec"]
    assert daemons["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }
    assert daemons["revisionHistoryLimit"] == 10
    claims = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    spec = defaulted(
        STATEFUL_SET, {"metadata": {"name": "x"}, "spec": {"volumeClaimTemplates": claims}}
    )["spec"]
    assert spec["podManagementPolicy"] == "OrderedReady"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }
    assert (spec["replicas"], spec["revisionHistoryLimit"]) == (1, 10)
    assert spec["volumeClaimTemplates"][0] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"},
        "status": {"phase": "Pending"},
    }


def test_jobs():
    registry = Registry()
    job, cron = registry.find("job"), registry.find("cronjob")
    made = defaulted(job, {"metadata": {"name": "x"}, "spec": {"template": template()}})
    assert made["metadata"]["labels"] == {"app": "web"}
    assert {name: made["spec"][name] for name in ("completions", "parallelism")} == {
        "completions": 1,
        "parallelism": 1,
    }
    assert made["spec"]["backoffLimit"] == 6
    assert made["spec"]["suspend"] is False
    given = {"schedule": "@daily", "jobTemplate": {"spec": {"template": template()}}}
    planned = defaulted(cron, {"metadata": {"name": "x"}, "spec": given})["spec"]
    assert planned["concurrencyPolicy"] == "Allow"
    assert (planned["successfulJobsHistoryLimit"], planned["failedJobsHistoryLimit"]) == (3, 1)
    assert "backoffLimit" not in planned["jobTemplate"]["spec"]


def test_namespace():
    assert defaulted(NAMESPACE, {"metadata": {"name": "x", "labels": {"a": "b"}}}) == {
        "metadata": {"name": "x", "labels": {"a": "b", "kubernetes.io/metadata.name": "x"}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    going = {"metadata": {"name": "x", "deletionTimestamp": "2026-03-08T09:00:00Z"}}
    assert "spec" not in defaulted(NAMESPACE, going)


def test_network_policy_of_the_table_of_describe():
    """`describe netpol` of d-full in the recordings: TCP where nothing is said."""
    spec = {
        "podSelector": {},
        "ingress": [{"ports": [{"port": 80}, {"port": "dns", "protocol": "UDP"}, {}]}, {}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}],
    }
    full = defaulted(NETWORK_POLICY, {"metadata": {"name": "x"}, "spec": spec})["spec"]
    assert full["policyTypes"] == ["Ingress", "Egress"]
    assert full["ingress"][0]["ports"] == [
        {"port": 80, "protocol": "TCP"},
        {"port": "dns", "protocol": "UDP"},
        {"protocol": "TCP"},
    ]
    assert full["egress"] is spec["egress"], "unchanged parts are shared"


def test_secret():
    secret = defaulted(
        SECRET,
        {"metadata": {"name": "x"}, "data": {"a": "YQ=="}, "stringData": {"b": "é", "a": "z"}},
    )
    assert secret == {
        "metadata": {"name": "x"},
        "type": "Opaque",
        "data": {"a": "eg==", "b": "w6k="},
    }


def test_endpoint_slice_and_node():
    ports = [{"port": 80}, {"port": 53, "protocol": "UDP", "name": "dns"}]
    made = defaulted(ENDPOINT_SLICE, {"metadata": {"name": "x"}, "ports": ports, "endpoints": []})
    assert made["ports"] == [{"port": 80, "protocol": "TCP", "name": ""}, ports[1]]
    node = {
        "metadata": {"name": "n"},
        "spec": {"podCIDR": "10.0.1.0/24"},
        "status": {"capacity": {"cpu": "2"}},
    }
    full = defaulted(NODE, node)
    assert full["spec"]["podCIDRs"] == ["10.0.1.0/24"]
    assert full["status"]["allocatable"] == {"cpu": "2"}


@pytest.mark.parametrize("kind", list(Registry()), ids=lambda kind: kind.kind)
def test_every_kind_takes_an_object_without_anything(kind):
    defaulted(kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}})
