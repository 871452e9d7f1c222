"""How a Job knows its pods: labels and a selector that are made of its name and uid."""

from __future__ import annotations

from minik8s.model.metadata import Document, labels_of, name_of, uid_of

NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
"""The labels of a Job's pods that hold its name; the second is the older one."""
UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
"""The labels of a Job's pods that hold its uid; the first is what it selects by."""


def with_own_selector(job: Document) -> Document:
    """A Job that selects its own pods by its uid, unless it asks for a selector of its own.

    What is there already stays: validation refuses the uid or the name of another Job
    (generateSelector in pkg/registry/batch/job/strategy.go).
    """
    spec = job.get("spec") or {}
    if spec.get("manualSelector"):
        return job
    template, selector = spec.get("template") or {}, spec.get("selector") or {}
    metadata = template.get("metadata") or {}
    labels = {**own_labels(job), **labels_of(template)}
    picked = {UID_LABELS[0]: uid_of(job), **(selector.get("matchLabels") or {})}
    return {
        **job,
        "spec": {
            **spec,
            "selector": {**selector, "matchLabels": picked},
            "template": {**template, "metadata": {**metadata, "labels": labels}},
        },
    }


def own_labels(job: Document) -> dict[str, str]:
    """The labels that the pods of a Job get."""
    return dict.fromkeys(UID_LABELS, uid_of(job)) | dict.fromkeys(NAME_LABELS, name_of(job))
