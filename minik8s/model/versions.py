"""Kinds that the API serves in several versions: one object, stored once, shown in each.

The kinds of a CustomResourceDefinition differ in nothing but their apiVersion (the conversion
strategy None). Of the built-in kinds, HorizontalPodAutoscaler and Event have two forms; `stored_as`
in the registry says which of them is kept.
"""

from __future__ import annotations

from collections.abc import Callable

from minik8s.model.autoscalers import autoscaler_v1, autoscaler_v2
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind


def as_version(document: Document, kind: Kind) -> Document:
    """An object as its kind's version has it; it may have been written as another."""
    version = document.get("apiVersion")
    if version == kind.api_version:
        return document
    convert = _CONVERSIONS.get((kind.kind, str(version), kind.api_version))
    converted = convert(document) if convert is not None else document
    return {**converted, "apiVersion": kind.api_version}


_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""What the fields of a core Event are called in events.k8s.io (pkg/apis/events/v1)."""

_CORE_FIELDS = {new: old for old, new in _EVENT_FIELDS.items()}
_ALWAYS_SHOWN: Document = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
"""The fields that JSON shows of every Event, under their core names."""


def _core_event(event: Document) -> Document:
    named = {_CORE_FIELDS.get(field, field): value for field, value in event.items()}
    return {**_ALWAYS_SHOWN, **named}


def _new_event(event: Document) -> Document:
    every = {**_ALWAYS_SHOWN, **event}
    return {_EVENT_FIELDS.get(field, field): value for field, value in every.items()}


_CONVERSIONS: dict[tuple[str, str, str], Callable[[Document], Document]] = {
    ("Event", "events.k8s.io/v1", "v1"): _core_event,
    ("Event", "v1", "events.k8s.io/v1"): _new_event,
    ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2"): autoscaler_v2,
    ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1"): autoscaler_v1,
}
"""By kind: from which apiVersion to which."""
