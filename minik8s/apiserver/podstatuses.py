"""A pod's status as a client writes it: what the API makes of it before it is checked.

Both forms of the addresses say the same afterwards, and each container is in one state.
(pkg/apis/core/v1/conversion.go.)
"""

from __future__ import annotations

from typing import Any

from minik8s.model.metadata import Document

_ADDRESSES = (("podIP", "podIPs"), ("hostIP", "hostIPs"))
_CONTAINERS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_STATES = ("waiting", "running", "terminated")


def normalized(status: Document) -> Document:
    """The status with its addresses in both forms and its containers' states spelled out."""
    status = dict(status)
    for one, many in _ADDRESSES:
        _agree(status, one, many)
    for field in _CONTAINERS:
        if status.get(field):
            status[field] = [_container(each) for each in status[field]]
    return status


def _agree(status: Document, one: str, many: str) -> None:
    """Where the two forms differ, the older one counts."""
    single, several = status.get(one), status.get(many) or []
    if single and (not several or several[0].get("ip") != single):
        status[many] = [{"ip": single}]
    elif several and not single:
        status[one] = several[0].get("ip") or ""


def _container(status: Document) -> Document:
    state = _state(status.get("state")) or {"waiting": {"reason": ""}}
    return {**status, "state": state, "lastState": _state(status.get("lastState"))}


def _state(written: Any) -> Document:
    """The one state that a container is in, with what everybody reads of it."""
    known = (
        {name: written[name] for name in _STATES if written.get(name) is not None}
        if written
        else {}
    )
    for name, detail in known.items():
        if name == "waiting":
            return {name: {"reason": "", **detail}}
        if name == "running":
            return {name: detail}
        return {name: {"exitCode": 0, "startedAt": _NEVER, "finishedAt": _NEVER, **detail}}
    return {}


_NEVER = "0001-01-01T00:00:00Z"
