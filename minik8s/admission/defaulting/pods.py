"""Defaults of pods and of the pod templates of workloads (pkg/apis/core/v1/defaults.go).

What the mutating admission plugins add (service account, tolerations, priority) is not here:
a template does not get it, and an update does not repeat it.
"""

from __future__ import annotations

from typing import Any

from minik8s.admission.defaulting.fill import each, ensured, fill, fill_absent, fill_zero, inside
from minik8s.model.metadata import Document

FILE_MODE = 0o644

_POD_SPEC: dict[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER: dict[str, Any] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_TCP = {"protocol": "TCP"}
_VOLUME_DETAILS = {"defaultMode": FILE_MODE}


def default_pod(pod: Document) -> Document:
    """A pod with its defaults, those that only pods get included."""
    return ensured(pod, "spec", _pod_only_spec)


def default_template(template: Document) -> Document:
    """A PodTemplateSpec with its defaults."""
    return ensured(template, "spec", default_pod_spec)


def default_pod_spec(spec: Document) -> Document:
    """The defaults that pods and templates share."""
    spec = fill(spec, _POD_SPEC)
    if "serviceAccount" in spec or "serviceAccountName" in spec:
        spec = _service_account(spec)
    for field in ("containers", "initContainers", "ephemeralContainers"):
        if field in spec:
            spec = each(spec, field, default_container)
    return each(spec, "volumes", default_volume)


def _service_account(spec: Document) -> Document:
    """`serviceAccount` is the old name of `serviceAccountName`; both carry the same value."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or ""
    if spec.get("serviceAccount") == spec.get("serviceAccountName") == name:
        return spec
    return {**spec, "serviceAccount": name, "serviceAccountName": name}


def _pod_only_spec(spec: Document) -> Document:
    spec = default_pod_spec(fill_absent(spec, {"enableServiceLinks": True}))
    for field in ("containers", "initContainers"):
        if field in spec:
            spec = each(spec, field, _requests_from_limits)
            if spec.get("hostNetwork"):
                spec = each(spec, field, _host_ports)
    return spec


def _requests_from_limits(container: Document) -> Document:
    """A resource with a limit and no request is requested up to its limit."""
    limits = container["resources"].get("limits")
    if not limits:
        return container
    requests = container["resources"].get("requests") or {}
    if limits.keys() <= requests.keys():
        return container
    resources = {**container["resources"], "requests": {**limits, **requests}}
    return {**container, "resources": resources}


def _host_ports(container: Document) -> Document:
    return each(container, "ports", _host_port)


def _host_port(port: Document) -> Document:
    return fill_zero(port, {"hostPort": port.get("containerPort", 0)})


# -- containers


def default_container(container: Document) -> Document:
    """A container of any of the three lists with its defaults."""
    container = fill(container, _CONTAINER)
    if not container.get("imagePullPolicy"):
        container = {**container, "imagePullPolicy": pull_policy(container.get("image", ""))}
    if "ports" in container:
        container = each(container, "ports", _container_port)
    if "env" in container:
        container = each(container, "env", _variable)
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        if field in container:
            container = inside(container, field, _probe)
    return inside(container, "lifecycle", _lifecycle)


def pull_policy(image: str) -> str:
    """Always for the tag `latest`, which is also the one of an image without tag and digest.

    >>> pull_policy("nginx"), pull_policy("registry:5000/nginx:1.29")
    ('Always', 'IfNotPresent')
    """
    if not image:
        return "IfNotPresent"
    name, at, _ = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    if not colon:
        tag = "" if at else "latest"
    return "Always" if tag == "latest" else "IfNotPresent"


def _container_port(port: Document) -> Document:
    return fill(port, _TCP)


def _variable(variable: Document) -> Document:
    return inside(variable, "valueFrom", _field_ref)


def _field_ref(holder: Document) -> Document:
    return inside(holder, "fieldRef", lambda ref: fill(ref, {"apiVersion": "v1"}))


def _probe(probe: Document) -> Document:
    probe = fill_zero(probe, _PROBE)
    probe = inside(probe, "grpc", lambda grpc: fill_absent(grpc, {"service": ""}))
    return inside(probe, "httpGet", _http_get)


def _http_get(action: Document) -> Document:
    return fill(action, {"path": "/", "scheme": "HTTP"})


def _lifecycle(lifecycle: Document) -> Document:
    for moment in ("postStart", "preStop"):
        lifecycle = inside(lifecycle, moment, lambda hook: inside(hook, "httpGet", _http_get))
    return lifecycle


# -- volumes


def default_volume(volume: Document) -> Document:
    """A volume with its defaults; one without a source is an emptyDir."""
    if volume.keys() <= {"name"}:
        return {**volume, "emptyDir": {}}
    for source in ("configMap", "secret"):
        volume = inside(volume, source, lambda given: fill_absent(given, _VOLUME_DETAILS))
    volume = inside(volume, "downwardAPI", _downward_api)
    volume = inside(volume, "projected", _projected)
    volume = inside(volume, "hostPath", lambda given: fill_absent(given, {"type": ""}))
    volume = inside(volume, "image", _image)
    return inside(volume, "ephemeral", _ephemeral)


def _downward_api(source: Document) -> Document:
    return each(fill_absent(source, _VOLUME_DETAILS), "items", _field_ref)


def _projected(source: Document) -> Document:
    return each(fill_absent(source, _VOLUME_DETAILS), "sources", _projection)


def _projection(source: Document) -> Document:
    source = inside(
        source,
        "serviceAccountToken",
        lambda token: fill_absent(token, {"expirationSeconds": 3600}),
    )
    return inside(source, "downwardAPI", lambda given: each(given, "items", _field_ref))


def _image(source: Document) -> Document:
    return fill(source, {"pullPolicy": pull_policy(source.get("reference", ""))})


def _ephemeral(source: Document) -> Document:
    return inside(source, "volumeClaimTemplate", default_claim_template)


def default_claim_template(claim: Document) -> Document:
    """The spec of a volume claim with its defaults."""
    return inside(claim, "spec", lambda spec: fill_absent(spec, {"volumeMode": "Filesystem"}))
