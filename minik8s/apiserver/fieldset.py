"""Sets of fields, as `metadata.managedFields` writes them (FieldsV1), and their algebra.

A set is a tree of path elements: `f:NAME` a field or map key, `k:{...}` the entry of a keyed
list, `v:...` a value of a list that is a set. A node is a *member* if it is empty, or has the
child `.`; the other nodes only lead to members. An empty root is the empty set.
(sigs.k8s.io/structured-merge-diff/fieldpath.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]
"""A node of the tree: path elements to nodes, perhaps with the mark `.`."""

MARK = "."
LEAF: Node = {}
"""A member without children; one for all, as sets are never changed."""


_WORDS = ("f:", "k:", "v:", "i:")


def is_set(written: Any) -> bool:
    """Whether a JSON value is a set: objects all the way down, by names that mean something."""
    nodes = [written]
    while nodes:
        node = nodes.pop()
        if not isinstance(node, dict):
            return False
        for element, child in node.items():
            if element != MARK and not _is_element(element):
                return False
            nodes.append(child)
    return True


def _is_element(element: str) -> bool:
    if not element.startswith("k:"):
        return element.startswith(_WORDS)
    try:
        return isinstance(json.loads(element[2:]), dict)
    except ValueError:
        return False


def is_member(node: Node) -> bool:
    """Whether the path to a node (not the root) belongs to the set."""
    return not node or MARK in node


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """The elements below a node."""
    for element, child in node.items():
        if element != MARK:
            yield element, child


def make(member: bool, below: Node) -> Node | None:
    """A node that is a member or leads to some; None if it is neither."""
    if not below:
        return {} if member else None
    return {MARK: {}, **below} if member else below


def marked(node: Node) -> Node:
    """The node as a member."""
    return {MARK: {}, **node} if node and MARK not in node else node


def union(left: Node, right: Node) -> Node:
    """The members of either set.

    >>> union({"f:a": {}}, {"f:a": {"f:b": {}}})
    {'f:a': {'.': {}, 'f:b': {}}}
    """
    if not left or not right:
        return left or right
    joined = dict(left)
    for element, node in right.items():
        if element == MARK:
            joined[MARK] = {}
        else:
            joined[element] = _join(left[element], node) if element in left else node
    return joined


def _join(left: Node, right: Node) -> Node:
    member = is_member(left) or is_member(right)
    below = union(dict(children(left)), dict(children(right)))
    return make(member, below) or {}


def difference(left: Node, right: Node) -> Node:
    """The members of the left set that are not members of the right.

    >>> difference({"f:a": {".": {}, "f:b": {}}}, {"f:a": {"f:b": {}}})
    {'f:a': {}}
    """
    return _combine(left, right, lambda mine, other: mine and not other)


def intersection(left: Node, right: Node) -> Node:
    """The members of both sets."""
    shared = {element: node for element, node in left.items() if element in right}
    return _combine(shared, right, lambda mine, other: mine and other)


def _combine(left: Node, right: Node, keeps: Any) -> Node:
    result: Node = {}
    for element, node in children(left):
        other = right.get(element)
        member = keeps(is_member(node), other is not None and is_member(other))
        if other is None:
            below = _combine(dict(children(node)), {}, keeps)
        else:
            below = _combine(dict(children(node)), dict(children(other)), keeps)
        kept = make(member, below)
        if kept is not None:
            result[element] = kept
    return result


def paths(node: Node, prefix: str = "") -> Iterator[str]:
    """The members as people read them, in order: `.spec.containers[name="a"].image`.

    >>> list(paths({"f:spec": {'k:{"name":"a"}': {"f:image": {}}, "f:replicas": {}}}))
    ['.spec.replicas', '.spec[name="a"].image']
    """
    for element in sorted(element for element, _ in children(node)):
        path = prefix + shown(element)
        if is_member(node[element]):
            yield path
        yield from paths(node[element], path)


def shown(element: str) -> str:
    """One element as it stands in a path."""
    kind, _, text = element.partition(":")
    if kind == "f":
        return f".{text}"
    if kind == "v":
        return f"[={text}]"
    if kind == "k":
        keys = json.loads(text)
        inside = ",".join(f"{key}={json.dumps(keys[key])}" for key in sorted(keys))
        return f"[{inside}]"
    return f"[{text}]"


@lru_cache(maxsize=4096)
def field(name: str) -> str:
    """The element of a field or a map key; one string for all that hold it."""
    return f"f:{name}"


def value(item: Any) -> str:
    """The element of a value in a set."""
    return f"v:{json.dumps(item, separators=(',', ':'))}"


_KEYS = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def key(values: dict[str, Any]) -> str:
    """The element of an entry in a keyed list."""
    return f"k:{_KEYS.encode(values)}"
