"""`kubectl create deployment|job|cronjob|service`."""

from __future__ import annotations

from random import Random

from minik8s.ids import SUFFIX_ALPHABET
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.generate import Creation, begin
from minik8s.kubectl.pods import go_struct
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query
from minik8s.model.metadata import Document, annotations_of, labels_of, name_of, uid_of


def container(name: str, image: str, command: list[str]) -> Document:
    """A container as kubectl makes one."""
    made: Document = {"name": name, "image": image}
    if command:
        made["command"] = command
    return {**made, "resources": {}}


def deployment(call: Call) -> None:
    """Create a deployment."""
    creation = begin(call)
    flags = call.flags
    images = flags.items("image")
    if len(images) > 1 and creation.command:
        raise Failure("cannot specify multiple --image options and command")
    labels = {"app": creation.name}
    containers = [
        container(_container_name(creation, image), image, creation.command) for image in images
    ]
    if flags.number("port") >= 0 and containers:
        first = containers[0]
        first["ports"] = [{"containerPort": flags.number("port")}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    creation.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": creation.metadata(labels=labels),
            "spec": {
                "replicas": flags.number("replicas"),
                "selector": {"matchLabels": labels},
                "template": template,
                "strategy": {},
            },
            "status": {},
        },
        "failed to create deployment:",
    )


def _container_name(creation: Creation, image: str) -> str:
    name = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    if "_" not in name and "." not in name:
        return name
    choose = Random(f"{creation.name}/{image}").choice
    suffix = "".join(choose(SUFFIX_ALPHABET) for _ in range(5))
    return f"{name.replace('_', '-').replace('.', '-')}-{suffix}"


def job(call: Call) -> None:
    """Create a job."""
    creation = begin(call)
    image, source = call.flags.text("image"), call.flags.text("from")
    if bool(image) is bool(source):
        raise Failure("either --image or --from must be specified")
    if creation.command and source:
        raise Failure("cannot specify --from and command")
    if source:
        document = _job_of_cronjob(creation, source)
    else:
        document = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": creation.metadata(),
            "spec": _job_spec(creation, image, "Never"),
            "status": {},
        }
    creation.create(document, "failed to create job:")


def _job_spec(creation: Creation, image: str, restart: str) -> Document:
    made = container(creation.name, image, creation.command)
    spec = {"containers": [made], "restartPolicy": restart}
    return {"template": {"metadata": {}, "spec": spec}}


def _job_of_cronjob(creation: Creation, source: str) -> Document:
    query = Query(
        creation.call,
        namespace=creation.call.namespace,
        arguments=(source,),
        files=False,
    )
    targets = select(query).targets_or_raise(go_on=False)
    if len(targets) != 1:
        raise Failure("from must be an existing cronjob")
    cronjob = targets[0].object
    if cronjob.get("kind") != "CronJob":
        raise Failure(f"unknown object type {go_struct(cronjob)}")
    template = cronjob["spec"]["jobTemplate"]
    annotations = {"cronjob.kubernetes.io/instantiate": "manual", **annotations_of(template)}
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": name_of(cronjob),
        "uid": uid_of(cronjob),
        "controller": True,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": creation.metadata(
            annotations=annotations, labels=dict(labels_of(template)), ownerReferences=[owner]
        ),
        "spec": template["spec"],
        "status": {},
    }


def cronjob(call: Call) -> None:
    """Create a cron job."""
    creation = begin(call)
    flags = call.flags
    spec = _job_spec(creation, flags.text("image"), flags.text("restart") or "OnFailure")
    creation.create(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": creation.metadata(),
            "spec": {
                "schedule": flags.text("schedule"),
                "jobTemplate": {"metadata": {"name": creation.name}, "spec": spec},
            },
            "status": {},
        },
        "failed to create cronjob:",
    )
