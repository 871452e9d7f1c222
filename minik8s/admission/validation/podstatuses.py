"""What a client may say of a pod's state: `pods/status` (ValidatePodStatusUpdate).

The spec is not looked at again: an update of the status cannot touch it.
"""

from __future__ import annotations

from typing import Any

from minik8s.admission.problems import Problems
from minik8s.admission.validation.addresses import check_address, is_ipv6
from minik8s.model.formats import dns1123_subdomain, qualified_name
from minik8s.model.metadata import Document

_ONE_OF_EACH = "may specify no more than one IP for each IP family"
_SYSTEM_CONDITIONS = frozenset({"PodScheduled", "Ready", "Initialized"})


def check_pod_status(problems: Problems, new: Document, old: Document) -> None:
    """The conditions and the addresses of a pod, and what its status must keep.

    The paths are those of the real server, which says `metadata.conditions` and `podIPs`.
    """
    status, before = new.get("status") or {}, old.get("status") or {}
    for index, condition in enumerate(status.get("conditions") or ()):
        name = condition["type"]
        if name not in _SYSTEM_CONDITIONS:
            path = f"metadata.conditions[{index}].Condition"
            problems.each_invalid(path, name, qualified_name(name))
    node = status.get("nominatedNodeName") or ""
    if node and node != before.get("nominatedNodeName"):
        problems.each_invalid("status.nominatedNodeName", node, dns1123_subdomain(node))
    if (status.get("qosClass") or "") != (before.get("qosClass") or ""):
        problems.invalid("status.qosClass", status.get("qosClass") or "", "field is immutable")
    _check_addresses(problems, "status.hostIPs", status.get("hostIPs") or [])
    _check_addresses(problems, "podIPs", status.get("podIPs") or [])


def _check_addresses(problems: Problems, path: str, entries: list[dict[str, Any]]) -> None:
    addresses = [str(entry.get("ip") or "") for entry in entries]
    sound = [
        check_address(problems, f"{path}[{index}]", address)
        for index, address in enumerate(addresses)
    ]
    if len(addresses) < 2 or not all(sound):
        return
    families = {is_ipv6(address) for address in addresses}
    if len(families) < len(addresses):
        problems.invalid(path, entries, _ONE_OF_EACH)
    for index, address in enumerate(addresses):
        if address in addresses[:index]:
            problems.duplicate(f"{path}[{index}]", entries[index])
