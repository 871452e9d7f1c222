"""What a policy means: documents in, verdicts out; pure."""

from __future__ import annotations

from minik8s.policy.policyset import PolicySet
from minik8s.policy.values import (
    Decision,
    Direction,
    DirectionDecision,
    Peer,
    PolicyRef,
    Reason,
    RuleRef,
    Verdict,
    Via,
)

__all__ = [
    "Decision",
    "Direction",
    "DirectionDecision",
    "Peer",
    "PolicyRef",
    "PolicySet",
    "Reason",
    "RuleRef",
    "Verdict",
    "Via",
]
