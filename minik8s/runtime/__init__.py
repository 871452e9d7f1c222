"""One running cluster without its API: store, clock, controllers, network and containers."""

from __future__ import annotations

from minik8s.runtime.probe import Outcome, Probe, decide, send_probe
from minik8s.runtime.profile import ClusterProfile, Cni, NodeProfile, kubeadm_profile
from minik8s.runtime.runtime import Runtime

__all__ = [
    "ClusterProfile",
    "Cni",
    "NodeProfile",
    "Outcome",
    "Probe",
    "Runtime",
    "decide",
    "kubeadm_profile",
    "send_probe",
]
