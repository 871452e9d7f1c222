"""Validation: does a document keep the rules of its kind (pkg/apis/*/validation)?

One row of `_RULES` for each kind: the format of its names, the check of an object, and the check
of a change if that is more than the same check again. Metadata come first, as in the real API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minik8s.admission.problems import Problems
from minik8s.admission.validation import (
    budgets,
    cluster,
    config,
    customdefinitions,
    events,
    jobs,
    networkpolicies,
    pods,
    podstatuses,
    podupdates,
    rbac,
    services,
    workloads,
)
from minik8s.admission.validation.common import Format
from minik8s.admission.validation.metadata import check_metadata, check_metadata_update
from minik8s.errors import Invalid
from minik8s.model.formats import dns1035_label, dns1123_label, dns1123_subdomain
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import POD, Kind

Check = Callable[[Problems, Document], None]
UpdateCheck = Callable[[Problems, Document, Document], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """How one kind is validated."""

    check: Check | None = None
    update: UpdateCheck | None = None
    name: Format = dns1123_subdomain

    def check_update(self, problems: Problems, new: Document, old: Document) -> None:
        """The kind's own part of a change."""
        if self.update is not None:
            self.update(problems, new, old)
        elif self.check is not None:
            self.check(problems, new)


def _then(check: Check, update: UpdateCheck) -> UpdateCheck:
    """First the check of the object as it is now, then what it must keep."""

    def both(problems: Problems, new: Document, old: Document) -> None:
        check(problems, new)
        update(problems, new, old)

    return both


def _free(_problems: Problems, _new: Document, _old: Document) -> None:
    """A change of which nothing is asked but what is asked of every object."""


_RBAC = ".rbac.authorization.k8s.io"
_ANY = Rules()
_RULES: dict[str, Rules] = {
    "configmaps": Rules(config.check_config_map, config.check_config_map_update),
    "cronjobs.batch": Rules(jobs.check_cron_job, name=jobs.cron_job_name),
    "customresourcedefinitions.apiextensions.k8s.io": Rules(
        customdefinitions.check_definition, customdefinitions.check_definition_update
    ),
    "daemonsets.apps": Rules(
        workloads.check_daemon_set,
        _then(workloads.check_daemon_set, workloads.check_selector_kept),
    ),
    "deployments.apps": Rules(
        workloads.check_deployment,
        _then(workloads.check_deployment, workloads.check_selector_kept),
    ),
    "endpoints": Rules(services.check_endpoints),
    "endpointslices.discovery.k8s.io": Rules(
        cluster.check_endpoint_slice, cluster.check_endpoint_slice_update
    ),
    "events.events.k8s.io": Rules(events.check_new_event, _free),
    "jobs.batch": Rules(jobs.check_job, jobs.check_job_update),
    "leases.coordination.k8s.io": Rules(cluster.check_lease),
    "limitranges": Rules(cluster.check_limit_range),
    "namespaces": Rules(cluster.check_namespace, name=dns1123_label),
    "networkpolicies.networking.k8s.io": Rules(
        networkpolicies.check_network_policy, networkpolicies.check_network_policy_update
    ),
    "nodes": Rules(cluster.check_node, cluster.check_node_update),
    "persistentvolumeclaims": Rules(cluster.check_claim),
    "persistentvolumes": Rules(cluster.check_volume),
    "poddisruptionbudgets.policy": Rules(budgets.check_disruption_budget),
    "pods": Rules(pods.check_pod_create, podupdates.check_pod_update),
    "replicasets.apps": Rules(
        workloads.check_replica_set,
        _then(workloads.check_replica_set, workloads.check_selector_kept),
    ),
    "replicationcontrollers": Rules(workloads.check_replication_controller),
    "resourcequotas": Rules(cluster.check_resource_quota),
    "secrets": Rules(config.check_secret, config.check_secret_update),
    "services": Rules(services.check_service, services.check_service_update, dns1035_label),
    "statefulsets.apps": Rules(workloads.check_stateful_set, workloads.check_stateful_set_update),
    f"clusterroles{_RBAC}": Rules(rbac.check_cluster_role, name=rbac.path_segment),
    f"roles{_RBAC}": Rules(rbac.check_role, name=rbac.path_segment),
    f"clusterrolebindings{_RBAC}": Rules(
        rbac.check_cluster_role_binding,
        _then(rbac.check_cluster_role_binding, rbac.check_binding_update),
        rbac.path_segment,
    ),
    f"rolebindings{_RBAC}": Rules(
        rbac.check_role_binding,
        _then(rbac.check_role_binding, rbac.check_binding_update),
        rbac.path_segment,
    ),
}


def validate_create(kind: Kind, document: Document) -> None:
    """Check a new object, defaults filled in; raises Invalid with all causes in order."""
    rules = _RULES.get(kind.resource, _ANY)
    problems = Problems()
    check_metadata(problems, kind, document, rules.name)
    if rules.check is not None:
        rules.check(problems, document)
    _raise(kind, document, problems)


def validate_update(kind: Kind, new: Document, old: Document) -> None:
    """Check a changed object against the stored one; raises Invalid with all causes in order.

    Both have their defaults. What the object's own rules say of it is said again, as for a new
    one, except where old objects may keep what new ones may not have.
    """
    problems = Problems()
    check_metadata_update(problems, new, old)
    _RULES.get(kind.resource, _ANY).check_update(problems, new, old)
    _raise(kind, new, problems)


def validate_status(kind: Kind, new: Document, old: Document) -> None:
    """Check an object with a changed status; raises Invalid with all causes in order."""
    if kind != POD:
        return validate_update(kind, new, old)
    problems = Problems()
    check_metadata_update(problems, new, old)
    podstatuses.check_pod_status(problems, new, old)
    return _raise(kind, new, problems)


def _raise(kind: Kind, document: Document, problems: Problems) -> None:
    if problems:
        raise Invalid.object(kind.kind, kind.group, name_of(document), problems.causes)
