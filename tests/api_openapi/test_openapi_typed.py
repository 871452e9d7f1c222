"""What the real kubectl sends in protobuf makes the same objects as our kubectl makes."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from openapi_door import Kubectl, in_process

from minik8s.cluster import Cluster
from minik8s.model.registry import Kind

COMMANDS = [
    "create namespace monitoring",
    "create deployment web --image=nginx --replicas=0 --port=80",
    "create service clusterip web --tcp=80:8080",
    "create service nodeport wide --tcp=80:http --node-port=30080",
    "create service externalname far --external-name=example.com",
    "create configmap settings --from-literal=a=1 --from-literal=b=",
    "create secret generic keys --from-literal=a=1",
    "create serviceaccount robot",
    "create role reader --verb=get,list --resource=pods,deployments.apps",
    "create clusterrole reader --verb=get --resource=pods --resource-name=a",
    "create rolebinding readers --role=reader --user=jane --serviceaccount=default:robot",
    "create clusterrolebinding readers --clusterrole=reader --group=team",
    "create quota small --hard=cpu=1,memory=1Gi,pods=2",
    "create job once --image=busybox -- sh -c true",
    "create cronjob often --image=busybox --schedule='*/5 * * * *' -- date",
    "create ingress site --rule=example.com/shop*=web:80,tls=cert --class=nginx",
    "create poddisruptionbudget budget --selector=app=web --min-available=50%",
    "create priorityclass urgent --value=1000 --preemption-policy=Never",
]
IGNORED = ("uid", "creationTimestamp", "resourceVersion", "managedFields")


def objects(cluster: Cluster) -> dict[str, Any]:
    """Everything but what the controllers make of it."""
    found = {}
    for kind in cluster.client.kinds():
        derived = kind.kind in ("Event", "Lease", "Pod", "ConfigMap", "Job")
        if derived or "list" not in kind.verbs:
            continue
        for item in cluster.client.list(kind, "")["items"]:
            found[_name(kind, item)] = _bare(item)
    return found


def _name(kind: Kind, item: dict[str, Any]) -> str:
    metadata = item["metadata"]
    return f"{kind.resource} {metadata.get('namespace', '')}/{metadata['name']}"


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in item["metadata"].items() if k not in IGNORED}
    rest = {k: v for k, v in item.items() if k not in ("metadata", "status")}
    return {**rest, "metadata": metadata}


def test_flag_forms_of_create(kubectl: Kubectl, cluster: Cluster) -> None:
    twin = Cluster()
    for line in COMMANDS:
        argv = shlex.split(line)
        assert kubectl(*argv) == in_process(twin, *argv)
    real, ours = objects(cluster), objects(twin)
    assert set(real) == set(ours)
    assert len(real) > len(COMMANDS)
    for name, document in real.items():
        assert document == ours[name], name


@pytest.mark.parametrize("line", ["autoscale deploy web --max=4", "scale deploy web --replicas=1"])
def test_autoscale_and_scale(kubectl: Kubectl, line: str) -> None:
    if "autoscale" in line:
        kubectl("create", "deployment", "web", "--image=nginx")
    out, err, code = kubectl(*line.split())
    assert (err, code) == ("", 0), out
