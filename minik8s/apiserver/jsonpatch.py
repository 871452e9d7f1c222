"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386) over JSON values.

Nothing is changed in place: what comes out shares with what went in all that a patch does
not touch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value."""

MAX_OPERATIONS = 10_000

COPY_LIMIT = 3 * 1024 * 1024
"""How many bytes of JSON the `copy` operations of one patch may add up to."""


class PatchError(ValueError):
    """A patch that is malformed, or does not fit the document."""


def merge_patch(target: Json, patch: Json) -> Json:
    """The target with a merge patch applied (RFC 7386, section 2).

    >>> merge_patch({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(document: Json, operations: Sequence[Json]) -> Json:
    """The document with the operations applied in order; raises PatchError (RFC 6902).

    >>> json_patch({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}])
    {'a': [1, 2, 3]}
    """
    copied = 0
    for operation in operations:
        if isinstance(operation, dict) and operation.get("op") == "copy":
            copied += _size(document, operation)
            if copied > COPY_LIMIT:
                raise PatchError(f"copy operations add up to more than {COPY_LIMIT} bytes")
        document = _apply(document, operation)
    return document


def _size(document: Json, operation: dict[str, Json]) -> int:
    return len(json.dumps(_get(document, _pointer(operation, "from"))))


def _apply(document: Json, operation: Json) -> Json:
    if not isinstance(operation, dict):
        raise PatchError("an operation is not an object")
    path = _pointer(operation, "path")
    match operation.get("op"):
        case "add":
            return _add(document, path, _value(operation))
        case "remove":
            return _remove(document, path)
        case "replace":
            _get(document, path)
            return _put(document, path, _value(operation))
        case "move":
            return _move(document, _pointer(operation, "from"), path)
        case "copy":
            return _add(document, path, _get(document, _pointer(operation, "from")))
        case "test":
            return _test(document, path, operation)
        case other:
            raise PatchError(f"unexpected kind: {other}")


def _pointer(operation: dict[str, Json], field: str) -> list[str]:
    """The reference tokens of a JSON pointer (RFC 6901)."""
    text = operation.get(field)
    if not isinstance(text, str):
        raise PatchError(f"the operation has no {field}")
    if text == "":
        return []
    if not text.startswith("/"):
        raise PatchError(f"the pointer {text} does not begin with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _value(operation: dict[str, Json]) -> Json:
    if "value" not in operation:
        raise PatchError("the operation has no value")
    return operation["value"]


def _get(document: Json, path: Sequence[str]) -> Json:
    for token in path:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list):
            document = document[_index(token, len(document) - 1)]
        else:
            raise PatchError(f"the path /{'/'.join(path)} does not exist")
    return document


def _index(token: str, last: int) -> int:
    if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == "0"):
        raise PatchError(f"{token} is no index of an array")
    if len(token) > 10 or int(token) > last:
        raise PatchError(f"the index {token} is out of bounds")
    return int(token)


def _add(document: Json, path: Sequence[str], value: Json) -> Json:
    if not path:
        return value
    *parents, token = path
    container = _get(document, parents)
    if isinstance(container, dict):
        return _put(document, parents, {**container, token: value})
    if isinstance(container, list):
        index = len(container) if token == "-" else _index(token, len(container))
        return _put(document, parents, [*container[:index], value, *container[index:]])
    raise PatchError(f"the path /{'/'.join(path)} does not exist")


def _remove(document: Json, path: Sequence[str]) -> Json:
    if not path:
        raise PatchError("the whole document cannot be removed")
    _get(document, path)
    *parents, token = path
    container = _get(document, parents)
    if isinstance(container, dict):
        return _put(document, parents, {k: v for k, v in container.items() if k != token})
    index = int(token)
    return _put(document, parents, [*container[:index], *container[index + 1 :]])


def _put(document: Json, path: Sequence[str], value: Json) -> Json:
    """The document with the value at a path that exists already."""
    if not path:
        return value
    token, *rest = path
    if isinstance(document, dict):
        return {**document, token: _put(document[token], rest, value)}
    index = int(token)
    return [*document[:index], _put(document[index], rest, value), *document[index + 1 :]]


def _move(document: Json, source: list[str], path: list[str]) -> Json:
    if path[: len(source)] == source and len(path) > len(source):
        raise PatchError("a value cannot be moved into one of its children")
    value = _get(document, source)
    return _add(_remove(document, source), path, value) if source else value


def _test(document: Json, path: Sequence[str], operation: dict[str, Json]) -> Json:
    if not same_json(_get(document, path), _value(operation)):
        raise PatchError(f"testing value /{'/'.join(path)} failed")
    return document


def same_json(left: Json, right: Json) -> bool:
    """Whether two JSON values are equal; unlike Python's ==, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right)
