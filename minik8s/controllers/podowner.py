"""A controller that owns pods directly, by an object of one kind."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.controllers.base import NOTHING, Context, Controller, Key, controller_key, key_of
from minik8s.controllers.events import Source
from minik8s.controllers.pods import PodMaker
from minik8s.model.metadata import uid_of
from minik8s.model.registry import POD
from minik8s.store import StoreEvent


class PodOwner(Controller):
    """Its keys are objects of the kind that `owns` names; it makes their pods."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.pods = PodMaker(context.store, context.ids)
        self.source = Source(self.name)

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """An owner that changed, or the owner of a pod."""
        if event.kind == POD:
            key = controller_key(event.object, self.owns) if self.owns else None
            return (key,) if key else NOTHING
        if event.type == "DELETED":
            self.pods.forget(uid_of(event.object))
            return NOTHING
        return (key_of(event.object),)
