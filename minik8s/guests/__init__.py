"""Programs in pods: generators that yield what they want from the network and the clock."""

from __future__ import annotations
