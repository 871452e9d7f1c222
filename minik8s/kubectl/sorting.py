"""`--sort-by`: objects and table rows in the order of one of their fields."""

from __future__ import annotations

from typing import Any, TypeVar

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gosort import sorted_places
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.govalue import go_type
from minik8s.kubectl.jsonpath import JSONPath, JSONPathError, relaxed
from minik8s.model.metadata import Document
from minik8s.model.workloads import quantity

T = TypeVar("T")


class Unsortable(Exception):
    """Values that have no order."""


class Unsorted(Exception):
    """The end of the program at values that have no order; the text is what its log says."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text)
        self.place = place


def sort_objects(items: list[Document], field: str) -> list[Document]:
    """Objects in the order of a field; raises Failure when none has it, Unsorted."""
    what = ("*unstructured.Unstructured", "sorter.go:329")
    return _sorted(items, items, _complete(field), what) if items else items


def sort_rows(rows: list[Document], field: str) -> list[Document]:
    """Table rows in the order of a field of their objects; raises Failure, Unsorted."""
    try:
        path = relaxed(field)
    except JSONPathError:
        path = field
    what = ("[][][]reflect.Value", "sorter.go:375")
    return _sorted(rows, [row.get("object") or {} for row in rows], path, what)


def _complete(field: str) -> str:
    try:
        return relaxed(field)
    except JSONPathError as error:
        raise Failure(str(error)) from None


def _sorted(items: list[T], documents: list[Document], path: str, what: tuple[str, str]) -> list[T]:
    try:
        parsed = JSONPath(path)
        found = [parsed.find(document) for document in documents]
    except JSONPathError as error:
        raise Failure(f"sorting error: {error}") from None
    keys = [values[0] if values else [] for values in found]
    if items and not any(keys):
        raise Failure(f"couldn't find any field with path {quote(path)} in the list of objects")

    def less(left: int, right: int) -> bool:
        if not keys[left]:
            return True
        if not keys[right]:
            return False
        try:
            return is_less(keys[left][0], keys[right][0])
        except Unsortable as error:
            go, place = what
            raise Unsorted(
                f"Field {path} in {go} is an unsortable type: interface, err: {error}", place
            ) from None

    return [items[place] for place in sorted_places(len(items), less)]


def is_less(left: Any, right: Any) -> bool:
    """Whether one JSON value comes before another; raises Unsortable."""
    if left is None or right is None:
        return left is None and right is not None
    if isinstance(left, bool | dict | list):
        raise Unsortable(f"unsortable type: {go_type(left)}")
    if go_type(left) != go_type(right):
        raise Unsortable("unsortable interface: interface")
    if not isinstance(left, str):
        return bool(left < right)
    try:
        return quantity(left) < quantity(right)
    except ValueError:
        return bool(left < right)
