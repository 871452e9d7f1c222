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
from minik8s.policy.clusterwide import KINDS as CLUSTER_KINDS
from minik8s.policy.clusterwide import compile_cluster_policy


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

    A policy or a workload of an old version must not pass for one that does nothing; the
    cluster-wide policies have several versions that mean the same.
    """
    kind, version = str(document.get("kind")), str(document.get("apiVersion"))
    if kind not in CLUSTER_KINDS:
        known = _KNOWN.get(kind)
        if known is None or (foreign(document) and known is not NETWORK_POLICY):
            return None
        text = f'no matches for kind "{kind}" in version "{version}"'
        return Fault(f"{text}: it is {known.api_version} today", "apiVersion")
    try:
        compile_cluster_policy(document)
    except (TypeError, ValueError, KeyError, AttributeError):
        return Fault(f"this {kind} is malformed")
    return None


def foreign(document: Document) -> bool:
    """Whether an object of another group is only called like one of ours, as Knative's Service."""
    known = _KNOWN.get(str(document.get("kind")))
    group = str(document.get("apiVersion")).rpartition("/")[0]
    return (
        known is not None
        and document.get("kind") not in CLUSTER_KINDS
        and group not in (known.group, *_FORMER_GROUPS)
    )


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
_READ = ("Pod", "Namespace", "Node", "Service", "EndpointSlice", NETWORK_POLICY.kind, *OWNING)
_KNOWN = {kind.kind: kind for kind in _REGISTRY if kind.kind in _READ}
"""The kinds that say who may reach whom; what is called otherwise is passed over."""

_FORMER_GROUPS = ("", "extensions")
"""Where kinds stood before they had a group of their own."""
