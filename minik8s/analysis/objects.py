"""What is wrong with an object, as the API server would say it.

Policies are checked in full, other kinds for the types of their fields and for what this
package computes with: addresses and numbers of pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.admission import decode, default, validate_create
from minik8s.admission.customkinds import builtin_schema, check_custom, decode_custom
from minik8s.analysis.workloads import MOST_PODS, OWNING
from minik8s.errors import ApiError
from minik8s.model.metadata import Document
from minik8s.model.registry import NETWORK_POLICY, Kind, Registry
from minik8s.policy.addresses import parse_address
from minik8s.policy.clusterwide import compile_cluster_policy
from minik8s.policy.policyset import KINDS as POLICY_KINDS


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in one line, and the field it is about (empty if the object as a whole)."""

    text: str
    field: str = ""


def fault_of(document: Document) -> Fault | None:
    """The first thing that is wrong with an object; None if nothing is."""
    kind = _REGISTRY.of(document)
    try:
        if kind is not None:
            _admit(kind, document)
    except ApiError as error:
        field = error.field or (error.causes[0].field if error.causes else "")
        return Fault(" ".join(error.message.split()), field)
    if kind is None:
        return _unserved(document)
    return next(_impossible(document), None)


def _admit(kind: Kind, document: Document) -> None:
    """Decode and, if it is a policy, validate; raises ApiError."""
    schema = builtin_schema(kind)
    if kind is NETWORK_POLICY:
        decoded, _ = decode(kind, document, "Strict")
        validate_create(kind, default(kind, decoded))
    elif schema is not None:
        decoded, _ = decode_custom(kind, document, schema, "Strict")
        check_custom(kind, decoded, schema)
    else:
        decode(kind, document, "Ignore")


def _unserved(document: Document) -> Fault | None:
    """What is wrong with an object whose kind and version are not served.

    A policy of an old version must not pass for one that does nothing; the cluster-wide ones
    have several versions that mean the same.
    """
    kind, version = document.get("kind"), document.get("apiVersion")
    if kind not in POLICY_KINDS:
        return None
    if kind == NETWORK_POLICY.kind:
        known = NETWORK_POLICY.api_version
        text = f'no matches for kind "{kind}" in version "{version}": it is {known} today'
        return Fault(text, "apiVersion")
    try:
        compile_cluster_policy(document)
    except (TypeError, ValueError, KeyError, AttributeError):
        return Fault(f"this {kind} is malformed")
    return None


def _impossible(document: Document) -> Iterator[Fault]:
    """Values of the right type with which there is nothing to compute."""
    if document.get("kind") == "Pod":
        status: Mapping[str, Any] = document.get("status") or {}
        entries = [("status.podIP", status.get("podIP"))]
        entries += [
            (f"status.podIPs[{index}].ip", (entry or {}).get("ip"))
            for index, entry in enumerate(status.get("podIPs") or ())
        ]
        for field, address in entries:
            if address and not parse_address(address)[0]:
                yield Fault(
                    f'{field}: Invalid value: "{address}": must be a valid IP address', field
                )
    if document.get("kind") in OWNING:
        replicas = (document.get("spec") or {}).get("replicas")
        if replicas is not None and not 0 <= replicas <= MOST_PODS:
            text = f"spec.replicas: Invalid value: {replicas}: must be between 0 and {MOST_PODS}"
            yield Fault(text, "spec.replicas")


_REGISTRY = Registry()
