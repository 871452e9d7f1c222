"""Objects of any kind, described from their JSON alone: custom resources, for example."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from minik8s.kubectl.describe.base import Subject, about
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.govalue import go_value

_SKIPPED = (
    ".metadata.managedFields",
    ".metadata.name",
    ".metadata.namespace",
    ".metadata.labels",
    ".metadata.annotations",
)
_ACRONYMS = ("API", "URL", "UID", "GUID")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|-+")


def any_object(subject: Subject, out: Writer) -> None:
    """Every field of an object, level by level."""
    out.line(0, "Name:", subject.name)
    out.line(0, "Namespace:", subject.namespace)
    about(subject, out)
    _content(out, 0, subject.object, "")
    object_events(subject, out)


def _content(out: Writer, level: int, content: Mapping[str, Any], path: str) -> None:
    for field in sorted(content):
        value, place = content[field], f"{path}.{field}"
        if place in _SKIPPED:
            continue
        if isinstance(value, Mapping):
            out.line(level, f"{title_of(field)}:")
            _content(out, level + 1, value, place)
        elif isinstance(value, list):
            out.line(level, f"{title_of(field)}:")
            for child in value:
                if isinstance(child, Mapping):
                    _content(out, level + 1, child, place)
                else:
                    out.line(level + 1, go_value(child))
        else:
            out.line(level, f"{title_of(field)}:", go_value(value))


def title_of(field: str) -> str:
    """A field's name in words; a name with other characters than letters stays.

    >>> title_of("creationTimestamp"), title_of("apiVersion"), title_of("a.b/c")
    ('Creation Timestamp', 'API Version', 'a.b/c')
    """
    if not all(char.isalpha() or char == "-" for char in field):
        return field
    return " ".join(_titled(word) for word in _joined(_WORD.findall(field)))


def _joined(words: list[str]) -> Iterator[str]:
    """Words in which capitals keep the capitalised word that follows: `HTTP` and `Port`."""
    place = 0
    while place < len(words):
        word = words[place]
        following = words[place + 1] if place + 1 < len(words) else ""
        if len(word) >= 2 and word == word.upper() and following[:1].isupper():
            word += following
            place += 1
        yield word
        place += 1


def _titled(word: str) -> str:
    if word.upper() in _ACRONYMS:
        return word.upper()
    return word.title() if word.islower() else word
