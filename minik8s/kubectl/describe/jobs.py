"""Jobs and CronJobs, described."""

from __future__ import annotations

from minik8s.clock import parse_rfc3339
from minik8s.kubectl.describe.base import (
    Subject,
    about,
    controlled_by,
    flag,
    heading,
    long_time,
    selector_text,
)
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.pods import pod_template
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.govalue import go_value
from minik8s.model.durations import human_duration
from minik8s.model.metadata import Document

_UNSET = "<unset>"
_ENOUGH = 50
"""After so many characters of completed indexes the list ends."""


def job(subject: Subject, out: Writer) -> None:
    """A Job."""
    spec, status = subject.spec, subject.status
    heading(subject, out)
    out.line(0, "Selector:", selector_text(spec.get("selector")))
    about(subject, out)
    controlled_by(subject, out)
    if spec.get("parallelism") is not None:
        out.line(0, "Parallelism:", spec["parallelism"])
    out.line(0, "Completions:", spec.get("completions", _UNSET))
    for title, field in (
        ("Completion Mode:", "completionMode"),
        ("Suspend:", "suspend"),
        ("Backoff Limit:", "backoffLimit"),
        ("TTL Seconds After Finished:", "ttlSecondsAfterFinished"),
    ):
        if spec.get(field) is not None:
            out.line(0, title, go_value(spec[field]))
    _times(status, out)
    _deadline(spec, out)
    ready = f" ({status['ready']} Ready)" if status.get("ready") is not None else ""
    out.line(
        0,
        "Pods Statuses:",
        f"{status.get('active', 0)} Active{ready} / {status.get('succeeded', 0)} Succeeded / "
        f"{status.get('failed', 0)} Failed",
    )
    if spec.get("completionMode") == "Indexed":
        out.line(0, "Completed Indexes:", _indexes(status.get("completedIndexes") or ""))
    pod_template(spec.get("template") or {}, out)
    object_events(subject, out)


def _times(status: Document, out: Writer) -> None:
    start, end = status.get("startTime"), status.get("completionTime")
    if start:
        out.line(0, "Start Time:", long_time(start))
    if end:
        out.line(0, "Completed At:", long_time(end))
    if start and end:
        out.line(0, "Duration:", human_duration(parse_rfc3339(end) - parse_rfc3339(start)))


def _deadline(spec: Document, out: Writer) -> None:
    if spec.get("activeDeadlineSeconds") is not None:
        out.line(0, "Active Deadline Seconds:", f"{spec['activeDeadlineSeconds']}s")


def _indexes(text: str) -> str:
    comma = text.find(",", _ENOUGH)
    return (text if comma < 0 else f"{text[: comma + 1]}...") or "<none>"


def cron_job(subject: Subject, out: Writer) -> None:
    """A CronJob."""
    spec = subject.spec
    heading(subject, out)
    about(subject, out)
    out.line(0, "Schedule:", spec.get("schedule", ""))
    out.line(0, "Concurrency Policy:", spec.get("concurrencyPolicy", ""))
    out.line(0, "Suspend:", flag(spec.get("suspend")))
    out.line(0, "Time Zone:", spec.get("timeZone", _UNSET))
    out.line(0, "Successful Job History Limit:", spec.get("successfulJobsHistoryLimit", _UNSET))
    out.line(0, "Failed Job History Limit:", spec.get("failedJobsHistoryLimit", _UNSET))
    deadline = spec.get("startingDeadlineSeconds")
    out.line(0, "Starting Deadline Seconds:", _UNSET if deadline is None else f"{deadline}s")
    _job_template((spec.get("jobTemplate") or {}).get("spec") or {}, out)
    last = subject.status.get("lastScheduleTime")
    out.line(0, "Last Schedule Time:", long_time(last) if last else _UNSET)
    active = ", ".join(each.get("name", "") for each in subject.status.get("active") or ())
    out.line(0, "Active Jobs:", active or "<none>")
    object_events(subject, out)


def _job_template(spec: Document, out: Writer) -> None:
    selector = spec.get("selector")
    out.line(0, "Selector:", _UNSET if selector is None else selector_text(selector))
    out.line(0, "Parallelism:", spec.get("parallelism", _UNSET))
    out.line(0, "Completions:", spec.get("completions", _UNSET))
    _deadline(spec, out)
    pod_template(spec.get("template") or {}, out)
