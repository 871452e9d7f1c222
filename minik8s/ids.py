"""Names and identifiers that look random and are not: all come from one seed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names (k8s.io/apimachinery/pkg/util/rand)."""


_UUID_VERSION = 0x4 << 76 | 0b10 << 62
"""The version (4) and the variant (RFC 9562) within a UUID's 128 bits."""

_UUID_MASK = ~(0xF << 76 | 0b11 << 62)


class Ids:
    """A seeded source for each purpose, so that one purpose never shifts another.

    >>> Ids(seed=1).suffix("pods") == Ids(seed=1).suffix("pods")
    True
    """

    __slots__ = ("_streams", "seed")

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._streams: dict[str, Random] = {}

    def stream(self, purpose: str) -> Random:
        """The random source of one purpose (`pods`, `uids`, `ports`, ...)."""
        stream = self._streams.get(purpose)
        if stream is None:
            stream = self._streams[purpose] = Random(f"{self.seed}/{purpose}")
        return stream

    def uid(self) -> str:
        """A version 4 UUID, as `metadata.uid` holds it."""
        bits = self.stream("uids").getrandbits(128) & _UUID_MASK | _UUID_VERSION
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, purpose: str, length: int = 5) -> str:
        """The random end of a generated name, `kx4sz` for example."""
        choose = self.stream(purpose).choice
        return "".join([choose(SUFFIX_ALPHABET) for _ in range(length)])


def template_hash(template: Any) -> str:
    """The `pod-template-hash` of a pod template: FNV-1a, written in the suffix alphabet.

    Equal templates get equal hashes. The digits differ from a real cluster's, which hashes
    Go's own dump of the struct (pkg/util/hash.DeepHashObject).
    """
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return "".join(SUFFIX_ALPHABET[ord(digit) % len(SUFFIX_ALPHABET)] for digit in str(value))
