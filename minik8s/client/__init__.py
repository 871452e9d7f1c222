"""Calls of the API over any transport, and the kubeconfig that names the clusters."""

from __future__ import annotations

from minik8s.client.calls import Client, WriteOptions
from minik8s.client.contexts import Contexts
from minik8s.client.transport import InProcessTransport, Transport, error_of

__all__ = [
    "Client",
    "Contexts",
    "InProcessTransport",
    "Transport",
    "WriteOptions",
    "error_of",
]
