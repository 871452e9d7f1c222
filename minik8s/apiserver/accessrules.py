"""Rules of roles, as values: what one rule allows, and which rules cover which.

Vocabulary: a *rule* (rbac/v1 PolicyRule) names verbs on resources or on paths; a *simple rule*
is one of the smallest parts that a rule breaks down into. Nothing here knows who has a rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

from minik8s.model.metadata import Document

EVERYTHING = "*"

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; an empty `names` means every name."""

    verbs: Words = ()
    groups: Words = ()
    resources: Words = ()
    names: Words = ()
    paths: Words = ()

    @classmethod
    def of(cls, document: Document) -> Rule:
        """Read a rule of a stored role."""
        return cls(
            _words(document.get("verbs")),
            _words(document.get("apiGroups")),
            _words(document.get("resources")),
            _words(document.get("resourceNames")),
            _words(document.get("nonResourceURLs")),
        )

    def allows_resource(self, verb: str, group: str, resource: str, subresource: str) -> bool:
        """Whether a verb is allowed on a resource, some names of it at least.

        >>> Rule(("get",), ("",), ("*/log",)).allows_resource("get", "", "pods", "log")
        True
        """
        return (
            _has(self.verbs, verb)
            and _has(self.groups, group)
            and self._names_resource(resource, subresource)
        )

    def _names_resource(self, resource: str, subresource: str) -> bool:
        if not subresource:
            return _has(self.resources, resource)
        return (
            _has(self.resources, f"{resource}/{subresource}")
            or f"*/{subresource}" in self.resources
        )

    def allows_path(self, verb: str, path: str) -> bool:
        """Whether a verb is allowed on a path that is no resource.

        >>> Rule(("get",), paths=("/healthz/*",)).allows_path("get", "/healthz/etcd")
        True
        """
        return _has(self.verbs, verb) and any(_path_covers(own, path) for own in self.paths)

    def simple(self) -> Iterator[Rule]:
        """The smallest parts of the rule."""
        names: list[Words] = [(name,) for name in self.names] or [()]
        for group, resource, verb, name in product(self.groups, self.resources, self.verbs, names):
            yield Rule((verb,), (group,), (resource,), name)
        for path, verb in product(self.paths, self.verbs):
            yield Rule((verb,), paths=(path,))

    def covers(self, part: Rule) -> bool:
        """Whether the rule allows all that a simple rule allows."""
        return (
            _has_all(self.verbs, part.verbs)
            and _has_all(self.groups, part.groups)
            and self._covers_resources(part.resources)
            and (not self.names or (bool(part.names) and _within(part.names, self.names)))
            and all(any(_path_covers(own, path) for own in self.paths) for path in part.paths)
        )

    def _covers_resources(self, parts: Words) -> bool:
        if EVERYTHING in self.resources or _within(parts, self.resources):
            return True
        return bool(parts) and all(
            "/" in part and f"*/{part.partition('/')[2]}" in self.resources for part in parts
        )

    def __str__(self) -> str:
        """The rule as messages show it.

        >>> print(Rule(("get", "list"), ("",), ("pods",)))
        {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}
        """
        parts = (
            ("APIGroups", self.groups),
            ("Resources", self.resources),
            ("NonResourceURLs", self.paths),
            ("ResourceNames", self.names),
            ("Verbs", self.verbs),
        )
        return "{" + ", ".join(f"{name}:{quoted(words)}" for name, words in parts if words) + "}"


def quoted(words: Iterable[str]) -> str:
    """A list of words as Go's %q prints it: `["a" "b"]`."""
    return "[" + " ".join(json.dumps(word, ensure_ascii=False) for word in words) + "]"


def rules_of(document: Document) -> tuple[Rule, ...]:
    """The rules of a Role or ClusterRole."""
    return tuple(Rule.of(rule) for rule in document.get("rules") or ())


def uncovered(owned: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The simple parts of the wanted rules that no owned rule covers."""
    owned = tuple(owned)
    parts = (part for rule in wanted for part in rule.simple())
    return [part for part in parts if not any(rule.covers(part) for rule in owned)]


def compacted(rules: Iterable[Rule]) -> list[Rule]:
    """Rules on the same single resource joined into one with all their verbs."""
    others: list[Rule] = []
    joined: dict[tuple[Words, Words, Words], Rule] = {}
    for rule in rules:
        if rule.paths or (len(rule.groups), len(rule.resources)) != (1, 1) or len(rule.names) > 1:
            others.append(rule)
            continue
        key = (rule.groups, rule.resources, rule.names)
        before = joined.get(key)
        if before is not None:
            verbs = tuple(dict.fromkeys((*before.verbs, *rule.verbs)))
            rule = Rule(verbs, rule.groups, rule.resources, rule.names)
        joined[key] = rule
    return others + list(joined.values())


def _words(value: Any) -> Words:
    return tuple(value or ())


def _has(words: Words, word: str) -> bool:
    return word in words or EVERYTHING in words


def _within(part: Words, whole: Words) -> bool:
    return all(word in whole for word in part)


def _has_all(whole: Words, part: Words) -> bool:
    return EVERYTHING in whole or _within(part, whole)


def _path_covers(own: str, path: str) -> bool:
    if own in (EVERYTHING, path):
        return True
    return own.endswith(EVERYTHING) and path.startswith(own.rstrip(EVERYTHING))
