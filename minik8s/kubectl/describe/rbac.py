"""Roles and their bindings, described."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from minik8s.kubectl.describe.base import Subject, about
from minik8s.kubectl.describe.writer import Writer
from minik8s.model.metadata import Document

_HEADS = ("Resources", "Non-Resource URLs", "Resource Names", "Verbs")
_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")


def role(subject: Subject, out: Writer) -> None:
    """A Role or ClusterRole, one line for each resource."""
    out.line(0, "Name:", subject.name)
    about(subject, out)
    out.line(0, "PolicyRule:")
    out.line(1, *_HEADS)
    out.line(1, *("-" * len(head) for head in _HEADS))
    for rule in compact(subject.object.get("rules") or []):
        out.line(
            1,
            _resource(rule),
            _words(rule, "nonResourceURLs"),
            _words(rule, "resourceNames"),
            _words(rule, "verbs"),
        )


def _words(rule: Document, field: str) -> str:
    return f"[{' '.join(rule.get(field) or ())}]"


def _resource(rule: Document) -> str:
    if not rule.get("resources"):
        return ""
    name, slash, sub = rule["resources"][0].partition("/")
    group = (rule.get("apiGroups") or [""])[0]
    return f"{name}.{group}{slash}{sub}" if group else f"{name}{slash}{sub}"


def compact(rules: list[Document]) -> list[Document]:
    """Rules broken into single resources, those of one resource joined, in kubectl's order."""
    found: dict[tuple[str, ...], Document] = {}
    others: list[Document] = []
    for rule in rules:
        for part in _broken(rule):
            if part.get("nonResourceURLs"):
                others.append(part)
                continue
            key = (part["apiGroups"][0], part["resources"][0], *part.get("resourceNames", ()))
            known = found.setdefault(key, {**part, "verbs": []})
            known["verbs"] += part["verbs"]
    return sorted([*others, *found.values()], key=_order)


def _broken(rule: Document) -> Iterator[Document]:
    names = rule.get("resourceNames") or [None]
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    for group, resource, verb, name in product(groups, resources, rule.get("verbs") or (), names):
        part: Document = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        if name is not None:
            part["resourceNames"] = [name]
        yield part
    for url, verb in product(rule.get("nonResourceURLs") or (), rule.get("verbs") or ()):
        yield {"nonResourceURLs": [url], "verbs": [verb]}


def _order(rule: Document) -> str:
    return ",".join(f"{field}:{_words(rule, field)}" for field in _FIELDS)


def role_binding(subject: Subject, out: Writer) -> None:
    """A RoleBinding or ClusterRoleBinding."""
    reference = subject.object.get("roleRef") or {}
    out.line(0, "Name:", subject.name)
    about(subject, out)
    out.line(0, "Role:")
    out.line(1, "Kind:", reference.get("kind", ""))
    out.line(1, "Name:", reference.get("name", ""))
    out.line(0, "Subjects:")
    out.line(1, "Kind", "Name", "Namespace")
    out.line(1, "----", "----", "---------")
    for each in subject.object.get("subjects") or ():
        out.line(1, each.get("kind", ""), each.get("name", ""), each.get("namespace", ""))
