"""One running cluster without its API: store, clock, controllers, network and containers."""

from __future__ import annotations

from minik8s.runtime.profile import ClusterProfile, Cni, NodeProfile, kubeadm_profile
from minik8s.runtime.runtime import Runtime

__all__ = ["ClusterProfile", "Cni", "NodeProfile", "Runtime", "kubeadm_profile"]
