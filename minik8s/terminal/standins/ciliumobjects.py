"""The objects of Cilium and of Hubble's relay, looked up and made over the API."""

from __future__ import annotations

from minik8s.client import Client
from minik8s.errors import NotFound
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import Kind

NAMESPACE = "kube-system"
CA_SECRET = "cilium-ca"
CERTS_SECRET = "hubble-server-certs"
AGENT = "cilium"
OPERATOR = "cilium-operator"
RELAY = "hubble-relay"
RELAY_PORT = 4245

_RELAY_OBJECTS = (
    ("deployments", RELAY),
    ("services", RELAY),
    ("configmaps", f"{RELAY}-config"),
    ("secrets", f"{RELAY}-server-certs"),
    ("secrets", f"{RELAY}-client-certs"),
    ("serviceaccounts", RELAY),
    ("clusterroles", RELAY),
    ("clusterrolebindings", RELAY),
)
_CILIUM_OBJECTS = (
    ("daemonsets", AGENT),
    ("deployments", OPERATOR),
    ("configmaps", "cilium-config"),
    ("secrets", CERTS_SECRET),
    ("secrets", CA_SECRET),
    ("serviceaccounts", AGENT),
    ("serviceaccounts", OPERATOR),
    ("clusterroles", AGENT),
    ("clusterroles", OPERATOR),
    ("clusterrolebindings", AGENT),
    ("clusterrolebindings", OPERATOR),
)


def _kind(client: Client, plural: str) -> Kind:
    kind = client.find(plural)
    assert kind is not None
    return kind


def find(client: Client, plural: str, name: str) -> Document:
    """One object of kube-system; raises NotFound."""
    return client.get(_kind(client, plural), name, NAMESPACE)


def exists(client: Client, plural: str, name: str) -> bool:
    """Whether there is an object of this name in kube-system."""
    try:
        find(client, plural, name)
    except NotFound:
        return False
    return True


def delete(client: Client, only: str = "") -> None:
    """Remove Cilium's objects, or only those of the relay."""
    for plural, name in _RELAY_OBJECTS if only == RELAY else _CILIUM_OBJECTS:
        if exists(client, plural, name):
            client.delete(_kind(client, plural), name, NAMESPACE)


def pods(client: Client, selector: str) -> list[Document]:
    """The pods of kube-system that a label selector chooses."""
    found = client.list(_kind(client, "pods"), NAMESPACE, query={"labelSelector": selector})
    items: list[Document] = found["items"]
    return items


def unmanaged_pods(client: Client) -> list[tuple[str, str]]:
    """Namespace and name of each pod on the pod network."""
    items = client.list(_kind(client, "pods"), "")["items"]
    return [
        (namespace_of(pod), name_of(pod)) for pod in items if not pod["spec"].get("hostNetwork")
    ]


def relay_documents(version: str) -> list[Document]:
    """What `cilium hubble enable` creates."""
    labels = {"k8s-app": RELAY}
    secret = {"ca.crt": "c2ltdWxhdGVk", "tls.crt": "c2ltdWxhdGVk", "tls.key": "c2ltdWxhdGVk"}
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": RELAY, "namespace": NAMESPACE}
    return [
        _object("v1", "Secret", f"{RELAY}-server-certs", type="kubernetes.io/tls", data=secret),
        _object("v1", "Secret", f"{RELAY}-client-certs", type="kubernetes.io/tls", data=secret),
        _object("v1", "ConfigMap", f"{RELAY}-config", data={"config.yaml": _RELAY_CONFIG}),
        _object("v1", "ServiceAccount", RELAY),
        _object(
            f"{rbac}/v1",
            "ClusterRole",
            RELAY,
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
        ),
        _object(
            f"{rbac}/v1",
            "ClusterRoleBinding",
            RELAY,
            roleRef={"apiGroup": rbac, "kind": "ClusterRole", "name": RELAY},
            subjects=[subject],
        ),
        _object("apps/v1", "Deployment", RELAY, labels=labels, spec=_relay_spec(version)),
        _object(
            "v1",
            "Service",
            RELAY,
            labels=labels,
            spec={
                "type": "ClusterIP",
                "selector": labels,
                "ports": [{"protocol": "TCP", "port": 80, "targetPort": RELAY_PORT}],
            },
        ),
    ]


def _object(
    version: str, kind: str, name: str, labels: dict[str, str] | None = None, **rest: object
) -> Document:
    metadata: Document = {"name": name}
    if not kind.startswith("Cluster"):
        metadata["namespace"] = NAMESPACE
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _relay_spec(version: str) -> Document:
    labels = {"k8s-app": RELAY}
    container = {
        "name": RELAY,
        "image": f"quay.io/cilium/hubble-relay:{version}",
        "imagePullPolicy": "IfNotPresent",
        "command": ["hubble-relay"],
        "args": ["serve", "--peer-service=unix:///var/run/cilium/hubble.sock"],
        "ports": [{"name": "grpc", "containerPort": RELAY_PORT}],
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [container], "serviceAccountName": RELAY},
        },
    }


_RELAY_CONFIG = """\
peer-service: unix:///var/run/cilium/hubble.sock
listen-address: :4245
dial-timeout: 5s
retry-timeout: 5s
"""
