"""Who may do what, decided slowly and plainly from the documents: an oracle for the tests.

Written from the API documentation of rbac.authorization.k8s.io/v1: every rule of every binding
is looked at for every question.
"""

from __future__ import annotations

from typing import Any

from minik8s.apiserver import User
from minik8s.apiserver.access import Attributes


def allowed(documents: list[dict[str, Any]], wanted: Attributes) -> bool:
    """Whether the documents allow it."""
    if "system:masters" in wanted.user.groups:
        return True
    for binding in documents:
        home = binding["metadata"].get("namespace", "")
        if binding["kind"] == "ClusterRoleBinding":
            pass
        elif binding["kind"] != "RoleBinding" or not wanted.namespace or home != wanted.namespace:
            continue
        if not any(_is(s, wanted.user, home) for s in binding.get("subjects") or []):
            continue
        reference = binding["roleRef"]
        for role in documents:
            if role["kind"] != reference["kind"] or role["metadata"]["name"] != reference["name"]:
                continue
            if role["kind"] == "Role" and role["metadata"]["namespace"] != home:
                continue
            if any(_rule_allows(rule, wanted) for rule in role.get("rules") or []):
                return True
    return False


def _is(subject: dict[str, Any], user: User, home: str) -> bool:
    if subject["kind"] == "User":
        return subject["name"] == user.name
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    namespace = subject.get("namespace") or home
    return user.name == f"system:serviceaccount:{namespace}:{subject['name']}"


def _rule_allows(rule: dict[str, Any], wanted: Attributes) -> bool:
    if not {"*", wanted.verb} & set(rule["verbs"]):
        return False
    if wanted.path:
        return any(_covers(url, wanted.path) for url in rule.get("nonResourceURLs") or [])
    if not {"*", wanted.group} & set(rule.get("apiGroups") or []):
        return False
    full = wanted.resource + (f"/{wanted.subresource}" if wanted.subresource else "")
    accepted = {"*", full} | ({f"*/{wanted.subresource}"} if wanted.subresource else set())
    if not accepted & set(rule.get("resources") or []):
        return False
    names = rule.get("resourceNames") or []
    return not names or wanted.name in names


def _covers(url: str, path: str) -> bool:
    return url == path or (url.endswith("*") and path.startswith(url[:-1]))
