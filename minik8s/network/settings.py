"""The three choices about the network that a lesson can flip while a cluster runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Settings:
    """How the datapath applies policy.

    `tracking`: whether policy looks at connection tracking at all; without it ("stateless")
    replies are judged like new packets. `established`: what happens to packets in the opening
    direction of a known connection: kept, as Linux does, or judged again, as Cilium does.
    `enforcement`: whether a CNI enforces policy; without one, policies are stored and do nothing.
    """

    tracking: bool = True
    established: Literal["keep", "rejudge"] = "keep"
    enforcement: bool = True
