"""Validation of Jobs and CronJobs (pkg/apis/batch/validation/validation.go)."""

from __future__ import annotations

from collections.abc import Mapping

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import (
    check_fields_not_negative,
    check_one_of,
    check_selector,
    immutable,
)
from minik8s.admission.validation.pods import check_template
from minik8s.model.formats import dns1123_subdomain, too_long
from minik8s.model.jobs import own_labels
from minik8s.model.metadata import Document, labels_of, uid_of
from minik8s.model.selectors import SelectorError, label_selector

CRON_JOB_NAME_MAX = 52
"""A CronJob's Jobs get eleven more characters, and 63 is the limit of a label."""

_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit")
_POLICIES = ("Allow", "Forbid", "Replace")
_CRON_FIELDS = 5


def check_job(problems: Problems, document: Document) -> None:
    """The spec of a Job, and whether it selects its own pods and no others."""
    spec = document.get("spec") or {}
    if spec.get("selector") is not None and not spec.get("manualSelector"):
        _check_own_selector(problems, document, spec)
    check_job_spec(problems, "spec", spec)
    if spec.get("selector") is None:
        problems.required("spec.selector")
    else:
        check_selector(problems, "spec.selector", spec["selector"])
    labels = labels_of(spec.get("template") or {})
    if not _picks(spec.get("selector"), labels):
        problems.invalid(
            "spec.template.metadata.labels",
            labels or None,
            "`selector` does not match template `labels`",
        )


def _check_own_selector(problems: Problems, job: Document, spec: Document) -> None:
    """The selector and labels that the API server makes (validateGeneratedSelector)."""
    if not uid_of(job):
        problems.required("metadata.uid")
    labels, expected = labels_of(spec.get("template") or {}), own_labels(job)
    for key, value in sorted(expected.items()):
        path, must = f"spec.template.metadata.labels[{key}]", f"must be '{value}'"
        if key not in labels:
            problems.required(path, must)
        elif labels[key] != value:
            problems.invalid(path, labels, must)
    if not _picks(spec["selector"], expected):
        problems.invalid("spec.selector", spec["selector"], "`selector` not auto-generated")


def _picks(selector: Document | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector picks labels; one that cannot be read is told of elsewhere."""
    try:
        return label_selector(selector).matches(labels)
    except SelectorError:
        return True


def check_job_spec(problems: Problems, path: str, spec: Document) -> None:
    """A JobSpec, of a Job or in a CronJob."""
    check_fields_not_negative(problems, path, spec, (*_COUNTS, "ttlSecondsAfterFinished"))
    mode = spec.get("completionMode")
    if mode is not None:
        check_one_of(problems, f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed" and spec.get("completions") is None:
        problems.required(f"{path}.completions", "when completion mode is Indexed")
    template = spec.get("template") or {}
    check_template(problems, f"{path}.template", template)
    policy, where = (template.get("spec") or {}).get("restartPolicy"), f"{path}.template.spec"
    if policy == "Always":
        problems.required(f"{where}.restartPolicy", 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        problems.not_supported(f"{where}.restartPolicy", policy or "", ("OnFailure", "Never"))


def check_job_update(problems: Problems, new: Document, old: Document) -> None:
    """A stored Job keeps how much it does and what its pods are."""
    check_job(problems, new)
    now, before = new.get("spec") or {}, old.get("spec") or {}
    for field in ("selector", "template", "completionMode"):
        immutable(problems, f"spec.{field}", now.get(field), before.get(field))
    if now.get("completionMode") != "Indexed":
        immutable(problems, "spec.completions", now.get("completions"), before.get("completions"))


def cron_job_name(name: str) -> list[str]:
    """What is wrong with a CronJob's name."""
    complaints = dns1123_subdomain(name)
    if len(name.encode()) > CRON_JOB_NAME_MAX:
        complaints.append(too_long(CRON_JOB_NAME_MAX))
    return complaints


def check_cron_job(problems: Problems, document: Document) -> None:
    """The spec of a CronJob."""
    spec = document.get("spec") or {}
    schedule = spec.get("schedule", "")
    if not schedule:
        problems.required("spec.schedule")
    elif not schedule.startswith("@") and len(schedule.split()) != _CRON_FIELDS:
        count, fields = len(schedule.split()), f"[{' '.join(schedule.split())}]"
        problems.invalid(
            "spec.schedule",
            schedule,
            f"expected exactly {_CRON_FIELDS} fields, found {count}: {fields}",
        )
    check_one_of(problems, "spec.concurrencyPolicy", spec.get("concurrencyPolicy"), _POLICIES)
    check_fields_not_negative(
        problems,
        "spec",
        spec,
        ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"),
    )
    _check_job_template(problems, (spec.get("jobTemplate") or {}).get("spec") or {})


def _check_job_template(problems: Problems, spec: Document) -> None:
    """The Jobs to be made get their selectors when they are made."""
    path = "spec.jobTemplate.spec"
    check_job_spec(problems, path, spec)
    if spec.get("selector") is not None:
        problems.invalid(f"{path}.selector", spec["selector"], "`selector` will be auto-generated")
    if spec.get("manualSelector"):
        problems.not_supported(f"{path}.manualSelector", True, ("nil", "false"))
