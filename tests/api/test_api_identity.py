"""Labels and selectors that the server makes of a new object's name and uid."""

from __future__ import annotations

from typing import Any

from fakes import Api

JOBS = "/apis/batch/v1/namespaces/default/jobs"
NAMESPACES = "/api/v1/namespaces"


def job(name: str = "once", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    template: dict[str, Any] = {
        "spec": {"containers": [{"name": "a", "image": "busybox"}], "restartPolicy": "Never"}
    }
    if labels:
        template["metadata"] = {"labels": labels}
    metadata = {"generateName": name} if name.endswith("-") else {"name": name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": template, **spec},
    }


def own(document: dict[str, Any]) -> dict[str, str]:
    """The labels that the Job's own uid and name give its pods."""
    uid, name = document["metadata"]["uid"], document["metadata"]["name"]
    return {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }


def labels(document: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = document["spec"]["template"]["metadata"]["labels"]
    return found


def test_a_job_selects_its_pods_by_its_uid(api: Api) -> None:
    made = api.ok("POST", JOBS, job(labels={"app": "x"}))
    uid = made["metadata"]["uid"]
    selector = made["spec"]["selector"]
    assert selector == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert labels(made) == {"app": "x", **own(made)}
    assert api.ok("GET", f"{JOBS}/once") == made


def test_a_generated_name_is_the_one_in_the_labels(api: Api) -> None:
    made = api.ok("POST", JOBS, job("many-"))
    assert made["metadata"]["name"].startswith("many-")
    assert labels(made) == own(made)


def test_a_dry_run_shows_a_selector_too_and_uses_up_no_uid(api: Api) -> None:
    shown = api.ok("POST", f"{JOBS}?dryRun=All", job())
    assert labels(shown) == own(shown)
    again = api.ok("POST", f"{JOBS}?dryRun=All", job())
    assert again == shown
    assert api.ok("GET", JOBS)["items"] == []


def test_a_manual_selector_is_left_alone(api: Api) -> None:
    selector = {"matchLabels": {"app": "x"}}
    made = api.ok("POST", JOBS, job(labels={"app": "x"}, manualSelector=True, selector=selector))
    assert made["spec"]["selector"] == selector
    assert labels(made) == {"app": "x"}


def test_a_job_of_another_uid_or_name_is_refused(api: Api) -> None:
    error = api.fails("POST", JOBS, job(labels={"controller-uid": "other", "job-name": "b"}))
    fields = [cause["field"] for cause in error["details"]["causes"]]
    assert error["code"] == 422
    assert fields == [
        "spec.template.metadata.labels[controller-uid]",
        "spec.template.metadata.labels[job-name]",
    ]
    assert error["details"]["causes"][1]["message"].endswith(": must be 'once'")
    wrong = {"matchLabels": {"batch.kubernetes.io/controller-uid": "other"}}
    error = api.fails("POST", JOBS, job(selector=wrong))
    assert [cause["field"] for cause in error["details"]["causes"]] == [
        "spec.selector",
        "spec.template.metadata.labels",
    ]
    assert "`selector` not auto-generated" in error["details"]["causes"][0]["message"]


def test_a_copy_of_a_stored_job_is_refused(api: Api) -> None:
    """What `kubectl get job -o yaml` and `create` under another name meet in a real cluster."""
    made = api.ok("POST", JOBS, job())
    spec = made["spec"]
    error = api.fails("POST", JOBS, {**job("twice"), "spec": spec})
    assert error["code"] == 422
    assert "must be 'twice'" in error["message"]


def test_an_update_must_keep_the_selector(api: Api) -> None:
    api.ok("POST", JOBS, job())
    error = api.fails("PUT", f"{JOBS}/once", job())
    said = [
        (cause["field"], cause["message"].split(":")[0]) for cause in error["details"]["causes"]
    ]
    assert ("spec.selector", "Required value") in said
    assert ("spec.selector", "Invalid value") in said
    assert ("spec.template", "Invalid value") in said


def test_a_cron_job_leaves_the_selector_to_its_jobs(api: Api) -> None:
    spec = job(manualSelector=True, selector={"matchLabels": {"app": "x"}})["spec"]
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": spec}},
    }
    error = api.fails("POST", "/apis/batch/v1/namespaces/default/cronjobs", cron)
    assert [cause["message"].rpartition(": ")[2] for cause in error["details"]["causes"]] == [
        "`selector` will be auto-generated",
        '"nil", "false"',
    ]


def test_a_namespace_of_a_generated_name_has_it_as_a_label(api: Api) -> None:
    made = api.ok("POST", NAMESPACES, {"metadata": {"generateName": "team-"}})
    name = made["metadata"]["name"]
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": name}
