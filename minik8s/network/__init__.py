"""Packets, not set arithmetic: hosts, connection tracking, Services, policy hooks, DNS."""

from __future__ import annotations

from minik8s.network.conntrack import ConntrackTable, CtState, Entry
from minik8s.network.datagrams import Datagram, DatagramSocket, EchoReply, EchoSocket
from minik8s.network.network import Network
from minik8s.network.packet import Icmp, Packet
from minik8s.network.settings import Settings
from minik8s.network.sockets import AddressInUse, Connection, ConnectionState, Listener
from minik8s.network.stack import Host
from minik8s.network.trace import Event, Fate, Hook, Hop, Trace

__all__ = [
    "AddressInUse",
    "Connection",
    "ConnectionState",
    "ConntrackTable",
    "CtState",
    "Datagram",
    "DatagramSocket",
    "EchoReply",
    "EchoSocket",
    "Entry",
    "Event",
    "Fate",
    "Hook",
    "Hop",
    "Host",
    "Icmp",
    "Listener",
    "Network",
    "Packet",
    "Settings",
    "Trace",
]
