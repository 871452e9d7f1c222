"""Which function describes which kind."""

from __future__ import annotations

from importlib import import_module

from minik8s.kubectl.describe.base import Describer, Subject
from minik8s.kubectl.describe.writer import Writer

_DESCRIBERS = {
    ("", "ConfigMap"): "cluster.config_map",
    ("", "Endpoints"): "services.endpoints",
    ("", "LimitRange"): "cluster.limit_range",
    ("", "Namespace"): "cluster.namespace",
    ("", "Node"): "nodes.node",
    ("", "PersistentVolume"): "storage.volume",
    ("", "PersistentVolumeClaim"): "claims.volume_claim",
    ("", "Pod"): "pods.pod",
    ("", "ReplicationController"): "workloads.replication_controller",
    ("", "ResourceQuota"): "cluster.resource_quota",
    ("", "Secret"): "cluster.secret",
    ("", "Service"): "services.service",
    ("", "ServiceAccount"): "cluster.service_account",
    ("apps", "DaemonSet"): "workloads.daemon_set",
    ("apps", "Deployment"): "workloads.deployment",
    ("apps", "ReplicaSet"): "workloads.replica_set",
    ("apps", "StatefulSet"): "workloads.stateful_set",
    ("autoscaling", "HorizontalPodAutoscaler"): "autoscaling.autoscaler",
    ("batch", "CronJob"): "jobs.cron_job",
    ("batch", "Job"): "jobs.job",
    ("discovery.k8s.io", "EndpointSlice"): "services.endpoint_slice",
    ("networking.k8s.io", "Ingress"): "services.ingress",
    ("networking.k8s.io", "IngressClass"): "services.ingress_class",
    ("networking.k8s.io", "NetworkPolicy"): "policies.network_policy",
    ("policy", "PodDisruptionBudget"): "policies.disruption_budget",
    ("rbac.authorization.k8s.io", "ClusterRole"): "rbac.role",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "rbac.role_binding",
    ("rbac.authorization.k8s.io", "Role"): "rbac.role",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rbac.role_binding",
    ("scheduling.k8s.io", "PriorityClass"): "policies.priority_class",
    ("storage.k8s.io", "StorageClass"): "storage.storage_class",
}
"""Group and kind to `module.function` beside this module."""

_GENERIC = "generic.any_object"


def describe_object(subject: Subject) -> str:
    """The description of one object."""
    out = Writer()
    _describer(subject.kind.group, subject.kind.kind)(subject, out)
    return out.text


def _describer(group: str, kind: str) -> Describer:
    module, _, function = _DESCRIBERS.get((group, kind), _GENERIC).rpartition(".")
    found: Describer = getattr(import_module(f"minik8s.kubectl.describe.{module}"), function)
    return found
