"""What happened to one packet, hop by hop: data for hubble, `explain` and pictures."""

from __future__ import annotations
