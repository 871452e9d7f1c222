"""Validation of events.k8s.io/v1 Events (pkg/apis/core/validation/events.go).

Core events are older than these rules, and not held to them.
"""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import check_format
from minik8s.model.formats import qualified_name
from minik8s.model.metadata import Document, namespace_of

NOTE_MAX = 1024
TEXT_MAX = 128
_UNSET = {
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_HOMELESS = ("default", "kube-system")
"""Where events about objects without a namespace may lie."""


def check_new_event(problems: Problems, event: Document) -> None:
    """An Event as events.k8s.io takes it: of one moment, told by somebody, with a reason."""
    if event.get("eventTime"):
        _check_report(problems, event)
    _check_series(problems, event.get("series"))
    if not event.get("eventTime"):
        problems.required("eventTime")
    if event.get("type") not in ("Normal", "Warning"):
        problems.invalid("type", "", f"has invalid value: {event.get('type') or ''}")
    for field, shown in _UNSET.items():
        if event.get(field):
            problems.invalid(shown, "", "needs to be unset")
    if any((event.get("deprecatedSource") or {}).values()):
        problems.invalid("source", "", "needs to be unset")


def _check_report(problems: Problems, event: Document) -> None:
    home = (event.get("regarding") or {}).get("namespace") or ""
    matches = home == namespace_of(event) if home else namespace_of(event) in _HOMELESS
    if not matches:
        problems.invalid("involvedObject.namespace", home, "does not match event.namespace")
    controller = event.get("reportingController") or ""
    if not controller:
        problems.required("reportingController")
    check_format(problems, "reportingController", controller, qualified_name)
    for field in ("reportingInstance", "action", "reason"):
        text = event.get(field) or ""
        if not text:
            problems.required(field)
        _check_length(problems, field, text, TEXT_MAX)
    _check_length(problems, "message", event.get("note") or "", NOTE_MAX)


def _check_length(problems: Problems, path: str, text: str, limit: int) -> None:
    if len(text.encode()) > limit:
        problems.invalid(path, "", f"can have at most {limit} characters")


def _check_series(problems: Problems, series: Document | None) -> None:
    if series is None:
        return
    if (series.get("count") or 0) < 2:
        problems.invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        problems.required("series.lastObservedTime")
