"""A tiny Kubernetes in one Python process, made to learn NetworkPolicy."""

from __future__ import annotations

from importlib import import_module

__all__ = ["Cluster", "Verdict", "__version__"]

__version__ = "0.1.0"

_HOMES = {"Cluster": "minik8s.cluster", "Verdict": "minik8s.policy"}


def __getattr__(name: str) -> object:
    """Load a public name on first use, so that ``import minik8s`` stays quick."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
