"""Read-only views of NetworkPolicy (networking.k8s.io/v1) with its defaults.

The API server fills in `policyTypes` and `protocol`; a document that was never sent to one
means the same, so these views default as it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

INGRESS = "Ingress"
EGRESS = "Egress"

SECTIONS = {INGRESS: "ingress", EGRESS: "egress"}
"""The field of `spec` that holds the rules of each policy type."""

PEERS = {INGRESS: "from", EGRESS: "to"}
"""The field of a rule that lists its peers."""


def spec_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """`spec`, empty if absent: such a policy denies all ingress of its namespace."""
    return document.get("spec") or {}


def policy_types(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The directions that the policy isolates.

    Without `policyTypes`: Ingress always, Egress if there is at least one egress rule.

    >>> policy_types({"spec": {"egress": [{}]}})
    ('Ingress', 'Egress')
    """
    spec = spec_of(document)
    given = spec.get("policyTypes")
    if given:
        return tuple(given)
    return (INGRESS, EGRESS) if spec.get("egress") else (INGRESS,)


def rules_of(document: Mapping[str, Any], policy_type: str) -> Sequence[Mapping[str, Any]]:
    """The rules of one section, whether or not `policyTypes` lets them count."""
    return [rule or {} for rule in spec_of(document).get(SECTIONS[policy_type]) or ()]


def peers_of(rule: Mapping[str, Any], policy_type: str) -> Sequence[Mapping[str, Any]]:
    """`from` or `to` of a rule; an empty list means every peer."""
    return rule.get(PEERS[policy_type]) or ()


def ports_of(rule: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """`ports` of a rule; an empty list means every port of every protocol."""
    return rule.get("ports") or ()


def pod_selector(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """`spec.podSelector`; absent counts as empty, which selects every pod."""
    return spec_of(document).get("podSelector") or {}
