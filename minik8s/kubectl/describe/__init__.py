"""`kubectl describe`: what there is to know about one object, as text for people.

Everything is rendered here, on the client's side, from what the server answers: the object, its
events, and what belongs to it. `describe_object` finds the *describer* of a kind in a table; a
kind without one is described from its JSON alone.
"""

from __future__ import annotations

from minik8s.kubectl.describe.base import Subject
from minik8s.kubectl.describe.table import describe_object

__all__ = ["Subject", "describe_object"]
