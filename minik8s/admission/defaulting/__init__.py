"""Defaulting: the fields that the API server fills in (pkg/apis/*/v1/defaults.go)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minik8s.admission.defaulting import (
    cluster,
    customdefinitions,
    networking,
    others,
    pods,
    workloads,
)
from minik8s.admission.defaulting.fill import inside
from minik8s.model.metadata import Document
from minik8s.model.registry import SERVICE, Kind

_DEFAULTS: dict[str, Callable[[Document], Document]] = {
    "apiservices.apiregistration.k8s.io": others.default_api_service,
    "csidrivers.storage.k8s.io": others.default_storage_driver,
    "clusterrolebindings.rbac.authorization.k8s.io": cluster.default_binding,
    "cronjobs.batch": workloads.default_cron_job,
    "customresourcedefinitions.apiextensions.k8s.io": customdefinitions.default_definition,
    "daemonsets.apps": workloads.default_daemon_set,
    "deployments.apps": workloads.default_deployment,
    "endpoints": networking.default_endpoints,
    "endpointslices.discovery.k8s.io": networking.default_endpoint_slice,
    "horizontalpodautoscalers.autoscaling": others.default_autoscaler,
    "ingressclasses.networking.k8s.io": others.default_ingress_class,
    "jobs.batch": workloads.default_job,
    "limitranges": cluster.default_limit_range,
    "namespaces": cluster.default_namespace,
    "networkpolicies.networking.k8s.io": networking.default_network_policy,
    "nodes": cluster.default_node,
    "persistentvolumeclaims": cluster.default_claim,
    "persistentvolumes": cluster.default_volume,
    "pods": pods.default_pod,
    "podtemplates": lambda document: inside(document, "template", pods.default_template),
    "priorityclasses.scheduling.k8s.io": others.default_priority_class,
    "replicasets.apps": workloads.default_replica_set,
    "replicationcontrollers": workloads.default_replication_controller,
    "rolebindings.rbac.authorization.k8s.io": cluster.default_binding,
    "secrets": cluster.default_secret,
    "statefulsets.apps": workloads.default_stateful_set,
    "storageclasses.storage.k8s.io": others.default_storage_class,
}
"""What fills in a kind's defaults; the kinds that are missing here have none."""

_OLDER: dict[str, Callable[[Document], Document]] = {
    "autoscaling/v1": others.default_autoscaler_v1,
}
"""The same for versions that are not kept: what is kept gets the defaults of its own version."""


def default(
    kind: Kind, document: Document, families: Sequence[str] = networking.SINGLE_STACK
) -> Document:
    """The document with its defaults; what is there already stays, unchanged parts are shared.

    It must have been decoded. `families` are the cluster's address families, which Services get.
    Applying it twice changes nothing more.
    """
    if kind.resource == SERVICE.resource:
        return networking.default_service(document, families)
    step = _OLDER.get(kind.api_version) if kind.stored_as else _DEFAULTS.get(kind.resource)
    return document if step is None else step(document)
