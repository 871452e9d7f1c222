"""The public face: one object that is a whole cluster."""

from __future__ import annotations

from minik8s.cluster.cluster import Cluster, Disagreement, Manifests
from minik8s.cluster.pods import Pod, Pods, Result

__all__ = ["Cluster", "Disagreement", "Manifests", "Pod", "Pods", "Result"]
