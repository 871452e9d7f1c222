"""Defaults of the kinds that make pods (pkg/apis/apps/v1 and batch/v1, defaults.go)."""

from __future__ import annotations

from typing import Any

from minik8s.admission.defaulting.fill import each, ensured, fill, fill_absent, inside
from minik8s.admission.defaulting.pods import default_claim_template, default_template
from minik8s.model.metadata import Document, labels_of

_QUARTER = {"maxUnavailable": "25%", "maxSurge": "25%"}
_ONE_AT_A_TIME = {"maxUnavailable": 1, "maxSurge": 0}
_RETAIN = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_DEPLOYMENT = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_REPLICAS = {"replicas": 1}
_STATEFUL_SET = {"replicas": 1, "revisionHistoryLimit": 10}
_DAEMON_SET = {"revisionHistoryLimit": 10}
_JOB: dict[str, Any] = {
    "parallelism": 1,
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "manualSelector": False,
    "podReplacementPolicy": "TerminatingOrFailed",
}
_CRON_JOB: dict[str, Any] = {
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}


def default_deployment(document: Document) -> Document:
    """A Deployment with its defaults: one replica, rolling update by quarters."""

    def spec_of(spec: Document) -> Document:
        spec = fill_absent(spec, _DEPLOYMENT)
        spec = ensured(spec, "strategy", lambda given: _rolling(given, _QUARTER))
        return ensured(spec, "template", default_template)

    return ensured(document, "spec", spec_of)


def default_replica_set(document: Document) -> Document:
    """A ReplicaSet with its defaults."""

    def spec_of(spec: Document) -> Document:
        return ensured(fill_absent(spec, _REPLICAS), "template", default_template)

    return ensured(document, "spec", spec_of)


def default_daemon_set(document: Document) -> Document:
    """A DaemonSet with its defaults: rolling update, one node at a time."""

    def spec_of(spec: Document) -> Document:
        spec = fill_absent(spec, _DAEMON_SET)
        spec = ensured(spec, "updateStrategy", lambda given: _rolling(given, _ONE_AT_A_TIME))
        return ensured(spec, "template", default_template)

    return ensured(document, "spec", spec_of)


def _rolling(strategy: Document, limits: dict[str, Any]) -> Document:
    strategy = fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return ensured(strategy, "rollingUpdate", lambda given: fill_absent(given, limits))


def default_stateful_set(document: Document) -> Document:
    """A StatefulSet with its defaults: in order, one at a time, claims kept."""

    def spec_of(spec: Document) -> Document:
        spec = fill_absent(spec, _STATEFUL_SET)
        spec = fill(spec, {"podManagementPolicy": "OrderedReady"})
        spec = ensured(spec, "updateStrategy", _ordered)
        spec = ensured(
            spec, "persistentVolumeClaimRetentionPolicy", lambda given: fill(given, _RETAIN)
        )
        spec = each(spec, "volumeClaimTemplates", _claim)
        return ensured(spec, "template", default_template)

    return ensured(document, "spec", spec_of)


def _ordered(strategy: Document) -> Document:
    if not strategy.get("type"):
        strategy = {"rollingUpdate": {}, **strategy, "type": "RollingUpdate"}
    if strategy["type"] != "RollingUpdate":
        return strategy
    return inside(strategy, "rollingUpdate", lambda given: fill_absent(given, {"partition": 0}))


def _claim(claim: Document) -> Document:
    claim = fill(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
    claim = ensured(claim, "status", lambda status: fill(status, {"phase": "Pending"}))
    return default_claim_template(claim)


def default_replication_controller(document: Document) -> Document:
    """A ReplicationController with its defaults: selector and labels come from the template."""
    labels = labels_of((document.get("spec") or {}).get("template") or {})

    def spec_of(spec: Document) -> Document:
        spec = fill_absent(spec, _REPLICAS)
        if labels and not spec.get("selector"):
            spec = {**spec, "selector": dict(labels)}
        return inside(spec, "template", default_template)

    return _labelled(ensured(document, "spec", spec_of), labels)


def default_job(document: Document) -> Document:
    """A Job with its defaults: once, six retries, labelled like its template."""
    labels = labels_of((document.get("spec") or {}).get("template") or {})

    def spec_of(spec: Document) -> Document:
        if spec.get("completions") is None and spec.get("parallelism") is None:
            spec = {**spec, "completions": 1}
        return ensured(fill_absent(spec, _JOB), "template", default_template)

    return _labelled(ensured(document, "spec", spec_of), labels)


def _labelled(document: Document, labels: Any) -> Document:
    if not labels or labels_of(document):
        return document
    return {**document, "metadata": {**document.get("metadata", {}), "labels": dict(labels)}}


def default_cron_job(document: Document) -> Document:
    """A CronJob with its defaults; its Jobs get theirs when they are made."""

    def spec_of(spec: Document) -> Document:
        spec = fill(fill_absent(spec, _CRON_JOB), {"concurrencyPolicy": "Allow"})
        return ensured(spec, "jobTemplate", job_template)

    def job_template(template: Document) -> Document:
        return ensured(template, "spec", lambda job: ensured(job, "template", default_template))

    return ensured(document, "spec", spec_of)
