"""The public face: one object that is a whole cluster."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from minik8s.clock import Clock
from minik8s.model.metadata import Document
from minik8s.runtime import ClusterProfile, Runtime

Manifests: TypeAlias = str | Path | Document | Iterable[Document]
"""A path, a YAML text, one document, or several."""


class Cluster:
    """A whole Kubernetes cluster in this process; make ten if you like."""

    def __init__(
        self,
        nodes: int = 2,
        seed: int = 1,
        *,
        enforcement: bool = True,
        profile: ClusterProfile | None = None,
    ) -> None:
        self.runtime = Runtime(nodes=nodes, seed=seed, enforcement=enforcement, profile=profile)

    @property
    def clock(self) -> Clock:
        """The cluster's simulated clock."""
        return self.runtime.clock

    def apply(self, manifests: Manifests) -> None:
        """Create or change objects, as `kubectl apply` does."""
        raise NotImplementedError

    def load(self, documents: Manifests) -> None:
        """Restore a snapshot: objects as they are, status kept."""
        raise NotImplementedError

    def settle(self) -> None:
        """Let the controllers run until nothing changes; takes no simulated time."""
        self.runtime.settle()
