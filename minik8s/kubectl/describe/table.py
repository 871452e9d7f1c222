"""Which function describes which kind."""

from __future__ import annotations

from importlib import import_module

from minik8s.kubectl.describe.base import Describer, Subject
from minik8s.kubectl.describe.writer import Writer

_DESCRIBERS = {
    ("networking.k8s.io", "NetworkPolicy"): "policies.network_policy",
}
"""Group and kind to `module.function` beside this module."""

_GENERIC = "generic.any_object"


def describe_object(subject: Subject) -> str:
    """The description of one object."""
    out = Writer()
    _describer(subject.kind.group, subject.kind.kind)(subject, out)
    return out.text


def _describer(group: str, kind: str) -> Describer:
    module, _, function = _DESCRIBERS.get((group, kind), _GENERIC).rpartition(".")
    found: Describer = getattr(import_module(f"minik8s.kubectl.describe.{module}"), function)
    return found
