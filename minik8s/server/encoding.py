"""JSON bytes of answers. A stored document never changes, so its bytes are kept for a while."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from minik8s.model.metadata import Document

try:
    from orjson import dumps as _fast
except ImportError:  # a faster encoder, not a needed one
    _fast = None  # type: ignore[assignment]

CACHE_BYTES = 8 * 1024 * 1024


def encode(value: Any) -> bytes:
    """A JSON value as UTF-8 bytes."""
    if _fast is not None:
        try:
            return _fast(value)
        except TypeError:  # integers beyond 64 bits, lone surrogates
            pass
    return json.dumps(value, separators=(",", ":")).encode("utf-8", errors="surrogatepass")


class Encoder:
    """Encodes documents, remembering those that were asked for last.

    The key is the document's identity: the cache holds the document, so that no other can
    take its place in memory.
    """

    __slots__ = ("_kept", "_limit", "_size")

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._kept: OrderedDict[int, tuple[Document, bytes]] = OrderedDict()
        self._limit = limit
        self._size = 0

    def document(self, document: Document) -> bytes:
        """A stored document, or one that nobody will change any more."""
        key = id(document)
        found = self._kept.get(key)
        if found is not None:
            return found[1]
        data = encode(document)
        self._kept[key] = (document, data)
        self._size += len(data)
        while self._size > self._limit:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size -= len(dropped)
        return data

    def event(self, event: Document) -> bytes:
        """One line of a watch."""
        return b'{"type":"%s","object":%s}\n' % (
            event["type"].encode(),
            self.document(event["object"]),
        )
