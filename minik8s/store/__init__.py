"""The documents of one cluster, with versions, a watch log and an index of owners."""

from __future__ import annotations

from minik8s.store.shelf import EventType, StoreEvent
from minik8s.store.store import Store

__all__ = ["EventType", "Store", "StoreEvent"]
