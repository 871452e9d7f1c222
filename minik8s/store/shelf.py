"""Where the documents of one kind lie, in order, with the log of their writes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

EventType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]


class StoreEvent(NamedTuple):
    """One write: the object after it, and what it replaced.

    The object of a DELETED event is the last state, with the resourceVersion of the deletion.
    """

    type: EventType
    kind: Kind
    object: Document
    previous: Document | None
    resource_version: int


class Shelf:
    """The objects of one kind, and the events that made them."""

    __slots__ = ("compacted", "log", "namespaces", "order")

    def __init__(self) -> None:
        self.namespaces: dict[str, Drawer] = {}
        self.order: list[str] = []  # namespaces with a trailing slash, as etcd's keys sort
        self.log: deque[StoreEvent] = deque()
        self.compacted = 0

    def drawer(self, namespace: str) -> Drawer:
        """The objects of one namespace, made if need be."""
        drawer = self.namespaces.get(namespace)
        if drawer is None:
            drawer = self.namespaces[namespace] = Drawer()
            insort(self.order, namespace + "/")
        return drawer

    def drop(self, namespace: str) -> None:
        """Forget a namespace without objects."""
        del self.namespaces[namespace]
        del self.order[bisect_left(self.order, namespace + "/")]

    def drawers(self) -> Iterator[Drawer]:
        """The objects of all namespaces, in order."""
        for key in self.order:
            yield self.namespaces[key[:-1]]


class Drawer:
    """The objects of one kind in one namespace.

    They are put in order when somebody lists them: a namespace gets four Events with each pod,
    and to find the place of each among forty thousand takes longer than to store it.
    """

    __slots__ = ("_names", "objects")

    def __init__(self) -> None:
        self.objects: dict[str, Document] = {}
        self._names: list[str] | None = None

    def put(self, name: str, document: Document) -> None:
        """Store an object, new or in the place of another."""
        if name not in self.objects:
            self._names = None
        self.objects[name] = document

    def remove(self, name: str) -> None:
        """Remove an object."""
        del self.objects[name]
        self._names = None

    def documents(self) -> list[Document]:
        """The objects in order of their names."""
        objects = self.objects
        if self._names is None:
            self._names = sorted(objects)
        return [objects[name] for name in self._names]
