"""`kubectl autoscale`."""

from __future__ import annotations

import re

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.generate import make, without_empty
from minik8s.kubectl.gotext import format_g
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.quantities import canonical
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.model.metadata import Document

_UNITS = {"cpu": "m", "memory": "Mi"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def run(call: Call) -> None:
    """Make an autoscaler for each object."""
    dry_run = call.dry_run()
    _validate(call)
    scaled: list[Target] = []

    def scale(target: Target) -> None:
        kind = target.kind
        if "scale" not in kind.subresources:
            raise Failure(
                f"cannot autoscale a {kind.kind}: could not find scale subresource for "
                f"{kind.group}/{kind.version}, Resource={kind.plural} in discovery information"
            )
        scaled.append(target)
        document = _autoscaler(call, target)
        if dry_run is DryRun.CLIENT:
            object_printer(call, "created", dry_run)(make(call, document, dry_run))
            return
        try:
            made = make(call, document, dry_run)
        except ApiError as error:
            raise _incompatible(call, error) from None
        object_printer(call, "autoscaled", dry_run)(made)

    select(Query.typed(call)).visit(scale)
    if not scaled:
        raise Failure("no objects passed to autoscale")


def _validate(call: Call) -> None:
    flags = call.flags
    most, least = flags.number("max"), flags.number("min")
    if most < 1:
        raise Failure(f"--max=MAXPODS is required and must be at least 1, max: {most}")
    if most < least:
        raise Failure(
            f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {most}, min: {least}"
        )
    if flags.number("cpu-percent") > 0 and flags.text("cpu"):
        raise Failure("--cpu-percent and --cpu are mutually exclusive")
    for resource in _UNITS:
        if flags.text(resource):
            _target(flags.text(resource), resource)


def _target(text: str, resource: str) -> Document:
    """The target of a metric: a percentage of what is requested, or a quantity."""
    text = text.strip()
    if not text:
        raise Failure("empty input")
    if text.endswith("%"):
        number = text[:-1]
        if not re.fullmatch(r"\+?\d+", number):
            raise Failure(f"invalid percentage value: {number}")
        return {"type": "Utilization", "averageUtilization": int(number)}
    if _NUMBER.fullmatch(text):
        text = f"{format_g(float(text))}{_UNITS[resource]}"
    try:
        return {"type": "AverageValue", "averageValue": canonical(text)}
    except ValueError:
        raise Failure(f"invalid resource {resource} value: {text}") from None


def _autoscaler(call: Call, target: Target) -> Document:
    flags = call.flags
    metrics: list[Document] = []
    if flags.number("cpu-percent") > 0:
        percent = flags.number("cpu-percent")
        metrics.append(_metric("cpu", {"type": "Utilization", "averageUtilization": percent}))
    metrics += [
        _metric(resource, _target(flags.text(resource), resource))
        for resource in _UNITS
        if flags.text(resource)
    ]
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": without_empty(
            name=flags.text("name") or target.name,
            namespace=call.namespace if call.namespace_given else "",
        ),
        "spec": {
            "scaleTargetRef": {
                "kind": target.kind.kind,
                "name": target.name,
                "apiVersion": target.kind.api_version,
            },
            **({"minReplicas": flags.number("min")} if flags.number("min") > 0 else {}),
            "maxReplicas": flags.number("max"),
            **without_empty(metrics=metrics),
        },
        "status": {"desiredReplicas": 0, "currentMetrics": None},
    }


def _metric(resource: str, target: Document) -> Document:
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


def _incompatible(call: Call, error: ApiError) -> Exception:
    """Why the older version of the API, which kubectl tries next, does not do either."""
    try:
        target = _target(call.flags.text("cpu"), "cpu")
    except Failure as problem:
        return Failure(
            "failed to create autoscaling/v2 HPA and the configuration is incompatible with "
            f"autoscaling/v1: {problem}"
        )
    if call.flags.text("memory") or target["type"] != "Utilization":
        return Failure(
            "failed to create autoscaling/v2 HPA and the configuration is incompatible with "
            "autoscaling/v1: %!w(<nil>)"
        )
    return error
