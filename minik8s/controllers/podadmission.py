"""What admission adds to every pod that is made, whoever makes it.

The API server's plugins ServiceAccount, DefaultTolerationSeconds and Priority: a service
account and its token volume, two tolerations, and the number behind a priority class.
Mirror pods (static pods of a kubelet) pass the first of them untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.ids import Ids
from minik8s.model.metadata import Document, annotations_of

MIRROR = "kubernetes.io/config.mirror"
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"

_PRIORITIES = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
_EVICTING = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_SOURCES = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
    {
        "downwardAPI": {
            "items": [
                {
                    "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                    "path": "namespace",
                }
            ]
        }
    },
]
_TOLERATIONS: list[Document] = [
    {"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}
    for key in _EVICTING
]


def admit_pod(pod: Document, ids: Ids) -> Document:
    """The pod as the API server stores it when somebody creates it."""
    spec = pod.get("spec") or {}
    if MIRROR in annotations_of(pod):
        return {**pod, "spec": _prioritised(spec)}
    return {**pod, "spec": admit_spec(spec, ids)}


def admit_spec(spec: Document, ids: Ids) -> Document:
    """The spec of a pod, or of a template's pods, after admission.

    >>> spec = admit_spec({"containers": [{"name": "c"}]}, Ids(seed=1))
    >>> spec["serviceAccountName"], len(spec["tolerations"]), len(spec["volumes"])
    ('default', 2, 1)
    """
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    admitted = {**spec, "serviceAccountName": account, "serviceAccount": account}
    if spec.get("automountServiceAccountToken", True):
        admitted.update(_with_token(spec, ids))
    admitted["tolerations"] = _tolerations(spec.get("tolerations") or [])
    return _prioritised(admitted)


def _prioritised(spec: Document) -> Document:
    priority = _PRIORITIES.get(spec.get("priorityClassName", ""), 0)
    preemption = spec.get("preemptionPolicy") or "PreemptLowerPriority"
    return {**spec, "priority": priority, "preemptionPolicy": preemption}


def _with_token(spec: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    volumes = spec.get("volumes") or []
    name = next((each["name"] for each in volumes if _is_token(each)), "")
    changes: dict[str, Any] = {}
    if not name:
        name = f"kube-api-access-{ids.suffix('volumes')}"
        volume = {"name": name, "projected": {"defaultMode": 420, "sources": _SOURCES}}
        changes["volumes"] = [*volumes, volume]
    mount = {"mountPath": TOKEN_PATH, "name": name, "readOnly": True}
    for field in ("initContainers", "containers"):
        if spec.get(field):
            changes[field] = [_mounted(container, mount) for container in spec[field]]
    return changes


def _is_token(volume: Mapping[str, Any]) -> bool:
    return str(volume.get("name", "")).startswith("kube-api-access-")


def _mounted(container: Document, mount: Document) -> Document:
    mounts = container.get("volumeMounts") or []
    if any(each.get("mountPath") == TOKEN_PATH for each in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, mount]}


def _tolerations(given: list[Document]) -> list[Document]:
    if not given:
        return _TOLERATIONS
    added = [each for each in _TOLERATIONS if not _already(given, each["key"])]
    return [*given, *added]


def _already(tolerations: list[Document], key: str) -> bool:
    """Whether some toleration covers the NoExecute taint of a key already."""
    return any(
        each.get("key") in (key, None, "") and each.get("effect") in ("NoExecute", None, "")
        for each in tolerations
    )
