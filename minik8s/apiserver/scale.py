"""The scale subresource: the replicas of any workload in one form (autoscaling/v1 Scale)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minik8s.admission.decode import decode_type
from minik8s.apiserver import writing
from minik8s.apiserver.body import content_type, decode
from minik8s.apiserver.call import Call, WriteOptions
from minik8s.apiserver.customresources import is_custom
from minik8s.apiserver.customschemas import version_of_kind
from minik8s.apiserver.messages import Response
from minik8s.apiserver.patch import patched_values
from minik8s.errors import BadRequest, Cause, Conflict, Invalid
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind
from minik8s.model.selectors import format_label_selector

API_VERSION = "autoscaling/v1"
SCALE = Kind("autoscaling", "v1", "Scale", "scales")

_METADATA = ("creationTimestamp", "name", "namespace", "resourceVersion", "uid")


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where an object keeps what its scale shows (CustomResourceSubresourceScale)."""

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ".spec.selector"


WORKLOAD = ScalePaths()


def paths_of(call: Call) -> ScalePaths:
    """The paths of the call's kind; those of a custom kind are told by its definition."""
    if not is_custom(call.kind):
        return WORKLOAD
    version = version_of_kind(call.store, call.kind) or {}
    told = version["subresources"]["scale"]
    return ScalePaths(
        told["specReplicasPath"], told["statusReplicasPath"], told.get("labelSelectorPath", "")
    )


def _found(document: Document, path: str) -> Any:
    value: Any = document
    for name in path.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value if path else None


def _changed(document: Document, names: Sequence[str], value: int) -> Document:
    if len(names) == 1:
        return {**document, names[0]: value}
    inside = document.get(names[0]) or {}
    if not isinstance(inside, dict):
        raise BadRequest(
            f"value cannot be set because .{names[0]} is not a map[string]interface{{}}"
        )
    return {**document, names[0]: _changed(inside, names[1:], value)}


def scale_of(document: Document, paths: ScalePaths = WORKLOAD) -> Document:
    """The scale of a workload."""
    metadata = document["metadata"]
    replicas = _number(_found(document, paths.spec))
    status: Document = {"replicas": _number(_found(document, paths.status))}
    selector = _selector_text(_found(document, paths.selector))
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {field: metadata[field] for field in _METADATA if field in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def _number(value: object) -> int:
    """A count; whatever else a custom object has in its place counts as none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _selector_text(selector: object) -> str:
    if isinstance(selector, str):
        return selector
    if not isinstance(selector, dict):
        return ""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={selector[key]}" for key in sorted(selector))
    return format_label_selector(selector)


def get_scale(call: Call) -> Response:
    """GET of a scale."""
    return Response(200, scale_of(call.existing(), paths_of(call)))


def update_scale(call: Call) -> Response:
    """PUT of a scale."""
    options = WriteOptions.of(call.request, "UpdateOptions")
    return _store(call, decode(call.request), options)


def patch_scale(call: Call) -> Response:
    """PATCH of a scale."""
    options = WriteOptions.of(call.request, "PatchOptions")
    scale = scale_of(call.existing(), paths_of(call))
    patched = patched_values(content_type(call.request), scale, decode(call.request), SCALE)
    return _store(call, patched, options)


def _store(call: Call, scale: object, options: WriteOptions) -> Response:
    old = call.existing()
    replicas = _replicas(call, scale, old)
    paths = paths_of(call)
    changed = _changed(old, paths.spec.split(".")[1:], replicas)
    stored = writing.change(call, changed, old, options, writing.SCALE)
    return Response(200, scale_of(stored, paths))


def _replicas(call: Call, scale: object, old: Document) -> int:
    """The replicas that a scale asks for; raises for one that is malformed or stale."""
    name = call.route.name
    if not isinstance(scale, dict):
        raise BadRequest("the object provided is unrecognized (must be of type Scale)")
    scale = decode_type("autoscaling.v1.Scale", scale)
    metadata = scale.get("metadata") or {}
    if metadata.get("name", name) != name:
        raise BadRequest(
            f"the name of the object ({metadata['name']}) does not match the name on the URL "
            f"({name})"
        )
    version = metadata.get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise Conflict.resource(call.kind.plural, call.kind.group, name)
    replicas: int = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        text = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = Cause("FieldValueInvalid", text, "spec.replicas")
        raise Invalid.object("Scale", "autoscaling", name, [cause])
    return replicas
