"""Conditions of a status: set without changing the document that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.model.metadata import Document


def set_condition(
    status: Mapping[str, Any],
    condition_type: str,
    value: bool,
    now: str,
    reason: str = "",
    message: str = "",
) -> Document:
    """A status with one condition set; the transition time moves only when the value does."""
    entries: list[Document] = list(status.get("conditions") or ())
    text = "True" if value else "False"
    fresh = pod_condition(condition_type, value, now, reason, message)
    for index, entry in enumerate(entries):
        if entry["type"] == condition_type:
            if entry["status"] == text:
                fresh["lastTransitionTime"] = entry.get("lastTransitionTime", now)
            entries[index] = fresh
            break
    else:
        entries.append(fresh)
    return {**status, "conditions": entries}


def pod_condition(
    condition_type: str, value: bool, now: str, reason: str = "", message: str = ""
) -> Document:
    """A core/v1 PodCondition as the kubelet and the scheduler write it."""
    entry: Document = {
        "type": condition_type,
        "status": "True" if value else "False",
        "lastProbeTime": None,
        "lastTransitionTime": now,
    }
    if reason:
        entry["reason"] = reason
    if message:
        entry["message"] = message
    return entry
