"""Tables of the kinds that make pods."""

from __future__ import annotations

from minik8s.apiserver.columns import (
    AGE,
    CONTAINERS,
    NAME,
    NONE,
    SELECTOR,
    UNSET,
    Cells,
    Column,
    Printer,
    age_of,
    container_cells,
    format_labels,
    name_of,
    spec_of,
    status_of,
    template_cells,
)
from minik8s.clock import parse_rfc3339
from minik8s.model.durations import age, human_duration
from minik8s.model.metadata import Document, controller_of
from minik8s.model.selectors import format_label_selector

_WIDE = (*CONTAINERS, SELECTOR)


def _count(name: str, description: str = "") -> Column:
    return Column(name, "integer", description=description)


def _deployment(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    return [
        name_of(document),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(document, now),
        *template_cells(spec),
        format_label_selector(spec.get("selector")),
    ]


def _replica_set(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    return [
        *_replicas(document, now),
        *template_cells(spec),
        format_label_selector(spec.get("selector")),
    ]


def _replication_controller(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    return [
        *_replicas(document, now),
        *template_cells(spec),
        format_labels(spec.get("selector")),
    ]


def _replicas(document: Document, now: float) -> Cells:
    status = status_of(document)
    return [
        name_of(document),
        spec_of(document).get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age_of(document, now),
    ]


def _stateful_set(document: Document, now: float) -> Cells:
    spec = spec_of(document)
    return [
        name_of(document),
        f"{status_of(document).get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        age_of(document, now),
        *template_cells(spec),
    ]


def _daemon_set(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    template = (spec.get("template") or {}).get("spec") or {}
    return [
        name_of(document),
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        format_labels(template.get("nodeSelector")),
        age_of(document, now),
        *container_cells(template),
        format_label_selector(spec.get("selector")),
    ]


_JOB_STATES = (("Complete", "Complete"), ("Failed", "Failed"))
_JOB_LATER_STATES = (("Suspended", "Suspended"), ("FailureTarget", "FailureTarget"))


def _job(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    return [
        name_of(document),
        _job_state(document, status),
        _completions(spec, status),
        _job_duration(status, now),
        age_of(document, now),
        *template_cells(spec),
        format_label_selector(spec.get("selector")),
    ]


def _job_state(document: Document, status: Document) -> str:
    met = {c["type"] for c in status.get("conditions") or () if c.get("status") == "True"}
    for condition, word in _JOB_STATES:
        if condition in met:
            return word
    if "deletionTimestamp" in document["metadata"]:
        return "Terminating"
    return next((word for condition, word in _JOB_LATER_STATES if condition in met), "Running")


def _completions(spec: Document, status: Document) -> str:
    succeeded = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(status: Document, now: float) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return human_duration((parse_rfc3339(end) if end else now) - parse_rfc3339(start))


def _cron_job(document: Document, now: float) -> Cells:
    spec, status = spec_of(document), status_of(document)
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    suspend, last = spec.get("suspend"), status.get("lastScheduleTime")
    return [
        name_of(document),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        UNSET if suspend is None else str(suspend),
        len(status.get("active") or ()),
        age(last, now) if last else NONE,
        age_of(document, now),
        *template_cells(job),
        format_label_selector(job.get("selector")),
    ]


def _controller_revision(document: Document, now: float) -> Cells:
    owner = controller_of(document)
    holder = NONE
    if owner is not None:
        group = str(owner.get("apiVersion", "")).rpartition("/")[0]
        kind = str(owner.get("kind", "")).lower()
        holder = f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return [name_of(document), holder, document.get("revision", 0), age_of(document, now)]


_REPLICA_COLUMNS = (NAME, _count("Desired"), _count("Current"), _count("Ready"), AGE, *_WIDE)

WORKLOADS: dict[str, Printer] = {
    "controllerrevisions.apps": Printer(
        (NAME, Column("Controller"), Column("Revision"), AGE), _controller_revision
    ),
    "cronjobs.batch": Printer(
        (
            NAME,
            Column("Schedule"),
            Column("Timezone"),
            Column("Suspend", "boolean"),
            _count("Active"),
            Column("Last Schedule"),
            AGE,
            *_WIDE,
        ),
        _cron_job,
    ),
    "daemonsets.apps": Printer(
        (
            NAME,
            _count("Desired"),
            _count("Current"),
            _count("Ready"),
            _count("Up-to-date"),
            _count("Available"),
            Column("Node Selector"),
            AGE,
            *_WIDE,
        ),
        _daemon_set,
    ),
    "deployments.apps": Printer(
        (NAME, Column("Ready"), Column("Up-to-date"), Column("Available"), AGE, *_WIDE),
        _deployment,
    ),
    "jobs.batch": Printer(
        (NAME, Column("Status"), Column("Completions"), Column("Duration"), AGE, *_WIDE), _job
    ),
    "replicasets.apps": Printer(_REPLICA_COLUMNS, _replica_set),
    "replicationcontrollers": Printer(_REPLICA_COLUMNS, _replication_controller),
    "statefulsets.apps": Printer((NAME, Column("Ready"), AGE, *CONTAINERS), _stateful_set),
}
