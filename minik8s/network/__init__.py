"""Packets, not set arithmetic: hosts, connection tracking, Services, policy hooks, DNS."""

from __future__ import annotations

from minik8s.network.network import Network
from minik8s.network.settings import Settings
from minik8s.network.stack import (
    Connection,
    Datagram,
    DatagramSocket,
    EchoReply,
    EchoSocket,
    Host,
    Listener,
)

__all__ = [
    "Connection",
    "Datagram",
    "DatagramSocket",
    "EchoReply",
    "EchoSocket",
    "Host",
    "Listener",
    "Network",
    "Settings",
]
