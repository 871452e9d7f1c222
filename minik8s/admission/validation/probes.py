"""Validation of probes and life-cycle hooks."""

from __future__ import annotations

import re

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import check_fields_not_negative, check_port
from minik8s.model.metadata import Document

SCHEMES = ("HTTP", "HTTPS")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_SECONDS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_HEADER = re.compile("[-A-Za-z0-9]+")
_HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    "regex used for validation is '[-A-Za-z0-9]+')"
)


def check_probes(problems: Problems, path: str, container: Document, grace: int | None) -> None:
    """The life cycle and the probes of a container that keeps running."""
    lifecycle = container.get("lifecycle") or {}
    for moment in ("postStart", "preStop"):
        if lifecycle.get(moment) is not None:
            _check_handler(problems, f"{path}.lifecycle.{moment}", lifecycle[moment], grace)
    for kind in PROBES:
        if container.get(kind) is not None:
            _check_probe(problems, f"{path}.{kind}", container[kind], grace)


def _check_probe(problems: Problems, path: str, probe: Document, grace: int | None) -> None:
    _check_handler(problems, path, probe, grace)
    check_fields_not_negative(problems, path, probe, _SECONDS)
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        problems.invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0")
    if path.endswith("readinessProbe"):
        if seconds is not None:
            problems.invalid(
                f"{path}.terminationGracePeriodSeconds",
                seconds,
                "must not be set for readinessProbes",
            )
    elif probe.get("successThreshold", 1) != 1:
        problems.invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _check_handler(problems: Problems, path: str, handler: Document, grace: int | None) -> None:
    given = [kind for kind in _HANDLERS if handler.get(kind) is not None]
    if not given:
        problems.required(path, "must specify a handler type")
        return
    _check_action(problems, f"{path}.{given[0]}", given[0], handler[given[0]], grace)
    for kind in given[1:]:
        problems.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type")


def _check_action(
    problems: Problems, path: str, kind: str, action: Document, grace: int | None
) -> None:
    if kind == "exec":
        if not action.get("command"):
            problems.required(f"{path}.command")
    elif kind == "sleep":
        seconds = action.get("seconds", 0)
        if grace is not None and not 0 <= seconds <= grace:
            problems.invalid(
                path,
                seconds,
                f"must be non-negative and less than terminationGracePeriodSeconds ({grace})",
            )
    elif kind == "httpGet":
        _check_http(problems, path, action)
    else:
        check_port(problems, f"{path}.port", action.get("port"))


def _check_http(problems: Problems, path: str, action: Document) -> None:
    if not action.get("path"):
        problems.required(f"{path}.path")
    check_port(problems, f"{path}.port", action.get("port"))
    if action.get("scheme") not in SCHEMES:
        problems.not_supported(f"{path}.scheme", action.get("scheme", ""), SCHEMES)
    for header in action.get("httpHeaders") or ():
        if not _HEADER.fullmatch(header.get("name", "")):
            problems.invalid(f"{path}.httpHeaders", header.get("name", ""), _HEADER_RULE)
